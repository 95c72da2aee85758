"""In: points. Out: a balanced tree of them: cells in cells, halves of halves down to its leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Level:
    """All cells of as many points: where their masses have their centre, and what holds them.

    `mass` (cells,), `centre`, `low` and `high` (d, cells). Cell k holds cells 2 k and 2 k + 1 of
    the next level.
    """

    mass: np.ndarray
    centre: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def width(self) -> np.ndarray:
        """The longest side of each cell."""
        return (self.high - self.low).max(axis=0)

    def halved(self) -> Level:
        """The level above, of half as many cells."""

        def pairs(x: np.ndarray) -> np.ndarray:
            return x.reshape(*x.shape[:-1], -1, 2)

        mass = pairs(self.mass).sum(axis=-1)
        moment = pairs(self.centre * self.mass).sum(axis=-1)
        low, high = pairs(self.low).min(axis=-1), pairs(self.high).max(axis=-1)
        return Level(mass, _centre(moment, mass, low), low, high)


@dataclass(frozen=True)
class Tree:
    """Points in the order of the leaves of a tree, as many in each.

    Where they cannot be shared out evenly, some stand in it twice, the second time without mass.
    `points` (d, leaves, size) are in this order, `order` (leaves, size) tells which they were, and
    `mass` (leaves, size) is 1 or 0.

    >>> tree = Tree.of(np.array([[3.0, 0.0, 2.0, 1.0]], np.float32), 2)
    >>> [level.centre.tolist() for level in tree.levels]
    [[[1.5]], [[0.5, 2.5]]]
    """

    points: np.ndarray
    order: np.ndarray
    mass: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, size: int) -> Tree:
        """The tree of points (d, N), of which up to `size` are a leaf.

        A cell is cut across its longest side, in the middle of its points.
        """
        n = points.shape[1]
        depth = max(0, (-(-n // size) - 1).bit_length())
        each = -(-n // (1 << depth))
        order = np.arange(each << depth).reshape(1, -1)
        real = order < n
        order = np.where(real, order, 0)
        for _ in range(depth):
            cells = points[:, order]
            across = np.ptp(cells, axis=-1).argmax(axis=0)
            along = np.take_along_axis(cells, across[None, :, None], axis=0)[0]
            halves = np.argpartition(along, order.shape[1] // 2, axis=-1)
            order = np.take_along_axis(order, halves, axis=-1).reshape(2 * len(order), -1)
            real = np.take_along_axis(real, halves, axis=-1).reshape(order.shape)
        return cls(points[:, order], order, real.astype(np.float32))

    @cached_property
    def levels(self) -> list[Level]:
        """All cells, from the one that holds all points down to the leaves."""
        return [*self._levels()][::-1]

    def _levels(self) -> Iterator[Level]:
        mass = self.mass.sum(axis=-1, dtype=np.float64)
        moment = (self.points * self.mass).sum(axis=-1, dtype=np.float64)
        low, high = self.points.min(axis=-1), self.points.max(axis=-1)
        level = Level(mass, _centre(moment, mass, low), low, high)
        yield level
        while len(level.mass) > 1:
            level = level.halved()
            yield level


def _centre(moment: np.ndarray, mass: np.ndarray, low: np.ndarray) -> np.ndarray:
    """The centre of mass, or a corner of what has none."""
    return np.where(mass > 0.0, moment / np.maximum(mass, 1.0), low)
