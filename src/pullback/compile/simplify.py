"""In: a Program. Out: a smaller one that computes the same, of the gates that engines must know.

One walk, inputs first, does it all. A gate whose value is written in other gates is lowered to
those (`mean` to `sum` and a division). Algebra takes away what does nothing: x * 1, -(-x), two
reshapes in a row, transposes that cancel. A gate met before with the same inputs is the same wire.
Gates of constants alone became constants when they were recorded, and what no output needs is
not walked. Wires compute their values as they are made, so a rewrite that is wrong shows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from pullback.compile.contract import contract
from pullback.compile.program import Program
from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.core.values import arrays, scalars
from pullback.core.walk import age

Inputs = tuple[Unit, ...]


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


# Algebra. Each rule is given plain inputs and answers a plainer wire, or None. ------------------


def number_on(unit: Unit) -> float | None:
    """The one number that a constant carries everywhere, or None."""
    if not unit.is_constant or unit.size == 0:
        return None
    value = np.asarray(unit.value)
    first = value.flat[0]
    same = (value == first) & (np.signbit(value) == np.signbit(first))  # 0 and -0 are two numbers
    return first.item() if same.all() else None


def _made_by(unit: Unit, name: str) -> bool:
    return bool(unit.inputs) and unit.gate is GATES[name]


def _add(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    a, b = inputs
    if number_on(a) == 0.0:
        return b
    if number_on(b) == 0.0:
        return a
    if _made_by(b, "negative"):
        return GATES["subtract"](a, b.inputs[0])
    if _made_by(a, "negative"):
        return GATES["subtract"](b, a.inputs[0])
    return None


def _subtract(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    a, b = inputs
    if number_on(b) == 0.0:
        return a
    if number_on(a) == 0.0 and b.dtype != bool:
        return GATES["negative"](b)
    if _made_by(b, "negative"):
        return GATES["add"](a, b.inputs[0])
    return _sparse_step(a, b)


def _sparse_step(table: Unit, step: Unit) -> Unit | None:
    """table - rate * scatter_add(0, rows, g) touches only the rows: scatter_add(table, rows, …)."""
    if not _made_by(step, "multiply"):
        return None
    for rate, whole in (step.inputs, step.inputs[::-1]):
        if rate.shape == () and table.shape == whole.shape and _made_by(whole, "scatter_add"):
            zero, rows, g = whole.inputs
            if number_on(zero) == 0.0:
                return GATES["scatter_add"](table, rows, -(rate * g), **whole.static)
    return None


def _multiply(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    for a, b in (inputs, inputs[::-1]):
        if number_on(a) == 1.0:
            return b
        if number_on(a) == -1.0 and b.dtype != bool:  # NumPy negates no truth values
            return GATES["negative"](b)
        if _made_by(a, "negative") and _made_by(b, "negative"):
            return GATES["multiply"](a.inputs[0], b.inputs[0])
    return None


def _divide(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    return inputs[0] if number_on(inputs[1]) == 1.0 else None


def _negative(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    (x,) = inputs
    if _made_by(x, "negative"):
        return x.inputs[0]
    return GATES["subtract"](*x.inputs[::-1]) if _made_by(x, "subtract") else None


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


def _unchanged(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    return inputs[0]  # kept only where shape and dtype did not change


def _reshape(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    (x,) = inputs
    if x.shape == static["shape"]:
        return x
    return GATES["reshape"](x.inputs[0], **static) if _made_by(x, "reshape") else None


def _transpose(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    (x,) = inputs
    axes = static["axes"]
    if axes == tuple(range(len(axes))):
        return x
    if _made_by(x, "transpose"):
        inner = x.static["axes"]
        return GATES["transpose"](x.inputs[0], axes=tuple(inner[a] for a in axes))
    return None


def _sum(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    (x,) = inputs
    axes = static["axis"]
    if any(x.shape[a] != 1 for a in axes):
        return None
    kept = tuple(n for a, n in enumerate(x.shape) if a not in axes or static["keepdims"])
    return GATES["reshape"](x, shape=kept)


def _einsum(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    return contract(inputs, static["subscripts"])


RULES: dict[str, Callable[[Inputs, Mapping[str, Any]], Unit | None]] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negative": _negative,
    "power": _power,
    "equal": _equal,
    "not_equal": _not_equal,
    "stop_gradient": _unchanged,
    "astype": _unchanged,
    "broadcast_to": _unchanged,
    "reshape": _reshape,
    "transpose": _transpose,
    "sum": _sum,
    "einsum": _einsum,
}

ON_WIRES = _on_wires()
