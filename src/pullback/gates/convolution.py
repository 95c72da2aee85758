"""Convolution of images, and its two gradients. Images are (N, H, W, C), channels last.

`convolve`, `convolve_input` and `convolve_weights` are one sum of products of three wires,
sum(y · x · w), with a different one of the three left out. So each is the gradient of the two
others, and the three are closed under differentiation.

The gates' static arguments: `stride` (down, across), `padding` ((top, bottom), (left, right)),
`groups`, `dilation` (down, across), and for the two gradients `size`, the (height, width) of what
they make. The functions that users call take numbers and words for them.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import index
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
    spanned,
)


def _samples(form: Callable[..., tuple[tuple, dict]]):
    """Samples of one of the three gates: `form` picks its inputs from x, w, y and the sizes."""

    def samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
        cases = []
        for x, w, y, stride, padding, groups, dilation in (
            ((1, 3, 4, 2), (2, 3, 2, 3), (1, 2, 2, 3), (1, 1), ((0, 0), (0, 0)), 1, (1, 1)),
            ((2, 4, 3, 1), (3, 2, 1, 2), (2, 2, 3, 2), (2, 1), ((1, 0), (0, 1)), 1, (1, 1)),
            ((1, 6, 5, 2), (2, 1, 2, 1), (1, 2, 2, 1), (3, 3), ((0, 0), (1, 0)), 1, (1, 1)),
            ((0, 3, 3, 1), (3, 3, 1, 2), (0, 1, 1, 2), (1, 1), ((0, 0), (0, 0)), 1, (1, 1)),
            ((1, 4, 3, 4), (2, 2, 2, 2), (1, 3, 2, 2), (1, 1), ((0, 0), (0, 0)), 2, (1, 1)),
            ((1, 5, 4, 3), (2, 2, 1, 3), (1, 2, 3, 3), (2, 1), ((1, 0), (0, 1)), 3, (2, 2)),
            ((1, 6, 3, 2), (3, 2, 1, 4), (1, 2, 2, 4), (2, 2), ((0, 1), (1, 0)), 2, (2, 1)),
        ):
            arrays = (rng.normal(size=shape) for shape in (x, w, y))
            inputs, static = form(*arrays)
            static |= {"stride": stride, "padding": padding}
            cases.append((inputs, {**static, "groups": groups, "dilation": dilation}))
        return cases

    return samples


@gate(
    pullback=(
        lambda g, y, x, w, **windows: _convolve_input(g, w, size=x.shape[1:3], **windows),
        lambda g, y, x, w, **windows: _convolve_weights(x, g, size=w.shape[:2], **windows),
    ),
    symbol="conv",
    samples=_samples(lambda x, w, y: ((x, w), {})),
)
def _convolve(m, x, w, *, stride, padding, groups, dilation):
    return m.convolve(x, w, stride=stride, padding=padding, groups=groups, dilation=dilation)


@_convolve.gate.public
def convolve(
    x: Any,
    w: Any,
    *,
    stride: Stride = 1,
    padding: Border = 0,
    groups: int = 1,
    dilation: Stride = 1,
) -> Any:
    """The kernels w, laid on every place of the images x: what networks call a convolution.

    y[n, i, j, f] = Σ x[n, i·s + a·d, j·t + b·e, g·C/G + c] · w[a, b, c, f], summed over a, b and c,
    in which x is framed by zeros, (s, t) is the stride and (d, e) the dilation, by which the taps
    of a kernel are apart. Of G = `groups` groups of channels a filter sees one, g = f // (F/G):
    all channels by default, and one where G = C, a depthwise convolution. (Mathematics calls it a
    cross-correlation.)

    Shapes x (N, H, W, C), w (KH, KW, C/G, F) -> y (N, HO, WO, F), in which
    HO = (H + top + bottom - (KH - 1)·d - 1) // s + 1. `stride` and `dilation` are a number or
    (down, across). `padding` is a number, (rows, columns), ((top, bottom), (left, right)), "valid"
    for none, or "same" for HO = ceil(H / s), with the odd row or column at the end.

    Raises `CircuitError` where axes or channels do not fit, where groups do not divide channels and
    filters, where a stride, a dilation or groups are below 1, and where a kernel with its dilation
    is larger than the padded image.
    Source: the guide, chapter 4, "Convolutional Neural Networks"; LeCun et al., "Gradient-based
    learning applied to document recognition" (1998); groups: Krizhevsky et al., "ImageNet
    classification with deep convolutional neural networks" (2012); dilation: Yu and Koltun,
    "Multi-scale context aggregation by dilated convolutions" (2016).

    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> convolve(x, np.ones((2, 2, 1, 1)))[0, :, :, 0]
    array([[ 8., 12.],
           [20., 24.]])
    >>> convolve(x, np.ones((2, 2, 1, 1)), dilation=2)[0, :, :, 0]
    array([[16.]])
    """
    what = "convolve"
    images, kernels = shape_of_axes(x, what, "images", IMAGES), shape_of_axes(w, what, *_KERNELS)
    groups = _groups(groups, what, images[3], kernels[3])
    if groups == 1:
        _same(images, 3, kernels, 2, what, "images", "weights", "channels")
    elif images[3] != kernels[2] * groups:
        raise CircuitError(
            f"{what}: images of shape {images} have {images[3] // groups} channels in each of "
            f"{groups} groups, weights of shape {kernels} have {kernels[2]}; axis 2 of the weights "
            "must be channels / groups"
        )
    dilation = pair(dilation, f"{what}: dilation", 1)
    stride, padding, _ = plain_windows(images[1:3], kernels[:2], stride, padding, what, dilation)
    return _convolve(x, w, stride=stride, padding=padding, groups=groups, dilation=dilation)


@gate(
    pullback=(
        lambda g, x, y, w, *, size, **windows: _convolve(g, w, **windows),
        lambda g, x, y, w, *, size, **windows: _convolve_weights(g, y, size=w.shape[:2], **windows),
    ),
    samples=_samples(lambda x, w, y: ((y, w), {"size": x.shape[1:3]})),
)
def _convolve_input(m, y, w, *, size, **windows):
    return m.convolve_input(y, w, size=size, **windows)


@_convolve_input.gate.public
def convolve_input(
    y: Any,
    w: Any,
    *,
    size: Pair | None = None,
    stride: Stride = 1,
    padding: Border = 0,
    groups: int = 1,
    dilation: Stride = 1,
) -> Any:
    """The kernels w, stamped on an image with the strength of y: a transposed convolution.

    x[n, i·s + a·d, j·t + b·e, g·C/G + c] += y[n, i, j, f] · w[a, b, c, f], g the group of f. It is
    the gradient that `convolve` with the same stride, padding, groups and dilation passes back to
    its images when y arrives at its output.

    Shapes y (N, HO, WO, F), w (KH, KW, C/G, F) -> x (N, H, W, C). `size` is (H, W), as several
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
    groups = _groups(groups, what, filters=pulls[3])
    step, dilation = (
        pair(given, f"{what}: {name}", 1)
        for name, given in (("stride", stride), ("dilation", dilation))
    )
    if size is None:
        size = _smallest(pulls[1:3], spanned(kernels[:2], dilation), step, padding, what)
    size = pair(size, f"{what}: size", 1)
    step, padding, outputs = plain_windows(size, kernels[:2], step, padding, what, dilation)
    if outputs != pulls[1:3]:
        raise CircuitError(
            f"{what}: an image of {by(size)} has outputs of {by(outputs)}, but y is of shape "
            f"{pulls}; leave out size, or give the size of the image that y was made from"
        )
    static = {"stride": step, "padding": padding, "groups": groups, "dilation": dilation}
    return _convolve_input(y, w, size=size, **static)


