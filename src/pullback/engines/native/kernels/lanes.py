"""In: arrays, along one axis of them. Out: sums so far, and the order of the elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pullback.engines.native.code import Code
from pullback.engines.native.number import Array, Number
from pullback.engines.native.target import Target
from pullback.engines.native.threads import Thread, portion


@dataclass(frozen=True)
class Running:
    """An array of outer x n x inner numbers, which are added up along n; from the end on `reverse`.

    `kind` is that of the sums, which is that of the numbers too.
    """

    kind: str
    outer: int
    n: int
    inner: int
    reverse: bool

    def workspace(self, target: Target) -> int:
        return 0


def record_cumsum(k: Code, s: Running, thread: Thread, y: Any, x: Any) -> None:
    """y[i, j, :] = the sum of x[i, :j + 1, :]; threads share the first axis."""
    y, x, lanes = k.array(y, s.kind), k.array(x, s.kind), k.target.lanes(s.kind)

    def column(start: Any, lanes: int) -> None:
        total = k.cell(k.constant(0, s.kind, lanes))
        for step in k.range(s.n):
            j = s.n - 1 - step if s.reverse else step
            at = start + j * s.inner
            total.set(total.value + x.load(at, lanes))
            y.store(at, total.value)

    end = s.inner // lanes * lanes
    for i in k.range(*portion(s.outer, thread)):
        for c in k.range(0, end, lanes):
            column(i * (s.n * s.inner) + c, lanes)
        for c in k.range(end, s.inner):
            column(i * (s.n * s.inner) + c, 1)


@dataclass(frozen=True)
class Sorting:
    """An array of outer x n x inner numbers, whose order along n is sought."""

    kind: str
    outer: int
    n: int
    inner: int
    descending: bool

    def workspace(self, target: Target) -> int:
        """The bytes that each thread needs: the positions, sorted so far, before and after."""
        return 16 * self.n


def record_argsort(k: Code, s: Sorting, thread: Thread, y: Any, x: Any) -> None:
    """The positions of the elements along n in their order, like ones as they come; NaN is largest.

    Sorted runs are merged to runs twice as long, until there is one. Threads share the lanes.
    """
    y, x = k.array(y, "i8"), k.array(x, s.kind)
    room = k.array(thread.workspace, "i8")
    for lane in k.range(*portion(s.outer * s.inner, thread)):
        i, c = (lane, 0) if s.inner == 1 else (lane // s.inner, lane % s.inner)
        start = i * (s.n * s.inner) + c
        value = _at(k, s, x.after(start))
        here, there = room, room.after(s.n)
        for j in k.range(s.n):
            here[j] = j if isinstance(j, Number) else k.constant(j, "i8")
        width = 1
        while width < s.n:
            for low in k.range(0, s.n, 2 * width):
                _merge(k, s, here, there, (low, low + width, low + 2 * width), value)
            here, there, width = there, here, 2 * width
        for j in k.range(s.n):
            y[start + j * s.inner] = here[j]


def _at(k: Code, s: Sorting, x: Array) -> Callable[[Number], Number]:
    """The element of a position; truth values as whole numbers."""
    wide = "i8" if s.kind == "b1" else s.kind
    return lambda position: k.convert(x[position * s.inner], wide)


def _merge(
    k: Code,
    s: Sorting,
    here: Array,
    there: Array,
    bounds: tuple[Any, Any, Any],
    value: Callable[[Number], Number],
) -> None:
    """Two runs of positions, which lie side by side, as one."""
    low, middle, high = (k.minimum(x, s.n) for x in bounds)
    one, other = k.cell(low), k.cell(middle)
    for place in k.range(low, high):
        # Of a run that is used up some position is looked at in vain.
        first, second = (here[k.minimum(x.value, s.n - 1)] for x in (one, other))
        a, b = value(first), value(second)
        before = b > a if s.descending else b < a
        if a.is_float:
            lost = (b != b, a == a) if s.descending else (a != a, b == b)
            before = before | (lost[0] & lost[1])
        second_next = (other.value < high) & ((one.value >= middle) | before)
        there[place] = k.select(second_next, second, first)
        step = k.convert(second_next, "i8")
        other.set(other.value + step)
        one.set(one.value + (1 - step))
