"""How JavaScript writes a gate: numbers by its operators and `Math`, arrays nested, by helpers."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence

import numpy as np

from pullback.core.unit import Unit
from pullback.program.patterns import number_on
from pullback.source.dialect import (
    ATOM,
    INFIX,
    PRODUCT,
    SIGN,
    Body,
    Scope,
    Text,
    infix,
    is_double,
    unwritable,
)

_MATH = {
    **{name: name for name in ("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt")},
    **{name: name for name in ("abs", "sign", "floor", "sin", "cos", "sinh", "cosh", "tanh")},
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "maximum": "max",
    "minimum": "min",
    "power": "pow",
}
"""Functions of JavaScript's, by the names of the gates."""
_SYMBOLS = {"equal": "===", "not_equal": "!==", "logical_and": "&&", "logical_or": "||"}
_CHOICE = 0  # how tightly `a ? b : c` binds


_WRITTEN = """
astype broadcast_to log_softmax logical_and logical_not logical_or logsumexp max min mod negative
prod relu reshape sigmoid softmax sum transpose where
"""
_RESERVED = """
abstract arguments await boolean break byte case catch char class const continue debugger default
delete do double else enum eval export extends false final finally float for function goto if
implements import in instanceof int interface let long native new null package private protected
public return short static super switch synchronized this throw throws transient true try typeof var
void volatile while with yield undefined NaN Infinity Math Array Number Boolean circuit
each reduce full reshape transpose matmul logsumexp
"""


