"""Data to train on by name: built in, or a file of a person's own."""

from pullback.datasets.builtin import DATASETS
from pullback.datasets.load import load_dataset

__all__ = ["DATASETS", "load_dataset"]
