"""In: a gate and how its operands are written. Out: the expression in Python, with NumPy's names.

`Python` is the dialect that people run and read: elementwise gates by their symbols
or `np.` functions, structural ones as NumPy writes them.
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
import textwrap
from collections.abc import Sequence

import numpy as np

from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.core.values import is_float, promoting
from pullback.program.patterns import made_by, number_on
from pullback.source.dialect import (
    ATOM,
    INFIX,
    PRODUCT,
    SIGN,
    Body,
    Scope,
    Shape,
    Text,
    infix,
    is_double,
    unspread,
)

_WRITTEN = """
abs arccos arcsin arctan arctan2 argmax argmin astype broadcast_to clip concatenate cos cosh einsum
embed erf exp expm1 floor log log10 log1p log2 log_softmax logical_and logical_not logical_or
logsumexp max maximum mean min minimum mod negative relu reshape scatter_add sigmoid sign sin sinh
slice softmax softplus sqrt square stack sum sum_to take tanh transpose where
"""
_TAKEN = "np math circuit erf log_softmax logsumexp softmax"


class Python:
    """NumPy's Python."""

    language = "Python"
    keep = frozenset([*INFIX, *re.findall(r"\w+", _WRITTEN)])
    reserved = frozenset([*keyword.kwlist, *vars(builtins), *re.findall(r"\w+", _TAKEN)])

    def write(self, unit: Unit, scope: Scope) -> Text:
        gate = unit.gate
        assert gate is not None
        if gate.elementwise:
            return self.elementwise(gate.name, unit, scope)
        own = getattr(self, f"_{gate.name}", None)
        if own is not None:
            return own(unit, scope)
        parts = [scope.text(x) for x in unit.inputs]
        if gate.name in ("concatenate", "stack"):
            return Text(f"np.{gate.name}([{', '.join(p.code for p in parts)}]{_axis(unit)})")
        x, extra = parts[0], _axis(unit)
        if gate.name in _HELPERS:
            return Text(f"{gate.name}({x.code}{_axis(unit, always=True)})")
        if unit.inputs[0].ndim == 0:
            return Text(f"np.{gate.name}({x.code}{extra})")
        return Text(f"{x.within(ATOM)}.{gate.name}({extra.removeprefix(', ')})")

    # Elements ------------------------------------------------------------------------------------

    def elementwise(self, name: str, unit: Unit, scope: Scope) -> Text:
        inputs = scope.operands(unit)
        parts = [self.operand(x, k, inputs, unit, scope) for k, x in enumerate(inputs)]
        if is_double(unit):
            return Text(f"2 * {parts[0].within(PRODUCT)}", PRODUCT)
        if is_float(unit._value) and all(x.dtype == bool for x in inputs):
            parts = [Text(f"float({p.code})") for p in parts]  # of NumPy's, True + True is True
        codes = [p.code for p in parts]
        if name == "power" and not unit.shape:
            n = number_on(inputs[1])
            if n is None or n < 0 or not _is_whole(n):  # Python's own raises, or turns complex
                return Text(f"np.power({', '.join(codes)})")
        if name in INFIX:
            return infix(parts[0], INFIX[name], parts[1])
        if name in ("logical_and", "logical_or") and all(x.dtype == bool for x in inputs):
            return infix(parts[0], "&" if name == "logical_and" else "|", parts[1])
        match name:
            case "negative":
                return Text(f"-{parts[0].within(SIGN)}", SIGN)
            case "sigmoid":
                return Text(f"1 / (1 + np.exp(-{parts[0].within(SIGN)}))", PRODUCT)
            case "softplus":
                return Text(f"np.logaddexp(0, {codes[0]})")
            case "relu":
                return Text(f"np.maximum({codes[0]}, 0)")
            case "erf":
                extra = "" if unit.dtype == np.float64 else f".astype({_dtype(unit.dtype)})"
                return Text(f"erf({codes[0]}){extra}")
        return Text(f"np.{name}({', '.join(codes)})")

    def operand(self, x: Unit, k: int, inputs: Sequence[Unit], unit: Unit, scope: Scope) -> Text:
        """An input of an elementwise gate, in the kind that makes NumPy answer the same dtype."""
        others = [other for at, other in enumerate(inputs) if at != k and not other.is_constant]
        if unit.gate is GATES["where"]:
            others = [other for other in others if other is not inputs[0]]
        number = number_on(x)
        shapes = [other.shape for other in inputs if not other.is_constant]
        if number is None or (x.shape and np.broadcast_shapes(*shapes) != unit.shape):
            text = scope.text(x)
            weak = is_float(x._value) and x.inputs and unit.dtype.kind == "f"
            return Text(f"float({text.code})") if weak and unit.dtype != np.float64 else text
        kinds = [promoting(other._value) for other in others]
        floats = any(other.dtype.kind == "f" for other in others)
        same = np.result_type(number, *kinds) == np.result_type(promoting(x._value), *kinds)
        exact = x.dtype if np.result_type(number, *kinds) == x.dtype else np.dtype(float)
        text = _number(number, exact, short=floats and x.dtype.kind == "f")
        return text if same else Text(f"{_dtype(x.dtype)}({text.code})")

    def literal(self, x: Unit) -> Text | None:
        """A constant as it is written: a number, or an array of few numbers."""
        value, number = np.asarray(x.value), number_on(x)
        extra = "" if x.dtype in (np.float64, np.int64) else f", {_dtype(x.dtype)}"
        if x.ndim == 0:
            text = _number(value.item(), x.dtype)
            plain = type(x.value) in (float, bool) or x.dtype == np.float64
            return text if plain else Text(f"{_dtype(x.dtype)}({text.code})")
        if x.size == 0 or number is not None:
            shape = _one(x.shape)
            integer = ", int" if x.dtype == np.int64 else extra
            if number is None or (number == 0 and not np.signbit(number)):
                return Text(f"np.zeros({shape}{integer})")
            if number == 1:
                return Text(f"np.ones({shape}{integer})")
            return Text(f"np.full({shape}, {_number(number, x.dtype).code}{extra})")
        if x.dtype == np.int64 and x.ndim == 1 and np.array_equal(value, np.arange(x.size)):
            return Text(f"np.arange({x.size})")
        if x.size > 12:
            return None

        def nested(v: np.ndarray) -> str:
            if v.ndim == 0:
                return _number(v.item(), x.dtype).code
            return f"[{', '.join(nested(row) for row in v)}]"

        return Text(f"np.array({nested(value)}{extra})")

    # Whole arrays --------------------------------------------------------------------------------

    def _matmul(self, unit: Unit, scope: Scope) -> Text:
        a, b = (scope.text(x) for x in unit.inputs)
        return infix(a, "@", b)

    def _einsum(self, unit: Unit, scope: Scope) -> Text:
        parts = ", ".join(scope.text(x).code for x in unit.inputs)
        return Text(f'np.einsum("{unit.static["subscripts"]}", {parts})')

    def _transpose(self, unit: Unit, scope: Scope) -> Text:
        x, axes = scope.text(unit.inputs[0]), tuple(int(a) for a in unit.static["axes"])
        if axes == tuple(reversed(range(unit.ndim))):
            return Text(f"{x.within(ATOM)}.T")
        return Text(f"{x.within(ATOM)}.transpose{axes}")

    def _astype(self, unit: Unit, scope: Scope) -> Text:
        x, dtype = unit.inputs[0], _dtype(unit.dtype)
        if x.ndim == 0:
            return Text(f"{'float' if dtype == 'float' else dtype}({scope.text(x).code})")
        return Text(f"{scope.text(x).within(ATOM)}.astype({dtype})")

    def _broadcast_to(self, unit: Unit, scope: Scope) -> Text:
        x = unit.inputs[0]
        while scope.inlined(x, "reshape") and (inner := unspread(x)) is not None:
            x = inner
        return Text(f"np.broadcast_to({scope.text(x).code}, {unit.shape})")

    def _sum_to(self, unit: Unit, scope: Scope) -> Text:
        x = unit.inputs[0]
        lead = x.ndim - unit.ndim
        ones = [a for a in range(lead, x.ndim) if unit.shape[a - lead] == 1 != x.shape[a]]
        text = scope.text(x).within(ATOM)
        if not lead:
            return Text(f"{text}.sum(axis={_one(ones)}, keepdims=True)")
        if len(ones) + lead == x.ndim and not unit.ndim:
            return Text(f"{text}.sum()")
        summed = f"{text}.sum(axis={_one([*range(lead), *ones])})"
        return Text(f"{summed}.reshape{unit.shape}" if ones else summed)

    def _reshape(self, unit: Unit, scope: Scope) -> Text:
        x = unit.inputs[0]
        if scope.inlined(x, "slice"):
            keys = _keys(x.static["walks"], x.inputs[0].shape, unit.shape)
            if keys is not None:
                return Text(f"{scope.text(x.inputs[0]).within(ATOM)}[{keys}]")
        if scope.inlined(x, "matmul"):
            a, b = (v.inputs[0] if scope.inlined(v, "reshape") else v for v in x.inputs)
            if (a.ndim == 1 or b.ndim == 1) and _product(a.shape, b.shape) == unit.shape:
                return infix(scope.text(a), "@", scope.text(b))
        text = scope.text(x)
        if x.ndim == 0:
            return Text(f"np.reshape({text.code}, {_one(unit.shape)})")
        added = _added(x.shape, unit.shape)
        if added is not None:
            return Text(f"{text.within(ATOM)}[{added}]")
        shape = ", ".join(map(str, unit.shape)) or "()"
        return Text(f"{text.within(ATOM)}.reshape({shape})")

    def _slice(self, unit: Unit, scope: Scope) -> Text:
        x = unit.inputs[0]
        keys = _keys(unit.static["walks"], x.shape, unit.shape)
        return Text(f"{scope.text(x).within(ATOM)}[{keys}]") if keys else scope.text(x)

    def _take(self, unit: Unit, scope: Scope) -> Text:
        x, rows = (scope.text(x) for x in unit.inputs)
        if unit.static["axis"] == 0:
            return Text(f"{x.within(ATOM)}[{rows.code}]")
        return Text(f"np.take({x.code}, {rows.code}{_axis(unit)})")

    # Lines ---------------------------------------------------------------------------------------

    def is_block(self, unit: Unit) -> bool:
        return made_by(unit, "embed") or made_by(unit, "scatter_add")

    def _embed(self, unit: Unit, scope: Scope) -> Text:
        extra = "" if unit.dtype == np.float64 else f", {_dtype(unit.dtype)}"
        return Text(f"np.zeros({_one(unit.shape)}{extra})")

    def _scatter_add(self, unit: Unit, scope: Scope) -> Text:
        x = unit.inputs[0]
        text = scope.text(x)
        if number_on(x) == 0.0 and x.dtype == unit.dtype:
            return text
        same = x.dtype == unit.dtype
        return Text(f"{text.within(ATOM)}.{'copy()' if same else f'astype({_dtype(unit.dtype)})'}")

    def lines(self, name: str, unit: Unit, text: Text, scope: Scope) -> list[str]:
        lines = [f"{name} = {text.code}"]
        if made_by(unit, "embed"):
            x, walks = unit.inputs[0], unit.static["walks"]
            keys = _keys(walks, unit.shape, x.shape)
            if scope.inlined(x, "reshape"):
                fewer = _keys(walks, unit.shape, x.inputs[0].shape)
                x, keys = (x, keys) if fewer is None else (x.inputs[0], fewer)
            lines.append(f"{name}[{keys or '()'}] = {scope.text(x).code}")
        if made_by(unit, "scatter_add"):
            rows, updates = (scope.text(x).code for x in unit.inputs[1:])
            axis = unit.static["axis"]
            place = f"({'slice(None), ' * axis}{rows})" if axis else rows
            lines.append(f"np.add.at({name}, {place}, {updates})")
        return lines

    def assign(self, names: Sequence[str], code: str) -> list[str]:
        return [f"{' = '.join(names)} = {code}"]

    def pull(self, name: str, output: str, y: Unit) -> list[str]:
        if y.shape:
            return [f"{name} = np.full({output}.shape, {name}, {output}.dtype)"]
        return [] if y.dtype == np.float64 else [f"{name} = {_dtype(y.dtype)}({name})"]

    def function(self, body: Body) -> str:
        outputs = ", ".join(body.outputs)
        what = f"Returns {outputs}"
        if body.gradients:
            what += f" and its gradients by {', '.join(body.bearing)}, pulled by "
            what += ", ".join(body.pulls)
        head = _wrapped("def circuit(", [*body.arguments, *(f"{p}=1.0" for p in body.pulls)], "):")
        doc = textwrap.wrap(f'"""{what}.', 84, break_long_words=False, break_on_hyphens=False)
        doc = [f'{doc[0]}"""'] if len(doc) == 1 else [*doc, '"""']
        inside = [*doc, *(["# forward", *body.forward] if body.forward else [])]
        inside += ["# backward", *body.backward] if body.backward else []
        first = f"({outputs},)" if len(body.outputs) == 1 else f"({outputs})"
        comma = "," if len(body.gradients) == 1 else ""
        first = outputs if body.single else first
        inside += _wrapped(f"return {first}, (", body.gradients, f"{comma})", indent=4)
        text = "\n".join(head + [f"    {line}" for line in inside]) + "\n"
        for name, helper in _HELPERS.items():
            if re.search(rf"\b{name}\(", text):
                text = f"{helper}\n\n{text}"
        imports = [f"import {m}" for m in ("math",) if "math." in text]
        imports += ["import numpy as np"] if "np." in text else []
        return "\n".join([*imports, "", "", text] if imports else [text])


