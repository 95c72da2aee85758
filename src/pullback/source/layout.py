"""In: the outputs of a circuit. Out: the code of forward and backward that a person would write.

Each gate becomes a line, or, where nobody named its wire and only one gate takes it, a part of the
line that does. A dialect, `Python` or `JavaScript`, knows how gates are written; what is written,
and in which order, is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from pullback.core.unit import Unit
from pullback.program.patterns import made_by
from pullback.source.dialect import ATOM, Body, Dialect, Text, is_double, unspread
from pullback.source.names import choose_names
from pullback.source.record import Recording

WIDTH = 60  # characters of a formula, beyond which a part of it gets a line and a name of its own


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
    """One circuit being written: which wires get a line, and in which order."""

    def __init__(self, outputs: Sequence[Unit], dialect: Dialect, single: bool) -> None:
        self.dialect, self.single = dialect, single
        self.circuit = Recording(outputs, dialect)
        self.lay_out()

    # What gets a line ----------------------------------------------------------------------------

    def lay_out(self) -> None:
        """Decide which wires get a line, and write all, until no formula is too long."""
        self.label: dict[Unit, str] = {}  # the name a user gave to what a plain wire carries
        for unit in self.circuit.wires:
            if unit.name is not None:
                self.label.setdefault(self.circuit.value[unit], unit.name)
        bearing: dict[Unit, list[Unit]] = {}
        for unit in self.circuit.wires:
            if unit in self.circuit.slope and (self.circuit.value[unit] in self.circuit.forward):
                bearing.setdefault(self.circuit.slope[unit], []).append(unit)
        self.owner = {g: self.owner_of(g, units) for g, units in bearing.items()}
        ends = {*self.circuit.results, *self.circuit.gradients}
        self.stated: set[Unit] = set()
        for unit in self.circuit.needed:
            named = unit in self.label or (unit in self.owner and self.owner[unit].name is not None)
            shared = self.circuit.uses[unit] > 1 and not self.is_free(unit)
            if unit.inputs and (unit in ends or named or shared or self.dialect.is_block(unit)):
                self.stated.add(unit)
        while True:
            for g in [g for g in self.stated if g not in self.circuit.forward and g in self.owner]:
                if self.circuit.value[self.owner[g]].inputs:
                    self.stated.add(self.circuit.value[self.owner[g]])
            self.chosen = choose_names(self.circuit, self.stated, self.label, self.owner)
            self.names = self.chosen.wires
            before = len(self.stated)
            self.write()
            if len(self.stated) == before:
                return

    def is_free(self, unit: Unit) -> bool:
        """Whether a wire is another view of one that has a name: it needs none of its own."""
        viewed = made_by(unit, "transpose") or made_by(unit, "reshape")
        return viewed and (unit.inputs[0] in self.stated or unit.inputs[0].gate is None)

    def owner_of(self, g: Unit, units: Sequence[Unit]) -> Unit:
        """Of the wires that have one gradient, the one it is named after."""
        gates = [unit for unit in units if self.circuit.value[unit].inputs]
        named = [unit for unit in gates if unit.name is not None]
        sources = [unit for unit in units if unit.gate is None]
        if named:
            return named[-1]
        if sources and (not gates or (len(sources) == 1 and self.circuit.uses[g] == 0)):
            return sources[0]
        return gates[-1] if gates else units[-1]

    def write(self) -> None:
        """The formula of every gate; parts of one that is too long are added to `stated`."""
        self.texts: dict[Unit, Text] = {}
        for unit in self.circuit.needed:
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
        return made_by(x, gate) and x not in self.stated

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
        if made_by(unit, "multiply"):
            a, b = inputs
            short = self.text(a).level == ATOM or self.inlined(a, "matmul")
            if a in self.circuit.pulling and b not in self.circuit.pulling and short:
                return [b, a]
        return inputs

    # Lines ---------------------------------------------------------------------------------------

    def source(self) -> Source:
        forward, backward = [], []
        for unit in self.circuit.needed:
            if unit in self.stated and unit in self.circuit.forward:
                forward += self.made(unit)
        for name, plain in dict(
            zip(self.chosen.outputs, self.circuit.results, strict=True)
        ).items():
            if self.names.get(plain) != name:
                forward += self.dialect.assign([name], self.text(plain).code)
        for y, pull in zip(self.circuit.pulled, self.circuit.pulls, strict=True):
            if self.circuit.uses[pull] or pull in self.circuit.gradients:
                output = self.chosen.outputs[self.circuit.outputs.index(y)]
                backward += self.dialect.pull(self.names[pull], output, y)
        backward += self.backward_lines()
        arguments = {
            self.names[unit]: unit for unit in [*self.circuit.sources, *self.chosen.constants]
        }
        body = Body(
            list(arguments),
            [self.names[pull] for pull in self.circuit.pulls],
            forward,
            backward,
            self.chosen.outputs,
            list(self.chosen.gradients.values()),
            [self.names[x] for x in self.circuit.xs],
            self.single,
        )
        return Source(self.dialect.function(body), arguments)

    def made(self, unit: Unit) -> list[str]:
        return self.dialect.lines(self.names[unit], unit, self.texts[unit], self)

    def backward_lines(self) -> list[str]:
        """The gradients, in an order in which they can run: those that need nothing of one another
        side by side, the sources' first and in the sources' order."""
        made = [
            u for u in self.circuit.needed if u in self.stated and u not in self.circuit.forward
        ]
        place = {name: k for k, name in enumerate(self.chosen.gradients.values())}
        stage: dict[str, int] = {}  # the first in which a name can be used
        entries: list[tuple[int, int, int, list[str], str]] = []
        now, deep = 0, self.depths(made)
        for unit in [*(u for u in dict.fromkeys(self.circuit.gradients) if u not in deep), *made]:
            name = self.names.get(unit, "")
            if unit in deep:
                now = max([now, *(stage.get(self.names[x], 0) for x in deep[unit])])
                entries.append((now, place.get(name, len(place)), unit.index, self.made(unit), ""))
                stage[name] = now + 1
            for x, own in self.chosen.gradients.items():
                if self.circuit.slope[x] is unit and own != name:
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
        for unit in self.circuit.needed:
            if unit not in self.circuit.forward and unit.inputs:
                below = [[x] if x in lined else read.get(x, []) for x in unit.inputs]
                read[unit] = list(dict.fromkeys(x for some in below for x in some))
        return {unit: read[unit] for unit in made}