class JavaScript:
    """Plain JavaScript. It computes in double precision whatever the circuit's own is."""

    language = "JavaScript"
    keep = frozenset([*INFIX, *_MATH, *re.findall(r"\w+", _WRITTEN)])
    reserved = frozenset(re.findall(r"\w+", _RESERVED))

    def write(self, unit: Unit, scope: Scope) -> Text:
        gate = unit.gate
        assert gate is not None
        if not all(x.size for x in (unit, *unit.inputs)):  # a nested [] does not tell its shape
            raise unwritable(unit, self.language, " of an array with no elements")
        if gate.elementwise:
            return self.elementwise(gate.name, unit, scope)
        x = unit.inputs[0]
        code, axes, keep = scope.text(x).code, unit.static.get("axis", ()), ""
        if unit.static.get("keepdims"):
            keep = ", true"
        match gate.name:
            case "sum":
                return Text(f"reduce((a, b) => a + b, {code}, {_list(axes)}{keep})")
            case "prod":
                return Text(f"reduce((a, b) => a * b, {code}, {_list(axes)}{keep})")
            case "max" | "min":
                return Text(f"reduce(Math.{gate.name}, {code}, {_list(axes)}{keep})")
            case "logsumexp":
                return Text(f"logsumexp({code}, {_list(axes)}{keep})")
            case "log_softmax" | "softmax":
                total = f"logsumexp({code}, {_list(axes)}, true)"
                rest = "a - b" if gate.name == "log_softmax" else "Math.exp(a - b)"
                return Text(f"each((a, b) => {rest}, {code}, {total})")
            case "reshape":
                return Text(f"reshape({code}, {_list(unit.shape)})")
            case "broadcast_to":
                return Text(f"each((a) => a, {code}, full({_list(unit.shape)}, 0))")
            case "astype":
                return self.cast(x, unit, code)
            case "transpose" if unit.ndim == 2 and tuple(unit.static["axes"]) == (1, 0):
                return Text(f"transpose({code})")
            case "transpose" if unit.ndim < 2:
                return scope.text(x)
            case "matmul" if unit.ndim == 2 and unit.inputs[1].ndim == 2 and x.ndim == 2:
                return Text(f"matmul({code}, {scope.text(unit.inputs[1]).code})")
        raise unwritable(unit, self.language, f" of shape {unit.shape}")

    def cast(self, x: Unit, unit: Unit, code: str) -> Text:
        kinds = x.dtype.kind + unit.dtype.kind
        if unit.dtype.kind == "f" and x.dtype.kind != "b":
            return Text(code)
        function = "Number" if kinds[0] == "b" else "Boolean" if kinds[1] == "b" else "Math.trunc"
        return Text(f"each({function}, {code})" if unit.shape else f"{function}({code})")

    # Elements ------------------------------------------------------------------------------------

    def elementwise(self, name: str, unit: Unit, scope: Scope) -> Text:
        inputs = scope.operands(unit)
        if not unit.shape:
            return self.number(name, unit, [self.operand(x, scope) for x in inputs])
        shapes = [x.shape for x in inputs if not x.is_constant]
        plain = np.broadcast_shapes(*shapes) == unit.shape
        arrays: dict[str, str] = {}  # each array's formula, and the letter that stands for one
        parts = []
        for x in inputs:
            if x.is_constant and (x.ndim == 0 or plain) and number_on(x) is not None:
                parts.append(self.operand(x, scope))
            else:
                letter = arrays.setdefault(scope.text(x).code, "abc"[len(arrays)])
                parts.append(Text(letter))
        text = self.number(name, unit, parts)
        code = f"({text.code})" if text.code.startswith("{") else text.code
        return Text(f"each(({', '.join(arrays.values())}) => {code}, {', '.join(arrays)})")

    def operand(self, x: Unit, scope: Scope) -> Text:
        number = number_on(x)
        return scope.text(x) if number is None else _number(number)

    def number(self, name: str, unit: Unit, parts: Sequence[Text]) -> Text:
        """A gate on numbers."""
        codes = [part.code for part in parts]
        if is_double(unit):
            return Text(f"2 * {parts[0].within(PRODUCT)}", PRODUCT)
        if unit.dtype == bool and name in ("add", "maximum"):
            name = "logical_or"  # as NumPy's truth values add up
        if unit.dtype == bool and name in ("multiply", "minimum"):
            name = "logical_and"
        symbol = _SYMBOLS.get(name) or (INFIX.get(name) if name != "power" else None)
        if symbol:
            return infix(parts[0], symbol, parts[1])
        match name:
            case "where":
                chosen = f"{parts[0].within(1)} ? {parts[1].within(1)} : {parts[2].within(1)}"
                return Text(chosen, _CHOICE)
            case "negative":
                inner = parts[0].within(ATOM if codes[0].startswith("-") else SIGN)
                return Text(f"-{inner}", SIGN)
            case "logical_not":
                return Text(f"!{parts[0].within(SIGN)}", SIGN)
            case "sigmoid":
                return Text(
                    f"1 / (1 + Math.exp({self.number('negative', unit, parts).code}))", PRODUCT
                )
            case "relu":
                return Text(f"Math.max({codes[0]}, 0)")
            case "mod":  # the remainder by % has the sign of a
                a, b = parts[0].within(PRODUCT), parts[1].within(SIGN)
                return Text(f"(({a} % {b}) + {b}) % {b}", PRODUCT)
        return Text(f"Math.{_MATH[name]}({', '.join(codes)})")

    def literal(self, x: Unit) -> Text | None:
        value, number = np.asarray(x.value), number_on(x)
        if x.ndim == 0:
            return _number(value.item())
        if number is not None:
            return Text(f"full({_list(x.shape)}, {_number(number).code})")

        def nested(v: np.ndarray) -> str:
            return f"[{', '.join(map(nested, v))}]" if v.ndim else _number(v.item()).code

        return Text(nested(value)) if x.size <= 12 else None

    # Lines ---------------------------------------------------------------------------------------

    def is_block(self, unit: Unit) -> bool:
        return False

    def lines(self, name: str, unit: Unit, text: Text, scope: Scope) -> list[str]:
        return [f"const {name} = {text.code};"]

    def assign(self, names: Sequence[str], code: str) -> list[str]:
        return [f"const {name} = {code};" for name in names]

    def pull(self, name: str, output: str, y: Unit) -> list[str]:
        shape = _list(y.shape)
        return [f"{name} = each((a) => a, {name}, full({shape}, 0));"] if y.shape else []

    def function(self, body: Body) -> str:
        what = f"Returns {', '.join(body.outputs)}"
        if body.gradients:
            what += f" and the gradients by {', '.join(body.bearing)}, pulled by "
            what += ", ".join(body.pulls)
        lines = [f"// {row}" for row in textwrap.wrap(what + ".", 84, break_on_hyphens=False)]
        arguments = [*body.arguments, *(f"{pull} = 1" for pull in body.pulls)]
        lines.append(_filled("function circuit(", arguments, ") {"))
        inside = [*(["// forward", *body.forward] if body.forward else [])]
        inside += ["// backward", *body.backward] if body.backward else []
        first = body.outputs[0] if body.single else f"[{', '.join(body.outputs)}]"
        inside.append(_filled(f"return [{first}, [", body.gradients, "]];"))
        lines += [f"  {line}" for block in inside for line in block.splitlines()] + ["}"]
        text = "\n".join(lines) + "\n"
        for name, helper in _HELPERS.items():
            if re.search(rf"\b{name}\(", text):
                text = f"{helper}\n{text}"
        return text


