"""In: what a user tells a layer. Out: the same in one plain form, or what is wrong with it."""

from __future__ import annotations

import math
from operator import index
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError


def count(kind: str, what: str, number: Any) -> int:
    """A whole number of at least one.

    >>> count("Dense", "unit", 3)
    3
    >>> count("Dense", "unit", 0)
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: Dense needs at least one unit, got 0
    """
    try:
        whole = index(number)
    except TypeError:
        many = f"{what[:-2]}es" if what.endswith("is") else f"{what}s"
        raise CircuitError(f"{kind} needs a whole number of {many}, got {number!r}") from None
    if whole < 1:
        raise CircuitError(f"{kind} needs at least one {what}, got {number}")
    return whole


def number_between(
    kind: str, what: str, number: Any, low: float, high: float = math.inf, *, end: bool = False
) -> float:
    """A finite number from `low` up to `high`, `end` included or not.

    >>> number_between("Dropout", "rate", 0.5, 0.0, 1.0)
    0.5
    >>> number_between("Dropout", "rate", 1, 0.0, 1.0)
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: Dropout needs a rate from 0 to below 1, got 1
    """
    plain = isinstance(number, int | float | np.number)
    inside = plain and math.isfinite(number) and low <= number and (number < high or end)
    if not inside or number > high:
        bound = "" if high == math.inf else f" to {'' if end else 'below '}{high:g}"
        one = "an" if what[0] in "aeiou" else "a"
        raise CircuitError(f"{kind} needs {one} {what} from {low:g}{bound}, got {number!r}")
    return float(number)


def float_dtype(kind: str, dtype: Any) -> str:
    """The name of a dtype of parameters.

    >>> float_dtype("Dense", np.float64)
    'float64'
    """
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found is None or found.kind != "f":
        raise CircuitError(f"{kind} needs a dtype of floats, such as 'float32', got {dtype!r}")
    return found.name
