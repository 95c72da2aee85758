"""In: images, channels last, and windows of weights. Out: their convolution, and its gradients.

All three are the register tile with other strides, and no matrix of image patches is ever written:

- forward: the rows of a tile are output pixels, the reduction runs over the window;
- gradient of the input: the same, over the gradient of the output with the window turned round;
- gradient of the weights: the rows are places in the window, the reduction runs over the pixels.

An image with a border is first copied, one at a time, into a border of zeros in the workspace.
Shapes: x (N, H, W, C), w (KH, KW, C, O), y (N, OH, OW, O), all contiguous.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from pullback.engines.native.code import Code
from pullback.engines.native.kernels.pack import Pack, copy_line
from pullback.engines.native.kernels.tile import Tile, by_rows, shapes
from pullback.engines.native.number import SIZES, Array
from pullback.engines.native.target import Target
from pullback.engines.native.threads import Thread, portion

PIXELS = 128
"""As many should the gradient of the weights add up before it stores its sums."""

MANY = 128
"""Rows of weights that make a copy of what they are multiplied with pay."""


@dataclass(frozen=True)
class Convolution:
    """The sizes of a convolution; (SH, SW) is the stride, and the border is top and left wide."""

    kind: str
    N: int
    H: int
    W: int
    C: int
    OH: int
    OW: int
    O: int
    KH: int
    KW: int
    SH: int
    SW: int
    top: int
    left: int

    @property
    def bordered(self) -> tuple[int, int]:
        """Rows and columns of an image with all that its windows look at."""
        return (self.OH - 1) * self.SH + self.KH, (self.OW - 1) * self.SW + self.KW

    @property
    def direct(self) -> bool:
        """Whether all windows lie inside of the image."""
        rows, width = self.bordered
        return self.top == self.left == 0 and rows <= self.H and width <= self.W

    @property
    def around(self) -> tuple[int, int]:
        """Rows and columns of an output with the border that its gradient's windows look at."""
        rows = (self.H - 1 + self.top) // self.SH + -(-self.KH // self.SH)
        return rows, (self.W - 1 + self.left) // self.SW + -(-self.KW // self.SW)

    def workspace(self, target: Target) -> int:
        """The bytes that any of the three needs on each thread."""
        group = self.group(target)
        table = max(self.OH * self.OW, self.H * self.W, self.KH * self.KW * self.C)
        lines = max(self.KH, group * self.OH)
        image = max(group * math.prod(self.bordered) * self.C, math.prod(self.around) * self.O)
        widest = len(shapes(target).heights) * target.lanes(self.kind)
        weights = self.KH * self.KW * max(self.C * (self.O + widest), self.O * (self.C + widest))
        weights = max(weights, group * self.OH * self.OW * widest)
        return 8 * (table + lines) + (image + weights) * SIZES[self.kind] + 256

    def group(self, target: Target) -> int:
        """Images that the gradient of the weights takes at once.

        So many that their pixels are worth loading its sums, and fit a part of the level-2 cache.
        """
        pixels, bytes = self.OH * self.OW, math.prod(self.bordered) * self.C * SIZES[self.kind]
        fit = min(-(-PIXELS // max(pixels, 1)), target.caches[1] // 8 // max(bytes, 1))
        return max(1, min(self.N, fit))


def _room(k: Code, x: Convolution, thread: Thread, *sizes: int) -> tuple[Array, ...]:
    """Parts of the workspace: two tables, and arrays of numbers, of these sizes each."""
    table = k.array(thread.workspace, "i8")
    lines = table.after(sizes[0])
    at, found = lines.after(sizes[1]).address, []
    for size in sizes[2:]:
        found.append(k.array(k.aligned(at), x.kind))
        at = found[-1].after(size).address
    return table, lines, *found


def _spread(
    k: Code, to: Array, of: Array, rows: int, columns: int, size: tuple[int, int, int],
    top: int, left: int,
) -> None:  # fmt: skip
    """Copy an image into a larger one, pixel (i, j) to (top + i, left + j).

    What falls outside of `rows` and `columns` is left out.
    """
    H, W, C = size
    count = min(W, columns - left) * C
    for i in k.range(min(H, rows - top) if count > 0 else 0):
        line = to.after(((i + top) * columns + left) * C)
        copy_line(k, line, of.after(i * W * C), count, k.target.lanes(to.kind))


def _pixels(
    k: Code, y: Array, table: Array, lines: Array, pixels: int, x: Array,
    sizes: tuple[int, int, int], w: Array, packed: bool, O: int, apart: int = 1,
) -> None:  # fmt: skip
    """Some output pixels of one image: the panels of output channels, and the tiles of pixels.

    w is laid out in panels, each with its rows close together, if `packed`. The pixels are so many
    `apart`.
    """
    KH, KW, C = sizes
    for column, tile in shapes(k.target).covering(O, y.kind):
        panel = min(tile.columns, O - column)
        weights, step = w.after(column), O
        if packed:
            weights, step = w.after(column * KH * KW * C), tile.columns

        def some(tile: Tile, p: Any, column=column, panel=panel, w=weights, step=step) -> None:
            k.run(
                tile, x, table.after(p), KH, lines, KW * C, 1,
                w, step, None, 0, y.after(p * (apart * O) + column), apart * O, panel,
            )  # fmt: skip

        by_rows(k, tile, pixels, (0, -(-pixels // tile.rows)), some)


def _fill_table(k: Code, table: Array, shape: tuple[int, int], steps: tuple[int, int]) -> None:
    """Where each of some rows and columns begins, these being the steps between them."""
    for i in k.range(shape[0]):
        for j in k.range(shape[1]):
            table[i * shape[1] + j] = i * steps[0] + j * steps[1]


def record_convolve(k: Code, s: Convolution, thread: Thread, y: Any, x: Any, w: Any) -> None:
    """y[n, i, j, o] = sum_{a, b, c} x[n, i SH + a - top, j SW + b - left, c] w[a, b, c, o].

    Threads share the images. Outside of the image x is 0.
    """
    y, x, w = (k.array(place, s.kind) for place in (y, x, w))
    rows, width = s.bordered
    depth = s.KH * s.KW * s.C
    bordered = 0 if s.direct else rows * width * s.C
    table, lines, image, weights = _room(k, s, thread, s.OH * s.OW, s.KH, bordered, 0)
    panels = shapes(k.target).covering(s.O, s.kind)
    packed = len(panels) > 1
    if s.direct:
        width = s.W
    else:
        k.clear(image, bordered)
    if packed:
        for column, tile in panels:
            pack = Pack(s.kind, tile.columns, True, s.O == 1)
            panel = min(tile.columns, s.O - column)
            k.run(pack, weights.after(column * depth), w.after(column), s.O, 1, depth, panel)
    _fill_table(k, table, (s.OH, s.OW), (s.SH * width * s.C, s.SW * s.C))
    _fill_table(k, lines, (s.KH, 1), (width * s.C, 0))
    for n in k.range(*portion(s.N, thread)):
        source = x.after(n * (s.H * s.W * s.C))
        if not s.direct:
            _spread(k, image, source, rows, width, (s.H, s.W, s.C), s.top, s.left)
            source = image
        target = y.after(n * (s.OH * s.OW * s.O))
        given = weights if packed else w
        window = (s.KH, s.KW, s.C)
        _pixels(k, target, table, lines, s.OH * s.OW, source, window, given, packed, s.O)


def record_convolve_input(k: Code, s: Convolution, thread: Thread, x: Any, y: Any, w: Any) -> None:
    """x[n, h, v, c] = sum_{a, b, o} y[n, (h + top - a) / SH, (v + left - b) / SW, o] w[a, b, c, o]
    where both quotients are whole. Threads share the images.

    Pixels for which the same a and b count, every SH rows and SW columns, are made together.
    """
    x, y, w = (k.array(place, s.kind) for place in (x, y, w))
    rows, width = s.around
    panels = shapes(k.target).covering(s.C, s.kind)
    table, lines, image, weights = _room(k, s, thread, s.H * s.W, s.KH, rows * width * s.O, 0)
    k.clear(image, rows * width * s.O)
    _fill_table(k, lines, (s.KH, 1), (width * s.O, 0))
    phases = []
    for down, right in product(_phases(s.H, s.KH, s.SH, s.top), _phases(s.W, s.KW, s.SW, s.left)):
        depth = down.taps * right.taps * s.O
        if depth == 0 or down.pixels * right.pixels == 0:
            continue
        phases.append((down, right, table, weights))
        for column, tile in panels:
            panel, step = min(tile.columns, s.C - column), tile.columns
            pack = Pack(s.kind, step, s.O == 1, True)
            for i in k.range(down.taps):
                for j in k.range(right.taps):
                    a = down.last - i * s.SH
                    b = right.last - j * s.SW
                    source = w.after(((a * s.KW + b) * s.C + column) * s.O)
                    target = weights.after((i * right.taps + j) * (s.O * step) + column * depth)
                    k.run(pack, target, source, 1, s.O, s.O, panel)
        for i in k.range(down.pixels):
            for j in k.range(right.pixels):
                start = (down.start + i) * width + right.start + j
                table[i * right.pixels + j] = start * s.O
        table = table.after(down.pixels * right.pixels)
        weights = weights.after(depth * (panels[-1][0] + panels[-1][1].columns))
    for n in k.range(*portion(s.N, thread)):
        source, target = y.after(n * (s.OH * s.OW * s.O)), x.after(n * (s.H * s.W * s.C))
        above, before = (-(-size // stride) - 1 for size, stride in ((s.KH, s.SH), (s.KW, s.SW)))
        _spread(k, image, source, rows, width, (s.OH, s.OW, s.O), above, before)
        if len(phases) < s.SH * s.SW:  # between the windows, or behind the last of them
            k.clear(target, s.H * s.W * s.C)
        for down, right, table, weights in phases:
            window, across = (down.taps, right.taps, s.O), right.pixels
            if s.SH == s.SW == 1:
                pixels = s.H * s.W
                _pixels(k, target, table, lines, pixels, image, window, weights, True, s.C)
                continue
            for i in k.range(down.pixels):
                line = target.after(((i * s.SH + down.first) * s.W + right.first) * s.C)
                starts = table.after(i * across)
                _pixels(k, line, starts, lines, across, image, window, weights, True, s.C, s.SW)


class _Phase(NamedTuple):
    """Pixels along an axis for which the same taps of a window count.

    The `first` of them and how many `pixels`; how many `taps`, and the `last`; and where the window
    of the first pixel starts in a bordered output.
    """

    first: int
    pixels: int
    taps: int
    last: int
    start: int


def _phases(pixels: int, size: int, stride: int, before: int) -> list[_Phase]:
    """The phases along an axis of so many pixels, for windows of a size, a stride and a border."""
    found, most = [], -(-size // stride)
    for r in range(stride):
        first, taps = (r - before) % stride, len(range(r, size, stride))
        mine = len(range(first, pixels, stride))
        start = (first + before - r) // stride + most - taps
        found.append(_Phase(first, mine, taps, r + (taps - 1) * stride, start))
    return found


def record_convolve_weights(
    k: Code, s: Convolution, thread: Thread, w: Any, x: Any, y: Any
) -> None:
    """w[a, b, c, o] = sum_{n, i, j} x[n, i SH + a - top, j SW + b - left, c] y[n, i, j, o].

    Threads share the rows (a, b, c), not the images, so that nothing is left to add up and the
    result does not depend on their number.
    """
    w, x, y = (k.array(place, s.kind) for place in (w, x, y))
    rows, width = (s.H, s.W) if s.direct else s.bordered
    depth, size, group = s.KH * s.KW * s.C, rows * width * s.C, s.group(k.target)
    bordered = 0 if s.direct else group * size
    table, lines, images, pulls = _room(k, s, thread, depth, group * s.OH, bordered, 0)
    panels = shapes(k.target).covering(s.O, s.kind)
    if not s.direct:
        k.clear(images, bordered)
    for place in k.range(s.KH * s.KW):
        for c in k.range(s.C):
            window = place // s.KW * width + place % s.KW
            table[place * s.C + c] = window * s.C + c
    _fill_table(k, lines, (group, s.OH), (size, s.SH * width * s.C))
    if s.N == 0:
        k.clear(w, depth * s.O)
    for n in k.range(0, s.N, group):
        count = k.minimum(s.N - n, group)
        source = x.after(n * (s.H * s.W * s.C))
        if not s.direct:
            for i in k.range(count):
                to, of = images.after(i * size), source.after(i * (s.H * s.W * s.C))
                _spread(k, to, of, rows, width, (s.H, s.W, s.C), s.top, s.left)
            source = images
        for column, tile in panels:
            panel, step = min(tile.columns, s.O - column), s.O
            pull = y.after(n * (s.OH * s.OW * s.O) + column)
            if len(panels) > 1 and depth >= MANY:
                pack = Pack(s.kind, tile.columns, True, False)
                k.run(pack, pulls, pull, s.O, 1, count * (s.OH * s.OW), panel)
                pull, step = pulls, tile.columns

            def some(tile: Tile, r: Any, column=column, panel=panel, pull=pull, step=step) -> None:
                target = w.after(r * s.O + column)
                first = n == 0  # known if there is but one group
                before = 0 if first is True else k.select(first, 0, target.address)
                k.run(
                    tile, source, table.after(r), count * s.OH, lines, s.OW, s.SW * s.C,
                    pull, step, before, s.O, target, s.O, panel,
                )  # fmt: skip

            by_rows(k, tile, depth, portion(-(-depth // tile.rows), thread), some)
