"""The repulsion by a tree: what is far away pushes as one, from the centre of its mass.

A cell is far from points where it is narrower than `angle` times its distance from them (Barnes
and Hut, "A hierarchical O(N log N) force-calculation algorithm", 1986; van der Maaten,
"Accelerating t-SNE using tree-based algorithms", 2014). All points of a leaf ask together, by the
box around them, so that a cell is at least as far from each as is asked; and what answers them is
a list of cells, and of the points of leaves that are near. Lists are cut into rows of one length,
of which a circuit sums many at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np

from pullback.core.abstract import Abstract
from pullback.core.unit import Unit
from pullback.engines.prepare import prepare
from pullback.gates.indexing import scatter_add, take
from pullback.gates.reduction import sum as total
from pullback.gates.shape import expand_dims, stack
from pullback.maps.repulsion.force import Repulsion
from pullback.maps.repulsion.tree import Tree
from pullback.models.tsne import similarity
from pullback.program.program import Program

LEAF = 32  # points, at most
LENGTH = 128  # of a row
ROWS = 512  # that the circuit sums at once

Rows = tuple[np.ndarray, np.ndarray]  # the leaf that each asks for; who answers (rows, LENGTH)


class BarnesHut:
    """Sums by a tree, in time that grows as N log N; an angle of 0 is exact.

    >>> found = BarnesHut(0.5, "eager")(np.array([[0.0, 1.0]], np.float32))
    >>> found.z, found.forces
    (1.0, array([[-0.25,  0.25]], dtype=float32))
    """

    def __init__(
        self, angle: float = 0.5, engine: str = "native", threads: int | None = None
    ) -> None:
        self._angle = angle
        self._made = lru_cache(4)(partial(_Summing, engine, threads))

    def __call__(self, y: np.ndarray) -> Repulsion:
        found = self.on(y, y)
        return Repulsion(found.sums - 1.0, found.forces)  # of each point with itself

    def on(self, targets: np.ndarray, sources: np.ndarray) -> Repulsion:
        tree = Tree.of(targets, LEAF)
        return self._between(tree, tree if sources is targets else Tree.of(sources, LEAF))

    def _between(self, targets: Tree, sources: Tree) -> Repulsion:
        d, leaves, size = targets.points.shape
        nobody = np.zeros((d, 1))
        answers = [
            sources.points.reshape(d, -1),
            *(level.centre for level in sources.levels),
            nobody,
        ]
        masses = [sources.mass.ravel(), *(level.mass for level in sources.levels), [0.0]]
        found = self._made(d, leaves, size, sum(map(len, masses)))(
            targets.points,
            np.concatenate(answers, axis=1, dtype=np.float32),
            np.concatenate(masses, dtype=np.float32),
            _rows(targets, sources, self._angle),
        )
        real = targets.mass > 0.0
        made = np.empty((1 + d, int(real.sum())), np.float32)
        made[:, targets.order[real]] = found.swapaxes(0, 1)[:, real]
        return Repulsion(made[0].astype(np.float64), made[1:])


def _rows(targets: Tree, sources: Tree, angle: float) -> Rows:
    """Who answers each leaf of the targets.

    Points come first in the count of who there is, in the order of their leaves, then the cells
    from the largest to the leaves, and last one who has no mass.
    """
    _, leaves, size = sources.points.shape
    box = targets.levels[-1]
    askers = np.arange(len(box.mass))
    cells = np.zeros_like(askers)
    lists: list[tuple[np.ndarray, np.ndarray]] = []
    first = leaves * size
    for level in sources.levels:
        gaps = (
            np.maximum(low[askers] - centre[cells], centre[cells] - high[askers]).clip(0.0)
            for low, high, centre in zip(box.low, box.high, level.centre, strict=True)
        )
        far = level.width[cells] ** 2 <= angle**2 * sum(gap**2 for gap in gaps)
        lists.append((askers[far], first + cells[far]))
        first += len(level.mass)
        askers, cells = askers[~far], cells[~far]
        if level is not sources.levels[-1]:
            askers, cells = np.repeat(askers, 2), (2 * cells[:, None] + np.arange(2)).ravel()
    lists.append((np.repeat(askers, size), (cells[:, None] * size + np.arange(size)).ravel()))
    who, answers = map(np.concatenate, zip(*lists, strict=True))
    return _cut(who, answers, LENGTH, nobody=first)


def _cut(askers: np.ndarray, answers: np.ndarray, length: int, nobody: int) -> Rows:
    """The list of each asker, in rows of one length.

    >>> _cut(np.array([1, 0, 1, 1]), np.array([5, 6, 7, 8]), 2, nobody=9)
    (array([0, 1, 1]), array([[6, 9],
           [5, 7],
           [8, 9]]))
    """
    counts = np.bincount(askers)
    rows = -(-counts // length)
    ends = np.cumsum(rows) * length
    moved = np.repeat(ends - rows * length - (np.cumsum(counts) - counts), counts)
    lists = np.full(int(rows.sum()) * length, nobody)
    lists[np.arange(len(askers)) + moved] = answers[np.argsort(askers, kind="stable")]
    return np.repeat(np.arange(len(counts)), rows), lists.reshape(-1, length)


class _Summing:
    """The circuit that sums some rows at a time into what is summed already."""

    def __init__(
        self, engine: str, threads: int | None, d: int, leaves: int, size: int, count: int
    ) -> None:
        real, whole = np.dtype(np.float32), np.dtype(np.int64)
        given = {
            "targets": Unit(Abstract((leaves, d, size), real), "targets"),
            "answers": Unit(Abstract((d, count), real), "answers"),
            "mass": Unit(Abstract((count,), real), "mass"),
            "askers": Unit(Abstract((ROWS,), whole), "askers"),
            "who": Unit(Abstract((ROWS, LENGTH), whole), "who"),
        }
        self._sums = Unit(np.zeros((leaves, 1 + d, size), np.float32), "sums")
        updates = {self._sums: scatter_add(self._sums, given["askers"], _pushed(**given))}
        self._program = Program(given, {}, updates)
        self._step = prepare(engine, self._program, threads=threads)

    def __call__(
        self, targets: np.ndarray, answers: np.ndarray, mass: np.ndarray, rows: Rows
    ) -> np.ndarray:
        """The sums of q, and of q**2 * (y_i - y_j), of each target: (leaves, 1 + d, size)."""
        self._sums.value = np.zeros(self._sums.shape, np.float32)
        self._program.set({"targets": targets.swapaxes(0, 1), "answers": answers, "mass": mass})
        for askers, who in _portions(rows, nobody=len(mass) - 1):
            self._step(askers=askers, who=who)
        return np.asarray(self._sums.value)


def _portions(rows: Rows, nobody: int) -> Iterator[Rows]:
    """So many rows at a time, the last filled up with such as nobody answers."""
    askers, who = rows
    for start in range(0, len(askers), ROWS):
        part, lists = askers[start : start + ROWS], who[start : start + ROWS]
        missing = ROWS - len(part)
        yield (
            np.pad(part, (0, missing)),
            np.pad(lists, ((0, missing), (0, 0)), constant_values=nobody),
        )


def _pushed(targets: Any, answers: Any, mass: Any, askers: Any, who: Any) -> Any:
    """What each row adds to the sums of the targets that ask: (rows, 1 + d, size)."""
    asking, there = take(targets, askers), take(answers, who, axis=1)
    differences = [
        expand_dims(asking[:, k], 2) - expand_dims(there[k], 1) for k in range(answers.shape[0])
    ]
    q = similarity(differences)  # (rows, size, LENGTH)
    pushes = expand_dims(take(mass, who), 1) * q
    return stack(
        [total(x, axis=2) for x in (pushes, *(pushes * q * d for d in differences))], axis=1
    )
