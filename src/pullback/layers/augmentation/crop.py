"""Layers that move pictures by whole pixels: to a random window of them, or to another place."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.layers.augmentation.pictures import (
    EDGE,
    columns_of,
    filling,
    picked,
    rows_of,
    whole,
)
from pullback.layers.convolution.images import both, check_axes, sizes
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class RandomCrop(Layer):
    """In training, a random window of each picture; in prediction, the one in the middle.

    y[n, i, j] = x[n, i + top, j + left] with whole numbers top from -padding to H + padding -
    height and left alike, all as likely; what is beyond the picture is `fill`, a number, or with
    "edge" the nearest pixel at its border. The middle window has top = (H - height) // 2.
    Shapes: x (N, H, W, C), y (N, height, width, C); `size` is (height, width), or a whole number
    for both; so is `padding`.

    Raises `CircuitError` for what is no image, and for a window that is larger than the picture
    with its padding.
    Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (CVPR 2016),
    section 4.2, where pictures of 32 pixels are padded by 4.

    >>> x = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    >>> RandomCrop(2)(x).value[0, :, :, 0]
    array([[1., 2.],
           [4., 5.]])
    >>> RandomCrop(2, padding=1)(x, training=True).value[0, :, :, 0]
    array([[0., 1.],
           [0., 4.]])
    """

    def __init__(
        self,
        size: int | tuple[int, int],
        padding: int | tuple[int, int] = 0,
        fill: float | str = 0.0,
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(
            name,
            rng,
            size=sizes("RandomCrop", "size", size, 2),
            padding=sizes("RandomCrop", "padding", padding, 2, least=0),
            fill=filling("RandomCrop", fill, EDGE),
        )

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 4, None)
        (high, wide), (above, beside) = both(self.config["size"]), both(self.config["padding"])
        n, height, width, _ = x.shape
        if high > height + 2 * above or wide > width + 2 * beside or not height * width:
            padded = f", with a padding of {above} and {beside}" if above or beside else ""
            raise CircuitError(
                f"layer {self.name!r} cuts windows of {high} x {wide} pixels, which pictures of "
                f"{height} x {width}{padded}, do not have"
            )
        top, left = (height - high) // 2, (width - wide) // 2
        if training is not None:
            tops = whole(x, training, -above, height + above - high)
            lefts = whole(x, training, -beside, width + beside - wide)
        elif top >= 0 and left >= 0:
            return x[:, top : top + high, left : left + wide]
        else:
            tops, lefts = np.full((n, 1, 1, 1), top), np.full((n, 1, 1, 1), left)
        fill = self.config["fill"] if above or beside else EDGE  # which nothing is beyond
        return picked(
            x, tops + np.arange(high)[:, None, None], lefts + np.arange(wide)[:, None], fill
        )


@final
@register
class RandomShift(Layer):
    """In training, moves each picture by whole pixels: up or down, and to the left or right.

    y[n, i, j] = x[n, i - down, j - right] with whole numbers down from -rows to rows and right from
    -columns to columns, all as likely; what comes in from beyond the picture is `fill`, a number,
    or with "edge" the nearest pixel at its border. A whole number of rows or columns counts pixels;
    a share of the height or width, such as 0.1, is rounded down to pixels. In prediction, y = x.
    Shapes: x (N, H, W, C), y alike.

    Raises `CircuitError` for what is no image, and for numbers below 0 or shares of 1 and more.
    Source: Simard, Steinkraus, Platt, "Best practices for convolutional neural networks applied to
    visual document analysis" (ICDAR 2003), section 2.

    >>> x = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    >>> RandomShift(1, 1)(x, training=True).value[0, :, :, 0]
    array([[2., 3., 0.],
           [5., 6., 0.],
           [8., 9., 0.]])
    """

    def __init__(
        self,
        rows: int | float,
        columns: int | float,
        fill: float | str = 0.0,
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(
            name,
            rng,
            rows=_distance("rows", rows),
            columns=_distance("columns", columns),
            fill=filling("RandomShift", fill, EDGE),
        )

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 4, None)
        if training is None or not x.size:
            return x
        most_down = _in_pixels(self.config["rows"], x.shape[1])
        most_right = _in_pixels(self.config["columns"], x.shape[2])
        down = whole(x, training, -most_down, most_down)
        right = whole(x, training, -most_right, most_right)
        return picked(x, rows_of(x) - down, columns_of(x) - right, self.config["fill"])


def _distance(what: str, value: Any) -> int | float:
    """A whole number of pixels, or a share, as JSON can hold it."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 0:
        return int(value)
    if isinstance(value, float | np.floating) and 0.0 <= value < 1.0:
        return float(value)
    raise CircuitError(
        f"RandomShift needs {what} as a whole number of pixels or a share from 0 to below 1, got "
        f"{value!r}"
    )


def _in_pixels(distance: int | float, size: int) -> int:
    return distance if isinstance(distance, int) else int(distance * size)
