"""In: numbers and labels as people have them. Out: arrays that can be drawn, or a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite
from pullback.core.values import plain_array


def drawable(x: Any, what: str, axes: str, *dimensions: int) -> np.ndarray:
    """Finite numbers of one of these numbers of axes, as doubles; `axes` tells their shape.

    >>> drawable([1, 2], "sizes", "(steps,)", 1)
    array([1., 2.])
    """
    array = plain_array(x, what)
    if array.ndim not in dimensions or array.dtype.kind not in "fiub" or not array.size:
        raise CircuitError(f"{what} are numbers of shape {axes}, got {array.dtype} {array.shape}")
    if not is_finite(array):
        raise CircuitError(f"{what} hold nan or infinity, which has no place in a figure")
    return array.astype(np.float64)


def refuse_other_length(text: str | Sequence[str], values: np.ndarray, what: str) -> None:
    """Raise `CircuitError` where there is not one value for each character, or word, of a text."""
    if len(values) != len(text):
        part = "character" if isinstance(text, str) else "word"
        raise CircuitError(
            f"there is one value for each {part}: the text has {len(text)}, {what} {len(values)}"
        )


def chosen_units(variation: np.ndarray, units: Sequence[int] | None, most: int) -> list[int]:
    """The numbers of the units to draw: those told, or those that vary most, in order.

    >>> chosen_units(np.array([1.0, 3.0, 2.0]), None, 2), chosen_units(np.ones(3), [2, 0], 9)
    ([1, 2], [2, 0])
    """
    count = len(variation)
    if units is None:
        return np.sort(np.argsort(-variation, kind="stable")[:most]).tolist()
    chosen = [int(k) for k in units]
    odd = next((k for k in chosen if not 0 <= k < count), None)
    if odd is not None or not chosen:
        raise CircuitError(f"units are numbers from 0 to {count - 1}, got {list(units)}")
    return chosen
