"""In: a Program. Out: a smaller one that computes the same, of the gates that engines must know.

One walk, inputs first, does it all. A gate whose value is written in other gates is lowered to
those (`mean` to `sum` and a division). Algebra takes away what does nothing: x * 1, -(-x), two
reshapes in a row, transposes that cancel. A gate met before with the same inputs is the same wire.
Gates of constants alone became constants when they were recorded, and what no output needs is
not walked. What is new computes its value as it is made, or its shape and dtype where it is made of
abstract values, so a rule that is wrong shows at once.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from pullback.core.abstract import Abstract
from pullback.core.errors import CircuitError
from pullback.core.floats import scalars
from pullback.core.gate import OUTPUT, Gate, constant
from pullback.core.registry import GATES
from pullback.core.rewrite import remade, rewrite, same_kind
from pullback.core.unit import Unit, wire
from pullback.core.values import Value, arrays, distinct, dtype_of, is_number, kind_of, shape_of
from pullback.program import algebra, arrange, sparse
from pullback.program.patterns import Inputs, Rule
from pullback.program.program import Program

RULES: dict[str, Rule] = {**algebra.RULES, **arrange.RULES, **sparse.RULES}


def simplify(program: Program, keep: Collection[str] = ()) -> Program:
    """The same inputs, state and results, through fewer and plainer gates.

    Gates named in `keep` are not lowered: an engine has something better for them.
    """
    walk = _Walk(keep)
    outputs = {name: walk.plain(unit) for name, unit in program.outputs.items()}
    updates = {state: walk.plain(new) for state, new in program.updates.items()}
    return replace(program, outputs=outputs, updates=updates)


class _Walk:
    """Wires met so far, and the plain wire of each."""

    def __init__(self, keep: Collection[str]) -> None:
        self.keep = keep
        self.made: dict[Unit, Unit] = {}
        self.seen: dict[Hashable, Unit] = {}
        self.several: dict[Unit, list[Unit]] = {}  # what a lowered gate makes for its outputs

    def plain(self, wire: Unit) -> Unit:
        """The plainest wire that carries what `wire` does."""
        return rewrite([wire], self.made, self.rewritten)[0]

    def leaf(self, unit: Unit) -> Unit:
        """A source as it is, and one constant for all that carry the same."""
        if unit.gate is None:
            return unit
        value = np.asarray(unit.value)
        parts = distinct(value)
        key = (type(unit._value), value.shape, parts.shape, value.dtype.str, parts.tobytes())
        return self.seen.setdefault(key, unit)

    def rewritten(self, unit: Unit, inputs: Inputs) -> Unit:
        """The plain wire for a source, a constant, or a gate on plain inputs."""
        gate = unit.gate
        if gate is None or not inputs:
            return self.leaf(unit)
        if gate is OUTPUT and inputs[0] in self.several:
            return self.several[inputs[0]][unit.static["index"]]
        key = (gate, inputs, tuple(sorted(unit.static.items())))
        if key in self.seen:
            return self.seen[key]
        refuse_eager(unit)
        plain = self.algebra(unit, inputs)
        if plain is None and (gate.primitive or (gate.is_built_in and gate.name in self.keep)):
            plain = remade(unit, inputs)
        if plain is None and (gate.several or not gate.is_built_in):
            self.made.update((x, x) for x in inputs)
            lowered = [self.plain(x) for x in _lowered(unit, inputs)]
            plain = lowered[0]
            if gate.several:
                plain = remade(unit, inputs)
                self.several[plain] = lowered
        if plain is None:
            plain = gate.value(ON_WIRES, *inputs, **unit.static)
            if not same_kind(plain, unit):  # a number lost its kind on the way; keep the gate
                plain = remade(unit, inputs)
            elif plain.gate is not gate:
                self.made.update((x, x) for x in inputs)
                plain = self.plain(plain)
        self.seen[key] = plain
        return plain

    def algebra(self, unit: Unit, inputs: Inputs) -> Unit | None:
        """A plainer wire by a law of algebra, or None."""
        assert unit.gate is not None
        rule = RULES.get(unit.gate.name) if unit.gate.is_built_in else None
        found = None if rule is None else rule(inputs, unit.static)
        if found is None or not same_kind(found, unit):
            return None
        self.made.update((x, x) for x in inputs)
        return self.plain(found)


def _lowered(unit: Unit, inputs: Inputs) -> list[Unit]:
    """A user's gate as the library's own, which its value makes of wires: each of its outputs.

    Raises `CircuitError` where that value is not a function of wires, or is another one of wires
    than of numbers: it may ask whether `a == b`, or draw random numbers.
    """
    assert unit.gate is not None
    found, expected = _both_ways(unit, inputs)
    if any(type(x._value) is Abstract for x in inputs):
        numbers, wanted = _both_ways(unit, _numbers(unit.gate, inputs))
    else:
        numbers, wanted = found, expected
    if not all(_close(x.value, value) for x, value in zip(numbers, wanted, strict=True)):
        raise _makes_others(unit, "numbers")
    return [
        new
        if kind_of(new._value) == kind_of(value)
        else wire(value, GATES["astype"], (new,), {"dtype": dtype_of(value)})
        for new, value in zip(found, expected, strict=True)
    ]


def _both_ways(unit: Unit, inputs: Inputs) -> tuple[list[Unit], tuple[Value, ...]]:
    """What a user's gate makes of these wires as gates of the library, and by itself."""
    gate = unit.gate
    assert gate is not None
    expected = gate.evaluate(inputs, unit.static)
    try:
        made: Any = gate.value(ON_WIRES, *inputs, **unit.static)
    except Exception as error:
        raise not_compiled(unit, f"its value raised {type(error).__name__}: {error}") from error
    made, expected = (made, expected) if gate.several else ((made,), (expected,))
    if not isinstance(made, tuple) or len(made) != len(expected):
        raise _makes_others(unit, "outputs")
    found = [x if isinstance(x, Unit) else constant(x) for x in made]
    if any(x.shape != shape_of(value) for x, value in zip(found, expected, strict=True)):
        raise _makes_others(unit, "numbers")
    return found, expected


