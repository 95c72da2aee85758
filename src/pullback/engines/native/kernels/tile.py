"""In: addresses and strides. Out: one tile of a product of matrices, held in vector registers.

A tile has a few rows and a few vectors of columns, and all of its sums stay in registers while
the reduction runs. Each step loads one row of B as vectors and one number of A for each row:

    C[t, :] = start[t, :] + sum_{p < outer, q < inner} A[offsets[t] + steps[p] + q a_inner] B[k, :]

where k = p inner + q counts the rows of B. The rows of A, and the lines of a window or an image,
are found through tables of offsets, so that the very same tile is a matrix product, a convolution,
and both of its gradients. Columns past the end are masked, and the last tile is as high as the rows
that are left, so any size is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from typing import Any

from pullback.engines.native.code import Code
from pullback.engines.native.number import SIZES, Number
from pullback.engines.native.target import Target
from pullback.engines.native.threads import Thread, portion

ARGUMENTS = ["p", "p", "i8", "p", "i8", "i8", "p", "i8", "p", "i8", "p", "i8", "i8", "i8"]
"""a, offsets, outer, steps, inner, a_inner, b, b_step, start, start_step, c, c_step, ahead,
columns.

a, b, c: addresses. offsets: a table of the rows of A (in elements). outer, inner: the lengths of
the reduction; steps: a table of where each of its lines begins in A, and a_inner the stride in a
line; b_step: the step between rows of B. start: what the sums start from (null: zero) and
start_step the step between its rows (0 repeats one row: a bias). c_step: the step between rows of
C. ahead: how far behind what is read of a row of B lies what is asked for beforehand, if the tile
does. columns: how many are real, more than a vector less than the tile has. Steps are in elements.
"""

AHEAD = 16
"""Steps of a reduction, so many before its turn what is far of A is asked for."""

SHORT = 16
"""Steps of a reduction, up to which it takes no longer than to ask for C beforehand."""


@dataclass(frozen=True)
class Tile:
    """A tile's rows, its vectors in a row, the bytes of each, and the kind of its numbers.

    What is below zero becomes zero if `rectified`. Of each row of B so many vectors are asked for
    beforehand as are `fetched`, for the tiles of the next panel. The rows of A are `adjacent` if
    each begins one number behind the last one: they then need no address of their own. If what
    the steps take of A lies `far` apart, which no processor foresees, it is asked for beforehand.
    """

    rows: int
    vectors: int
    bytes: int
    kind: str = "f4"
    rectified: bool = False
    fetched: int = 0
    adjacent: bool = False
    far: bool = False
    arguments = ARGUMENTS

    @property
    def lanes(self) -> int:
        return self.bytes // SIZES[self.kind]

    @property
    def columns(self) -> int:
        return self.vectors * self.lanes


HEIGHTS = {16: (8, 6, 4), 32: (8, 8, 8, 6, 5)}
"""By how many registers there are, the rows of a tile of 1, 2, … vectors: its sums, a row of B and
one number of A fit. The one but widest is the quickest."""

HIGHEST = {16: 12, 32: 15}
"""The same of one vector, where the rows of A are adjacent: more sums for each row of B."""


@dataclass(frozen=True)
class Shapes:
    """The tiles of a processor: the bytes of a vector, and rows by the number of vectors.

    `flat` is how many vectors a tile of few rows has; `half` says that half a vector is quicker
    than a whole one that is half empty.
    """

    vector: int
    heights: tuple[int, ...]
    flat: int
    half: bool
    few: int = 4
    """Up to so many rows a flat tile is the quickest."""

    @property
    def best(self) -> Tile:
        """The quickest tile."""
        return self.tile(len(self.heights) - 1)

    def tile(self, vectors: int, kind: str = "f4") -> Tile:
        return Tile(self.heights[vectors - 1], vectors, self.vector, kind)

    def covering(self, columns: int, kind: str, height: int = 0) -> list[tuple[int, Tile]]:
        """Where each tile begins that is needed for so many columns, and which it is.

        With a `height`, which is that of the quickest at most, all have it.
        """
        best, lanes = self.best.vectors, self.vector // SIZES[kind]
        vectors = -(-columns // lanes)
        half = self.half and 0 < columns - (vectors - 1) * lanes <= lanes // 2
        many, left = divmod(vectors - half, best)
        widths = [best] * many + [left] * (left > 0)
        if left == 1 and many and not height:  # rather one a little wider than one that is narrow
            widths[-2:] = [best + 1]
        tiles = [self.tile(width, kind) for width in widths]
        if half:
            tiles.append(replace(self.tile(1, kind), bytes=self.vector // 2))
        if height:
            tiles = [replace(tile, rows=height) for tile in tiles]
        return _placed(tiles)

    def covering_flat(self, columns: int, kind: str) -> list[tuple[int, Tile]]:
        """The same, for few rows."""
        vectors = -(-columns * SIZES[kind] // self.vector)
        many, left = divmod(vectors, self.flat)
        widths = [self.flat] * many + [left] * (left > 0)
        return _placed([Tile(2, width, self.vector, kind) for width in widths])


def _placed(tiles: Sequence[Tile]) -> list[tuple[int, Tile]]:
    ends = accumulate((tile.columns for tile in tiles), initial=0)
    return list(zip(ends, tiles, strict=False))


@cache
def shapes(target: Target) -> Shapes:
    """The tiles of a processor."""
    heights = HEIGHTS[target.registers]
    half = target.vector == 64 and target.tuning.half
    return Shapes(target.vector, heights, 8 if target.registers == 32 else 4, half)


def by_rows(
    k: Code, tile: Tile, rows: int, span: tuple[Any, Any], some: Callable[[Tile, Any], None]
) -> None:
    """`some(tile, first)` for each tile of a span of those that cover so many rows.

    The last tile is as high as what is left.
    """
    whole, left = divmod(rows, tile.rows)
    low, high = span
    for i in k.range(low, k.minimum(high, whole)):
        some(tile, i * tile.rows)
    if left:
        with k.when(high > whole):
            some(replace(tile, rows=left), whole * tile.rows)


def by_lines(
    k: Code, tile: Tile, lines: int, length: int, thread: Thread, some: Callable[[Tile, Any], None]
) -> None:
    """The same for some lines of as many rows each, which are adjacent; threads share the tiles.

    The tiles of a line are as high as each other, or nearly so.
    """
    highest = HIGHEST[k.target.registers] if tile.vectors == 1 else tile.rows
    each = -(-length // highest)
    tile = replace(tile, rows=-(-length // each), adjacent=True)
    whole, left = divmod(length, tile.rows)
    for i in k.range(*portion(lines * each, thread)):
        line, t = i // each, i % each
        first = line * length + t * tile.rows
        if not left:
            some(tile, first)
            continue
        with k.when(t < whole):
            some(tile, first)
        with k.when(t == whole):
            some(replace(tile, rows=left), first)


def record_tile(k: Code, tile: Tile, *arguments: Number) -> None:
    """The tile; its columns may end before its last vector does."""
    left = arguments[-1] - (tile.vectors - 1) * tile.lanes
    if k.target.cheap_masks:
        _reduce(k, tile, k.first_lanes(left, tile.lanes), *arguments)
        return
    full = left >= tile.lanes
    with k.when(full):
        _reduce(k, tile, None, *arguments)
    with k.when(~full):
        _reduce(k, tile, k.first_lanes(left, tile.lanes), *arguments)


def _reduce(
    k: Code, tile: Tile, mask: Number | None, a, offsets, outer, steps, inner, a_inner,
    b, b_step, start, start_step, c, c_step, ahead, columns,
) -> None:  # fmt: skip
    kind, lanes = tile.kind, tile.lanes
    grid = [(t, v) for t in range(tile.rows) for v in range(tile.vectors)]

    def masked(v: int) -> Number | None:
        return mask if v == tile.vectors - 1 else None

    def row(base: Any, step: Any, t: Any) -> Any:
        return k.array(base, kind).after(t * step)

    table, lines = k.array(offsets, "i8"), k.array(steps, "i8")
    begins = [
        k.opaque(k.offset(a, table[t], kind)) for t in range(1 if tile.adjacent else tile.rows)
    ]
    a_rows = [k.array(begin, kind) for begin in begins]
    if tile.adjacent:
        a_rows = [a_rows[0].after(t) for t in range(tile.rows)]
    with k.when(inner > SHORT):  # C is there when the sums are
        for t, v in grid:
            k.prefetch(row(c, c_step, t).after(v * lanes).address, write=True)
    sums = {key: k.cell(0.0, kind, lanes) for key in grid}
    with k.when(start != 0):
        for t, v in grid:
            begin = row(start, start_step, t)
            sums[t, v].set(begin.load(v * lanes, lanes, masked(v)))
        for t, v in grid:  # where the next tile starts
            k.prefetch(row(start, start_step, t + tile.rows).after(v * lanes).address)
    here = k.cell(b)
    for p in k.range(outer):
        at = k.cell(lines[p])
        for _ in k.range(0, inner, unroll=False):
            line = k.array(here.value, kind)
            vectors = [line.load(v * lanes, lanes, masked(v)) for v in range(tile.vectors)]
            for v in range(tile.fetched):
                k.prefetch(line.after(ahead + v * lanes).address)
            if tile.far:
                k.prefetch(a_rows[0].after(at.value + a_inner * AHEAD).address)
            for t in range(tile.rows):
                many = k.splat(a_rows[t][at.value], lanes)
                for v in range(tile.vectors):
                    sums[t, v].set(k.muladd(many, vectors[v], sums[t, v].value))
            here.set(k.offset(here.value, b_step, kind))
            at.set(k.opaque(at.value + a_inner))
    for t, v in grid:
        total = sums[t, v].value
        if tile.rectified:
            total = k.select(total < 0.0, 0.0, total)  # a NaN is not below: it stays
        row(c, c_step, t).store(v * lanes, total, masked(v))