# Later helpers are used by earlier ones.
_HELPERS = {
    "logsumexp": """// log(sum(exp(x))) along axes, without overflow.
function logsumexp(x, axes, keep = false) {
  const top = reduce(Math.max, x, axes, true);
  const rest = each((a, b) => (a === b ? 1 : Math.exp(a - b)), x, top);
  const sum = reduce((a, b) => a + b, rest, axes, true);
  const y = each((a, b) => a + Math.log(b), top, sum);
  return keep ? y : reduce(Math.max, y, axes);
}
""",
    "matmul": """// The matrix product a @ b.
function matmul(a, b) {
  return a.map((row) => b[0].map((_, j) => row.reduce((sum, v, k) => sum + v * b[k][j], 0)));
}
""",
    "transpose": """// The columns of a matrix as its rows.
function transpose(x) {
  return x[0].map((_, j) => x.map((row) => row[j]));
}
""",
    "reduce": """// The elements of x joined by f along axes; keep leaves these, of size 1.
function reduce(f, x, axes, keep = false) {
  if (axes.length === 0) return x;
  const join = (y, axis) => {
    if (axis > 0) return y.map((row) => join(row, axis - 1));
    const whole = y.reduce((a, b) => each((c, d) => f(c, d), a, b));
    return keep ? [whole] : whole;
  };
  return reduce(f, join(x, axes[axes.length - 1]), axes.slice(0, -1), keep);
}
""",
    "each": """// f of the elements of arrays, with NumPy's broadcasting.
function each(f, ...xs) {
  const depth = (x) => (Array.isArray(x) ? 1 + depth(x[0]) : 0);
  const depths = xs.map(depth);
  const deepest = Math.max(...depths);
  if (deepest === 0) return f(...xs);
  const lined = xs.map((x, k) => (depths[k] === deepest ? x : [x]));
  const length = Math.max(...lined.map((x) => x.length));
  const at = (i) => lined.map((x) => x[x.length === 1 ? 0 : i]);
  return Array.from({ length }, (_, i) => each(f, ...at(i)));
}
""",
    "reshape": """// The elements of x, in order, in another shape.
function reshape(x, shape) {
  let y = [x].flat(Infinity);
  for (const n of shape.slice(1).reverse()) {
    y = Array.from({ length: y.length / n }, (_, k) => y.slice(k * n, k * n + n));
  }
  return shape.length > 0 ? y : y[0];
}
""",
    "full": """// An array of a shape that carries one value everywhere.
function full(shape, value) {
  return shape.reduceRight((row, n) => Array(n).fill(row), value);
}
""",
}


def _list(numbers: Sequence[int]) -> str:
    return f"[{', '.join(map(str, numbers))}]"


def _filled(start: str, parts: Sequence[str], end: str) -> str:
    """A list between brackets, on one line where it fits."""
    line = start + ", ".join(parts) + end
    if len(line) <= 86:
        return line
    rows = textwrap.wrap(", ".join(parts) + ",", 82)
    return "\n".join([start, *(f"  {row}" for row in rows), end])


def _number(value: float) -> Text:
    if isinstance(value, bool):
        return Text(str(value).lower())
    if not math.isfinite(value):
        code = "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    else:
        whole = abs(value) < 1e6 and value == int(value) and math.copysign(1, value) * value >= 0
        code = str(int(value)) if whole and str(value) != "-0.0" else repr(value)
    return Text(code, SIGN if code.startswith("-") else ATOM)