@gate(
    pullback=(
        lambda g, w, x, y, *, size, **windows: _convolve_input(y, g, size=x.shape[1:3], **windows),
        lambda g, w, x, y, *, size, **windows: _convolve(x, g, **windows),
    ),
    samples=_samples(lambda x, w, y: ((x, y), {"size": w.shape[:2]})),
)
def _convolve_weights(m, x, y, *, size, **windows):
    return m.convolve_weights(x, y, size=size, **windows)


@_convolve_weights.gate.public
def convolve_weights(
    x: Any,
    y: Any,
    *,
    size: int | Pair,
    stride: Stride = 1,
    padding: Border = 0,
    groups: int = 1,
    dilation: Stride = 1,
) -> Any:
    """The products of y with the pixels of x under each position of a kernel, added up.

    w[a, b, c, f] = Σ x[n, i·s + a·d, j·t + b·e, g·C/G + c] · y[n, i, j, f], summed over n, i and j,
    g the group of f. It is the gradient that `convolve` with the same stride, padding, groups and
    dilation passes back to its weights when y arrives at its output.

    Shapes x (N, H, W, C), y (N, HO, WO, F) -> w (KH, KW, C/G, F), in which `size` is (KH, KW).
    Raises `CircuitError` where a kernel of `size` has no outputs of y's size, and as `convolve`.

    >>> x, y = np.arange(4.0).reshape(1, 1, 4, 1), np.ones((1, 1, 3, 1))
    >>> convolve_weights(x, y, size=(1, 2))[0, :, 0, 0]
    array([3., 6.])
    """
    what = "convolve_weights"
    images, pulls = shape_of_axes(x, what, "images", IMAGES), shape_of_axes(y, what, "y", _OUTPUTS)
    _same(images, 0, pulls, 0, what, "images", "y", "images in the batch")
    groups = _groups(groups, what, images[3], pulls[3])
    size, dilation = pair(size, f"{what}: size", 1), pair(dilation, f"{what}: dilation", 1)
    stride, padding, outputs = plain_windows(images[1:3], size, stride, padding, what, dilation)
    if outputs != pulls[1:3]:
        raise CircuitError(
            f"{what}: a kernel of {by(size)} on images of shape {images} has outputs of "
            f"{by(outputs)}, but y is of shape {pulls}; give the size of the kernel that made y"
        )
    static = {"stride": stride, "padding": padding, "groups": groups, "dilation": dilation}
    return _convolve_weights(x, y, size=size, **static)


# What the three have in common -------------------------------------------------------------------

_OUTPUTS = "(N, HO, WO, F)"
_KERNELS = ("weights", "(KH, KW, C, F)")


def _groups(groups: Any, what: str, channels: int = 0, filters: int = 0) -> int:
    """A number of groups, which must divide channels and filters."""
    try:
        count = index(groups)
    except TypeError:
        raise CircuitError(f"{what}: groups must be a whole number, got {groups!r}") from None
    if count < 1:
        raise CircuitError(f"{what}: groups must be 1 or more, got {groups!r}")
    for number, of in ((channels, "channels"), (filters, "filters")):
        if number % count:
            raise CircuitError(
                f"{what}: {number} {of} cannot be divided into {count} groups of one size; take a "
                f"number of groups that divides {number}"
            )
    return count


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
