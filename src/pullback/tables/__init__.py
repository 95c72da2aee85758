"""Tables: read, understood column by column, prepared, and studied: what a model learns of them."""

from pullback.tables.column import KINDS, Column
from pullback.tables.dataset import Dataset
from pullback.tables.options import ReadOptions
from pullback.tables.prepare import Feature, Preparation
from pullback.tables.read import Table, read_table
from pullback.tables.table import TableDataset
from pullback.tables.target import TASKS, Target

__all__ = [
    "KINDS",
    "TASKS",
    "Column",
    "Dataset",
    "Feature",
    "Preparation",
    "ReadOptions",
    "Table",
    "TableDataset",
    "Target",
    "read_table",
]
