"""In: images, channels last, and windows of weights. Out: their convolution, and its gradients.

All three are the register tile with other strides, and no matrix of image patches is ever written:

- forward: the rows of a tile are output pixels, the reduction runs over the window;
- gradient of the input: the same, over the gradient of the output with the window turned round;
- gradient of the weights: the rows are places in the window, the reduction runs over the pixels.

Groups of channels are convolutions one after another. A line of the reduction is a row of a window;
where the channels of a group or the taps of a row are not adjacent, it is the channels of one tap.
An image with a border is first copied, one at a time, into a border of zeros in the workspace.
Shapes: x (N, H, W, C), w (KH, KW, C / G, O), y (N, OH, OW, O), all contiguous.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from pullback.engines.native.code import Code
from pullback.engines.native.kernels.geometry import Band, Convolution, Phase, bands, phases
from pullback.engines.native.kernels.pack import Pack, copy_line
from pullback.engines.native.kernels.tile import Tile, by_lines, by_rows, shapes
from pullback.engines.native.number import Array
from pullback.engines.native.threads import Thread, portion

MANY = 128
"""Rows of weights that make a copy of what they are multiplied with pay."""


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
    k: Code, y: Array, table: Array, lines: Array, rows: Sequence[Band], width: int, x: Array,
    window: tuple[int, int, int], w: Array, packed: bool, channels: int, apart: int,
) -> None:  # fmt: skip
    """Output pixels of one image: the panels of output channels, bands of rows, tiles of pixels.

    A window is so many lines for each row of taps, and numbers in each; `taps` are all its rows. w
    is laid out in panels, each with its rows close together, if `packed`. The pixels are so many
    numbers `apart`, and `width` in a row.
    """
    taps, lines_a_row, inner = window
    for column, tile in shapes(k.target).covering(channels, y.kind):
        panel = min(tile.columns, channels - column)
        weights, step = w.after(column), channels
        if packed:
            weights, step = w.after(column * taps * lines_a_row * inner), tile.columns
        for band in rows:
            low, high = (n * lines_a_row for n in band.taps)
            begin, pixels = band.first * width, band.rows * width
            given = (
                table.after(begin), high - low, lines.after(low),
                weights.after(low * inner * step), step, y.after(begin * apart + column), panel,
            )  # fmt: skip

            def some(tile: Tile, p: Any, given: Any = given) -> None:
                starts, count, reach, source, step, target, panel = given
                k.run(
                    tile, x, starts.after(p), count, reach, inner, 1,
                    source, step, None, 0, target.after(p * apart), apart, 0, panel,
                )  # fmt: skip

            by_rows(k, tile, pixels, (0, -(-pixels // tile.rows)), some)


def _fill_table(k: Code, table: Array, shape: tuple[int, int], steps: tuple[int, int]) -> None:
    """Where each of some rows and columns begins, these being the steps between them."""
    for i in k.range(shape[0]):
        for j in k.range(shape[1]):
            table[i * shape[1] + j] = i * steps[0] + j * steps[1]


def _fill_lines(
    k: Code, lines: Array, taps: tuple[int, int], steps: tuple[int, int], channels: int
) -> tuple[int, int, int]:
    """Where the lines of a window begin, so many taps these steps apart; rows of taps, lines in
    each, and numbers in each of these.
    """
    if steps[1] == channels or taps[1] == 1:  # a row of taps lies in one piece
        _fill_table(k, lines, (taps[0], 1), (steps[0], 0))
        return taps[0], 1, taps[1] * channels
    _fill_table(k, lines, taps, steps)
    return *taps, channels


def record_convolve(k: Code, s: Convolution, thread: Thread, y: Any, x: Any, w: Any) -> None:
    """y[n, i, j, o] = sum_{a, b, c} x[n, i SH + a - top, j SW + b - left, c] w[a, b, c, o].

    Threads share the images. Outside of the image x is 0.
    """
    y, x, w = (k.array(place, s.kind) for place in (y, x, w))
    rows, width = s.bordered
    channels, filters = s.part
    taps = s.KH * s.KW
    depth, bordered = taps * channels, 0 if s.direct else rows * width * s.C
    table, lines, image, weights = _room(k, s, thread, s.OH * s.OW, taps, bordered, 0)
    panels = shapes(k.target).covering(filters, s.kind)
    packed = len(panels) > 1 or s.G > 1
    space = depth * (panels[-1][0] + panels[-1][1].columns) if panels else 0
    if s.direct:
        width = s.W
    else:
        k.clear(image, bordered)
    if packed:
        for g in k.range(s.G):
            for column, tile in panels:
                pack = Pack(s.kind, tile.columns, True, s.O == 1)
                panel = min(tile.columns, filters - column)
                target, source = g * space + column * depth, w.after(g * filters + column)
                k.run(pack, weights.after(target), source, s.O, 1, depth, panel)
    _fill_table(k, table, (s.OH, s.OW), (s.SH * width * s.C, s.SW * s.C))
    steps = s.DH * width * s.C, s.DW * s.C
    window = _fill_lines(k, lines, (s.KH, s.KW), steps, channels)
    inside = bands(s.OH, -s.top, s.SH, s.KH, s.DH, s.H)
    for n in k.range(*portion(s.N, thread)):
        source = x.after(n * (s.H * s.W * s.C))
        if not s.direct:
            _spread(k, image, source, rows, width, (s.H, s.W, s.C), s.top, s.left)
            source = image
        target = y.after(n * (s.OH * s.OW * s.O))
        for g in k.range(s.G):
            given = weights.after(g * space) if packed else w
            _pixels(
                k, target.after(g * filters), table, lines, inside, s.OW,
                source.after(g * channels), window, given, packed, filters, s.O,
            )  # fmt: skip


def record_convolve_input(k: Code, s: Convolution, thread: Thread, x: Any, y: Any, w: Any) -> None:
    """x[n, h, v, c] = sum_{a, b, o} y[n, (h + top - a DH) / SH, (v + left - b DW) / SW, o]
    w[a, b, c, o] where both quotients are whole. Threads share the images.

    Pixels for which the same a and b count, every SH rows and SW columns, are made together.
    """
    x, y, w = (k.array(place, s.kind) for place in (x, y, w))
    rows, width = s.around
    channels, filters = s.part
    panels = shapes(k.target).covering(channels, s.kind)
    columns = panels[-1][0] + panels[-1][1].columns if panels else 0
    sizes = s.H * s.W, s.KH * s.KW, rows * width * s.O, 0
    table, lines, image, weights = _room(k, s, thread, *sizes)
    k.clear(image, rows * width * s.O)
    parts = []
    for down, right in product(*phases(s)):
        taps, pixels = down.taps * right.taps, down.pixels * right.pixels
        depth = taps * filters
        if depth == 0 or pixels == 0:
            continue
        steps = down.apart * width * s.O, right.apart * s.O
        window = _fill_lines(k, lines, (down.taps, right.taps), steps, filters)
        parts.append(_Part(down, right, window, table, lines, weights, depth * columns))
        for g in k.range(s.G):
            for column, tile in panels:
                panel, step = min(tile.columns, channels - column), tile.columns
                pack = Pack(s.kind, step, s.O == 1, True)
                for i in k.range(down.taps):
                    for j in k.range(right.taps):
                        a, b = down.last - i * down.step, right.last - j * right.step
                        source = ((a * s.KW + b) * channels + column) * s.O + g * filters
                        target = (i * right.taps + j) * (filters * step) + column * depth
                        target = weights.after(g * (depth * columns) + target)
                        k.run(pack, target, w.after(source), 1, s.O, filters, panel)
        for i in k.range(down.pixels):
            for j in k.range(right.pixels):
                start = (down.start + i) * width + right.start + j
                table[i * right.pixels + j] = start * s.O
        table, lines = table.after(pixels), lines.after(taps)
        weights = weights.after(s.G * depth * columns)
    for n in k.range(*portion(s.N, thread)):
        source, target = y.after(n * (s.OH * s.OW * s.O)), x.after(n * (s.H * s.W * s.C))
        _spread(k, image, source, rows, width, (s.OH, s.OW, s.O), *s.before)
        if len(parts) < s.SH * s.SW:  # between the windows, or behind the last of them
            k.clear(target, s.H * s.W * s.C)
        for part in parts:
            for g in k.range(s.G):
                _part(k, s, part, g, target.after(g * channels), image.after(g * filters))


class _Part(NamedTuple):
    """Two phases, their windows, and where their tables and weights begin; `space` is that of the
    weights of a group.
    """

    down: Phase
    right: Phase
    window: tuple[int, int, int]
    table: Array
    lines: Array
    weights: Array
    space: int


def _part(k: Code, s: Convolution, part: _Part, g: Any, x: Array, y: Array) -> None:
    """The pixels of two phases, in the channels of a group of an image."""
    down, right, table = part.down, part.right, part.table
    weights = part.weights.after(g * part.space)
    if s.SH == s.SW == 1:
        given = part.window, weights, True, s.C // s.G, s.C
        inside = bands(s.H, down.start - s.before[0], 1, down.taps, down.apart, s.OH)
        _pixels(k, x, table, part.lines, inside, s.W, y, *given)
        return
    given = part.window, weights, True, s.C // s.G, s.SW * s.C
    for i in k.range(down.pixels):
        line = x.after(((i * s.SH + down.first) * s.W + right.first) * s.C)
        starts, row = table.after(i * right.pixels), [Band(0, 1, (0, down.taps))]
        _pixels(k, line, starts, part.lines, row, right.pixels, y, *given)


def record_convolve_weights(
    k: Code, s: Convolution, thread: Thread, w: Any, x: Any, y: Any
) -> None:
    """w[a, b, c, o] = sum_{n, i, j} x[n, i SH + a DH - top, j SW + b DW - left, c] y[n, i, j, o].

    Threads share the rows (a, b, c), not the images, so that nothing is left to add up and the
    result does not depend on their number.
    """
    w, x, y = (k.array(place, s.kind) for place in (w, x, y))
    rows, width = (s.H, s.W) if s.direct else s.bordered
    channels, filters = s.part
    depth, size, group = s.KH * s.KW * channels, rows * width * s.C, s.group(k.target)
    bordered = 0 if s.direct else group * size
    table, lines, images, pulls = _room(k, s, thread, depth, group * s.OH, bordered, 0)
    if not s.direct:
        k.clear(images, bordered)
    for place in k.range(s.KH * s.KW):
        for c in k.range(channels):
            window = place // s.KW * (s.DH * width) + place % s.KW * s.DW
            table[place * channels + c] = window * s.C + c
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
        pull = y.after(n * (s.OH * s.OW * s.O))
        for g in k.range(s.G):
            _weights(
                k, s, thread, n, count, w.after(g * filters), source.after(g * channels),
                pull.after(g * filters), table, lines, pulls,
            )  # fmt: skip


def _weights(
    k: Code, s: Convolution, thread: Thread, n: Any, count: Any, w: Array, x: Array, y: Array,
    table: Array, lines: Array, pulls: Array,
) -> None:  # fmt: skip
    """What so many images from the n-th on add to the weights of a group."""
    channels, filters = s.part
    depth = s.KH * s.KW * channels
    line = channels * (s.KW if s.G == s.DW == 1 else 1)  # rows that are adjacent in the image
    panels = shapes(k.target).covering(filters, s.kind)
    for column, tile in panels:
        panel, step, pull = min(tile.columns, filters - column), s.O, y.after(column)
        if len(panels) > 1 and depth >= MANY:
            pack = Pack(s.kind, tile.columns, True, False)
            k.run(pack, pulls, pull, s.O, 1, count * (s.OH * s.OW), panel)
            pull, step = pulls, tile.columns

        def some(tile: Tile, r: Any, column=column, panel=panel, pull=pull, step=step) -> None:
            target = w.after(r * s.O + column)
            first = n == 0  # known if there is but one group of images
            before = 0 if first is True else k.select(first, 0, target.address)
            k.run(
                tile, x, table.after(r), count * s.OH, lines, s.OW, s.SW * s.C,
                pull, step, before, s.O, target, s.O, 0, panel,
            )  # fmt: skip

        if line < tile.rows:
            by_rows(k, tile, depth, portion(-(-depth // tile.rows), thread), some)
        else:
            by_lines(k, tile, depth // line, line, thread, some)
