"""In: a map and its springs. Out: what pulls at one of its points, by whom, and how strongly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from pullback.figures import refuse_without_matplotlib
from pullback.maps.repulsion.exact import Exact

if TYPE_CHECKING:
    from pullback.figures.sheet import Sheet


@dataclass(frozen=True, eq=False)
class Pulls:
    """What pulls at a point of a map: minus the gradient of the cost, by where it comes from.

    The gradient of KL(P || Q) by y_i is 4 * (sum_j p_ij q_ij (y_i - y_j) - sum_j q_ij**2 (y_i -
    y_j) / z). `each` (k, d) are the parts of its first sum, a neighbour a row, the strongest first,
    `neighbours` (k,) who these are and `p` (k,) how near they are in the data. `attraction` (d,) is
    all of them together, and `repulsion` (d,) what all points of the map push with. In a map that
    has come to rest they are opposite and equal.
    """

    point: int
    positions: np.ndarray  # (N, d), of the whole map
    neighbours: np.ndarray
    p: np.ndarray
    each: np.ndarray
    attraction: np.ndarray
    repulsion: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Where the point would go, (d,)."""
        return self.attraction + self.repulsion

    def __repr__(self) -> str:
        lines = [f"what pulls at point {self.point}, as a step of length 1 down the cost:"]
        parts = {
            f"{len(self.neighbours)} neighbours": self.attraction,
            "all others": self.repulsion,
            "together": self.total,
        }
        lines += [f"  {_vector(v)}  {who}" for who, v in parts.items()]
        for j, v in zip(self.neighbours[:_MOST], self.each, strict=False):
            lines.append(f"  {_vector(v)}  point {j}")
        return "\n".join(lines)

    def draw(self, names: Any = None) -> Sheet:
        """The neighbourhood as a figure, the pulls as arrows; names (N,) stand at the neighbours.

        Raises `CircuitError` where matplotlib is missing, or the map is no plane.
        """
        refuse_without_matplotlib()
        from pullback.maps.drawing import drawn

        return drawn(self, names)


_MOST = 10


def _vector(v: np.ndarray) -> str:
    return f"({', '.join(f'{x:+.2e}' for x in v)})"


def pulls(point: int, y: np.ndarray, p: csr_array, z: float) -> Pulls:
    """What pulls at a point of a map y (d, N), with p (N, N) of its data and its sum z of q.

    >>> p = csr_array(np.array([[0.0, 0.5], [0.5, 0.0]]))
    >>> found = pulls(0, np.array([[0.0, 1.0]], np.float32), p, 1.0)
    >>> found.attraction, found.repulsion
    (array([1.]), array([-1.]))
    """
    row = slice(p.indptr[point], p.indptr[point + 1])
    neighbours, near = p.indices[row], p.data[row]
    away = (y[:, [point]] - y[:, neighbours]).astype(np.float64)
    q = 1.0 / (1.0 + (away * away).sum(axis=0))
    each = (-4.0 * near * q * away).T
    strongest = np.argsort(-np.square(each).sum(axis=1), kind="stable")
    pushed = Exact("eager").on(y[:, [point]], y).forces[:, 0].astype(np.float64)
    return Pulls(
        point,
        y.T,
        neighbours[strongest],
        near[strongest],
        each[strongest],
        each.sum(axis=0),
        4.0 * pushed / z,
    )


def strongest(y: np.ndarray, p: csr_array, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k neighbours that pull most at each point, and the lengths of their pulls, (N, k).

    Where a point has fewer, it stands for the others itself, and pulls with 0.
    """
    n = y.shape[1]
    counts = np.diff(p.indptr)
    rows = np.repeat(np.arange(n), counts)
    away = y[:, rows] - y[:, p.indices]
    square = (away * away).sum(axis=0)
    pull = (4.0 * p.data * np.sqrt(square) / (1.0 + square)).astype(np.float32)
    order = np.lexsort((p.indices, -pull, rows))
    starts: np.ndarray = p.indptr[:-1]
    place = np.arange(p.nnz) - np.repeat(starts, counts)
    kept = place < k
    who = np.repeat(np.arange(n, dtype=np.int32)[:, None], k, axis=1)
    how = np.zeros((n, k), np.float32)
    who[rows[kept], place[kept]] = p.indices[order][kept]
    how[rows[kept], place[kept]] = pull[order][kept]
    return who, how
