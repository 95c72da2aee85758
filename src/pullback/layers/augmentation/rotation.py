"""The layer that turns pictures."""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.comparison import clip, minimum
from pullback.gates.elementary import cos, sin
from pullback.gates.indexing import take
from pullback.gates.shape import as_floats, astype, pad, reshape
from pullback.layers.arguments import number_between
from pullback.layers.augmentation.pictures import (
    EDGE,
    columns_of,
    filling,
    rows_of,
    uniform,
)
from pullback.layers.convolution.images import check_axes
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class RandomRotation(Layer):
    """In training, turns each picture about its centre by an angle from -degrees to degrees.

    With an angle t, uniform and positive for a turn against the clock as one sees the picture,
    y[n, i, j] is x[n] at the row r + cos(t) (i - r) + sin(t) (j - c) and the column
    c - sin(t) (i - r) + cos(t) (j - c), where (r, c) = ((H - 1) / 2, (W - 1) / 2): between pixels,
    bilinear. What comes in from beyond the picture is `fill`, a number, or with "edge" the nearest
    pixel at its border. In prediction, y = x.
    Shapes: x (N, H, W, C), y alike.

    Raises `CircuitError` for what is no image, and where the degrees are not from 0 to 180.

    >>> x = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    >>> RandomRotation(90)(x, training=Training(seed=1)).value[0, :, :, 0].round(1)
    array([[1.1, 3.2, 3.2],
           [2.4, 5. , 7.6],
           [2.8, 6.8, 4.9]])
    """

    def __init__(
        self, degrees: float, fill: float | str = 0.0, *, name: str = "", rng: Rng = None
    ) -> None:
        super().__init__(
            name,
            rng,
            degrees=number_between("RandomRotation", "degrees", degrees, 0.0, 180.0, end=True),
            fill=filling("RandomRotation", fill, EDGE),
        )

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 4, None)
        if training is None or not x.size:
            return x
        x = as_floats(x)  # in whole numbers a fill of 0.5 would be 0
        most = math.radians(self.config["degrees"])
        angle = uniform(x, training, -most, most)
        c, s = astype(cos(angle), x.dtype), astype(sin(angle), x.dtype)
        row, column = (x.shape[1] - 1) / 2, (x.shape[2] - 1) / 2
        down, across = (rows_of(x) - row).astype(x.dtype), (columns_of(x) - column).astype(x.dtype)
        fill = self.config["fill"]
        frame = int(not isinstance(fill, str))
        if not isinstance(fill, str):  # a frame of it, in which all that is further out ends, too
            x = pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), fill)
        return _between(
            x, c * down + s * across + (row + frame), c * across - s * down + (column + frame)
        )


def _between(x: Unit, rows: Unit, columns: Unit) -> Unit:
    """x at places between its pixels, (N, H', W', 1), bilinear; beyond its border, as on it.

    The four pixels around a place are the elements of four views of x, at one index.
    """
    n, height, width, channels = x.shape
    first_row, below = _split(rows, height)
    first_column, beside = _split(columns, width)
    start = np.arange(n)[:, None, None, None] * height
    places = (start + first_row) * np.array(width) + first_column
    places = reshape(places, places.shape[:3])
    down, right = width * (height > 1), int(width > 1)
    pixels, count = reshape(x, (n * height * width, channels)), n * height * width - down - right

    def between(after: int) -> Any:
        left, others = (take(pixels[k : k + count], places) for k in (after, after + right))
        return (1.0 - beside) * left + beside * others

    return (1.0 - below) * between(0) + below * between(down)


def _split(places: Unit, size: int) -> tuple[Unit, Unit]:
    """The pixel before each place along an axis, and how far behind it the place is, 0 to 1."""
    inside = clip(places, 0.0, size - 1.0)
    first = minimum(astype(inside, np.int64), np.array(max(size - 2, 0)))
    return first, inside - astype(first, inside.dtype)
