"""In: p, how near points are to each other. Out: it as circuits take it, and what these make of it.

Each p_ij is a spring that pulls two points together: few for every point, `Pieces`, or one between
any two, `Pairs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_array

from pullback.core.unit import Unit
from pullback.models.tsne import (
    attraction,
    attraction_of_all,
    cross_entropy,
    cross_entropy_of_all,
)

LENGTH = 16  # of a piece: shorter ones are more, longer ones emptier
Wires = Mapping[str, Unit]


class Springs(Protocol):
    """Springs between points y (d, M) and others (d, N), which may be the same."""

    @property
    def data(self) -> Mapping[str, np.ndarray]:
        """The arrays of which a circuit takes wires, by name."""
        ...

    def attraction(self, y: Unit, others: Unit, wires: Wires) -> Unit:
        """The sum of p_ij * q_ij * (y_i - y_j) over j, (d, M)."""
        ...

    def cross_entropy(self, y: Unit, others: Unit, wires: Wires) -> Unit:
        """-sum of p_ij * log(q_ij), one number in double precision."""
        ...


@dataclass(frozen=True, eq=False)
class Pieces:
    """Springs to the neighbours of each point, in pieces of one length: see `models.tsne`."""

    p: np.ndarray  # (pieces, length) float32, zeros where a piece is not full
    neighbours: np.ndarray  # (pieces, length) int64
    points: np.ndarray  # (pieces,) int64

    @classmethod
    def of(cls, p: csr_array, length: int = LENGTH) -> Pieces:
        """The rows of p, (M, N), cut up; those without neighbours have no piece.

        >>> pieces = Pieces.of(csr_array([[0.0, 0.1, 0.2, 0.3], [0.4, 0.0, 0.0, 0.0]]), 2)
        >>> pieces.neighbours.tolist(), pieces.points.tolist()
        ([[1, 2], [3, 0], [0, 0]], [0, 0, 1])
        """
        counts = np.diff(p.indptr)
        pieces = -(-counts // length)
        points = np.repeat(np.arange(len(counts)), pieces)
        starts = (np.cumsum(pieces) - pieces) * length  # of each row, when all pieces lie in a line
        begins: np.ndarray = p.indptr[:-1]
        at = np.arange(p.nnz) + np.repeat(starts - begins, counts)
        weights = np.zeros(len(points) * length, np.float32)
        neighbours = np.zeros(len(points) * length, np.int64)
        weights[at], neighbours[at] = p.data, p.indices
        shape = len(points), length
        return cls(weights.reshape(shape), neighbours.reshape(shape), points)

    @property
    def data(self) -> Mapping[str, np.ndarray]:
        return vars(self)

    def attraction(self, y: Unit, others: Unit, wires: Wires) -> Unit:
        return attraction(y, others, **wires)

    def cross_entropy(self, y: Unit, others: Unit, wires: Wires) -> Unit:
        return cross_entropy(y, others, **wires)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Springs between all points of a map, which have no others."""

    p: np.ndarray  # (N, N) float32

    @classmethod
    def of(cls, p: csr_array) -> Pairs:
        """Those of p, (N, N)."""
        return cls(p.toarray().astype(np.float32))

    @property
    def data(self) -> Mapping[str, np.ndarray]:
        return vars(self)

    def attraction(self, y: Unit, others: Unit, wires: Wires) -> Unit:
        return attraction_of_all(y, wires["p"])

    def cross_entropy(self, y: Unit, others: Unit, wires: Wires) -> Unit:
        return cross_entropy_of_all(y, wires["p"])


def attraction_of(springs: Springs, y: np.ndarray) -> np.ndarray:
    """The sum of p_ij * q_ij * (y_i - y_j) over j, (d, N), in a map y (d, N).

    >>> p = csr_array([[0.0, 0.5], [0.5, 0.0]])
    >>> attraction_of(Pieces.of(p), np.array([[0.0, 1.0]], np.float32))
    array([[-0.25,  0.25]], dtype=float32)
    """
    points = Unit(y, "y")
    wires = {name: Unit(x, name) for name, x in springs.data.items()}
    return np.asarray(springs.attraction(points, points, wires).value)
