"""Data to train on, by name."""

from pullback.datasets.dataset import DATASETS, Dataset, load_dataset

__all__ = ["DATASETS", "Dataset", "load_dataset"]
