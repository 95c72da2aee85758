"""In: what users give of windows on images. Out: sizes, strides and padding as gates take them.

Plain are `stride` (down, across) and `padding` ((top, bottom), (left, right)). Users give numbers
and words for them.
"""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from pullback.core.convolution import Padding, Pair
from pullback.core.errors import CircuitError
from pullback.gates.shape import Shape, input_shape

Stride = int | Pair
Border = int | str | tuple[int | Pair, int | Pair]

IMAGES = "(N, H, W, C)"
NO_PADDING: Padding = ((0, 0), (0, 0))


def by(pair: Shape) -> str:
    """A height and a width, as messages have them."""
    return f"{pair[0]} x {pair[1]}"


def shape_of_axes(x: Any, what: str, noun: str, wanted: str) -> Shape:
    """The shape of a wire, which must have four axes."""
    shape = input_shape(x, what)
    if len(shape) != 4:
        raise CircuitError(
            f"{what} takes {noun} of shape {wanted}, got {shape}; "
            "add missing axes of size 1 with pb.expand_dims or pb.reshape"
        )
    return shape


def pair(value: Any, what: str, least: int) -> Pair:
    """A whole number for both axes, or one for each."""
    try:
        a, b = (index(n) for n in (value if np.ndim(value) else (value, value)))
    except (TypeError, ValueError):
        raise CircuitError(f"{what} must be a whole number or two, got {value!r}") from None
    if a < least or b < least:
        raise CircuitError(f"{what} must be {least} or more, got {value!r}")
    return a, b


def spanned(kernel: Shape, dilation: Pair) -> Pair:
    """The height and width from the first tap of a kernel to the last."""
    height, width = ((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    return height, width


def plain_windows(
    image: Shape, kernel: Shape, stride: Any, padding: Any, what: str, dilation: Pair = (1, 1)
) -> tuple[Pair, Padding, Pair]:
    """Stride and padding as the gates take them, and the height and width of the output."""
    stride, span = pair(stride, f"{what}: stride", 1), spanned(kernel, dilation)
    if isinstance(padding, str) and padding == "same":
        padding = tuple(map(_same_padding, image, span, stride))
    padding = plain_padding(padding, what)
    whole = (image[0] + sum(padding[0]), image[1] + sum(padding[1]))
    if min(kernel) < 1:
        raise CircuitError(f"{what}: a kernel of {by(kernel)} has no weights")
    if any(k > n for k, n in zip(span, whole, strict=True)):
        spread = "" if span == tuple(kernel) else f", with dilation {dilation} of {by(span)},"
        raise CircuitError(
            f"{what}: a window of {by(kernel)}{spread} is larger than images of {by(image)} with "
            f"padding {padding}; take a smaller one, or padding='same'"
        )
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(whole, span, stride, strict=True))
    return stride, padding, (rows, columns)


def plain_padding(padding: Any, what: str) -> Padding:
    """((top, bottom), (left, right)) of whatever describes it but "same"."""
    if isinstance(padding, str):
        if padding == "valid":
            return NO_PADDING
        raise CircuitError(f"{what}: padding must be 'same', 'valid' or numbers, got {padding!r}")
    try:
        rows, columns = padding if isinstance(padding, tuple | list) else (padding, padding)
    except ValueError:
        raise CircuitError(
            f"{what}: padding must be a number, (rows, columns) or ((top, bottom), (left, right)), "
            f"got {padding!r}"
        ) from None
    return pair(rows, f"{what}: padding", 0), pair(columns, f"{what}: padding", 0)


def _same_padding(length: int, size: int, stride: int) -> Pair:
    """The padding with which there are ceil(length / stride) windows; the odd pixel at the end."""
    missing = max((-(-length // stride) - 1) * stride + size - length, 0)
    return missing // 2, missing - missing // 2
