"""In: a panel of a matrix, where it lies. Out: the same panel, its rows close together.

A panel whose columns are adjacent is copied; a transposed one is turned in registers, a square
block of vectors at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pullback.engines.native.code import Code
from pullback.engines.native.number import SIZES, Array

ARGUMENTS = ["p", "p", "i8", "i8", "i8", "i8"]
"""target, source, row, column, rows, columns"""


@dataclass(frozen=True)
class Pack:
    """A panel whose packed rows are `step` numbers apart.

    target[p step + j] = source[p row + j column]; `adjacent` says that the column stride is 1,
    `turned` that the row stride is.
    """

    kind: str
    step: int
    adjacent: bool
    turned: bool
    arguments = ARGUMENTS


def record_pack(
    k: Code, pack: Pack, target: Any, source: Any, row: Any, column: Any, rows: Any, columns: Any
) -> None:
    """The copy, for p < rows and j < columns; strides in elements."""
    to, of, step = k.array(target, pack.kind), k.array(source, pack.kind), pack.step
    lanes = k.target.vector // SIZES[pack.kind]
    if pack.adjacent:
        for p in k.range(rows):
            copy_line(k, to.after(p * step), of.after(p * row), columns, lanes)
        return
    turned: tuple[Any, Any] = (0, 0)
    if pack.turned:
        turned = rows // lanes * lanes, columns // lanes * lanes
        for j in k.range(0, turned[1], lanes):
            for p in k.range(0, turned[0], lanes):
                _transpose(k, to.after(p * step + j), step, of.after(p + j * column), column, lanes)
    for p in k.range(rows):
        first: Any = 0
        if pack.turned:
            first = k.select(p < turned[0], turned[1], 0)
        for j in k.range(first, columns):
            to[p * step + j] = of[p * row + j * column]


def copy_line(k: Code, to: Array, of: Array, count: Any, lanes: int) -> None:
    """Copy `count` numbers that lie side by side, some at a time."""
    end = count // lanes * lanes
    for j in k.range(0, end, lanes):
        to.store(j, of.load(j, lanes))
    if isinstance(count, int):
        if end < count:
            mask = k.first_lanes(count - end, lanes)
            to.store(end, of.load(end, lanes, mask), mask)
        return
    with k.when(end < count):
        mask = k.first_lanes(count - end, lanes)
        to.store(end, of.load(end, lanes, mask), mask)


def _transpose(k: Code, to: Array, to_step: Any, of: Array, of_step: Any, lanes: int) -> None:
    """Transpose a square block as wide as a vector register.

    Round s of log2(width) exchanges, between rows that lie s apart, the half of the columns where
    bit s differs: afterwards rows and columns have changed places.
    """
    rows = [of.load(i * of_step, lanes) for i in range(lanes)]
    apart = 1
    while apart < lanes:
        low = [j if not j & apart else lanes + j - apart for j in range(lanes)]
        high = [j + apart if not j & apart else lanes + j for j in range(lanes)]
        for i in (i for i in range(lanes) if not i & apart):
            pair = rows[i], rows[i + apart]
            rows[i], rows[i + apart] = k.shuffle(*pair, low), k.shuffle(*pair, high)
        apart *= 2
    for i in range(lanes):
        to.store(i * to_step, rows[i])
