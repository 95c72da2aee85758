"""In: points, (N, features), and a metric. Out: the k nearest of each other one, and how far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Neighbours:
    """The nearest of each point, itself left out: their numbers and distances, (N, k)."""

    indices: np.ndarray
    distances: np.ndarray


def nearest(x: Any, k: int, metric: Any = "euclidean", threads: int | None = None) -> Neighbours:
    """The k nearest of each point, exactly, by scikit-learn.

    Shapes: x (N, features), or distances (N, N) where the metric is "precomputed".

    >>> nearest(np.array([[0.0], [1.0], [3.0]]), 1).indices.T
    array([[1, 0, 1]])
    """
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=k, metric=metric, n_jobs=threads, algorithm="brute")
    distances, indices = index.fit(x).kneighbors()
    return Neighbours(indices, distances)
