"""In: the outputs of a circuit. Out: the code of forward and backward that a person would write.

The gradients are recorded as wires, pulled by sources of their own, and simplified together with
the values. Each gate then becomes a line, or, where nobody named its wire and only one gate takes
it, a part of the line that does. A dialect, `Python` or `JavaScript`, knows how gates are
written; what is written, in which order and under which names, is decided by `_Writer`.
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple, Protocol

import numpy as np

import pullback.gates  # noqa: F401  simplify needs the gates registered before it is imported
from pullback.compile.program import Program
from pullback.compile.simplify import number_on, simplify
from pullback.core.errors import CircuitError
from pullback.core.gate import Gate, constant
from pullback.core.gradient import gradients_of_all
from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.core.values import is_differentiable, zeros_like
from pullback.core.walk import order

WIDTH = 60  # characters of a formula, beyond which a part of it gets a line and a name of its own
Shape = tuple[int, ...]
ATOM = 20  # what binds as tightly as a name


_BUNDLE = Gate("bundle", value=lambda m, *xs: 0.0, pullback=(), primitive=True)


class Text(NamedTuple):
    """A formula and how tightly its outermost operator binds."""

    code: str
    level: int = ATOM

    def within(self, level: int) -> str:
        """The formula as an operand of an operator of this level, in parentheses if need be."""
        return self.code if self.level >= level else f"({self.code})"


class Scope(Protocol):
    """What a dialect may ask while it writes a gate."""

    def text(self, x: Unit) -> Text:
        """The name of a wire, or the formula that stands in for it."""
        ...

    def inlined(self, x: Unit, gate: str) -> bool:
        """Whether a wire is made by this gate and has no line of its own."""
        ...

    def operands(self, unit: Unit) -> list[Unit]:
        """The inputs of an elementwise gate, as they are before needless broadcasting, in the
        order in which a person writes them."""
        ...


class Body(NamedTuple):
    """The parts of a function: its lines, and the names it takes and gives."""

    arguments: list[str]
    pulls: list[str]
    forward: list[str]
    backward: list[str]
    outputs: list[str]
    gradients: list[str]
    bearing: list[str]  # the sources that the gradients are of
    single: bool


class Dialect(Protocol):
    """How a programming language writes what `source` decides."""

    language: str
    keep: Collection[str]  # the gates that it writes; others are lowered to these
    reserved: Collection[str]  # names that a wire cannot have

    def write(self, unit: Unit, scope: Scope) -> Text: ...
    def literal(self, x: Unit) -> Text | None: ...
    def is_block(self, unit: Unit) -> bool: ...
    def lines(self, name: str, unit: Unit, text: Text, scope: Scope) -> list[str]: ...
    def assign(self, names: Sequence[str], code: str) -> list[str]: ...
    def pull(self, name: str, output: str, y: Unit) -> list[str]: ...
    def function(self, body: Body) -> str: ...


@dataclass(frozen=True)
class Source:
    """The text of a function, and what it takes in that order before the pulls: wires by name."""

    text: str
    arguments: dict[str, Unit]


def write_source(outputs: Sequence[Unit], dialect: Dialect, single: bool = False) -> Source:
    """The condensed code of a circuit; `single`: it gives one output, not a tuple of one.

    Raises `CircuitError` where a gate has no plain form in the language.
    """
    return _Writer(outputs, dialect, single).source()


class _Writer:
    """One circuit being written: which wires get a line, under which names, in which order."""

    def __init__(self, outputs: Sequence[Unit], dialect: Dialect, single: bool) -> None:
        self.outputs, self.dialect, self.single = list(outputs), dialect, single
        self.wires = order(outputs)
        self.sources = [unit for unit in self.wires if unit.gate is None]
        self.xs = [unit for unit in self.sources if is_differentiable(unit.value)]
        self.pulled = [y for y in outputs if self.xs and is_differentiable(y.value)]
        self.pulls = [Unit(zeros_like(y.value)) for y in self.pulled]
        self.record()
        self.refuse()
        self.lay_out()

    def record(self) -> None:
        """Value and gradient of every wire, as plain wires."""
        flow = gradients_of_all(self.pulled, self.pulls, self.xs)
        for x in self.xs:
            if x not in flow:
                flow[x] = constant(zeros_like(x.value))
        backward = [(unit, flow[unit]) for unit in self.wires if unit in flow]
        # One wire that takes all others: a single walk simplifies them, in running order.
        bundle = _BUNDLE(Unit(0.0), *self.wires, *(g for _, g in backward))
        plain = simplify(Program({}, {"all": bundle}, {}), self.dialect.keep).outputs["all"]
        _, *plain = plain.inputs
        self.value = dict(zip(self.wires, plain, strict=False))
        slopes = plain[len(self.wires) :]
        self.slope = {unit: slope for (unit, _), slope in zip(backward, slopes, strict=True)}
        self.results = [self.value[y] for y in self.outputs]
        self.gradients = [self.slope[x] for x in self.xs]
        self.needed = order([*self.results, *self.gradients])
        self.forward = set(order(self.results))
        # What depends on a pull is written behind what multiplies it, as in `x * dq`.
        self.pulling = set(self.pulls)
        for unit in self.needed:
            if any(x in self.pulling for x in unit.inputs):
                self.pulling.add(unit)
        self.uses = Counter(x for unit in self.needed for x in set(unit.inputs))
        self.uses.update(  # x + x is written 2 * x
            unit.inputs[0]
            for unit in self.needed
            if len(set(unit.inputs)) < len(unit.inputs) and not is_double(unit)
        )

    def refuse(self) -> None:
        """Raise where a gate cannot be written."""
        for unit in self.needed:
            gate = unit.gate
            if unit.inputs and gate is not None and gate.name not in self.dialect.keep:
                made = next((u.label for u in self.wires if u.gate is gate), "the gradient")
                raise unwritable(unit, self.dialect.language, f", which makes {made}")

    # What gets a line ----------------------------------------------------------------------------

    def lay_out(self) -> None:
        """Decide which wires get a line, and write all, until no formula is too long."""
        self.label: dict[Unit, str] = {}  # the name a user gave to what a plain wire carries
        for unit in self.wires:
            if unit.name is not None:
                self.label.setdefault(self.value[unit], unit.name)
        bearing: dict[Unit, list[Unit]] = {}
        for unit in self.wires:
            if unit in self.slope and (self.value[unit] in self.forward):
                bearing.setdefault(self.slope[unit], []).append(unit)
        self.owner = {g: self.owner_of(g, units) for g, units in bearing.items()}
        ends = {*self.results, *self.gradients}
        self.stated: set[Unit] = set()
        for unit in self.needed:
            named = unit in self.label or (unit in self.owner and self.owner[unit].name is not None)
            shared = self.uses[unit] > 1 and not self.is_free(unit)
            if unit.inputs and (unit in ends or named or shared or self.dialect.is_block(unit)):
                self.stated.add(unit)
        while True:
            for g in [g for g in self.stated if g not in self.forward and g in self.owner]:
                if self.value[self.owner[g]].inputs:
                    self.stated.add(self.value[self.owner[g]])
            self.names = self.named()
            before = len(self.stated)
            self.write()
            if len(self.stated) == before:
                return

    def is_free(self, unit: Unit) -> bool:
        """Whether a wire is another view of one that has a name: it needs none of its own."""
        viewed = unit.gate is not None and unit.gate.name in ("transpose", "reshape")
        return viewed and (unit.inputs[0] in self.stated or unit.inputs[0].gate is None)

    def owner_of(self, g: Unit, units: Sequence[Unit]) -> Unit:
        """Of the wires that have one gradient, the one it is named after."""
        gates = [unit for unit in units if self.value[unit].inputs]
        named = [unit for unit in gates if unit.name is not None]
        sources = [unit for unit in units if unit.gate is None]
        if named:
            return named[-1]
        if sources and (not gates or (len(sources) == 1 and self.uses[g] == 0)):
            return sources[0]
        return gates[-1] if gates else units[-1]

    def write(self) -> None:
        """The formula of every gate; parts of one that is too long are added to `stated`."""
        self.texts: dict[Unit, Text] = {}
        for unit in self.needed:
            if not unit.inputs:
                continue
            text = self.dialect.write(unit, self)
            while self.is_long(unit, text):
                parts = [x for x in unit.inputs if x in self.texts and x not in self.stated]
                longest = max(parts, key=lambda x: len(self.texts[x].code), default=None)
                if longest is None or len(self.texts[longest].code) < WIDTH // 4:
                    break
                self.stated.add(longest)
                self.names[longest] = "t1"  # a name of about the length that it will have
                text = self.dialect.write(unit, self)
            self.texts[unit] = text

    def is_long(self, unit: Unit, text: Text) -> bool:
        """Whether a gate needs a line that is longer than people like to read."""
        lines = [text.code]
        if self.dialect.is_block(unit):
            lines += self.dialect.lines("t1", unit, text, self)
        return max(map(len, lines)) > WIDTH

    def text(self, x: Unit) -> Text:
        if x in self.names:
            return Text(self.names[x])
        literal = self.dialect.literal(x) if x.is_constant else None
        return self.texts[x] if literal is None else literal

    def inlined(self, x: Unit, gate: str) -> bool:
        made = x.gate is not None and x.gate.name == gate and bool(x.inputs)
        return made and x not in self.stated

    def operands(self, unit: Unit) -> list[Unit]:
        inputs = list(unit.inputs)
        for k, x in enumerate(inputs if not is_double(unit) else []):
            others = [other.shape for other in inputs[:k] + inputs[k + 1 :]]
            inner = unspread(x)
            while inner is not None and x.inputs and x not in self.stated:
                if len(others) == 0 or np.broadcast_shapes(inner.shape, *others) != unit.shape:
                    break
                inputs[k] = x = inner
                inner = unspread(x)
        if unit.gate is not None and unit.gate.name == "multiply":
            a, b = inputs
            short = self.text(a).level == ATOM or self.inlined(a, "matmul")
            if a in self.pulling and b not in self.pulling and short:
                return [b, a]
        return inputs

    # Names ---------------------------------------------------------------------------------------

    def named(self) -> dict[Unit, str]:
        """A name for every plain wire that is an argument or has a line."""
        taken = set(self.dialect.reserved)
        reserved = frozenset(taken)

        def unique(wanted: str) -> str:
            name, k = identifier(wanted, reserved), 1
            while name in taken:
                k += 1
                name = f"{identifier(wanted, reserved)}_{k}"
            taken.add(name)
            return name

        def numbered(units: Sequence[Unit], stem: str) -> dict[Unit, str]:
            if len(units) == 1 and stem not in taken:
                return {units[0]: unique(stem)}
            free = (f"{stem}{k}" for k in range(1, 2 * len(units) + len(taken) + 1))
            free = (name for name in free if name not in taken)
            return {unit: unique(next(free)) for unit in units}

        names = {unit: unique(unit.name) for unit in self.sources if unit.name is not None}
        self.output_names: list[str] = [""] * len(self.outputs)
        first: dict[Unit, str] = {}
        for k, y in enumerate(self.outputs):
            if y.gate is None and y in names:
                self.output_names[k] = names[y]
            elif y in first:
                self.output_names[k] = first[y]
            else:
                stem = "f" if len(self.outputs) == 1 else f"f{k + 1}"
                first[y] = self.output_names[k] = unique(stem if y.name is None else y.name)
                if y.gate is None or self.results[k].inputs:
                    names.setdefault(self.results[k], first[y])
        forward = [u for u in self.needed if u in self.stated and u in self.forward]
        for unit in forward:
            if unit in self.label and unit not in names:
                names[unit] = unique(self.label[unit])
        names |= numbered([u for u in self.sources if u not in names], "x")
        output = dict(zip(self.outputs, self.output_names, strict=True))
        for y, pull in zip(self.pulled, self.pulls, strict=True):
            names[pull] = unique(f"d{output[y]}")
        names |= numbered([u for u in forward if u not in names], "q")
        large = [u for u in self.needed if u.is_constant and self.dialect.literal(u) is None]
        names |= numbered(large, "constant")
        self.constants = large
        self.gradient_names: dict[Unit, str] = {}
        pull_of = dict(zip(self.pulled, self.pulls, strict=True))
        for x in self.xs:  # the gradient of an output that is a source may be its pull itself
            g = self.slope[x]
            self.gradient_names[x] = names[g] if pull_of.get(x) is g else unique(f"d{names[x]}")
        rest = []
        for unit in self.needed:
            if unit in self.stated and unit not in names:
                owner = self.owner.get(unit)
                if owner is not None and owner.gate is None:
                    names[unit] = self.gradient_names[owner]
                elif owner is not None and self.value[owner] in names:
                    names[unit] = unique(f"d{names[self.value[owner]]}")
                else:
                    rest.append(unit)
        return names | numbered(rest, "t")

    # Lines ---------------------------------------------------------------------------------------

    def source(self) -> Source:
        forward, backward = [], []
        for unit in self.needed:
            if unit in self.stated and unit in self.forward:
                forward += self.made(unit)
        for name, plain in dict(zip(self.output_names, self.results, strict=True)).items():
            if self.names.get(plain) != name:
                forward += self.dialect.assign([name], self.text(plain).code)
        for y, pull in zip(self.pulled, self.pulls, strict=True):
            if self.uses[pull] or pull in self.gradients:
                output = self.output_names[self.outputs.index(y)]
                backward += self.dialect.pull(self.names[pull], output, y)
        backward += self.backward_lines()
        arguments = {self.names[unit]: unit for unit in [*self.sources, *self.constants]}
        body = Body(
            list(arguments),
            [self.names[pull] for pull in self.pulls],
            forward,
            backward,
            self.output_names,
            list(self.gradient_names.values()),
            [self.names[x] for x in self.xs],
            self.single,
        )
        return Source(self.dialect.function(body), arguments)

    def made(self, unit: Unit) -> list[str]:
        return self.dialect.lines(self.names[unit], unit, self.texts[unit], self)

    def backward_lines(self) -> list[str]:
        """The gradients, in an order in which they can run: those that need nothing of one another
        side by side, the sources' first and in the sources' order."""
        made = [u for u in self.needed if u in self.stated and u not in self.forward]
        place = {name: k for k, name in enumerate(self.gradient_names.values())}
        stage: dict[str, int] = {}  # the first in which a name can be used
        entries: list[tuple[int, int, int, list[str], str]] = []
        now, deep = 0, self.depths(made)
        for unit in [*(u for u in dict.fromkeys(self.gradients) if u not in deep), *made]:
            name = self.names.get(unit, "")
            if unit in deep:
                now = max([now, *(stage.get(self.names[x], 0) for x in deep[unit])])
                entries.append((now, place.get(name, len(place)), unit.index, self.made(unit), ""))
                stage[name] = now + 1
            for x, own in self.gradient_names.items():
                if self.slope[x] is unit and own != name:
                    entries.append(
                        (stage.get(name, 0), place[own], unit.index, [own], self.text(unit).code)
                    )
        lines = []
        for code, run in groupby(sorted(entries), key=lambda entry: entry[4]):
            parts = [line for entry in run for line in entry[3]]
            for group in [parts] if code.isidentifier() else [[part] for part in parts]:
                lines += self.dialect.assign(group, code) if code else group
        return lines

    def depths(self, made: Sequence[Unit]) -> dict[Unit, list[Unit]]:
        """For each wire with a line of the backward pass, those that its line reads."""
        lined = set(made)
        read: dict[Unit, list[Unit]] = {}
        for unit in self.needed:
            if unit not in self.forward and unit.inputs:
                below = [[x] if x in lined else read.get(x, []) for x in unit.inputs]
                read[unit] = list(dict.fromkeys(x for some in below for x in some))
        return {unit: read[unit] for unit in made}


def unwritable(unit: Unit, language: str, told: str) -> CircuitError:
    """What is raised where a language has no plain form for a gate."""
    gate = "constant" if unit.gate is None else unit.gate.name
    return CircuitError(f"the gate {gate!r}{told}, cannot be written in plain {language}")


def is_double(unit: Unit) -> bool:
    """Whether a wire is x + x."""
    a, b = unit.inputs if len(unit.inputs) == 2 else (None, unit)
    named = unit.gate is not None and unit.gate.name == "add"
    return named and a is b and unit.dtype.kind == "f"


def unspread(x: Unit) -> Unit | None:
    """What a wire repeats by NumPy's rule of broadcasting, or None."""
    if x.gate is None or x.gate.name not in ("broadcast_to", "reshape"):
        return None
    (inner,) = x.inputs
    lead = (1,) * (x.ndim - inner.ndim)
    return inner if x.gate.name == "broadcast_to" or x.shape == lead + inner.shape else None


