"""In: a gate and how its operands are written. Out: the expression in Python, with NumPy's names.

`Python` is the dialect that people run and read: elementwise gates by their symbols
or `np.` functions, structural ones as NumPy writes them.
"""

from __future__ import annotations

import builtins
import keyword
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
    Text,
    infix,
    is_double,
    unspread,
)
from pullback.source.spelling import (
    axes_added,
    axis_of,
    is_whole,
    keys_of,
    one,
    product_of,
    spelled,
    typed,
)

_WRITTEN = """
abs arccos arcsin arctan arctan2 argmax argmin argsort astype broadcast_to cholesky clip concatenate
cos cosh cumsum det einsum embed erf exp expm1 floor log log10 log1p log2 log_softmax logical_and
logical_not logical_or logsumexp max maximum mean min minimum mod negative prod relu reshape
scatter_add sigmoid sign sin sinh slice slogdet softmax softplus solve sqrt square stack sum sum_to
take tanh transpose where
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
            return Text(f"np.{gate.name}([{', '.join(p.code for p in parts)}]{axis_of(unit)})")
        x, extra = parts[0], axis_of(unit)
        if gate.name in _HELPERS:
            return Text(f"{gate.name}({x.code}{axis_of(unit, always=True)})")
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
            if n is None or n < 0 or not is_whole(n):  # Python's own raises, or turns complex
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
                extra = "" if unit.dtype == np.float64 else f".astype({typed(unit.dtype)})"
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
        text = spelled(number, exact, short=floats and x.dtype.kind == "f")
        return text if same else Text(f"{typed(x.dtype)}({text.code})")

    def literal(self, x: Unit) -> Text | None:
        """A constant as it is written: a number, or an array of few numbers."""
        value, number = np.asarray(x.value), number_on(x)
        extra = "" if x.dtype in (np.float64, np.int64) else f", {typed(x.dtype)}"
        if x.ndim == 0:
            text = spelled(value.item(), x.dtype)
            plain = type(x.value) in (float, bool) or x.dtype == np.float64
            return text if plain else Text(f"{typed(x.dtype)}({text.code})")
        if x.size == 0 or number is not None:
            shape = one(x.shape)
            integer = ", int" if x.dtype == np.int64 else extra
            if number is None or (number == 0 and not np.signbit(number)):
                return Text(f"np.zeros({shape}{integer})")
            if number == 1:
                return Text(f"np.ones({shape}{integer})")
            return Text(f"np.full({shape}, {spelled(number, x.dtype).code}{extra})")
        if x.dtype == np.int64 and x.ndim == 1 and np.array_equal(value, np.arange(x.size)):
            return Text(f"np.arange({x.size})")
        if x.size > 12:
            return None

        def nested(v: np.ndarray) -> str:
            if v.ndim == 0:
                return spelled(v.item(), x.dtype).code
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
        x, dtype = unit.inputs[0], typed(unit.dtype)
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
            return Text(f"{text}.sum(axis={one(ones)}, keepdims=True)")
        if len(ones) + lead == x.ndim and not unit.ndim:
            return Text(f"{text}.sum()")
        summed = f"{text}.sum(axis={one([*range(lead), *ones])})"
        return Text(f"{summed}.reshape{unit.shape}" if ones else summed)

    def _reshape(self, unit: Unit, scope: Scope) -> Text:
        x = unit.inputs[0]
        if scope.inlined(x, "slice"):
            keys = keys_of(x.static["walks"], x.inputs[0].shape, unit.shape)
            if keys is not None:
                return Text(f"{scope.text(x.inputs[0]).within(ATOM)}[{keys}]")
        if scope.inlined(x, "matmul"):
            a, b = (v.inputs[0] if scope.inlined(v, "reshape") else v for v in x.inputs)
            if (a.ndim == 1 or b.ndim == 1) and product_of(a.shape, b.shape) == unit.shape:
                return infix(scope.text(a), "@", scope.text(b))
        text = scope.text(x)
        if x.ndim == 0:
            return Text(f"np.reshape({text.code}, {one(unit.shape)})")
        added = axes_added(x.shape, unit.shape)
        if added is not None:
            return Text(f"{text.within(ATOM)}[{added}]")
        shape = ", ".join(map(str, unit.shape)) or "()"
        return Text(f"{text.within(ATOM)}.reshape({shape})")

    def _slice(self, unit: Unit, scope: Scope) -> Text:
        x = unit.inputs[0]
        keys = keys_of(unit.static["walks"], x.shape, unit.shape)
        return Text(f"{scope.text(x).within(ATOM)}[{keys}]") if keys else scope.text(x)

    def _take(self, unit: Unit, scope: Scope) -> Text:
        x, rows = (scope.text(x) for x in unit.inputs)
        if unit.static["axis"] == 0:
            return Text(f"{x.within(ATOM)}[{rows.code}]")
        return Text(f"np.take({x.code}, {rows.code}{axis_of(unit)})")

    def _cumsum(self, unit: Unit, scope: Scope) -> Text:
        x, axis = scope.text(unit.inputs[0]).code, unit.static["axis"]
        if unit.static["reverse"]:
            return Text(f"np.flip(np.cumsum(np.flip({x}, {axis}), {axis}), {axis})")
        return Text(f"np.cumsum({x}, {axis})")

    def _argsort(self, unit: Unit, scope: Scope) -> Text:
        x, axis = scope.text(unit.inputs[0]).code, unit.static["axis"]
        if not unit.static["descending"]:
            return Text(f'np.argsort({x}, {axis}, kind="stable")')
        last = unit.inputs[0].shape[axis] - 1  # like ones in their order, as from the other end
        code = f'np.argsort(np.flip({x}, {axis}), {axis}, kind="stable")'
        return Text(f"np.flip({last} - {code}, {axis})")

    def _of_matrices(self, unit: Unit, scope: Scope) -> Text:
        assert unit.gate is not None
        codes = [scope.text(x).code for x in unit.inputs]
        return Text(f"np.linalg.{unit.gate.name}({', '.join(codes)})")

    _solve = _det = _of_matrices

    def _slogdet(self, unit: Unit, scope: Scope) -> Text:
        return Text(f"np.stack({self._of_matrices(unit, scope).code}, -1)")

    def _cholesky(self, unit: Unit, scope: Scope) -> Text:
        x = scope.text(unit.inputs[0]).within(ATOM)
        return Text(f"np.linalg.cholesky(({x} + np.swapaxes({x}, -1, -2)) / 2)")

    # Lines ---------------------------------------------------------------------------------------

    def is_block(self, unit: Unit) -> bool:
        return made_by(unit, "embed") or made_by(unit, "scatter_add")

    def _embed(self, unit: Unit, scope: Scope) -> Text:
        extra = "" if unit.dtype == np.float64 else f", {typed(unit.dtype)}"
        return Text(f"np.zeros({one(unit.shape)}{extra})")

    def _scatter_add(self, unit: Unit, scope: Scope) -> Text:
        x = unit.inputs[0]
        text = scope.text(x)
        if number_on(x) == 0.0 and x.dtype == unit.dtype:
            return text
        same = x.dtype == unit.dtype
        return Text(f"{text.within(ATOM)}.{'copy()' if same else f'astype({typed(unit.dtype)})'}")

    def lines(self, name: str, unit: Unit, text: Text, scope: Scope) -> list[str]:
        lines = [f"{name} = {text.code}"]
        if made_by(unit, "embed"):
            x, walks = unit.inputs[0], unit.static["walks"]
            keys = keys_of(walks, unit.shape, x.shape)
            if scope.inlined(x, "reshape"):
                fewer = keys_of(walks, unit.shape, x.inputs[0].shape)
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
        return [] if y.dtype == np.float64 else [f"{name} = {typed(y.dtype)}({name})"]

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
