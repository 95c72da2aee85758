"""In: a Program. Out: a smaller one that computes the same, of the gates that engines must know.

One walk, inputs first, does it all. A gate whose value is written in other gates is lowered to
those (`mean` to `sum` and a division). Algebra takes away what does nothing: x * 1, -(-x), two
reshapes in a row, transposes that cancel. A gate met before with the same inputs is the same wire.
Gates of constants alone became constants when they were recorded, and what no output needs is
not walked. Wires compute their values as they are made, so a rewrite that is wrong shows at once.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from types import SimpleNamespace
from typing import Any

import numpy as np

from pullback.compile import algebra, arrange
from pullback.compile.patterns import Inputs, Rule
from pullback.compile.program import Program
from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.core.values import arrays, scalars
from pullback.core.walk import age

RULES: dict[str, Rule] = {**algebra.RULES, **arrange.RULES}


def simplify(program: Program, keep: Collection[str] = ()) -> Program:
    """The same inputs, state and results, through fewer and plainer gates.

    Gates named in `keep` are not lowered: an engine has something better for them.
    """
    walk = _Walk(keep)
    outputs = {name: walk.plain(unit) for name, unit in program.outputs.items()}
    updates = {state: walk.plain(new) for state, new in program.updates.items()}
    return Program(program.inputs, outputs, updates)


class _Walk:
    """Wires met so far, and the plain wire of each."""

    def __init__(self, keep: Collection[str]) -> None:
        self.keep = keep
        self.made: dict[Unit, Unit] = {}
        self.seen: dict[Hashable, Unit] = {}

    def plain(self, wire: Unit) -> Unit:
        """The plainest wire that carries what `wire` does."""
        for unit in self.unmade(wire):
            if unit not in self.made:
                inputs = tuple(self.made[x] for x in unit.inputs)
                self.made[unit] = self.rewritten(unit, inputs) if inputs else self.leaf(unit)
        return self.made[wire]

    def unmade(self, wire: Unit) -> list[Unit]:
        """The wires below that have no plain wire yet, inputs first; the walk stops at others."""
        found: set[Unit] = set()
        pending = [wire]
        while pending:
            unit = pending.pop()
            if unit not in self.made and unit not in found:
                found.add(unit)
                pending.extend(unit.inputs)
        return sorted(found, key=age)

    def leaf(self, unit: Unit) -> Unit:
        """A source as it is, and one constant for all that carry the same."""
        if unit.gate is None:
            return unit
        value = np.asarray(unit.value)
        key = (type(unit.value), value.shape, value.dtype.str, value.tobytes())
        return self.seen.setdefault(key, unit)

    def rewritten(self, unit: Unit, inputs: Inputs) -> Unit:
        """The plain wire for a gate on plain inputs."""
        gate = unit.gate
        assert gate is not None
        key = (gate, inputs, tuple(sorted(unit.static.items())))
        if key in self.seen:
            return self.seen[key]
        plain = self.algebra(unit, inputs)
        if plain is None and (gate.primitive or gate.name in self.keep):
            plain = gate(*inputs, **unit.static)
        if plain is None:
            plain = gate.value(ON_WIRES, *inputs, **unit.static)
            if not same_kind(plain, unit):  # a number lost its kind on the way; keep the gate
                plain = gate(*inputs, **unit.static)
            elif plain.gate is not gate:
                self.made.update((x, x) for x in inputs)
                plain = self.plain(plain)
        self.seen[key] = plain
        return plain

    def algebra(self, unit: Unit, inputs: Inputs) -> Unit | None:
        """A plainer wire by a law of algebra, or None."""
        assert unit.gate is not None
        rule = RULES.get(unit.gate.name)
        found = None if rule is None else rule(inputs, unit.static)
        if found is None or not same_kind(found, unit):
            return None
        self.made.update((x, x) for x in inputs)
        return self.plain(found)


def same_kind(a: Unit, b: Unit) -> bool:
    """Whether two wires carry values of one shape and dtype, both numbers of Python or neither."""
    return (
        a.shape == b.shape
        and a.dtype == b.dtype
        and (type(a.value) is float) == (type(b.value) is float)
    )


def _on_wires() -> SimpleNamespace:
    """The namespace in which a gate's value builds a circuit: NumPy's names, as gates."""
    gates: dict[str, Any] = {}
    for name in {**vars(arrays), **vars(scalars)}:
        if name in GATES:
            gates[name] = GATES[name].function
    gates["slice"] = lambda x, walks: GATES["slice"](x, walks=walks)  # users' function takes keys
    return SimpleNamespace(**gates, shape=np.shape)


ON_WIRES = _on_wires()
