"""In: wires, values, and what gates were told. Out: the same in double precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.rewrite import like, rewrite
from pullback.core.unit import Unit, wire
from pullback.core.values import Value, is_differentiable


def in_double(roots: Sequence[Unit], made: dict[Unit, Unit]) -> list[Unit]:
    """What `roots` become where the sources in `made` have become others, in double precision.

    Gates that were told a dtype of floats are told float64; all others follow their inputs.

    >>> x, y = Unit(np.ones(2, np.float32)), Unit(np.ones(2))
    >>> in_double([x * x], {x: y})
    [Unit(value=array([1., 1.]), gate='multiply')]
    """

    def become(unit: Unit, inputs: tuple[Unit, ...]) -> Unit | None:
        static = {name: doubled_static(told) for name, told in unit.static.items()}
        if unit.gate is None or not inputs or static == unit.static:
            return None
        return like(unit, wire(unit.gate.evaluate(inputs, static), unit.gate, inputs, static))

    return rewrite(roots, made, become)


def doubled(value: Value) -> Value:
    """The value in double precision; truth values and integers as they are."""
    if type(value) is float or not is_differentiable(value):
        return value
    return np.array(value, dtype=np.float64)


def doubled_static(value: Any) -> Any:
    """What a gate was told, with every float dtype in it double."""
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return np.dtype(np.float64) if np.dtype(value).kind == "f" else value
    if type(value) is tuple:
        return tuple(doubled_static(item) for item in value)
    return value
