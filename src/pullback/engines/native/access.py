"""In: a Program. Out: where each wire's elements lie: a buffer, an offset, a step for each axis.

Reshaping, transposing, slicing and broadcasting move no elements. The wire that they make is
another way to walk the buffer of the wire they take: engines do not run it but read through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from pullback.core.unit import Unit
from pullback.program.program import Program


@dataclass(frozen=True)
class Access:
    """Element (i, j, ...) of a wire is element offset + i * strides[0] + ... of root's buffer."""

    root: Unit
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie one after another in row-major order."""
        return self.strides == row_major(self.shape, self.strides)

    def reshaped(self, shape: tuple[int, ...]) -> Access | None:
        """The same elements in the same order over another shape; None where no steps walk it so.

        >>> rows = Access(Unit(0.0), 0, (4, 3), (8, 1))
        >>> rows.reshaped((2, 2, 3)).strides, rows.reshaped((12,))
        ((16, 8, 1), None)
        """
        if shape == self.shape:
            return self
        if self.contiguous:
            return Access(self.root, self.offset, shape, row_major(shape))
        bytes_ = np.lib.stride_tricks.as_strided(np.empty(0, np.int8), self.shape, self.strides)
        try:  # NumPy knows which steps do; nobody looks at an element
            strides = np.reshape(bytes_, shape, copy=False).strides
        except ValueError:
            return None
        return Access(self.root, self.offset, shape, strides)

    def spread(self, shape: tuple[int, ...]) -> Access:
        """The same elements, repeated by NumPy's broadcasting to a larger shape."""
        lead = len(shape) - len(self.shape)
        strides = tuple(
            0 if n == 1 and full != 1 else step
            for n, full, step in zip(self.shape, shape[lead:], self.strides, strict=True)
        )
        return Access(self.root, self.offset, shape, (0,) * lead + strides)


def row_major(shape: tuple[int, ...], like: tuple[int, ...] = ()) -> tuple[int, ...]:
    """The strides of an array in row-major order; axes of size 1 take the stride in `like`."""
    strides = [prod(shape[a + 1 :]) for a in range(len(shape))]
    if like:
        strides = [old if n == 1 else new for n, old, new in zip(shape, like, strides, strict=True)]
    return tuple(strides)


@dataclass(frozen=True, eq=False)
class AccessTable:
    """The access of each wire of a Program, by wire; of a source or a constant it is its own."""

    accesses: Mapping[Unit, Access]

    def __getitem__(self, unit: Unit) -> Access:
        return self.accesses.get(unit) or _whole(unit)

    def is_view(self, unit: Unit) -> bool:
        """Whether a wire walks another's buffer rather than having its own."""
        return self[unit].root is not unit

    def roots(self, unit: Unit) -> list[Unit]:
        """The wires whose buffers a gate reads."""
        return [self[x].root for x in unit.inputs]

    def own_buffer(self, unit: Unit) -> Unit | None:
        """The wire whose whole buffer is this wire's elements in their order; None if none is."""
        where = self[unit]
        fits = where.root.inputs and where.offset == 0 and where.root.size == unit.size
        return where.root if fits and where.contiguous else None

    def in_step(self, x: Unit, shape: tuple[int, ...]) -> bool:
        """Whether a loop of this shape reaches element i of x's root exactly at its index i."""
        where = self[x]
        whole = where.root is x or (where.offset == 0 and where.contiguous)
        return whole and where.shape == where.root.shape == shape


def access(program: Program) -> AccessTable:
    """Where the elements of every wire lie, through all views down to a buffer."""
    known: dict[Unit, Access] = {}
    for unit in program.wires:
        located(unit, known)
    return AccessTable(known)


def located(unit: Unit, known: dict[Unit, Access]) -> Access:
    """The access of a wire, which is added, with those it is a view of, to those known.

    A reshape of elements that no steps walk in their new shape is no view: it has a buffer of its
    own, into which they are copied.
    """
    chain = [unit]
    while chain[-1] not in known and _can_be_view(chain[-1]):
        chain.append(chain[-1].inputs[0])
    last = chain.pop()
    where = known.setdefault(last, _whole(last))
    for view in reversed(chain):
        where = known[view] = _through(view, where)
    return where


def _can_be_view(unit: Unit) -> bool:
    return bool(unit.inputs) and unit.gate is not None and unit.gate.view


def _whole(unit: Unit) -> Access:
    """A wire that has a buffer of its own."""
    return Access(unit, 0, unit.shape, row_major(unit.shape))


def _through(view: Unit, where: Access) -> Access:
    """The access of a view of a wire that lies at `where`."""
    assert view.gate is not None
    match view.gate.name:
        case "reshape":
            return where.reshaped(view.shape) or _whole(view)
        case "transpose":
            strides = tuple(where.strides[a] for a in view.static["axes"])
            return Access(where.root, where.offset, view.shape, strides)
        case "broadcast_to":
            return where.spread(view.shape)
    walks = view.static["walks"]
    offset = sum(start * step for (start, _, _), step in zip(walks, where.strides, strict=True))
    strides = tuple(by * step for (_, _, by), step in zip(walks, where.strides, strict=True))
    return Access(where.root, where.offset + offset, view.shape, strides)
