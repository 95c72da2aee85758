"""In: numbers and labels as people have them. Out: arrays that can be drawn, or a refusal."""

from __future__ import annotations

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
