"""In: images as addresses, channels last. Out: their convolution, and both of its gradients.

All three are the register tile with other strides, and no matrix of image patches is ever written:

- forward: the rows of a tile are output pixels, the reduction runs over the window;
- gradient of the input: the same, over the gradient of the output with the window turned round;
- gradient of the weights: the rows are places in the window, the reduction runs over the pixels.

An image with a border is first copied, one at a time, into a border of zeros in the workspace.
Shapes: x (N, H, W, C), w (KH, KW, C, O), y (N, OH, OW, O), all contiguous.
"""

from __future__ import annotations

import numpy as np

from pullback.engines.native.kernels.lower import itemsize, kernel, no_limit, numbers_at, zero
from pullback.engines.native.kernels.pack import pack
from pullback.engines.native.kernels.symbols import native
from pullback.engines.native.kernels.tile import ROWS, WIDTHS, kind_for, tile


@kernel
def convolution_workspace_size(H, W, C, OH, OW, O, KH, KW, SH, SW, size):
    """The bytes that any of the three functions needs on each thread that runs it."""
    table = max(OH * OW, H * W, KH * KW * C)
    bordered = max(((OH - 1) * SH + KH) * ((OW - 1) * SW + KW) * C, (H + KH - 1) * (W + KW - 1) * O)
    weights = KH * KW * max(C * (O + WIDTHS[-1]), O * (C + WIDTHS[-1]))
    return 8 * table + (bordered + weights) * size + 192


@kernel
def _aligned(place):
    """The next address that begins a cache line."""
    return (place + 63) // 64 * 64


def _zeros(target, count, like):
    """count zeros."""
    to = numbers_at(target, like)
    for i in range(count):
        to[i] = zero(like)


def _image(target, rows, columns, source, H, W, C, top, left, down, right, like):
    """Copy an image into a larger one, pixel (i, j) to (top + i down, left + j right).

    What falls outside of `rows` and `columns` is left out.
    """
    to, of = numbers_at(target, like), numbers_at(source, like)
    for i in range(H):
        p = top + i * down
        if p < 0 or p >= rows:
            continue
        if right == 1:
            first, last = max(0, -left), min(W, columns - left)
            start, origin = (p * columns + left) * C, i * W * C
            for j in range(first * C, last * C):
                to[start + j] = of[origin + j]
        else:
            for j in range(W):
                q = left + j * right
                if q >= 0 and q < columns:
                    for c in range(C):
                        to[(p * columns + q) * C + c] = of[(i * W + j) * C + c]


_clear = native("clear", _zeros, 2)
_spread = native("spread", _image, 11)


@kernel
def _pixel_table(table, rows, columns, down, right, width, C):
    """Where the window of each output pixel begins, in elements of the input image."""
    offsets = numbers_at(table, np.int64(0))
    for i in range(rows):
        for j in range(columns):
            offsets[i * columns + j] = (i * down * width + j * right) * C


