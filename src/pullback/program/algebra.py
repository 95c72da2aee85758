"""In: arithmetic on plain wires. Out: plainer arithmetic: laws that hold for every number.

Sums and products keep NaN and infinity: 0 * x stays, for x may be NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.program.arrange import sum_of_embedded
from pullback.program.patterns import Inputs, Rule, made_by, number_on
from pullback.program.sparse import sparse_step, sparse_sum, sum_of_rows


def _add(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    a, b = inputs
    if number_on(a) == 0.0:
        return b
    if number_on(b) == 0.0:
        return a
    if made_by(b, "negative"):
        return GATES["subtract"](a, b.inputs[0])
    if made_by(a, "negative"):
        return GATES["subtract"](b, a.inputs[0])
    if a.shape != b.shape:
        return None
    for found in (sum_of_rows(a, b), sparse_sum(a, b), sparse_sum(b, a)):
        if found is not None:
            return found
    return sum_of_embedded(a, b)


def _subtract(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    a, b = inputs
    if number_on(b) == 0.0:
        return a
    if number_on(a) == 0.0 and b.dtype != bool:
        return GATES["negative"](b)
    if made_by(b, "negative"):
        return GATES["add"](a, b.inputs[0])
    return sparse_step(a, b)


def _multiply(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    for a, b in (inputs, inputs[::-1]):
        if number_on(a) == 1.0:
            return b
        if number_on(a) == -1.0 and b.dtype != bool:  # NumPy negates no truth values
            return GATES["negative"](b)
        if made_by(a, "negative") and made_by(b, "negative"):
            return GATES["multiply"](a.inputs[0], b.inputs[0])
    return None


def _divide(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    return inputs[0] if number_on(inputs[1]) == 1.0 else None


def _negative(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    (x,) = inputs
    if made_by(x, "negative"):
        return x.inputs[0]
    return GATES["subtract"](*x.inputs[::-1]) if made_by(x, "subtract") else None


def _power(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    x, exponent = inputs
    plain: dict[float, Callable[[], Unit]] = {
        1.0: lambda: x,
        2.0: lambda: x * x,
        3.0: lambda: x * x * x,
        -1.0: lambda: 1.0 / x,
    }
    n = number_on(exponent)
    return plain[n]() if n in plain else None


def _not_equal(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    return inputs[0] if inputs[0].dtype == bool and number_on(inputs[1]) == 0.0 else None


def _equal(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    if inputs[0].dtype == bool and number_on(inputs[1]) == 0.0:
        return GATES["logical_not"](inputs[0])
    return None


RULES: dict[str, Rule] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negative": _negative,
    "power": _power,
    "equal": _equal,
    "not_equal": _not_equal,
}
