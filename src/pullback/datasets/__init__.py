"""Data to train on by name: built in, published, or a file or folder of a person's own."""

from pullback.datasets.builtin import DATASETS
from pullback.datasets.load import load_dataset, load_table

__all__ = ["DATASETS", "load_dataset", "load_table"]
