"""In: a batch of pictures (N, H, W, C). Out: what is drawn for each of them, and its pixels moved.

What is drawn is of shape (N, 1, 1, 1), from a stream of its own, so that every picture has another
number, and the same on every engine.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import clip, greater_equal, less, logical_and, where
from pullback.gates.indexing import take
from pullback.gates.shape import Shape, astype, broadcast_to, reshape
from pullback.layers.arguments import number_between
from pullback.layers.training import Training

EDGE = "edge"
MEAN = "mean"


def filling(kind: str, fill: Any, word: str) -> float | str:
    """What stands where no pixel is: a number, or as a word says."""
    if fill == word and isinstance(fill, str):
        return word
    try:
        return number_between(kind, "fill", fill, -np.inf)
    except CircuitError:
        raise CircuitError(
            f"{kind} needs as fill a finite number or {word!r}, got {fill!r}"
        ) from None


def uniform(x: Unit, training: Training, low: float, high: float) -> Unit:
    """A number for each picture, between `low` and `high`, in double precision."""
    drawn = training.random((x.shape[0], 1, 1, 1))
    return drawn * (high - low) + low


def whole(x: Unit, training: Training, least: int, most: int) -> Unit:
    """A whole number for each picture, from `least` to `most`, all as likely.

    A double in [0, 1) times a count is below the count, also when it is rounded.
    """
    drawn = training.random((x.shape[0], 1, 1, 1)) * float(most - least + 1)
    return astype(drawn, np.int64) + np.array(least)


def rows_of(x: Unit) -> np.ndarray:
    """The numbers of the rows of pixels, (H, 1, 1)."""
    return np.arange(x.shape[1])[:, None, None]


def columns_of(x: Unit) -> np.ndarray:
    """The numbers of the columns of pixels, (W, 1)."""
    return np.arange(x.shape[2])[:, None]


def picked(x: Unit, rows: Any, columns: Any, fill: float | str) -> Unit:
    """y[n, i, j] = x[n, rows[n, i], columns[n, j]], or the fill where x has no such pixel.

    Shapes: rows (N, H', 1, 1), columns (N, 1, W', 1), y (N, H', W', C). With "edge", the pixel at
    the border that is nearest stands for what is beyond.
    """
    n, height, width, channels = x.shape
    high, wide = rows.shape[1], columns.shape[2]
    first = np.arange(n)[:, None, None, None] * height
    kept_rows = clip(rows, np.array(0), np.array(height - 1))
    kept_columns = clip(columns, np.array(0), np.array(width - 1))
    places = reshape((first + kept_rows) * np.array(width) + kept_columns, (n, high, wide))
    y = take(reshape(x, (n * height * width, channels)), places)
    if isinstance(fill, str):
        return y
    return chosen(y.shape, within(rows, 0, height), within(columns, 0, width), y, fill)


def mean_of_each(x: Unit) -> Unit:
    """The mean over the pixels of each picture, of each channel by itself: (N, 1, 1, C).

    Whole lines of numbers are added first, which is faster than one pixel after another.
    """
    n, height, width, channels = x.shape
    lines = reshape(x, (n, height, width * channels)).mean(axis=1)
    return reshape(reshape(lines, (n, width, channels)).mean(axis=1), (n, 1, 1, channels))


def chosen(shape: Shape, rows: Any, columns: Any, a: Any, b: Any) -> Unit:
    """a where a row and a column are both true, else b: pictures of a shape (N, H, W, C).

    Shapes: rows (N, H, 1, 1), columns (N, 1, W, 1); a and b are numbers, or of the shape, or
    (N, 1, 1, C).
    """
    n, height, width, channels = shape

    def in_lines(x: Any) -> Any:
        """A loop over whole lines of numbers is faster than one over the channels of a pixel."""
        if isinstance(x, float):
            return x
        whole = broadcast_to(x, (*x.shape[:2], width, channels))
        return reshape(whole, (*x.shape[:2], width * channels))

    both = logical_and(reshape(rows, (n, height, 1)), in_lines(columns))
    return reshape(where(both, in_lines(a), in_lines(b)), shape)


def within(places: Any, start: Any, stop: Any) -> Any:
    """Whether start <= place < stop, of whole numbers."""
    return logical_and(greater_equal(places, start), less(places, stop))
