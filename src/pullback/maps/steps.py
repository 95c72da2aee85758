"""In: p of neighbours, and where points begin. Out: a step of the map's descent as a Program.

A step takes the repulsion, finds the attraction, and moves every point along the gradient

    4 * (exaggeration * attraction - repulsion / z)

with momentum and with a gain of each number: it grows where the gradient goes on as the point
moves, and shrinks where it turns (Jacobs, "Increased rates of convergence through learning rate
adaptation", 1988). The points, how they move, and the gains stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from pullback.core.abstract import Abstract
from pullback.core.unit import Unit
from pullback.engines.prepare import prepare
from pullback.gates.comparison import maximum, minimum, where
from pullback.gates.elementary import sqrt
from pullback.gates.reduction import mean
from pullback.gates.reduction import sum as total
from pullback.gates.shape import transpose
from pullback.maps.repulsion import Repulsion
from pullback.models.tsne import attraction
from pullback.program.program import Program

LENGTH = 32  # of a piece of neighbours
MIN_GAIN = 0.01
LONGEST = 5.0  # of a step of a point, so that none shoots off


@dataclass(frozen=True)
class Pieces:
    """The neighbours of points in pieces of one length, see `models.tsne.attraction`."""

    p: np.ndarray  # (pieces, length) float32
    neighbours: np.ndarray  # (pieces, length) int64
    points: np.ndarray  # (pieces,) int64

    @classmethod
    def of(cls, p: csr_array, length: int = LENGTH) -> Pieces:
        """The rows of p, (N, N), cut up; those without neighbours have no piece.

        >>> Pieces.of(csr_array(np.array([[0.0, 0.25, 0.25], [0.25, 0, 0], [0.25, 0, 0]])), 2)
        Pieces(p=array([[0.25, 0.25],
               [0.25, 0.  ],
               [0.25, 0.  ]], dtype=float32), neighbours=array([[1, 2],
               [0, 0],
               [0, 0]]), points=array([0, 1, 2]))
        """
        counts = np.diff(p.indptr)
        pieces = -(-counts // length)
        points = np.repeat(np.arange(len(counts)), pieces)
        ends = np.cumsum(pieces) * length
        first = np.repeat(ends - pieces * length - p.indptr[:-1], counts)  # how far a row moves
        at = np.arange(p.nnz) + first
        weights = np.zeros(len(points) * length, np.float32)
        neighbours = np.zeros(len(points) * length, np.int64)
        weights[at], neighbours[at] = p.data, p.indices
        shape = len(points), length
        return cls(weights.reshape(shape), neighbours.reshape(shape), points)


class Descent:
    """The points of a map, (d, N), on their way down; a call is a step."""

    def __init__(
        self, y: np.ndarray, pieces: Pieces, engine: str = "native", threads: int | None = None
    ) -> None:
        self.y = Unit(np.ascontiguousarray(y, np.float32), "y")
        self.velocity = Unit(np.zeros(y.shape, np.float32), "velocity")
        self.gains = Unit(np.ones(y.shape, np.float32), "gains")
        given = {
            "p": pieces.p,
            "neighbours": pieces.neighbours,
            "points": pieces.points,
        }
        program = self._program(given)
        self._step = prepare(engine, program, threads=threads)
        program.set(given)

    def _program(self, given: dict[str, np.ndarray]) -> Program:
        data = {name: Unit(Abstract(x.shape, x.dtype), name) for name, x in given.items()}
        forces = Unit(Abstract(self.y.shape, np.dtype(np.float32)), "forces")
        numbers = {
            name: Unit(1.0, name) for name in ("z", "exaggeration", "learning_rate", "momentum")
        }
        z, exaggeration, rate, momentum = numbers.values()
        y, velocity, gains = self.y, self.velocity, self.gains
        pull = attraction(y, data["p"], data["neighbours"], data["points"], transpose(y))
        slope = 4.0 * (exaggeration * transpose(pull) - forces / z)
        turned = velocity * slope < 0.0
        gain = maximum(where(turned, gains + 0.2, gains * 0.8), MIN_GAIN)
        moved = momentum * velocity - rate * (gain * slope)
        length = sqrt(total(moved * moved, axis=0, keepdims=True))
        moved = moved * minimum(1.0, LONGEST / maximum(length, LONGEST))
        new = y + moved
        new = new - mean(new, axis=1, keepdims=True)
        inputs = {**data, "forces": forces, **numbers}
        return Program(inputs, {}, {y: new, velocity: moved, gains: gain})

    def __call__(self, repulsion: Repulsion, **numbers: float) -> None:
        """Move every point once."""
        self._step(forces=repulsion.forces, z=repulsion.z, **numbers)
