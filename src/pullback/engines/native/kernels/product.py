"""In: matrices where they lie. Out: C = start + A B, written in place.

The columns of C are cut into panels as wide as a tile, and these into parts that stay in the cache
while all rows of A pass over them. A part of B is read where it lies, or, where it is transposed,
or its rows lie pages apart and enough rows of A use it, copied to the workspace first. Threads
share the tiles, a panel's from the first row to the last and then the next panel's; each element is
made in one way, whoever makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, product
from math import prod
from operator import mul
from typing import Any

from pullback.engines.native.code import Code
from pullback.engines.native.kernels.pack import Pack
from pullback.engines.native.kernels.tile import Tile, by_rows, shapes
from pullback.engines.native.number import SIZES, Array, Number
from pullback.engines.native.target import Target
from pullback.engines.native.threads import Thread, portion

FEW = 8
"""Rows or columns, up to which dot products are quicker than tiles."""

TALL = 200
"""Rows that are enough to be shared as evenly as tiles are."""

FAR = 1024
"""Bytes between columns of A that stands upside down, from which on its tiles are slow to read."""

PAGE = 4096
"""Bytes between rows of B from which on each is in a page of its own."""


@dataclass(frozen=True)
class Product:
    """C of m x n is A of m x k times B of k x n; C is contiguous, A and B have any strides.

    `start` is the stride between rows of what is added, 0 for one row for all, None for nothing.
    What is below zero becomes zero if `rectified`. Strides are in elements. If `packed`, or where B
    is transposed, its panels are copied before they are used; see `pays`. If `paneled`, this was
    done before, by `record_panels`. With `apart`, which is
    the height of all tiles, a kernel's t and T are the first of the rows that it makes, a multiple
    of that, and the end of them.
    """

    kind: str
    m: int
    n: int
    k: int
    a: tuple[int, int]
    b: tuple[int, int]
    start: int | None = None
    rectified: bool = False
    packed: bool = False
    apart: int = 0
    paneled: bool = False

    @property
    def is_dots(self) -> bool:
        """Whether it is made as dot products of adjacent numbers.

        For few rows or columns this is quicker than tiles, and B need not be turned round.
        """
        narrow = self.m <= FEW or self.n <= FEW
        return narrow and self.b[0] == 1 and self.a[1] == 1 and self.n > 0 and not self.apart

    @property
    def tall(self) -> bool:
        """Whether threads share the rows, and each makes all columns of its own.

        What adds to them next, or has made what they start from, shares elements in their order, so
        that they stay in the cache of one core.
        """
        return self.m >= max(self.n, TALL)

    @property
    def packing(self) -> bool:
        """Whether panels of B are copied before they are used, here or beforehand."""
        return self.packed or self.paneled or self.b[1] != 1

    @property
    def far(self) -> int:
        """The bytes between columns of A, where its rows stand side by side and these far apart."""
        by = self.a[1] * SIZES[self.kind]
        return by if self.a[0] == 1 and by >= FAR else 0

    def longest(self, target: Target, tile: Tile) -> int:
        """Rows of B in a part of a panel: a quarter of the level-2 cache, beside all else.

        Fewer where A's columns lie far apart by a multiple of a power of 2: the cache lines which
        they begin then have few places there, and shall last until the next rows need them.
        """
        longest = target.caches[1] // 4 // (tile.columns * SIZES[self.kind])
        if self.far:
            power = self.far & -self.far
            longest = min(longest, target.caches[1] // 2 // power)
        return max(64, longest)

    def panels(self, target: Target) -> list[tuple[int, Tile]]:
        """The tile of each panel of columns, and where it begins."""
        tiles = shapes(target)
        if self.m <= tiles.few and not self.packing and not self.apart:
            return tiles.covering_flat(self.n, self.kind)
        return tiles.covering(self.n, self.kind, height=self.apart)

    def fetched(self, target: Target, tile: Tile) -> int:
        """Vectors of the next panel that a tile asks for in each row of B.

        Together all tiles of a panel ask for the whole of the next one. None where that is copied,
        or B fits half of the level-2 cache.
        """
        if self.packing or self.n * self.k * SIZES[self.kind] <= target.caches[1] // 2:
            return 0
        return 2 if self.m < 2 * tile.rows * tile.vectors else 1

    def workspace(self, target: Target) -> int:
        """The bytes that each thread needs: a table of rows, and a panel."""
        packs = self.packing and not self.paneled
        panels = {tile for _, tile in self.panels(target)} if packs else set()
        rooms = (min(self.k, self.longest(target, tile)) * tile.columns for tile in panels)
        return 8 * self.m + max(rooms, default=0) * SIZES[self.kind] + 128


def pays(target: Target, kind: str, m: int, b: tuple[int, int]) -> bool:
    """Whether a copy of B's panels pays, its strides being these, where m rows of A use them."""
    return b[0] * SIZES[kind] >= PAGE and m >= target.tuning.packed


