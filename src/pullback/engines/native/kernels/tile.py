"""In: addresses and strides. Out: one tile of a product of matrices, held in vector registers.

A tile has a few rows and a few vectors of columns, and all of its sums stay in registers while
the reduction runs. Each step loads one row of B as vectors and one number of A for each row:

    C[t, :] = start[t, :] + sum_{p < outer, q < inner} A[offsets[t] + steps[p] + q a_inner] B[k, :]

where k = p inner + q counts the rows of B. The rows of A, and the lines of a window or an image,
are found through tables of offsets, so that the very same tile is a matrix product, a convolution,
and both of its gradients. Rows past the end of a matrix are computed as copies of the last one,
columns past the end are masked, so any size is right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pullback.engines.native.code import Code
from pullback.engines.native.number import SIZES, Number
from pullback.engines.native.target import Target

ARGUMENTS = ["p", "p", "i8", "i8", "p", "i8", "i8", "p", "i8", "p", "i8", "p", "i8", "i8"]
"""a, offsets, rows, outer, steps, inner, a_inner, b, b_step, start, start_step, c, c_step,
columns; and last, of the kind of the tile, floor.

a, b, c: addresses. offsets: a table of the rows of A (in elements); rows: how many of them are
real. outer, inner: the lengths of the reduction; steps: a table of where each of its lines begins
in A, and a_inner the stride in a line; b_step: the step between rows of B. start: what the sums
start from (null: zero) and start_step the step between its rows (0 repeats one row: a bias).
c_step: the step between rows of C. columns: how many are real, more than a vector less than the
tile has. floor: a lower limit of the result (-inf: none; 0: a ReLU). Steps are in elements.
"""


@dataclass(frozen=True)
class Tile:
    """A tile's rows, its vectors in a row, the bytes of each, and the kind of its numbers."""

    rows: int
    vectors: int
    bytes: int
    kind: str = "f4"

    @property
    def arguments(self) -> list[str]:
        return [*ARGUMENTS, self.kind]

    @property
    def lanes(self) -> int:
        return self.bytes // SIZES[self.kind]

    @property
    def columns(self) -> int:
        return self.vectors * self.lanes


@dataclass(frozen=True)
class Shapes:
    """The tiles of a processor: by width, widest first, and one for few rows."""

    by_width: tuple[Tile, ...]
    flat: Tile
    few: int = 4
    """Up to so many rows the flat one is the quickest."""

    def covering(self, columns: int, kind: str) -> list[tuple[int, Tile]]:
        """Where each tile begins that is needed for so many columns, and which it is."""
        at, found = 0, []
        while at < columns:
            left = (columns - at) * SIZES[kind]
            fits = (tile for tile in self.by_width if left > self._more_than(tile))
            tile = replace(next(fits), kind=kind)
            found.append((at, tile))
            at += tile.columns
        return found

    def _more_than(self, tile: Tile) -> int:
        """A tile is worth its width where more than so many bytes are left."""
        last = self.by_width[-1]
        return 0 if tile is last else tile.vectors * tile.bytes - last.vectors * last.bytes


@cache
def shapes(target: Target) -> Shapes:
    """The tiles whose sums, a row of B and one number of A fit the registers."""
    wide = target.vector
    if target.registers == 32:
        by_width = [Tile(6, 4, wide), Tile(8, 2, wide), Tile(8, 1, wide)]
        if wide == 64 and target.tuning.half:  # 8 channels then cost as much as 8, not as 16
            by_width.append(Tile(8, 1, 32))
        return Shapes(tuple(by_width), Tile(2, 8, wide))
    return Shapes((Tile(6, 2, wide), Tile(8, 1, wide)), Tile(2, 4, wide))


def by_rows(
    k: Code, tile: Tile, rows: int, span: tuple[Any, Any], some: Callable[[Tile, Any, Any], None]
) -> None:
    """`some(tile, first, count)` for each tile of a span of those that cover so many rows.

    The last tile has as many rows as are left where to compute more would take a fiftieth longer.
    """
    left = rows % tile.rows
    even = left == 0 or (tile.rows - left) * 50 <= rows
    low, high = span
    for i in k.range(low, high if even else k.minimum(high, rows // tile.rows)):
        row = i * tile.rows
        some(tile, row, k.minimum(rows - row, tile.rows) if even else tile.rows)
    if not even:
        with k.when(high > rows // tile.rows):
            some(replace(tile, rows=left), rows - left, left)


def record_tile(k: Code, tile: Tile, *arguments: Number) -> None:
    """The tile; its columns may end before its last vector does."""
    left = arguments[-2] - (tile.vectors - 1) * tile.lanes
    if k.target.cheap_masks:
        _reduce(k, tile, k.first_lanes(left, tile.lanes), *arguments)
        return
    full = left >= tile.lanes
    with k.when(full):
        _reduce(k, tile, None, *arguments)
    with k.when(~full):
        _reduce(k, tile, k.first_lanes(left, tile.lanes), *arguments)


def _reduce(
    k: Code, tile: Tile, mask: Number | None, a, offsets, rows, outer, steps, inner, a_inner,
    b, b_step, start, start_step, c, c_step, columns, floor,
) -> None:  # fmt: skip
    kind, lanes = tile.kind, tile.lanes
    grid = [(t, v) for t in range(tile.rows) for v in range(tile.vectors)]

    def masked(v: int) -> Number | None:
        return mask if v == tile.vectors - 1 else None

    def row(base: Any, step: Any, t: Any) -> Any:
        return k.array(base, kind).after(t * step)

    real = [k.minimum(k.constant(t, "i8"), rows - 1) for t in range(tile.rows)]
    table, lines = k.array(offsets, "i8"), k.array(steps, "i8")
    a_rows = [k.opaque(k.offset(a, table[t], kind)) for t in real]
    for t, v in grid:  # so that it is there when the sums are
        k.prefetch(row(c, c_step, real[t]).after(v * lanes).address)
    sums = {key: k.cell(0.0, kind, lanes) for key in grid}
    with k.when(start != 0):
        for t, v in grid:
            begin = row(start, start_step, real[t])
            sums[t, v].set(begin.load(v * lanes, lanes, masked(v)))
    here = k.cell(b)
    for p in k.range(outer):
        at = k.cell(lines[p])
        for _ in k.range(0, inner, unroll=False):
            line = k.array(here.value, kind)
            vectors = [line.load(v * lanes, lanes, masked(v)) for v in range(tile.vectors)]
            for t in range(tile.rows):
                many = k.splat(k.array(a_rows[t], kind)[at.value], lanes)
                for v in range(tile.vectors):
                    sums[t, v].set(k.muladd(many, vectors[v], sums[t, v].value))
            here.set(k.offset(here.value, b_step, kind))
            at.set(k.opaque(at.value + a_inner))
    for t, v in grid:
        total = sums[t, v].value
        total = k.select(total < floor, floor, total)  # a NaN is not below: it stays
        row(c, c_step, real[t]).store(v * lanes, total, masked(v))
