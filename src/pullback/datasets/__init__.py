"""Data to train on: built in, by name, or a table of a person's own."""

from pullback.datasets.builtin import DATASETS
from pullback.datasets.column import KINDS, Column
from pullback.datasets.dataset import Dataset
from pullback.datasets.load import load_dataset
from pullback.datasets.options import ReadOptions
from pullback.datasets.prepare import Feature, Preparation
from pullback.datasets.read import Table, read_table
from pullback.datasets.table import TableDataset
from pullback.datasets.target import TASKS, Target

__all__ = [
    "DATASETS",
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
    "load_dataset",
    "read_table",
]