def identifier(name: str, reserved: Collection[str] = ()) -> str:
    """A name as a valid identifier, the same that Python would read.

    >>> identifier("dense1.weight"), identifier("2nd"), identifier("lambda", {"lambda"})
    ('dense1_weight', '_2nd', 'lambda_')
    """
    name = unicodedata.normalize("NFKC", name)
    name = "".join(c if f"_{c}".isidentifier() else "_" for c in name)
    name = name if name.isidentifier() else f"_{name}"
    return f"{name}_" if name in reserved else name


# Python -----------------------------------------------------------------------------------------

COMPARED, SUM, PRODUCT, SIGN, POWER = 4, 8, 9, 10, 11
LEVELS = {"||": 1, "&&": 2, "|": 5, "&": 6, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT}
LEVELS |= {"@": PRODUCT, "**": POWER}
INFIX = {
    **{name: GATES[name].symbol for name in ("add", "subtract", "multiply", "divide", "power")},
    **{name: GATES[name].symbol for name in ("less", "less_equal", "greater", "greater_equal")},
    **{name: GATES[name].symbol for name in ("equal", "not_equal", "matmul")},
}


def infix(a: Text, symbol: str, b: Text) -> Text:
    """Two operands and what stands between them."""
    level = LEVELS.get(symbol, COMPARED)
    if symbol == "+" and b.code.startswith("-") and b.level == SIGN:  # x + -3
        symbol, b = "-", Text(b.code[1:])
    left_first = symbol not in ("**",) and level != COMPARED  # a < b < c would be another thing
    left, right = a.within(level if left_first else level + 1), b.within(level + 1)
    return Text(f"{left} {symbol} {right}", level)


