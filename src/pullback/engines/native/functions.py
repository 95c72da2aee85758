"""In: what records code. Out: `m`, the namespace in which a gate's value becomes instructions.

A gate declares its value once, in a namespace like NumPy's. Here is the one whose numbers are in
registers. Its functions have NumPy's names and rules; truth values become numbers where they meet
some, and Python's numbers are of whatever kind they meet.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from pullback.engines.native import elementary
from pullback.engines.native.code import Code
from pullback.engines.native.number import Number

KIND_OF = {
    np.dtype(dtype): kind
    for dtype, kind in {
        np.float32: "f4", np.float64: "f8", np.int64: "i8", np.bool_: "b1", np.uint32: "u4"
    }.items()
}  # fmt: skip
"""The kind of number that an element of a dtype is."""

PRECISE = ("sigmoid", "softplus")
"""Gates that are computed in one piece, more exactly and quicker than by what their value says."""
COMPUTED = ("exp", "expm1", "log", "log1p", "tanh", "erf", *PRECISE)
"""Functions of one number that are written in `elementary`."""
COSTLY = frozenset([*COMPUTED, *elementary.LIBRARY, "sin", "cos", "power", "mod"])
"""Gates of many instructions for each element."""


def namespace(k: Code, index: Number | None = None) -> SimpleNamespace:
    """`m`. `index` is the place of the element that is computed, in row-major order."""

    def both(a: Any, b: Any) -> tuple[Number, Number]:
        """Two numbers of one kind: truth values become what the other is."""
        if not isinstance(a, Number):
            return k.like(a, b), b
        if not isinstance(b, Number):
            return a, k.like(b, a)
        if a.kind == "b1" != b.kind:
            a = k.convert(a, b.kind)
        elif b.kind == "b1" != a.kind:
            b = k.convert(b, a.kind)
        return a, b

    def add(a: Any, b: Any) -> Number:
        a, b = both(a, b)
        return a | b if a.kind == "b1" else a + b

    def multiply(a: Any, b: Any) -> Number:
        a, b = both(a, b)
        return a & b if a.kind == "b1" else a * b

    def subtract(a: Any, b: Any) -> Number:
        a, b = both(a, b)
        return a - b

    def divide(a: Any, b: Any) -> Number:
        a, b = both(a, b)
        return a / b

    def power(x: Any, n: Any) -> Number:
        x, n = k.alike(*both(x, n))
        if x.is_float:
            return k.intrinsic("pow", x, n)
        y, square, left = (k.cell(first) for first in (k.constant(1, "i8", x.lanes), x, n))
        for _ in k.range(63):
            y.set(k.select((left.value & 1) != 0, y.value * square.value, y.value))
            square.set(square.value * square.value)
            left.set(left.value >> 1)
        return y.value

    def mod(a: Any, b: Any) -> Number:
        """The processor's remainder has the sign of a; of whole numbers by 0 it has none."""
        a, b = k.alike(*both(a, b))
        never = None if a.is_float else (b == 0) | (b == -1)
        r = a % (b if never is None else k.select(never, 1, b))
        y = k.select((r != 0) & ((r < 0) != (b < 0)), r + b, r)
        return y if never is not None else k.select(y == 0, k.intrinsic("copysign", r * 0, b), y)

    def absolute(x: Number) -> Number:
        if x.is_float:
            return k.intrinsic("fabs", x)
        return x if x.kind == "b1" else k.select(x < 0, -x, x)

    def sign(x: Number) -> Number:
        one = k.constant(1, x.kind, x.lanes)
        return k.select(x > 0, one, k.select(x < 0, -one, x + 0))

    def maximum(a: Any, b: Any) -> Number:
        a, b = both(a, b)
        larger = a >= b
        return k.select(larger | (a != a) if a.is_float else larger, a, b)

    def minimum(a: Any, b: Any) -> Number:
        a, b = both(a, b)
        smaller = a <= b
        return k.select(smaller | (a != a) if a.is_float else smaller, a, b)

    def astype(x: Any, dtype: Any) -> Number:
        kind = "u4" if dtype is uint32 else KIND_OF[np.dtype(dtype)]
        if not isinstance(x, Number):
            return k.constant(x, kind)
        if kind == "u4" and x.is_float:
            x = k.convert(x, "i8")
        return k.convert(x, kind)

    def truth(x: Number) -> Number:
        return k.convert(x, "b1")

    def compared(sign: str) -> Callable[[Any, Any], Number]:
        return lambda a, b: k.compare(sign, *both(a, b))

    def arange(count: int, dtype: Any) -> Number:
        assert index is not None, "only a gate that is made of its index asks for it"
        return astype(index, dtype)

    def uint32(x: Any) -> Number:
        return astype(x, uint32)

    def computed(name: str, x: Number) -> Any:
        function = getattr(elementary, name)
        return k.apart(name, function, x) if k.long else function(k, x)

    angles: dict[int, tuple[Number, ...]] = {}  # by the register that an angle is in

    def angle(which: int, x: Number) -> Number:
        """Sine and cosine, of which what makes one has made the other."""
        known = id(x.text)
        if known not in angles:
            angles[known] = (*computed("sin_cos", x), x)  # x is kept: no other text gets its id
        return angles[known][which]

    def library(name: str, *xs: Any) -> Number:
        given = xs if len(xs) == 1 else k.alike(*both(*xs))
        return elementary.from_library(k, name, *given)

    functions = {name: partial(computed, name) for name in COMPUTED}
    functions |= {name: partial(library, name) for name in elementary.LIBRARY}
    return SimpleNamespace(
        **functions,
        sin=partial(angle, 0),
        cos=partial(angle, 1),
        add=add,
        subtract=subtract,
        multiply=multiply,
        divide=divide,
        negative=lambda x: -x,
        power=power,
        mod=mod,
        sqrt=lambda x: k.intrinsic("sqrt", x),
        floor=lambda x: k.intrinsic("floor", x),
        abs=absolute,
        sign=sign,
        maximum=maximum,
        minimum=minimum,
        where=lambda condition, a, b: k.select(truth(condition), *both(a, b)),
        greater=compared(">"),
        greater_equal=compared(">="),
        less=compared("<"),
        less_equal=compared("<="),
        equal=compared("=="),
        not_equal=compared("!="),
        logical_and=lambda a, b: truth(a) & truth(b),
        logical_or=lambda a, b: truth(a) | truth(b),
        logical_not=lambda x: ~truth(x),
        astype=astype,
        uint32=uint32,
        arange=arange,
        reshape=lambda x, shape: x,
    )
