"""In: numbers that a user asks for. Out: nothing where they make sense, else one clear error."""

from __future__ import annotations

import math
from numbers import Integral, Real

from pullback.core.errors import CircuitError


def positive(cure: str = "", **numbers: float) -> None:
    """Refuse what is no finite number above 0.

    >>> positive(step_size=-0.1, cure="lower=True goes down")
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: step_size must be a finite number above 0, got -0.1; \
lower=True goes down
    """
    for name, x in numbers.items():
        if not _is_number(x) or x <= 0.0:
            hint = f"; {cure}" if cure else ""
            raise CircuitError(f"{name} must be a finite number above 0, got {x!r:.60}{hint}")


def not_negative(**numbers: float) -> None:
    """Refuse what is no finite number from 0 upwards."""
    for name, x in numbers.items():
        if not _is_number(x) or x < 0.0:
            raise CircuitError(f"{name} must be a finite number, 0 or above, got {x!r:.60}")


def at_least_one(**counts: int) -> None:
    """Refuse what is no whole number from 1 upwards."""
    for name, count in counts.items():
        if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
            raise CircuitError(f"{name} must be a whole number from 1 upwards, got {count!r:.60}")


def _is_number(x: object) -> bool:
    return isinstance(x, Real) and not isinstance(x, bool) and math.isfinite(x)
