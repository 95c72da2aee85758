"""In: arrays, and whole numbers that name slices of them. Out: the slices, or what is added there.

Also the position of the largest or smallest element along an axis, zeros, and the rows of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pullback.engines.native.code import Code
from pullback.engines.native.kernels.pack import copy_line
from pullback.engines.native.number import Array, Number
from pullback.engines.native.target import Target
from pullback.engines.native.threads import Thread, portion


@dataclass(frozen=True)
class Indexing:
    """An array of outer x n x inner numbers, of which `count` whole numbers name slices of the n.

    `number` is what the counters tell where an index is out of bounds.
    """

    kind: str
    outer: int
    n: int
    inner: int
    count: int
    number: int

    def workspace(self, target: Target) -> int:
        return 0


def _row(k: Code, x: Indexing, thread: Thread, index: Number) -> tuple[Number, Number]:
    """The slice that an index means, which may count from the end; and whether there is one."""
    row = k.select(index < 0, index + x.n, index)
    inside = (row >= 0) & (row < x.n)
    with k.when(~inside):
        k.array(thread.counters, "i8")[1] = x.number
    return row, inside


def record_take(k: Code, s: Indexing, thread: Thread, y: Any, x: Any, indices: Any) -> None:
    """y[i, j, :] = x[i, indices[j], :], or 0 where the index is out of bounds."""
    y, x, indices = k.array(y, s.kind), k.array(x, s.kind), k.array(indices, "i8")
    lanes = k.target.lanes(s.kind)
    for j in k.range(*portion(s.count, thread)):
        index = indices[j]
        row = k.select(index < 0, index + s.n, index)
        inside = k.convert(row, "u8") < s.n  # no less than 0 either
        for i in k.range(s.outer):
            to, of = y.after((i * s.count + j) * s.inner), x.after((i * s.n + row) * s.inner)
            with k.when(inside):
                if s.inner < lanes:
                    _copy_few(to, of, s.inner)
                else:
                    copy_line(k, to, of, s.inner, lanes)
            with k.when(~inside):
                k.array(thread.counters, "i8")[1] = s.number
                k.clear(to, s.inner)


def _copy_few(to: Array, of: Array, count: int) -> None:
    """Copy fewer numbers than fill a register, by halves of one: faster than under a mask."""
    at = 0
    while at < count:
        lanes = 1 << (count - at).bit_length() - 1
        to.store(at, of.load(at, lanes))
        at += lanes


def record_scatter_add(k: Code, s: Indexing, thread: Thread, x: Any, indices: Any, g: Any) -> None:
    """x[i, indices[j], :] += g[i, j, :], in the order of the indices."""
    x, indices, g = k.array(x, s.kind), k.array(indices, "i8"), k.array(g, s.kind)
    lanes = k.target.lanes(s.kind)
    for j in k.range(s.count):
        row, inside = _row(k, s, thread, indices[j])
        with k.when(inside):
            for i in k.range(s.outer):
                to, of = x.after((i * s.n + row) * s.inner), g.after((i * s.count + j) * s.inner)
                _add_line(k, to, of, s.inner, lanes)


def _add_line(k: Code, to: Array, of: Array, count: int, lanes: int) -> None:
    """Add numbers that lie side by side, some at a time."""
    if to.kind == "b1":
        for c in k.range(count):
            to[c] = to[c] | of[c]
        return
    end = count // lanes * lanes
    for c in k.range(0, end, lanes):
        to.store(c, to.load(c, lanes) + of.load(c, lanes))
    for c in k.range(end, count):
        to[c] = to[c] + of[c]


@dataclass(frozen=True)
class Position:
    """An array of outer x n x inner numbers, of which the largest or smallest along n is sought."""

    kind: str
    outer: int
    n: int
    inner: int
    largest: bool

    def workspace(self, target: Target) -> int:
        return 0


def record_position(k: Code, s: Position, thread: Thread, y: Any, x: Any) -> None:
    """The position of the extreme of n elements, the first of several, or of the first nan."""
    y, x = k.array(y, "i8"), k.array(x, s.kind)
    for i in k.range(s.outer):
        for c in k.range(s.inner):
            start = i * (s.n * s.inner) + c
            best, at = k.cell(x[start]), k.cell(0)
            for j in k.range(1, s.n):
                value, old = x[start + j * s.inner], best.value
                better = value > old if s.largest else value < old
                if value.is_float:
                    better = better | ((value != value) & (old == old))
                best.set(k.select(better, value, old))
                at.set(
                    k.select(better, j if isinstance(j, Number) else k.constant(j, "i8"), at.value)
                )
            y[i * s.inner + c] = at.value


@dataclass(frozen=True)
class Zeros:
    """So many numbers."""

    kind: str
    count: int

    def workspace(self, target: Target) -> int:
        return 0


def record_zeros(k: Code, s: Zeros, thread: Thread, y: Any) -> None:
    k.clear(k.array(y, s.kind), s.count)


@dataclass(frozen=True)
class Gather:
    """The rows of a batch, of `width` numbers each, from data of another kind perhaps."""

    kind: str
    rows: int
    width: int
    given: str


def record_gather(k: Code, s: Gather, thread: Thread, y: Any, data: Any, order: Any) -> None:
    """y[i] = data[order[i]]; threads share the rows."""
    y, data, order = k.array(y, s.kind), k.array(data, s.given), k.array(order, "i8")
    lanes = min(k.target.lanes(s.kind), k.target.lanes(s.given))
    for i in k.range(*portion(s.rows, thread)):
        to, of = y.after(i * s.width), data.after(order[i] * s.width)
        end = s.width // lanes * lanes
        for j in k.range(0, end, lanes):
            to.store(j, k.convert(of.load(j, lanes), s.kind))
        for j in k.range(end, s.width):
            to[j] = k.convert(of[j], s.kind)