def _all_pixels(y, table, pixels, x, width, C, KH, KW, w, packed, O, bias, floor):
    """All output pixels of one image: the panels of output channels, and the tiles of pixels.

    w is laid out in panels, each with its rows close together, if `packed`.
    """
    size, depth = itemsize(floor), KH * KW * C
    column = 0
    while column < O:
        kind = kind_for((O - column) * size)
        panel = min(WIDTHS[kind] // size, O - column)
        if packed:
            weights, step = w + column * depth * size, WIDTHS[kind] // size
        else:
            weights, step = w + column * size, O
        begin = bias + column * size if bias != 0 else 0
        for p in range(0, pixels, ROWS[kind]):
            tile(
                kind, x, table + 8 * p, min(ROWS[kind], pixels - p), KH, width * C, KW * C, 1,
                weights, step, begin, 0, y + (p * O + column) * size, O, panel, floor,
            )  # fmt: skip
        column += panel


_pixels = native("pixels", _all_pixels, 12)


def _forward(
    y, x, w, bias, first, last, H, W, C, OH, OW, O, KH, KW, SH, SW, top, left, workspace, floor
):
    """y[n, i, j, o] = maximum(sum_{a, b, c} x[n, i SH + a - top, j SW + b - left, c] w[a, b, c, o]
    + bias[o], floor) for the images first <= n < last.

    y, x, w, bias (0: none) and workspace are addresses, all arrays contiguous; outside of the image
    x is 0. -inf is no floor, 0 a ReLU; its type is the precision.
    """
    size = itemsize(floor)
    rows, width = (OH - 1) * SH + KH, (OW - 1) * SW + KW
    direct = top == 0 and left == 0 and rows <= H and width <= W
    table = workspace
    image = _aligned(table + 8 * OH * OW)
    weights = w
    if direct:
        width = W
    else:
        _clear(image, rows * width * C, floor)
    packed = O * size > WIDTHS[0]
    if packed:
        depth = KH * KW * C
        weights = _aligned(image + (0 if direct else rows * width * C * size))
        column = 0
        while column < O:
            step = WIDTHS[kind_for((O - column) * size)] // size
            panel = min(step, O - column)
            target = weights + column * depth * size
            pack(target, step, w + column * size, O, 1, depth, panel, floor)
            column += panel
    _pixel_table(table, OH, OW, SH, SW, width, C)
    for n in range(first, last):
        source = x + n * H * W * C * size
        if not direct:
            _spread(image, rows, width, source, H, W, C, top, left, 1, 1, floor)
            source = image
        target = y + n * OH * OW * O * size
        _pixels(target, table, OH * OW, source, width, C, KH, KW, weights, packed, O, bias, floor)


def _input_gradient(
    dx, dy, w, first, last, H, W, C, OH, OW, O, KH, KW, SH, SW, top, left, workspace, like
):
    """dx[n, h, v, c] = sum_{a, b, o} dy[n, (h + top - a) / SH, (v + left - b) / SW, o]
    w[a, b, c, o] for the images first <= n < last, where both quotients are whole.

    The arguments are those of `forward`; `like` is a number of the precision.
    """
    size = itemsize(like)
    rows, width, depth = H + KH - 1, W + KW - 1, KH * KW * O
    table = workspace
    image = _aligned(table + 8 * H * W)
    weights = _aligned(image + rows * width * O * size)
    _clear(image, rows * width * O, like)
    column = 0
    while column < C:
        step = WIDTHS[kind_for((C - column) * size)] // size
        panel = min(step, C - column)
        for place in range(KH * KW):
            source = w + ((KH * KW - 1 - place) * C + column) * O * size
            target = weights + (column * depth + place * O * step) * size
            pack(target, step, source, 1, O, O, panel, like)
        column += panel
    _pixel_table(table, H, W, 1, 1, width, O)
    for n in range(first, last):
        source = dy + n * OH * OW * O * size
        above, before = KH - 1 - top, KW - 1 - left
        _spread(image, rows, width, source, OH, OW, O, above, before, SH, SW, like)
        target = dx + n * H * W * C * size
        _pixels(target, table, H * W, image, width, O, KH, KW, weights, True, C, 0, no_limit(like))


def _weight_gradient(
    dw, x, dy, first, last, images, H, W, C, OH, OW, O, KH, KW, SH, SW, top, left, workspace, like
):
    """dw[a, b, c, o] = sum_{n, i, j} x[n, i SH + a - top, j SW + b - left, c] dy[n, i, j, o]
    for the rows first <= (a KW + b) C + c < last, over all images.

    Threads share the rows, not the images, so that nothing is left to add up and the result does
    not depend on their number. The arguments are those of `forward`.
    """
    size = itemsize(like)
    rows, width = (OH - 1) * SH + KH, (OW - 1) * SW + KW
    direct = top == 0 and left == 0 and rows <= H and width <= W
    table = workspace
    image = _aligned(table + 8 * KH * KW * C)
    if direct:
        width = W
    else:
        _clear(image, rows * width * C, like)
    offsets = numbers_at(table, np.int64(0))
    for place in range(KH * KW):
        for c in range(C):
            offsets[place * C + c] = (place // KW * width + place % KW) * C + c
    if images == 0:
        _clear(dw + first * O * size, (last - first) * O, like)
    for n in range(images):
        source = x + n * H * W * C * size
        if not direct:
            _spread(image, rows, width, source, H, W, C, top, left, 1, 1, like)
            source = image
        column = 0
        while column < O:
            kind = kind_for((O - column) * size)
            panel = min(WIDTHS[kind] // size, O - column)
            pull = dy + (n * OH * OW * O + column) * size
            for r in range(first, last, ROWS[kind]):
                target = dw + (r * O + column) * size
                tile(
                    kind, source, table + 8 * r, min(ROWS[kind], last - r),
                    OH, SH * width * C, OW, SW * C, pull, O,
                    target if n > 0 else 0, O, target, O, panel, no_limit(like),
                )  # fmt: skip
            column += panel


convolve = native("convolve", _forward, 19)
convolve_input = native("convolve_input", _input_gradient, 18)
convolve_weights = native("convolve_weights", _weight_gradient, 19)
