"""In: wires and gates. Out: the words of a picture: values, gradients, symbols, what is to be told.

A line is a list of (words, classes), the pieces that stand one after another.
"""

from __future__ import annotations

import os

import numpy as np

from pullback.core.abstract import Abstract
from pullback.core.gate import Gate
from pullback.core.text import brief
from pullback.core.unit import Unit
from pullback.core.values import Value, dtype_of, shape_of
from pullback.inspect.sizes import norm
from pullback.inspect.widths import short

Line = list[tuple[str, str]]

# How symbols that are written in ASCII look in print.
_PRINTED = {"*": "×", "-": "−", "**": "^", "<=": "≤", ">=": "≥", "!=": "≠", "==": "="}


def tail(name: str) -> str:
    """The last step of a group's name: the frames around it show the others."""
    return short(name.rsplit("/", 1)[-1], 28)


def name_of(unit: Unit) -> str:
    """A wire's name, in short: a parameter's without the layer's, which stands at its frame."""
    layer = unit.scope.rpartition("/")[2]
    return short((unit.name or "").removeprefix(f"{layer}."), 24)


def title(unit: Unit) -> str:
    """What a reader sees when the pointer rests on a node."""
    head = "source" if unit.gate is None else unit.gate.name
    statics = [f"{key}={value}" for key, value in unit.static.items()]
    place = os.path.basename(unit.where)
    first = [unit.name or "", head + (f" ({', '.join(statics)})" if statics else ""), place]
    lines = [" · ".join(short(words, 200) for words in first if words)]
    for what, value in [("value", unit._value), ("gradient", unit.grad)]:
        if value is not None and type(value) is not tuple:
            shape = shape_of(value)
            kind = f" {shape} {dtype_of(value)}" if shape else ""
            if type(value) is Abstract:
                lines.append(f"{what}{kind}")
                continue
            with np.printoptions(threshold=12, edgeitems=2, precision=5):
                lines.append(f"{what}{kind}: {short(str(value), 400)}")
    return "\n".join(lines)


def labels(unit: Unit, values: bool, gradients: bool) -> tuple[list[Line], list[Line]]:
    """What is to be said of a wire's value, its name before it, and of its gradient."""
    above: list[Line] = [[(w, "value")] for w in value_lines(unit._value)] if values else []
    if unit.name and unit.gate is not None:
        above = [[(name_of(unit), "ink bold")] + (above[0] if above else []), *above[1:]]
    grad = unit.grad if gradients else None
    return above, [] if grad is None else [[(w, "grad")] for w in grad_lines(grad)]


def shape_labels(unit: Unit) -> tuple[list[Line], list[Line]]:
    """What is to be said of a wire that stands for those of many steps: its name and shape."""
    name: Line = [(name_of(unit), "ink bold")] if unit.name and unit.gate is not None else []
    is_one = type(unit._value) is not tuple
    shape: Line = [(str(unit.shape), "value")] if is_one and unit.shape else []
    return [name + shape] if name or shape else [], []


def value_lines(value: Value) -> list[str]:
    """A value in one or two short lines: a number, a short array, or a shape and a mean.

    Several values have lines on the wires of their own.

    >>> value_lines(0.5), value_lines(np.ones((64, 10)))
    (['0.5'], ['(64, 10)', 'mean 1'])
    """
    if type(value) is tuple:
        return []
    if type(value) is Abstract:
        return [brief(value)]
    array = np.asarray(value)
    if _in_full(array):
        return [brief(array if array.ndim else array[()])]
    if array.size == 0:
        return [str(array.shape), "empty"]
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            return [str(array.shape), _not_finite(array)]
        with np.errstate(over="ignore"):
            return [str(array.shape), f"mean {array.mean(dtype=float):.2g}"]
    if array.dtype.kind == "b":
        return [str(array.shape), f"{100 * float(array.mean()):.2g} % true"]
    low, high = array.min(), array.max()
    return [str(array.shape), f"all {low}" if low == high else f"{low} … {high}"]


def grad_lines(grad: Value) -> list[str]:
    """A gradient in one short line: a number, a short array, or its norm.

    >>> grad_lines(-4.0), grad_lines(np.ones((5, 5)))
    (['-4'], ['norm 5'])
    """
    array = np.asarray(grad)
    if _in_full(array):
        return [brief(grad if array.ndim else array.item())]
    if not np.isfinite(array).all():
        return [_not_finite(array)]
    return [f"norm {norm(array):.2g}"]


def symbol(gate: Gate) -> tuple[str, str]:
    """What stands in a gate, and in which size."""
    words = _PRINTED.get(gate.symbol, gate.symbol) or gate.name
    words = short(words, 18)
    return words, "symbol" if len(words) == 1 else "word"


def constants(unit: Unit) -> tuple[str, str]:
    """The constants that go into a gate: the first input before it, others after."""
    shown = ["", ""]
    for k, x in enumerate(unit.inputs):
        if x.is_constant:
            value = x.value
            words = brief(value) if _in_full(np.asarray(value)) else str(shape_of(value))
            words = short(words if x.name is None else f"{x.name} {words}", 24)
            place = 0 if k == 0 else 1
            shown[place] += f", {words}" if shown[place] else words
    return shown[0], shown[1]


def _in_full(array: np.ndarray) -> bool:
    return array.ndim == 0 or (array.ndim == 1 and 0 < array.size <= 3)


def _not_finite(array: np.ndarray) -> str:
    nans = int(np.isnan(array).sum())
    return f"{nans:,} NaN" if nans else f"{int(np.isinf(array).sum()):,} infinite"