_HELPERS = {
    "log_softmax": '''def log_softmax(x, axis):
    """The logarithm of the softmax of x along axes."""
    return x - logsumexp(x, axis, keepdims=True)
''',
    "softmax": '''def softmax(x, axis):
    """exp(x) / sum(exp(x)) along axes."""
    return np.exp(x - logsumexp(x, axis, keepdims=True))
''',
    "logsumexp": '''def logsumexp(x, axis, keepdims=False):
    """log(sum(exp(x))) along axes, without overflow."""
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isinf(top), 0, top)
    y = top + np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True))
    return y if keepdims else np.squeeze(y, axis)
''',
    "erf": '''def erf(x):
    """The error function of each element."""
    return np.vectorize(math.erf, otypes=[float])(x)
''',
}


def _wrapped(start: str, parts: Sequence[str], end: str, indent: int = 0) -> list[str]:
    """A list in parentheses, on one line where it fits."""
    line = start + ", ".join(parts) + end
    if len(line) + indent <= 88:
        return [line]
    return [
        start,
        *(f"    {row}" for row in textwrap.wrap(", ".join(parts) + ",", 80)),
        ")" + end.lstrip(",)"),
    ]


def _number(value: float, dtype: np.dtype, short: bool = False) -> Text:
    """A number as short as its dtype allows; `short`: without a point where it is whole."""
    if isinstance(value, bool):
        return Text(str(value))
    if not math.isfinite(value):
        code = "np.nan" if value != value else "np.inf" if value > 0 else "-np.inf"
    elif isinstance(value, int) or (short and _is_whole(value)):
        code = str(int(value))
    else:
        code = str(dtype.type(value)) if dtype.kind == "f" else repr(value)
    return Text(code, SIGN if code.startswith("-") else ATOM)


