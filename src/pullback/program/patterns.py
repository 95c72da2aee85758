"""In: a wire. Out: whether it has a form that a rewrite can do something with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.core.values import distinct

Inputs = tuple[Unit, ...]
Rule = Callable[[Inputs, Mapping[str, Any]], Unit | None]
"""What a gate on plain inputs, with these static arguments, is rewritten to; None to leave it."""


def number_on(unit: Unit) -> float | None:
    """The one number that a constant carries everywhere, or None."""
    if not unit.is_constant or unit.size == 0:
        return None
    value = distinct(np.asarray(unit.value))
    first = value.flat[0]
    same = (value == first) & (np.signbit(value) == np.signbit(first))  # 0 and -0 are two numbers
    return first.item() if same.all() else None


def made_by(unit: Unit, name: str) -> bool:
    """Whether a wire is made by the gate of this name."""
    return bool(unit.inputs) and unit.gate is GATES[name]