def _numbers(gate: Gate, inputs: Inputs) -> Inputs:
    """Wires in place of inputs without numbers: a few numbers from the domain of the gate."""
    rng = np.random.default_rng(0)

    def one(x: Unit, span: Any) -> Unit:
        if x.is_constant and not x.ndim:
            return x
        low, high = (0.0, 2.0) if span is bool else span
        weak = is_number(x._value)
        value = rng.uniform(low, high, () if weak else 7).astype(x.dtype)
        return Unit(value.item() if weak else value)

    return tuple(map(one, inputs, gate.domain))


def _makes_others(unit: Unit, what: str) -> CircuitError:
    return not_compiled(unit, f"of wires its value makes other {what} than of arrays")


def _close(a: Value, b: Value) -> bool:
    """Whether values differ by rounding at most, for which sums of single precision leave room."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    size = np.max(np.abs(b), where=np.isfinite(b), initial=0.0)
    return np.allclose(a, b, rtol=1e-4, atol=1e-4 * size, equal_nan=True)


def refuse_eager(unit: Unit) -> None:
    """Raise `CircuitError` for a gate that the eager engine alone runs."""
    if unit.gate is not None and unit.gate.eager:
        raise CircuitError(f"{unit.label} {unit.gate.eager}")


def not_compiled(unit: Unit, why: str) -> CircuitError:
    """That the gate of a wire is a user's, and cannot become gates of the library."""
    assert unit.gate is not None
    why = why.partition("\n")[0]  # JAX tells more than one line
    return CircuitError(
        f"{unit.label} is made by the gate {unit.gate.name!r}, which cannot be compiled: {why}; "
        "write its value with Python's operators and the functions of m, or use engine='eager'"
    )


def _on_wires() -> SimpleNamespace:
    """The namespace in which a gate's value builds a circuit: NumPy's names, as gates."""
    gates: dict[str, Any] = {}
    for name in {**vars(arrays), **vars(scalars)}:
        if name in GATES:
            gates[name] = GATES[name].function
    # What users call takes other arguments.
    gates["slice"] = lambda x, walks: GATES["slice"](x, walks=walks)
    gates["cumsum"] = lambda x, axis, reverse: GATES["cumsum"](x, axis=axis, reverse=reverse)
    gates["argsort"] = lambda x, axis, descending: GATES["argsort"](
        x, axis=axis, descending=descending
    )
    gates["slogdet"] = lambda a: GATES["slogdet"](a)
    return SimpleNamespace(**gates, shape=np.shape)


ON_WIRES = _on_wires()