_WRITTEN = """
abs argmax argmin astype broadcast_to clip concatenate cos einsum embed erf exp expm1 log log1p
log_softmax logical_and logical_not logical_or logsumexp max maximum mean min minimum negative relu
reshape scatter_add sigmoid sign sin slice softmax softplus sqrt stack sum sum_to take tanh
transpose where
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
        x, told = parts[0], _axis(unit)
        if gate.name in _HELPERS:
            return Text(f"{gate.name}({x.code}{_axis(unit, always=True)})")
        if unit.inputs[0].ndim == 0:
            return Text(f"np.{gate.name}({x.code}{told})")
        return Text(f"{x.within(ATOM)}.{gate.name}({told.removeprefix(', ')})")

    # Elements ------------------------------------------------------------------------------------

    def elementwise(self, name: str, unit: Unit, scope: Scope) -> Text:
        inputs = scope.operands(unit)
        parts = [self.operand(x, k, inputs, unit, scope) for k, x in enumerate(inputs)]
        if is_double(unit):
            return Text(f"2 * {parts[0].within(PRODUCT)}", PRODUCT)
        if type(unit.value) is float and all(x.dtype == bool for x in inputs):
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
                told = "" if unit.dtype == np.float64 else f".astype({_dtype(unit.dtype)})"
                return Text(f"erf({codes[0]}){told}")
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
            weak = type(x.value) is float and x.inputs and unit.dtype.kind == "f"
            return Text(f"float({text.code})") if weak and unit.dtype != np.float64 else text
        kinds: list[Any] = [o.value if type(o.value) is float else o.dtype for o in others]
        floats = any(other.dtype.kind == "f" for other in others)
        same = np.result_type(number, *kinds) == np.result_type(
            x.value if type(x.value) is float else x.dtype, *kinds
        )
        exact = x.dtype if np.result_type(number, *kinds) == x.dtype else np.dtype(float)
        text = _number(number, exact, short=floats and x.dtype.kind == "f")
        return text if same else Text(f"{_dtype(x.dtype)}({text.code})")

    def literal(self, x: Unit) -> Text | None:
        """A constant as it is written: a number, or an array of few numbers."""
        value, number = np.asarray(x.value), number_on(x)
        told = "" if x.dtype in (np.float64, np.int64) else f", {_dtype(x.dtype)}"
        if x.ndim == 0:
            text = _number(value.item(), x.dtype)
            plain = type(x.value) in (float, bool) or x.dtype == np.float64
            return text if plain else Text(f"{_dtype(x.dtype)}({text.code})")
        if x.size == 0 or number is not None:
            shape = _tuple(x.shape)
            integer = ", int" if x.dtype == np.int64 else told
            if number is None or (number == 0 and not np.signbit(number)):
                return Text(f"np.zeros({shape}{integer})")
            if number == 1:
                return Text(f"np.ones({shape}{integer})")
            return Text(f"np.full({shape}, {_number(number, x.dtype).code}{told})")
        if x.dtype == np.int64 and x.ndim == 1 and np.array_equal(value, np.arange(x.size)):
            return Text(f"np.arange({x.size})")
        if x.size > 12:
            return None

        def nested(v: np.ndarray) -> str:
            if v.ndim == 0:
                return _number(v.item(), x.dtype).code
            return f"[{', '.join(nested(row) for row in v)}]"

        return Text(f"np.array({nested(value)}{told})")

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
            return Text(f"np.reshape({text.code}, {_tuple(unit.shape)})")
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
        return unit.gate is not None and unit.gate.name in ("embed", "scatter_add")

    def _embed(self, unit: Unit, scope: Scope) -> Text:
        told = "" if unit.dtype == np.float64 else f", {_dtype(unit.dtype)}"
        return Text(f"np.zeros({_tuple(unit.shape)}{told})")

    def _scatter_add(self, unit: Unit, scope: Scope) -> Text:
        x = unit.inputs[0]
        text = scope.text(x)
        if number_on(x) == 0.0 and x.dtype == unit.dtype:
            return text
        same = x.dtype == unit.dtype
        return Text(f"{text.within(ATOM)}.{'copy()' if same else f'astype({_dtype(unit.dtype)})'}")

    def lines(self, name: str, unit: Unit, text: Text, scope: Scope) -> list[str]:
        lines, gate = [f"{name} = {text.code}"], unit.gate
        assert gate is not None
        if gate.name == "embed":
            x, walks = unit.inputs[0], unit.static["walks"]
            keys = _keys(walks, unit.shape, x.shape)
            if scope.inlined(x, "reshape"):
                fewer = _keys(walks, unit.shape, x.inputs[0].shape)
                x, keys = (x, keys) if fewer is None else (x.inputs[0], fewer)
            lines.append(f"{name}[{keys or '()'}] = {scope.text(x).code}")
        if gate.name == "scatter_add":
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


def _tuple(shape: Sequence[int]) -> str:
    return _one(shape)


def _axis(unit: Unit, always: bool = False) -> str:
    """What a reduction is told, as further arguments; nothing where it is about all elements."""
    axis, told = unit.static["axis"], ""
    if always or axis != tuple(range(unit.inputs[0].ndim)):
        told = f", axis={_one(axis) if isinstance(axis, tuple) else axis}"
    return told + ", keepdims=True" * bool(unit.static.get("keepdims"))


def _one(axes: Sequence[int]) -> str:
    """One axis or several."""
    return str(axes[0]) if len(axes) == 1 else str(tuple(axes))


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
