"""In: images and weights as arrays. Out: their convolution, and what it passes back to each.

NumPy has no convolution of images with channels. Here it is a matrix product: the windows of the
image, copied side by side, times the weights. They are copied a block at a time, small enough for
the cache: five times faster for small nets than a product for each position of the kernel. Groups
of channels are convolutions of their own; where a group is one channel, they are all made at once,
by a product element by element for each position of the kernel.

Shapes: x (N, H, W, C), w (KH, KW, C / groups, F), y (N, HO, WO, F). Arguments are the gates', in
plain form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]  # ((top, bottom), (left, right))

_BLOCK = 1 << 18  # elements of one block of windows: 1 MB in single precision


def convolve(
    x: np.ndarray, w: np.ndarray, *, stride: Pair, padding: Padding, groups: int, dilation: Pair
) -> np.ndarray:
    """y[n, i, j, f] = sum over a, b, c of padded x[n, i·s + a·d, j·t + b·e, c] · w[a, b, c, f]."""
    kh, kw, channels, filters = w.shape
    if groups > 1 and channels != 1:
        static = {"stride": stride, "padding": padding, "dilation": dilation}
        return _by_groups(convolve, x, w, groups, **static)
    if groups == 1 and x.shape[3] != channels:
        raise ValueError(f"the images have {x.shape[3]} channels, the weights {channels}")
    windows = _windows(_padded(x, padding), (kh, kw), stride, dilation)
    if groups > 1:
        return _convolve_each(windows, w, groups)
    y = np.empty((*windows.shape[:3], filters), np.result_type(x, w))
    flat = w.astype(y.dtype, copy=False).reshape(kh * kw * channels, filters)
    for block, columns in _columns(windows, y.dtype):
        np.matmul(columns, flat, out=y[block].reshape(len(columns), filters))
    return y


def convolve_input(
    y: np.ndarray,
    w: np.ndarray,
    *,
    size: Pair,
    stride: Pair,
    padding: Padding,
    groups: int,
    dilation: Pair,
) -> np.ndarray:
    """The gradient of sum(y · convolve(x, w)) by x, an image of (H, W) = `size`."""
    kh, kw, channels, filters = w.shape
    if y.shape[3] != filters:
        raise ValueError(f"the pulls have {y.shape[3]} filters, the weights {filters}")
    if groups > 1 and channels != 1:
        static = {"size": size, "stride": stride, "padding": padding, "dilation": dilation}
        return _by_groups(convolve_input, y, w, groups, **static)
    (top, bottom), (left, right) = padding
    whole = (size[0] + top + bottom, size[1] + left + right)
    batch, rows, columns, _ = y.shape
    if (rows, columns) != _output_size(whole, (kh, kw), stride, dilation):
        raise ValueError(f"an image of {size} has no outputs of {(rows, columns)}")
    if groups > 1:
        _refuse_unlike(groups, w, groups)
    x = np.zeros((batch, *whole, channels * groups), np.result_type(y, w))
    taps = w.astype(x.dtype, copy=False)
    taps = _each(taps, groups)[:, :, 0] if groups > 1 else taps.transpose(0, 1, 3, 2)
    taps = np.ascontiguousarray(taps)
    for images, lines in _blocks(batch, rows, columns * max(channels, filters)):
        pulled = y[images, lines].astype(x.dtype, copy=False)
        flat = pulled.reshape(pulled.shape[0] * pulled.shape[1] * columns, filters)
        space = np.empty((len(flat), channels * groups), x.dtype)
        for a in range(kh):
            down = _steps(lines.start * stride[0] + a * dilation[0], pulled.shape[1], stride[0])
            for b in range(kw):
                across = _steps(b * dilation[1], columns, stride[1])
                if groups > 1:
                    np.einsum("pgm,gm->pg", _each(flat, groups), taps[a, b], out=space)
                else:
                    np.matmul(flat, taps[a, b], out=space)
                x[images, down, across] += space.reshape(*pulled.shape[:3], -1)
    return x[:, top : top + size[0], left : left + size[1]]


def convolve_weights(
    x: np.ndarray,
    y: np.ndarray,
    *,
    size: Pair,
    stride: Pair,
    padding: Padding,
    groups: int,
    dilation: Pair,
) -> np.ndarray:
    """The gradient of sum(y · convolve(x, w)) by w, a kernel of (KH, KW) = `size`."""
    if groups > 1 and x.shape[3] != groups:
        static = {"size": size, "stride": stride, "padding": padding, "dilation": dilation}
        return _by_groups(convolve_weights, x, y, groups, **static)
    windows = _windows(_padded(x, padding), size, stride, dilation)
    if windows.shape[:3] != y.shape[:3]:
        raise ValueError(f"there are windows of {windows.shape[:3]}, but outputs of {y.shape[:3]}")
    if groups > 1:
        return _convolve_weights_each(windows, y, groups)
    channels, filters = x.shape[3], y.shape[3]
    w = np.zeros((size[0] * size[1] * channels, filters), np.result_type(x, y))
    for block, columns in _columns(windows, w.dtype):
        w += columns.T @ y[block].astype(w.dtype, copy=False).reshape(len(columns), filters)
    return w.reshape(*size, channels, filters)


def _by_groups(
    convolved: Callable[..., np.ndarray],
    a: np.ndarray,
    b: np.ndarray,
    groups: int,
    **static: Any,
) -> np.ndarray:
    """What a function of this file makes of each group of channels alone, side by side."""
    parts = zip(np.split(a, groups, 3), np.split(b, groups, 3), strict=True)
    return np.concatenate([convolved(*part, groups=1, **static) for part in parts], 3)


# Groups of one channel ---------------------------------------------------------------------------


def _each(array: np.ndarray, groups: int) -> np.ndarray:
    """The last axis as groups, and the filters of each."""
    return array.reshape(*array.shape[:-1], groups, array.shape[-1] // groups)


def _convolve_each(windows: np.ndarray, w: np.ndarray, groups: int) -> np.ndarray:
    """The convolution of each channel with its own filters."""
    batch, rows, columns, kh, kw, channels = windows.shape
    _refuse_unlike(channels, w, groups)
    y = np.zeros((batch, rows, columns, w.shape[3]), np.result_type(windows, w))
    taps = _each(w.astype(y.dtype, copy=False), groups)
    for block in _blocks(batch, rows, columns * w.shape[3]):
        sums, pixels = _each(y[block], groups), windows[block]
        for a, b in np.ndindex(kh, kw):
            sums += pixels[:, :, :, a, b, :, None] * taps[a, b, 0]
    return y


def _convolve_weights_each(windows: np.ndarray, y: np.ndarray, groups: int) -> np.ndarray:
    """The gradient by the filters of each channel."""
    batch, rows, columns, kh, kw, channels = windows.shape
    _refuse_unlike(channels, y, groups)
    w = np.zeros((kh, kw, 1, y.shape[3]), np.result_type(windows, y))
    sums = _each(w, groups)
    for block in _blocks(batch, rows, columns * y.shape[3]):
        pixels, pulled = windows[block], _each(y[block].astype(w.dtype, copy=False), groups)
        for a, b in np.ndindex(kh, kw):
            sums[a, b, 0] += np.einsum("nijg,nijgm->gm", pixels[:, :, :, a, b], pulled)
    return w


def _refuse_unlike(channels: int, filtered: np.ndarray, groups: int) -> None:
    if channels != groups or filtered.shape[-1] % groups:
        raise ValueError(f"{groups} groups of {channels} channels, {filtered.shape[-1]} filters")


# What they all stand on --------------------------------------------------------------------------


def _padded(x: np.ndarray, padding: Padding) -> np.ndarray:
    """The image in a frame of zeros."""
    (top, bottom), (left, right) = padding
    if not (top or bottom or left or right):
        return x
    batch, height, width, channels = x.shape
    whole = np.zeros((batch, height + top + bottom, width + left + right, channels), x.dtype)
    whole[:, top : top + height, left : left + width] = x
    return whole


def _output_size(whole: Pair, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    """How many windows fit below and beside each other in a padded image."""
    rows = (whole[0] - (kernel[0] - 1) * dilation[0] - 1) // stride[0] + 1
    columns = (whole[1] - (kernel[1] - 1) * dilation[1] - 1) // stride[1] + 1
    if rows < 1 or columns < 1:
        raise ValueError(f"the kernel of {kernel} is larger than the padded image of {whole}")
    return rows, columns


def _windows(x: np.ndarray, kernel: Pair, stride: Pair, dilation: Pair) -> np.ndarray:
    """All windows of a padded image, as a view of shape (N, HO, WO, KH, KW, C)."""
    batch, height, width, channels = x.shape
    rows, columns = _output_size((height, width), kernel, stride, dilation)
    by_image, by_row, by_column, by_channel = x.strides
    steps = by_image, by_row * stride[0], by_column * stride[1]
    return as_strided(
        x,
        (batch, rows, columns, *kernel, channels),
        (*steps, by_row * dilation[0], by_column * dilation[1], by_channel),
        writeable=False,
    )


def _steps(start: int, count: int, step: int) -> slice:
    """`count` indices from `start` on, `step` apart."""
    return slice(start, start + (count - 1) * step + 1, step)


def _columns(
    windows: np.ndarray, dtype: np.dtype
) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """Blocks of windows, each a matrix of a window a row, and where in the output it belongs."""
    batch, rows, columns, *window = windows.shape
    length = window[0] * window[1] * window[2]
    space = np.empty(0, dtype)
    for block in _blocks(batch, rows, columns * length):
        found = windows[block]
        if space.size < found.size:
            space = np.empty(found.size, dtype)
        copied = space[: found.size].reshape(found.shape)
        np.copyto(copied, found)
        yield block, copied.reshape(found.shape[0] * found.shape[1] * columns, length)


def _blocks(batch: int, rows: int, row: int) -> Iterator[tuple[slice, slice]]:
    """Parts of about `_BLOCK` elements, `row` for each row: several images, or rows of one."""
    images = max(1, _BLOCK // max(1, rows * row))
    lines = rows if images > 1 else min(rows, max(1, _BLOCK // max(1, row)))
    for n in range(0, batch, images):
        for i in range(0, rows, lines):
            yield slice(n, min(n + images, batch)), slice(i, min(i + lines, rows))