@dataclass(frozen=True)
class Products:
    """A stack of products, of so many along each of its axes.

    `steps` are, for C, A and B, how many elements further on the next one lies along each axis.
    """

    product: Product
    counts: tuple[int, ...]
    steps: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

    def workspace(self, target: Target) -> int:
        return self.product.workspace(target)


def record_products(k: Code, x: Products, thread: Thread, *places: Number) -> None:
    """One thread's part of a stack of products; threads share them."""
    alone = replace(thread, t=0, T=1)
    for i in k.range(*portion(prod(x.counts), thread)):
        index, left = [], i
        for count in reversed(x.counts):
            index.insert(0, left % count)
            left = left // count
        moved = [
            k.offset(at, sum(map(mul, index, by)), x.product.kind)
            for at, by in zip(places, x.steps, strict=True)
        ]
        record_product(k, x.product, alone, *moved)


def record_product(
    k: Code, x: Product, thread: Thread, c: Any, a: Any, b: Any, *start: Any
) -> None:
    """One thread's part of a product."""
    if x.m * x.n == 0:
        return
    matrices = [k.array(place, x.kind) for place in (c, a, b, *start)]
    if x.is_dots:
        _dots(k, x, thread, *matrices)
        return
    table = k.array(thread.workspace, "i8")
    for i in k.range(x.m):
        table[i] = i * x.a[0]
    panel = k.array(k.aligned(k.offset(thread.workspace, x.m, "i8")), x.kind)
    panels = x.panels(k.target)
    tiles = sum(-(-x.m // tile.rows) for _, tile in panels)
    first, last = (0, tiles) if x.apart or x.tall else portion(tiles, thread)
    done = 0
    for tile, group in groupby(panels, key=lambda pair: pair[1]):
        starts = [at for at, _ in group]
        rows = -(-x.m // tile.rows)
        # Of the panels that have this tile those in which the thread has a part, and its rows.
        low = k.maximum(first, done) - done
        high = k.minimum(last, done + rows * len(starts)) - done
        for p in k.range(low // rows, (high + rows - 1) // rows):
            span = k.maximum(low - p * rows, 0), k.minimum(high - p * rows, rows)
            if x.apart:
                span = thread.t // tile.rows, (thread.T + (tile.rows - 1)) // tile.rows
            elif x.tall:
                span = portion(rows, thread)
            column = p * tile.columns + starts[0]
            _panel(k, x, tile, span, column, table, panel, matrices)
        done += rows * len(starts)


def _panel(
    k: Code,
    x: Product,
    tile: Tile,
    span: tuple[Any, Any],
    column: Any,
    table: Array,
    panel: Array,
    matrices: list[Array],
) -> None:
    """The tiles of a panel of C in a span of them, from a column on."""
    a, width = matrices[1], k.minimum(x.n - column, tile.columns)
    c, b = matrices[0].after(column), matrices[2].after(column * x.b[1])
    start = [array.after(column) for array in matrices[3:]]
    packing, longest = x.packing, x.longest(k.target, tile)
    fetched = x.fetched(k.target, tile)

    def part(done: Any, length: int, begin: list[Array], step: int, last: bool = False) -> None:
        """What these rows of B add."""
        source, source_step = b.after(done * x.b[0]), x.b[0]
        if x.paneled:
            source = matrices[2].after(column * x.k + done * tile.columns)
            source_step = tile.columns
        elif packing:
            pack = Pack(x.kind, tile.columns, x.b[1] == 1, x.b[0] == 1)
            k.run(pack, panel, source, x.b[0], x.b[1], length, width)
            source, source_step = panel, tile.columns

        def some(small: Tile, row: Any) -> None:
            ahead = row // tile.rows * fetched % tile.vectors * tile.lanes + tile.columns
            k.run(
                small, a.after(done * x.a[1]), table.after(row),
                1, table, length, x.a[1], source, source_step,
                begin[0].after(row * step) if begin else None, step,
                c.after(row * x.n), x.n, ahead, width,
            )  # fmt: skip

        rectified = last and x.rectified
        made = replace(tile, rectified=rectified, fetched=fetched, far=x.far > 0)
        by_rows(k, made, x.m, span, some)

    whole = -(-x.k // longest) - 1  # parts before the last one
    if whole < 1:
        part(0, x.k, start, x.start or 0, True)
        return
    part(0, longest, start, x.start or 0)
    for q in k.range(1, whole):
        part(q * longest, longest, [c], x.n)
    part(whole * longest, x.k - whole * longest, [c], x.n, True)


def record_panels(k: Code, x: Product, thread: Thread, panels: Any, b: Any) -> None:
    """Panels of B for a product, one behind the other, each with its rows close together.

    Threads share the panels.
    """
    panels, b = k.array(panels, x.kind), k.array(b, x.kind)
    for tile, group in groupby(x.panels(k.target), key=lambda pair: pair[1]):
        starts = [at for at, _ in group]
        first, last = portion(len(starts), thread)
        for p in k.range(first, last):
            column = p * tile.columns + starts[0]
            width = k.minimum(x.n - column, tile.columns)
            pack = Pack(x.kind, tile.columns, x.b[1] == 1, x.b[0] == 1)
            source = b.after(column * x.b[1])
            k.run(pack, panels.after(column * x.k), source, x.b[0], x.b[1], x.k, width)


def _dots(k: Code, x: Product, thread: Thread, c: Array, a: Array, b: Array, *start: Array) -> None:
    """A product as one of adjacent numbers for each element, as many at once as a vector has lanes.

    Threads share the blocks of rows and columns.
    """
    lanes = k.target.lanes(x.kind)
    across = 1
    while across * across < lanes and across < x.n:
        across *= 2
    while lanes // across > x.m and across < lanes:
        across *= 2
    down = lanes // across
    blocks = -(-x.n // across)
    for block in k.range(*portion(-(-x.m // down) * blocks, thread)):
        i, j = block // blocks * down, block % blocks * across
        rows = [a.after(k.minimum(i + t, x.m - 1) * x.a[0]) for t in range(down)]
        columns = [b.after(k.minimum(j + v, x.n - 1) * x.b[1]) for v in range(across)]
        totals = _totals(k, rows, columns, x.k, lanes)
        mask = k.first_lanes(k.minimum(x.n - j, across), across)
        for t in range(down):
            total = k.extract(totals, t)
            if across > 1:
                total = k.shuffle(totals, totals, range(t * across, (t + 1) * across))
            with k.when(i + t < x.m):
                for array in start:
                    before = array.after((i + t) * (x.start or 0) + j)
                    total = total + before.load(0, across, mask)
                if x.rectified:
                    total = k.select(total < 0.0, 0.0, total)
                c.after((i + t) * x.n + j).store(0, total, mask)


def _totals(
    k: Code, rows: Sequence[Array], columns: Sequence[Array], count: int, lanes: int
) -> Number:
    """The sums of a[p] b[p] for each of these rows and columns, side by side.

    Each is at first as many sums as a vector has lanes; pairs of vectors are then added, of both
    the lanes with even and with odd numbers, until one is left.
    """
    kind, end = rows[0].kind, count // lanes * lanes
    sums = [k.cell(0.0, kind, lanes) for _ in rows for _ in columns]

    def add(p: Any, mask: Number | None) -> None:
        xs = [row.load(p, lanes, mask) for row in rows]
        ys = [column.load(p, lanes, mask) for column in columns]
        for (x, y), total in zip(product(xs, ys), sums, strict=True):
            total.set(k.muladd(x, y, total.value))

    for p in k.range(0, end, lanes):
        add(p, None)
    if end < count:
        add(end, k.first_lanes(count - end, lanes))
    found = [total.value for total in sums]
    while len(found) > 1:
        pairs = zip(found[::2], found[1::2], strict=True)
        found = [
            k.shuffle(x, y, range(0, 2 * lanes, 2)) + k.shuffle(x, y, range(1, 2 * lanes, 2))
            for x, y in pairs
        ]
    return found[0]
