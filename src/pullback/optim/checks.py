"""In: what an optimizer was told. Out: the same as plain floats, or a refusal that names it.

Plain floats matter: a NumPy double would turn float32 parameters into doubles.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from pullback.core.errors import CircuitError


def finite(name: str, value: Any) -> float:
    """`value` as a float, if it is one finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise CircuitError(f"{name} must be a finite number, got {value!r}")
    return float(value)


def positive(name: str, value: Any) -> float:
    """`value` as a float, if it is finite and more than 0."""
    number = finite(name, value)
    if number <= 0.0:
        raise CircuitError(f"{name} must be positive, got {value!r}")
    return number


def at_least_zero(name: str, value: Any) -> float:
    """`value` as a float, if it is finite and not negative."""
    number = finite(name, value)
    if number < 0.0:
        raise CircuitError(f"{name} must be at least 0, got {value!r}")
    return number


def fraction(name: str, value: Any) -> float:
    """`value` as a float, if it is at least 0 and less than 1."""
    number = finite(name, value)
    if not 0.0 <= number < 1.0:
        raise CircuitError(f"{name} must be at least 0 and less than 1, got {value!r}")
    return number


def count(name: str, value: Any) -> int:
    """`value` as an int, if it is a whole number, at least 1."""
    number = positive(name, value)
    if number != int(number):
        raise CircuitError(f"{name} must be a whole number, got {value!r}")
    return int(number)
