"""In: the outputs of a circuit. Out: the values and gradients of its wires, of plain gates alone.

The gradients are recorded as wires, pulled by sources of their own, and simplified together with
the values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

import pullback.gates  # noqa: F401  simplify needs the gates registered before it is imported
from pullback.core.gate import Gate, constant
from pullback.core.gradient import gradients_of_all
from pullback.core.unit import Unit, wire
from pullback.core.values import is_differentiable, is_float, zeros_like
from pullback.core.walk import order
from pullback.program.program import Program
from pullback.program.simplify import simplify
from pullback.source.dialect import Dialect, is_double, unwritable

_BUNDLE = Gate("bundle", value=lambda m, *xs: 0.0, pullback=(), primitive=True)


class Recording:
    """The plain wires of a circuit, forward and backward, and who takes them.

    `value` and `slope` have the plain wire of each wire's value and gradient; `pulled` are the
    outputs on which the sources `pulls` pull, and `xs` the sources whose `gradients` are asked for.
    `needed` are all plain wires in running order: those of `forward`, and what depends on a pull,
    `pulling`. `uses` counts how often each is taken.

    Raises `CircuitError` where a gate cannot be written in the dialect's language.
    """

    def __init__(self, outputs: Sequence[Unit], dialect: Dialect) -> None:
        self.outputs, self.dialect = list(outputs), dialect
        self.wires = order(outputs)
        self.sources = [unit for unit in self.wires if unit.gate is None]
        self.xs = [unit for unit in self.sources if is_differentiable(unit._value)]
        self.pulled = [y for y in outputs if self.xs and is_differentiable(y._value)]
        self.pulls = [Unit(zeros_like(y._value)) for y in self.pulled]
        flow = gradients_of_all(self.pulled, self.pulls, self.xs)
        for x in self.xs:
            if x not in flow:
                flow[x] = constant(0.0 if is_float(x._value) else np.zeros(x.shape, x.dtype))
        backward = [(unit, flow[unit]) for unit in self.wires if unit in flow]
        # One wire that takes all others: a single walk simplifies them, in running order.
        bundle = wire(0.0, _BUNDLE, (Unit(0.0), *self.wires, *(g for _, g in backward)), {})
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
        self.refuse()

    def refuse(self) -> None:
        """Raise where a gate cannot be written."""
        for unit in self.needed:
            gate = unit.gate
            if not unit.inputs or gate is None:
                continue
            if not gate.is_built_in or gate.name not in self.dialect.keep:
                made = next((u.label for u in self.wires if u.gate is gate), "the gradient")
                raise unwritable(unit, self.dialect.language, f", which makes {made}")