def _is_whole(value: float) -> bool:
    """Whether a number is a small whole one; -0 is not."""
    return abs(value) < 1e6 and value == int(value) and (value != 0 or math.copysign(1, value) > 0)


def _dtype(dtype: np.dtype) -> str:
    return {"float64": "float", "bool": "bool", "int64": "int"}.get(dtype.name, f"np.{dtype.name}")


def _axis(unit: Unit, always: bool = False) -> str:
    """What a reduction is extra, as further arguments; nothing where it is about all elements."""
    axis, extra = unit.static["axis"], ""
    if always or axis != tuple(range(unit.inputs[0].ndim)):
        extra = f", axis={_one(axis) if isinstance(axis, tuple) else axis}"
    return extra + ", keepdims=True" * bool(unit.static.get("keepdims"))


def _one(numbers: Sequence[int]) -> str:
    """One number, an axis or a size, or several."""
    return str(numbers[0]) if len(numbers) == 1 else str(tuple(numbers))


def _product(a: Shape, b: Shape) -> Shape | None:
    """The shape of a matrix product, or None where there is none."""
    try:
        return np.matmul(np.empty(a), np.empty(b)).shape
    except ValueError:
        return None


def _keys(walks: Sequence[tuple[int, int, int]], source: Shape, kept: Shape) -> str | None:
    """The walks through an array of shape `source` as an index that gives the shape `kept`.

    >>> _keys(((0, 3, 1), (1, 1, 1)), (3, 4), (3,)), _keys(((2, 3, -1),), (3,), (3,))
    (':, 1', '::-1')
    """
    keys, left = [], list(kept)
    for (start, count, step), n in zip(walks, source, strict=True):
        drop = count == 1 and len(walks) - len(keys) > len(left)
        if drop:
            keys.append(str(start))
            continue
        if not left or left.pop(0) != count:
            return None
        end = start + count * step
        low = "" if start == (0 if step > 0 else n - 1) else str(start)
        high = "" if (end >= n if step > 0 else end < 0) else str(end)
        keys.append(f"{low}:{high}" + (f":{step}" if step != 1 else ""))
    while len(keys) > 1 and keys[-1] == ":":
        keys.pop()
    return None if left else ", ".join(keys)


def _added(old: Shape, new: Shape) -> str | None:
    """The index that adds axes of size 1, such as ":, None"; None where that is not all."""
    keys, left = [], list(old)
    for n in new:
        if left and left[0] == n:
            keys.append(":")
            left.pop(0)
        elif n == 1:
            keys.append("None")
        else:
            return None
    while keys and keys[-1] == ":":
        keys.pop()
    return None if left or not keys else ", ".join(keys)
