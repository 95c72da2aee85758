"""Convolution of images, its two gradients, and pooling. Images are (N, H, W, C), channels last.

`convolve`, `convolve_input` and `convolve_weights` are one sum of products of three wires,
sum(y · x · w), with a different one of the three left out. So each is the gradient of the two
others, and the three are closed under differentiation. Pooling is made of slices and elementwise
gates, and needs no rules of its own.

The gates' static arguments: `stride` (down, across), `padding` ((top, bottom), (left, right)), and
for the two gradients `size`, the (height, width) of what they make. The functions that users call
take numbers and words for them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add, index
from typing import Any

import numpy as np

from pullback.core.convolution import Padding, Pair
from pullback.core.errors import CircuitError
from pullback.core.gate import built_in as gate
from pullback.gates.comparison import maximum
from pullback.gates.reduction import mean
from pullback.gates.shape import (
    Shape,
    broadcast_to,
    concatenate,
    input_shape,
    pad,
    reshape,
    slice_walks,
)

Stride = int | Pair
Border = int | str | tuple[int | Pair, int | Pair]


def _samples(form: Callable[..., tuple[tuple, dict]]):
    """Samples of one of the three gates: `form` picks its inputs from x, w, y and the sizes."""

    def samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
        cases = []
        for x, w, y, stride, padding in (
            ((1, 3, 4, 2), (2, 3, 2, 3), (1, 2, 2, 3), (1, 1), ((0, 0), (0, 0))),
            ((2, 4, 3, 1), (3, 2, 1, 2), (2, 2, 3, 2), (2, 1), ((1, 0), (0, 1))),
            ((1, 6, 5, 2), (2, 1, 2, 1), (1, 2, 2, 1), (3, 3), ((0, 0), (1, 0))),
            ((0, 3, 3, 1), (3, 3, 1, 2), (0, 1, 1, 2), (1, 1), ((0, 0), (0, 0))),
        ):
            arrays = (rng.normal(size=shape) for shape in (x, w, y))
            inputs, static = form(*arrays)
            cases.append((inputs, {**static, "stride": stride, "padding": padding}))
        return cases

    return samples


@gate(
    pullback=(
        lambda g, y, x, w, *, stride, padding: _convolve_input(
            g, w, size=x.shape[1:3], stride=stride, padding=padding
        ),
        lambda g, y, x, w, *, stride, padding: _convolve_weights(
            x, g, size=w.shape[:2], stride=stride, padding=padding
        ),
    ),
    symbol="conv",
    samples=_samples(lambda x, w, y: ((x, w), {})),
)
def _convolve(m, x, w, *, stride, padding):
    return m.convolve(x, w, stride=stride, padding=padding)


@_convolve.gate.public
def convolve(x: Any, w: Any, *, stride: Stride = 1, padding: Border = 0) -> Any:
    """The kernels w, laid on every place of the images x: what networks call a convolution.

    y[n, i, j, f] = Σ x[n, i·s + a, j·t + b, c] · w[a, b, c, f], summed over a, b and c, in which
    x is framed by zeros and (s, t) is the stride. (Mathematics calls it a cross-correlation.)

    Shapes x (N, H, W, C), w (KH, KW, C, F) -> y (N, HO, WO, F), in which
    HO = (H + top + bottom - KH) // s + 1. `stride` is a number or (down, across). `padding` is a
    number, (rows, columns), ((top, bottom), (left, right)), "valid" for none, or "same" for
    HO = ceil(H / s), with the odd row or column at the end.

    Raises `CircuitError` where axes or channels do not fit, where a stride is below 1, and where a
    kernel is larger than the padded image.
    Source: the guide, chapter 4, "Convolutional Neural Networks"; LeCun et al., "Gradient-based
    learning applied to document recognition" (1998).

    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> convolve(x, np.ones((2, 2, 1, 1)))[0, :, :, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    images, kernels = _shape(x, "convolve", "images", _IMAGES), _shape(w, "convolve", *_KERNELS)
    _same(images, 3, kernels, 2, "convolve", "images", "weights", "channels")
    stride, padding, _ = _plain(images[1:3], kernels[:2], stride, padding, "convolve")
    return _convolve(x, w, stride=stride, padding=padding)


@gate(
    pullback=(
        lambda g, x, y, w, *, size, stride, padding: _convolve(
            g, w, stride=stride, padding=padding
        ),
        lambda g, x, y, w, *, size, stride, padding: _convolve_weights(
            g, y, size=w.shape[:2], stride=stride, padding=padding
        ),
    ),
    samples=_samples(lambda x, w, y: ((y, w), {"size": x.shape[1:3]})),
)
def _convolve_input(m, y, w, *, size, stride, padding):
    return m.convolve_input(y, w, size=size, stride=stride, padding=padding)


@_convolve_input.gate.public
def convolve_input(
    y: Any, w: Any, *, size: Pair | None = None, stride: Stride = 1, padding: Border = 0
) -> Any:
    """The kernels w, stamped on an image with the strength of y: a transposed convolution.

    x[n, i·s + a, j·t + b, c] += y[n, i, j, f] · w[a, b, c, f]. It is the gradient that `convolve`
    with the same stride and padding passes back to its images when y arrives at its output.

    Shapes y (N, HO, WO, F), w (KH, KW, C, F) -> x (N, H, W, C). `size` is (H, W), as several
    images may have outputs of one size; by default the smallest, or that of HO·s where padding is
    "same". Raises `CircuitError` where an image of `size` has no outputs of y's size, and as
    `convolve` does.

    >>> y = np.array([[1.0, 2.0]]).reshape(1, 1, 2, 1)
    >>> convolve_input(y, np.ones((1, 2, 1, 1)))[0, :, :, 0]
    array([[1., 3., 2.]])
    """
    what = "convolve_input"
    pulls, kernels = _shape(y, what, "y", _OUTPUTS), _shape(w, what, *_KERNELS)
    _same(pulls, 3, kernels, 3, what, "y", "weights", "filters")
    step = _pair(stride, f"{what}: stride", 1)
    if size is None:
        size = _smallest(pulls[1:3], kernels[:2], step, padding, what)
    size = _pair(size, f"{what}: size", 1)
    step, padding, outputs = _plain(size, kernels[:2], step, padding, what)
    if outputs != pulls[1:3]:
        raise CircuitError(
            f"{what}: an image of {_by(size)} has outputs of {_by(outputs)}, but y is of shape "
            f"{pulls}; leave out size, or give the size of the image that y was made from"
        )
    return _convolve_input(y, w, size=size, stride=step, padding=padding)


@gate(
    pullback=(
        lambda g, w, x, y, *, size, stride, padding: _convolve_input(
            y, g, size=x.shape[1:3], stride=stride, padding=padding
        ),
        lambda g, w, x, y, *, size, stride, padding: _convolve(
            x, g, stride=stride, padding=padding
        ),
    ),
    samples=_samples(lambda x, w, y: ((x, y), {"size": w.shape[:2]})),
)
def _convolve_weights(m, x, y, *, size, stride, padding):
    return m.convolve_weights(x, y, size=size, stride=stride, padding=padding)


@_convolve_weights.gate.public
def convolve_weights(
    x: Any, y: Any, *, size: int | Pair, stride: Stride = 1, padding: Border = 0
) -> Any:
    """The products of y with the pixels of x under each position of a kernel, added up.

    w[a, b, c, f] = Σ x[n, i·s + a, j·t + b, c] · y[n, i, j, f], summed over n, i and j. It is the
    gradient that `convolve` with the same stride and padding passes back to its weights when y
    arrives at its output.

    Shapes x (N, H, W, C), y (N, HO, WO, F) -> w (KH, KW, C, F), in which `size` is (KH, KW).
    Raises `CircuitError` where a kernel of `size` has no outputs of y's size, and as `convolve`.

    >>> x, y = np.arange(4.0).reshape(1, 1, 4, 1), np.ones((1, 1, 3, 1))
    >>> convolve_weights(x, y, size=(1, 2))[0, :, 0, 0]
    array([3., 6.])
    """
    what = "convolve_weights"
    images, pulls = _shape(x, what, "images", _IMAGES), _shape(y, what, "y", _OUTPUTS)
    _same(images, 0, pulls, 0, what, "images", "y", "images in the batch")
    size = _pair(size, f"{what}: size", 1)
    stride, padding, outputs = _plain(images[1:3], size, stride, padding, what)
    if outputs != pulls[1:3]:
        raise CircuitError(
            f"{what}: a kernel of {_by(size)} on images of shape {images} has outputs of "
            f"{_by(outputs)}, but y is of shape {pulls}; give the size of the kernel that made y"
        )
    return _convolve_weights(x, y, size=size, stride=stride, padding=padding)


# Pooling ---------------------------------------------------------------------------------------


def max_pool(x: Any, size: int | Pair, stride: Stride | None = None, padding: Border = 0) -> Any:
    """The largest pixel of each window of the images x, for each channel alone.

    y[n, i, j, c] = max x[n, i·s + a, j·t + b, c] over 0 <= a, b < `size`. Pixels of the padding
    are never the largest. Of tied pixels the first in reading order, row by row, gets the gradient.

    Shapes (N, H, W, C) -> (N, HO, WO, C). `stride` is by default `size`; `padding` is as in
    `convolve`. Raises `CircuitError` as `convolve`, and where padding is as wide as the window.
    Source: the guide, chapter 4, "Convolutional Neural Networks".

    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> max_pool(x, 2)[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    _, size, stride, padding = _pooling(x, size, stride, padding, "max_pool")
    # First within each row, then among rows: few gates, and the first in reading order wins.
    for axis in (2, 1):
        x = _repeated(x, axis, *padding[axis - 1])
        x = reduce(maximum, _slices(x, axis, size[axis - 1], stride[axis - 1]))
    return x


def average_pool(
    x: Any, size: int | Pair, stride: Stride | None = None, padding: Border = 0
) -> Any:
    """The mean of the pixels in each window of the images x, for each channel alone.

    y[n, i, j, c] = mean x[n, i·s + a, j·t + b, c] over 0 <= a, b < `size`. Pixels of the padding do
    not count: at the border it is the mean of fewer pixels.

    Shapes, `stride`, `padding` and what is raised are as in `max_pool`.

    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> average_pool(x, 2)[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    images, size, stride, padding = _pooling(x, size, stride, padding, "average_pool")
    batch, height, width, channels = images
    if size == stride and padding == _NONE and height % size[0] == width % size[1] == 0:
        tiles = (batch, height // size[0], size[0], width // size[1], size[1], channels)
        return mean(reshape(x, tiles), axis=(2, 4))
    x = x if padding == _NONE else pad(x, (_NONE[0], *padding, _NONE[0]))
    for axis in (2, 1):
        x = reduce(add, _slices(x, axis, size[axis - 1], stride[axis - 1]))
    if padding == _NONE:
        return x / float(size[0] * size[1])
    down, across = map(_real_pixels, images[1:3], size, stride, padding)
    counts = np.multiply.outer(down, across)[:, :, None]
    return x / counts.astype(x.dtype if x.dtype.kind == "f" else float)


def _pooling(
    x: Any, size: Any, stride: Any, padding: Any, what: str
) -> tuple[Shape, Pair, Pair, Padding]:
    """The shape of images to be pooled, and the windows in plain form."""
    images = _shape(x, what, "images", _IMAGES)
    size = _pair(size, f"{what}: size", 1)
    stride = size if stride is None else stride
    stride, padding, _ = _plain(images[1:3], size, stride, padding, what)
    if min(images[1:3]) < 1:
        raise CircuitError(f"{what}: images of shape {images} have no pixels to be pooled")
    if any(p >= k for pads, k in zip(padding, size, strict=True) for p in pads):
        raise CircuitError(
            f"{what}: with padding {padding} some windows of {_by(size)} would hold no pixel; "
            "pad by less than the size of a window"
        )
    return images, size, stride, padding


def _repeated(x: Any, axis: int, before: int, after: int) -> Any:
    """x with the first and the last of its elements along an axis repeated outwards.

    A window over the border holds the last element itself, so its largest stays what it was.
    """
    pieces = [x]
    for at, count in ((0, before), (np.shape(x)[axis] - 1, after)):
        if count:
            walks = [(0, n, 1) for n in np.shape(x)]
            walks[axis] = (at, 1, 1)
            shape = tuple(count if a == axis else n for a, n in enumerate(np.shape(x)))
            edge = broadcast_to(slice_walks(x, walks=tuple(walks)), shape)
            pieces.insert(len(pieces) if at else 0, edge)
    return concatenate(pieces, axis) if before or after else x


def _slices(x: Any, axis: int, size: int, stride: int) -> list[Any]:
    """For each place in a window of `size` along an axis, the elements that stand there."""
    walks = [(0, n, 1) for n in np.shape(x)]
    count = (np.shape(x)[axis] - size) // stride + 1
    slices = []
    for k in range(size):
        walks[axis] = (k, count, stride)
        slices.append(slice_walks(x, walks=tuple(walks)))
    return slices


def _real_pixels(length: int, size: int, stride: int, pads: Pair) -> np.ndarray:
    """How many places of each window along an axis are not padding."""
    count = (length + pads[0] + pads[1] - size) // stride + 1
    starts = np.arange(count) * stride - pads[0]
    return np.minimum(starts + size, length) - np.maximum(starts, 0)


# What users may give, in plain form --------------------------------------------------------------

_IMAGES = "(N, H, W, C)"
_OUTPUTS = "(N, HO, WO, F)"
_KERNELS = ("weights", "(KH, KW, C, F)")
_NONE: Padding = ((0, 0), (0, 0))


def _by(pair: Shape) -> str:
    return f"{pair[0]} x {pair[1]}"


def _shape(x: Any, what: str, noun: str, wanted: str) -> Shape:
    shape = input_shape(x, what)
    if len(shape) != 4:
        raise CircuitError(
            f"{what} takes {noun} of shape {wanted}, got {shape}; "
            "add missing axes of size 1 with pb.expand_dims or pb.reshape"
        )
    return shape


def _same(a: Shape, at: int, b: Shape, bt: int, what: str, one: str, two: str, of: str) -> None:
    """Refuse shapes whose sizes of a shared axis differ."""
    if a[at] != b[bt]:
        raise CircuitError(
            f"{what}: {one} of shape {a} have {a[at]} {of}, {two} of shape {b} have {b[bt]}; "
            f"axis {at} of the first and axis {bt} of the second must be equal"
        )


def _pair(value: Any, what: str, least: int) -> Pair:
    """A whole number for both axes, or one for each."""
    try:
        a, b = (index(n) for n in (value if np.ndim(value) else (value, value)))
    except (TypeError, ValueError):
        raise CircuitError(f"{what} must be a whole number or two, got {value!r}") from None
    if a < least or b < least:
        raise CircuitError(f"{what} must be {least} or more, got {value!r}")
    return a, b


def _plain(
    image: Shape, kernel: Shape, stride: Any, padding: Any, what: str
) -> tuple[Pair, Padding, Pair]:
    """Stride and padding as the gates take them, and the height and width of the output."""
    stride = _pair(stride, f"{what}: stride", 1)
    if isinstance(padding, str) and padding == "same":
        padding = tuple(map(_same_padding, image, kernel, stride))
    padding = _padding(padding, what)
    whole = (image[0] + sum(padding[0]), image[1] + sum(padding[1]))
    if min(kernel) < 1:
        raise CircuitError(f"{what}: a kernel of {_by(kernel)} has no weights")
    if any(k > n for k, n in zip(kernel, whole, strict=True)):
        raise CircuitError(
            f"{what}: a window of {_by(kernel)} is larger than images of {_by(image)} with padding "
            f"{padding}; take a smaller one, or padding='same'"
        )
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(whole, kernel, stride, strict=True))
    return stride, padding, (rows, columns)


def _padding(padding: Any, what: str) -> Padding:
    """((top, bottom), (left, right)) of whatever describes it but "same"."""
    if isinstance(padding, str):
        if padding == "valid":
            return _NONE
        raise CircuitError(f"{what}: padding must be 'same', 'valid' or numbers, got {padding!r}")
    try:
        rows, columns = padding if isinstance(padding, tuple | list) else (padding, padding)
    except ValueError:
        raise CircuitError(
            f"{what}: padding must be a number, (rows, columns) or ((top, bottom), (left, right)), "
            f"got {padding!r}"
        ) from None
    return _pair(rows, f"{what}: padding", 0), _pair(columns, f"{what}: padding", 0)


def _same_padding(length: int, size: int, stride: int) -> Pair:
    """The padding with which there are ceil(length / stride) windows; the odd pixel at the end."""
    missing = max((-(-length // stride) - 1) * stride + size - length, 0)
    return missing // 2, missing - missing // 2


def _smallest(outputs: Shape, kernel: Shape, stride: Pair, padding: Any, what: str) -> Pair:
    """The height and width of the smallest image that has outputs of this size."""
    if isinstance(padding, str) and padding == "same":
        return outputs[0] * stride[0], outputs[1] * stride[1]
    height, width = (
        (n - 1) * s + k - a - b
        for n, s, k, (a, b) in zip(outputs, stride, kernel, _padding(padding, what), strict=True)
    )
    return height, width
