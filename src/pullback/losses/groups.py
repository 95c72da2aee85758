"""In: an array of weights. Out: the length of each group of them.

A weight (..., inputs, units) multiplies: a `Dense` has a row for each input and a column for each
unit, a convolution (kernel, channels, filters) the same for each place of its window. So of any
weight the last axis counts what comes out, and the one before it what goes in.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import equal, where
from pullback.gates.elementary import sqrt
from pullback.gates.reduction import sum

AXES: Mapping[str, int] = MappingProxyType({"outgoing": -2, "incoming": -1})
"""The axis that numbers the groups: all that an input sends out, or all that comes into a unit."""


def refuse_groups(what: str, groups: Any) -> None:
    """Raise `CircuitError` for what is no way to group weights."""
    if not (isinstance(groups, str) and groups in AXES):
        raise CircuitError(f"{what} has groups {' or '.join(map(repr, AXES))}, got {groups!r}")


def others(w: Unit, groups: str) -> tuple[int, ...]:
    """The axes of a weight within its groups; of a vector of weights each number is a group."""
    number = max(w.ndim + AXES[groups], 0)
    return tuple(axis for axis in range(w.ndim) if axis != number)


def lengths(w: Unit, groups: str) -> Unit:
    """The Euclidean length of each group, as an array that broadcasts against the weight.

    At zero its gradient is taken to be 0.

    >>> lengths(Unit([[3.0, 4.0], [0.0, 0.0]]), "outgoing").value
    array([[5.],
           [0.]])
    """
    squares = sum(w * w, axis=others(w, groups), keepdims=True)
    zero = equal(squares, 0.0)
    return where(zero, 0.0, sqrt(where(zero, 1.0, squares)))
