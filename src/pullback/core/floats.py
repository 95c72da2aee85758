"""Circuits of single numbers, several times faster than the way that arrays go.

In: Python's floats. Out: what the long way makes of them. Each shortcut takes plain floats alone,
on wires or not, and leaves everything else to the long way, which `tests/core/test_floats.py` holds
it to: the same values, gradients and refusals, for every gate.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from types import FrameType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pullback.core.gate import Gate
    from pullback.core.unit import Unit

inf, nan = math.inf, math.nan
Call = Callable[..., Any]

# The mathematics of floats -----------------------------------------------------------------------


def _ieee(
    function: Callable[..., float], numpy_function: Callable[..., Any]
) -> Callable[..., float]:
    """`function` of floats where it has an answer; NumPy's infinity or nan where it raises."""

    def guarded(*xs: float) -> float:
        try:
            return function(*xs)
        except (ArithmeticError, ValueError):
            with np.errstate(all="ignore"):
                return float(numpy_function(*xs))

    return guarded


def _power(x: float, n: float) -> float:
    y = x**n
    return y if type(y) is float else nan  # Python answers a complex number, NumPy nan


def _maximum(a: float, b: float) -> float:
    return a if a >= b or a != a else b


def _minimum(a: float, b: float) -> float:
    return a if a <= b or a != a else b


def _sign(x: float) -> float:
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else x + 0.0


scalars = SimpleNamespace(
    add=operator.add,
    subtract=operator.sub,
    multiply=operator.mul,
    divide=_ieee(lambda a, b: a / b, np.divide),
    mod=_ieee(operator.mod, np.mod),
    negative=lambda a: -a,
    power=_ieee(_power, np.power),
    exp=_ieee(math.exp, np.exp),
    expm1=_ieee(math.expm1, np.expm1),
    log=_ieee(math.log, np.log),
    log1p=_ieee(math.log1p, np.log1p),
    log2=_ieee(math.log2, np.log2),
    log10=_ieee(math.log10, np.log10),
    sqrt=_ieee(math.sqrt, np.sqrt),
    sin=_ieee(math.sin, np.sin),
    cos=_ieee(math.cos, np.cos),
    arcsin=_ieee(math.asin, np.arcsin),
    arccos=_ieee(math.acos, np.arccos),
    arctan=math.atan,
    arctan2=math.atan2,
    sinh=_ieee(math.sinh, np.sinh),
    cosh=_ieee(math.cosh, np.cosh),
    tanh=math.tanh,
    erf=math.erf,
    abs=abs,
    sign=_sign,
    floor=lambda x: math.copysign(math.floor(x), x) if math.isfinite(x) else x,  # -0.0 stays
    maximum=_maximum,
    minimum=_minimum,
    where=lambda condition, a, b: a if condition else b,
    greater=lambda a, b: a > b,
    greater_equal=lambda a, b: a >= b,
    less=lambda a, b: a < b,
    less_equal=lambda a, b: a <= b,
    equal=lambda a, b: a == b,
    not_equal=lambda a, b: a != b,
    logical_and=lambda a, b: bool(a and b),
    logical_or=lambda a, b: bool(a or b),
    logical_not=lambda a: not a,
)
"""The namespace `m` of a gate's value; it follows IEEE arithmetic as NumPy does."""

# Gates of one and of two floats ------------------------------------------------------------------


def calls(
    gate: Gate,
    kind: type[Unit],
    wire: Callable[..., Unit],
    constant: Callable[[float, str, FrameType], Unit],
) -> tuple[Call, Call]:
    """An elementwise gate's call with one input, and with two.

    Both are called by an operator or a function that the user's code called: the frame beyond. So
    the search for it begins there, which is half of the time of a wire.
    """
    what, no_static, frame_at = gate.what, {}, sys._getframe

    def of_one(x: Any) -> Any:
        if type(x) is float:
            return gate.value(scalars, x)
        if type(x) is kind and type(x._value) is float and (x.inputs or x.gate is None):
            return wire(gate.value(scalars, x._value), gate, (x,), no_static, frame_at(2))
        return gate(x)

    def of_two(a: Any, b: Any) -> Any:
        if type(a) is type(b) is float:
            return gate.value(scalars, a, b)
        frame = frame_at(2)
        if type(b) is kind:
            if type(a) is float or type(a) is int:
                a = constant(a, what, frame)
        elif type(a) is kind and (type(b) is float or type(b) is int):
            b = constant(b, what, frame)
        if (
            type(a) is type(b) is kind
            and type(a._value) is type(b._value) is float
            and (a.inputs or b.inputs or a.gate is None or b.gate is None)
        ):
            return wire(gate.value(scalars, a._value, b._value), gate, (a, b), no_static, frame)
        return gate(a, b)

    return of_one, of_two


def pull(unit: Unit, g: float, untouched: object) -> bool:
    """Pass the gradient at a wire of one or two plain numbers on; False where it is another wire.

    `untouched` is the `.grad` of a wire at which none has arrived yet.
    """
    gate, inputs, y = unit.gate, unit.inputs, unit._value
    assert gate is not None
    if gate.partials is None or len(inputs) > 2:
        return False
    try:
        if len(inputs) == 2:
            a, b = inputs
            u, v = a._value, b._value
            if type(u) is not float or type(v) is not float:
                return False
            by_a, by_b = gate.partials[0], gate.partials[1]
            moves_a, moves_b = a.inputs or a.gate is None, b.inputs or b.gate is None
            da = g * by_a(y, u, v) if by_a is not None and moves_a else None
            db = g * by_b(y, u, v) if by_b is not None and moves_b else None
            if db is not None:
                b.grad = db if b.grad is untouched else b.grad + db
        else:
            a = unit.inputs[0]
            u = a._value
            by_a = gate.partials[0]
            if type(u) is not float:
                return False
            da = None if by_a is None else g * by_a(y, u)
    except ArithmeticError:  # Python's floats raise where NumPy's give infinity: the long way
        return False
    if da is not None:
        a.grad = da if a.grad is untouched else a.grad + da
    return True
