"""In: a gate and what its inputs carry. Out: what it makes of that: numbers, or an abstract value.

The gate's declaration is read with the namespace that fits: `scalars` of floats, `arrays` of
anything with numbers, `shapes` where any input is abstract. What is made of an abstract value is
abstract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.abstract import Abstract, abstract_of, abstractly, by_small_arrays
from pullback.core.errors import AbstractError, CircuitError
from pullback.core.floats import scalars
from pullback.core.shapes import shapes
from pullback.core.unit import Unit
from pullback.core.values import Value, arrays, dtype_of, namespace, read_only, shape_of

if TYPE_CHECKING:
    from pullback.core.gate import Gate


def namespace_of(gate: Gate, values: Sequence[Value]) -> SimpleNamespace:
    """The namespace in which a gate is evaluated at these values."""
    if any(type(x) is Abstract for x in values):
        return shapes
    return namespace(values) if gate.elementwise else arrays


def compute(
    gate: Gate,
    m: SimpleNamespace,
    values: Sequence[Value],
    static: Mapping[str, Any],
    inputs: Sequence[Any],
) -> Value:
    """What a gate makes of these values, in the namespace that fits them.

    Raises `CircuitError` where it cannot take them, naming those of `inputs` that are wires, and
    `AbstractError` where it would need the numbers of an abstract one.
    """
    try:
        if m is scalars:
            return gate.value(m, *values, **static)
        with np.errstate(all="ignore"):
            if m is shapes:
                value = _abstract(gate, values, static)
            else:
                value = _of_numbers(gate, m, values, static)
    except AbstractError:
        raise
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        shown = [
            (x.label if isinstance(x, Unit) else "a constant") + f" of shape {shape_of(v)}"
            for x, v in zip(inputs, values, strict=True)
        ]
        raise CircuitError(f"{gate.name} cannot take {' and '.join(shown)}: {error}") from error
    if gate.several and type(value) is not tuple:
        kind = type(value).__name__
        raise CircuitError(f"{gate.name} has several outputs; it made a {kind}, not a tuple")
    return value


def _of_numbers(
    gate: Gate, m: SimpleNamespace, values: Sequence[Value], static: Mapping[str, Any]
) -> Value:
    value = gate.value(m, *values, **static)
    if gate.several and type(value) is tuple:
        return tuple(_number(gate, x, values) for x in value)
    return _number(gate, value, values)


def _abstract(gate: Gate, values: Sequence[Value], static: Mapping[str, Any]) -> Value:
    """The abstract value of what a gate makes; of an elementwise one small arrays tell it."""

    def of_numbers(*xs: Value) -> Value:
        return _of_numbers(gate, namespace(xs) if gate.elementwise else arrays, xs, static)

    if gate.elementwise and gate.is_built_in:
        return abstractly(of_numbers, *values)
    if gate.elementwise:
        try:
            return by_small_arrays(of_numbers, *values)
        except Exception as error:  # be it that it does not like the numbers
            raise _of_numbers_alone(gate) from error
    values = [x.number if type(x) is Abstract and x.weak else x for x in values]
    if not any(type(x) is Abstract for x in values):
        return abstract_of(of_numbers(*values))
    if not gate.is_built_in:
        raise _of_numbers_alone(gate)
    return abstract_of(gate.value(shapes, *values, **static))


def _of_numbers_alone(gate: Gate) -> AbstractError:
    return AbstractError(f"what the gate {gate.name!r} makes is known of numbers alone")


def _number(gate: Gate, value: Value, values: Sequence[Value]) -> Value:
    """What the gate made of these values; of Python's numbers alone, a number of Python."""
    for x in values:
        if type(x) is not float and type(x) is not bool:
            return value
    if dtype_of(value).kind in "iu":
        return value
    if isinstance(value, np.generic) or (gate.elementwise and isinstance(value, np.ndarray)):
        return value.item()
    return value


def kept(value: Value, inputs: Sequence[Value]) -> Value:
    """What a gate made, as its wire keeps it: read-only, and no view of an engine's memory.

    That memory is what arrays on wires are that can still be written into.
    """
    if type(value) is tuple:
        return tuple(kept(x, inputs) for x in value)
    if type(value) is float or not isinstance(value, np.ndarray):
        return value
    if value.base is not None and any(
        isinstance(x, np.ndarray) and x.flags.writeable and np.may_share_memory(x, value)
        for x in inputs
    ):
        value = value.copy()
    return read_only(value)
