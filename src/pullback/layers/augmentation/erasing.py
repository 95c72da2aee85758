"""Layers that cover a part of each picture."""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import less, logical_and, minimum
from pullback.gates.elementary import exp, sqrt
from pullback.gates.shape import astype
from pullback.layers.arguments import number_between
from pullback.layers.augmentation.pictures import (
    MEAN,
    chosen,
    columns_of,
    filling,
    mean_of_each,
    rows_of,
    uniform,
    whole,
    within,
)
from pullback.layers.convolution.images import both, check_axes, sizes
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class Cutout(Layer):
    """In training, covers a square of each picture, which may reach over its border.

    y = fill in the rows from r - size // 2 on and the columns from c - size // 2 on, `size` of
    them, and x elsewhere; (r, c) is a pixel of the picture, all as likely. `fill` is a number, or
    "mean": that of the picture, of each channel by itself. In prediction, y = x.
    Shapes: x (N, H, W, C), y alike; `size` may be (height, width).

    Raises `CircuitError` for what is no image, and a size below 1.
    Source: DeVries, Taylor, "Improved regularization of convolutional neural networks with cutout"
    (2017), section 3.2.

    >>> x = np.ones((1, 4, 4, 1))
    >>> Cutout(2)(x, training=Training(seed=1)).value[0, :, :, 0]
    array([[1., 1., 1., 1.],
           [1., 1., 0., 0.],
           [1., 1., 0., 0.],
           [1., 1., 1., 1.]])
    """

    def __init__(
        self,
        size: int | tuple[int, int],
        fill: float | str = 0.0,
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(
            name,
            rng,
            size=sizes("Cutout", "size", size, 2),
            fill=filling("Cutout", fill, MEAN),
        )

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 4, None)
        if training is None or not x.size:
            return x
        high, wide = both(self.config["size"])
        top = whole(x, training, 0, x.shape[1] - 1) - np.array(high // 2)
        left = whole(x, training, 0, x.shape[2] - 1) - np.array(wide // 2)
        rows = within(rows_of(x), top, top + np.array(high))
        columns = within(columns_of(x), left, left + np.array(wide))
        return _covered(x, rows, columns, self.config["fill"])


@final
@register
class RandomErasing(Layer):
    """In training, covers a rectangle of a picture with probability `probability`.

    Its area is a share of the picture's, uniform between the two of `area`; its height over its
    width is between the two of `ratio`, and as likely to be r as 1 / r; both are rounded to pixels
    and at most those of the picture, in which the rectangle lies anywhere, whole. `fill` as in
    `Cutout`. In prediction, y = x. Shapes: x (N, H, W, C), y alike.

    Raises `CircuitError` for what is no image, and numbers out of their range or order.
    Source: Zhong, Zheng, Kang, Li, Yang, "Random erasing data augmentation" (AAAI 2020), which
    draws again where a rectangle does not fit.

    >>> x = np.ones((1, 4, 4, 1))
    >>> RandomErasing(1.0)(x, training=Training(seed=3)).value[0, :, :, 0]
    array([[1., 1., 1., 1.],
           [1., 1., 1., 1.],
           [1., 0., 0., 0.],
           [1., 0., 0., 0.]])
    """

    def __init__(
        self,
        probability: float = 0.5,
        area: tuple[float, float] = (0.02, 0.4),
        ratio: tuple[float, float] = (0.3, 1 / 0.3),
        fill: float | str = 0.0,
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        kind = "RandomErasing"
        super().__init__(
            name,
            rng,
            probability=number_between(kind, "probability", probability, 0.0, 1.0, end=True),
            area=_range(kind, "area", area, 1.0),
            ratio=_range(kind, "ratio", ratio, math.inf),
            fill=filling(kind, fill, MEAN),
        )

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 4, None)
        if training is None or not x.size:
            return x
        _, height, width, _ = x.shape
        chosen = less(uniform(x, training, 0.0, 1.0), self.config["probability"])
        side = sqrt(uniform(x, training, *self.config["area"]) * float(height * width))
        low, high = map(math.log, self.config["ratio"])
        stretch = exp(0.5 * uniform(x, training, low, high))
        rows, top = _placed(x, training, side * stretch, height)
        columns, left = _placed(x, training, side / stretch, width)
        within_rows = logical_and(chosen, within(rows_of(x), top, top + rows))
        return _covered(
            x, within_rows, within(columns_of(x), left, left + columns), self.config["fill"]
        )


def _placed(x: Unit, training: Training, length: Unit, size: int) -> tuple[Unit, Unit]:
    """A length as a whole number of pixels, and where it begins for it to lie within the size."""
    pixels = minimum(astype(length + 0.5, np.int64), np.array(size))
    free = astype(np.array(size + 1) - pixels, np.float64)
    return pixels, astype(uniform(x, training, 0.0, 1.0) * free, np.int64)


def _covered(x: Unit, rows: Unit, columns: Unit, fill: float | str) -> Unit:
    """x, but the fill where a row and a column are covered: (N, H, 1, 1) and (N, 1, W, 1)."""
    given = mean_of_each(x) if isinstance(fill, str) else fill
    return chosen(x.shape, rows, columns, given, x)


def _range(kind: str, what: str, value: Any, most: float) -> list[float]:
    """Two positive numbers in order, as JSON can hold them."""
    if isinstance(value, tuple | list) and len(value) == 2:
        low, high = (number_between(kind, what, x, 0.0, most, end=True) for x in value)
        if 0.0 < low <= high:
            return [low, high]
    raise CircuitError(f"{kind} needs {what} (low, high) with 0 < low <= high, got {value!r}")
