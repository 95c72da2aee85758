"""In: the outputs of a circuit. Out: the code of forward and backward that a person would write.

The gradients are recorded as wires, pulled by sources of their own, and simplified together with
the values. Each gate then becomes a line, or, where nobody named its wire and only one gate takes
it, a part of the line that does. A dialect, `Python` or `JavaScript`, knows how gates are
written; what is written, in which order and under which names, is decided by `_Writer`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, Protocol

import numpy as np

import pullback.gates  # noqa: F401  simplify needs the gates registered before it is imported
from pullback.core.errors import CircuitError
from pullback.core.gate import Gate, constant
from pullback.core.gradient import gradients_of_all
from pullback.core.unit import Unit
from pullback.core.values import is_differentiable, zeros_like
from pullback.core.walk import order
from pullback.program.program import Program
from pullback.program.simplify import simplify

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
            if not unit.inputs or gate is None:
                continue
            if not gate.is_built_in or gate.name not in self.dialect.keep:
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
