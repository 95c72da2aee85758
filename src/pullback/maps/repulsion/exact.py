"""The repulsion of every point on every other: a circuit, all pairs of which are one loop."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np

from pullback.core.abstract import Abstract
from pullback.core.unit import Unit
from pullback.engines.prepare import prepare
from pullback.gates.shape import astype
from pullback.maps.repulsion.force import Repulsion
from pullback.models.tsne import repulsion
from pullback.program.program import Program


class Exact:
    """Sums over all pairs, in time that grows with their number.

    >>> found = Exact("eager")(np.array([[0.0, 1.0]], np.float32))
    >>> found.z, found.forces
    (1.0, array([[-0.25,  0.25]], dtype=float32))
    """

    def __init__(self, engine: str = "native", threads: int | None = None) -> None:
        self._made = lru_cache(4)(partial(_made, engine, threads))

    def __call__(self, y: np.ndarray) -> Repulsion:
        found = self.on(y, y)
        return Repulsion(found.sums - 1.0, found.forces)  # of each point with itself

    def on(self, targets: np.ndarray, sources: np.ndarray) -> Repulsion:
        (d, m), n = targets.shape, sources.shape[1]
        step = self._made(d, m, n)
        made = step(targets=targets, sources=sources)
        return Repulsion(made["sums"], made["forces"])


def _made(engine: str, threads: int | None, d: int, m: int, n: int) -> Any:
    """The circuit of so many targets and sources, ready to run."""
    given = {
        "targets": Unit(Abstract((d, m), np.dtype(np.float32)), "targets"),
        "sources": Unit(Abstract((d, n), np.dtype(np.float32)), "sources"),
    }
    sums, forces = repulsion(**given)
    program = Program(given, {"sums": astype(sums, np.float64), "forces": forces}, {})
    return prepare(engine, program, threads=threads)
