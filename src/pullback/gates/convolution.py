"""Convolution of images, and its two gradients. Images are (N, H, W, C), channels last.

`convolve`, `convolve_input` and `convolve_weights` are one sum of products of three wires,
sum(y · x · w), with a different one of the three left out. So each is the gradient of the two
others, and the three are closed under differentiation.

The gates' static arguments: `stride` (down, across), `padding` ((top, bottom), (left, right)), and
for the two gradients `size`, the (height, width) of what they make. The functions that users call
take numbers and words for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.convolution import Pair
from pullback.core.errors import CircuitError
from pullback.core.gate import built_in as gate
from pullback.gates.shape import Shape
from pullback.gates.windows import (
    IMAGES,
    Border,
    Stride,
    by,
    pair,
    plain_padding,
    plain_windows,
    shape_of_axes,
)


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
    images, kernels = (
        shape_of_axes(x, "convolve", "images", IMAGES),
        shape_of_axes(w, "convolve", *_KERNELS),
    )
    _same(images, 3, kernels, 2, "convolve", "images", "weights", "channels")
    stride, padding, _ = plain_windows(images[1:3], kernels[:2], stride, padding, "convolve")
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
    pulls, kernels = shape_of_axes(y, what, "y", _OUTPUTS), shape_of_axes(w, what, *_KERNELS)
    _same(pulls, 3, kernels, 3, what, "y", "weights", "filters")
    step = pair(stride, f"{what}: stride", 1)
    if size is None:
        size = _smallest(pulls[1:3], kernels[:2], step, padding, what)
    size = pair(size, f"{what}: size", 1)
    step, padding, outputs = plain_windows(size, kernels[:2], step, padding, what)
    if outputs != pulls[1:3]:
        raise CircuitError(
            f"{what}: an image of {by(size)} has outputs of {by(outputs)}, but y is of shape "
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
    images, pulls = shape_of_axes(x, what, "images", IMAGES), shape_of_axes(y, what, "y", _OUTPUTS)
    _same(images, 0, pulls, 0, what, "images", "y", "images in the batch")
    size = pair(size, f"{what}: size", 1)
    stride, padding, outputs = plain_windows(images[1:3], size, stride, padding, what)
    if outputs != pulls[1:3]:
        raise CircuitError(
            f"{what}: a kernel of {by(size)} on images of shape {images} has outputs of "
            f"{by(outputs)}, but y is of shape {pulls}; give the size of the kernel that made y"
        )
    return _convolve_weights(x, y, size=size, stride=stride, padding=padding)


# What the three have in common -------------------------------------------------------------------

_OUTPUTS = "(N, HO, WO, F)"
_KERNELS = ("weights", "(KH, KW, C, F)")


def _same(a: Shape, at: int, b: Shape, bt: int, what: str, one: str, two: str, of: str) -> None:
    """Refuse shapes whose sizes of a shared axis differ."""
    if a[at] != b[bt]:
        raise CircuitError(
            f"{what}: {one} of shape {a} have {a[at]} {of}, {two} of shape {b} have {b[bt]}; "
            f"axis {at} of the first and axis {bt} of the second must be equal"
        )


def _smallest(outputs: Shape, kernel: Shape, stride: Pair, padding: Any, what: str) -> Pair:
    """The height and width of the smallest image that has outputs of this size."""
    if isinstance(padding, str) and padding == "same":
        return outputs[0] * stride[0], outputs[1] * stride[1]
    height, width = (
        (n - 1) * s + k - a - b
        for n, s, k, (a, b) in zip(
            outputs, stride, kernel, plain_padding(padding, what), strict=True
        )
    )
    return height, width
