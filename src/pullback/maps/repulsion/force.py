"""In: points of a map, (d, N). Out: a `Repulsion`; and what every way of finding one is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Repulsion:
    """How points push each other away, with q_ij = 1 / (1 + |y_i - y_j|**2).

    `sums` (M,) float64 has the sum of q_ij over the sources j, but for i itself where it is one.
    `forces` (d, M) float32 has the sum of q_ij**2 * (y_i - y_j).
    """

    sums: np.ndarray
    forces: np.ndarray

    @property
    def z(self) -> float:
        """The sum of q over all pairs, in double precision: what makes probabilities of them."""
        return float(self.sums.sum())


class Repel(Protocol):
    """A way to find the repulsion."""

    def __call__(self, y: np.ndarray) -> Repulsion:
        """That of points y (d, N) on each other."""
        ...

    def on(self, targets: np.ndarray, sources: np.ndarray) -> Repulsion:
        """That of sources (d, N) on targets (d, M) that are none of them."""
        ...
