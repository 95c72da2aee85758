"""In: a circuit in any precision. Out: its double, to try things on, in double precision.

Strategies and gradient checks move sources about and look at what the output does. They do that on
a copy, so that the circuit they are given stays as it was, and in double precision, in which a step
of a millionth can be told from rounding.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from pullback.core.backward import backward
from pullback.core.double import doubled, doubled_static
from pullback.core.gate import Gate, constant
from pullback.core.rewrite import like, rewrite
from pullback.core.unit import Unit, wire
from pullback.core.values import Value, is_differentiable, zeros_like
from pullback.core.walk import replay


class DoubleCopy:
    """A circuit's own double, in double precision: same gates, same wiring, nothing shared.

    Sources and constants become float64, and so do the dtypes that gates were told. What no float
    source leads to (random numbers, labels turned into masks) keeps the numbers that it has in the
    user's precision. Wires that gates in `pegs` make are held fast at their value.
    `twins` maps each wire to its copy, `sources` each float source; `moving` has the copies that
    the float sources lead to.
    """

    def __init__(self, outputs: Sequence[Unit], pegs: Collection[Gate] = ()) -> None:
        self.twins: dict[Unit, Unit] = {}
        self.sources: dict[Unit, Unit] = {}
        self.evaluations = 0
        self.backward_passes = 0
        self.moving: set[Unit] = set()
        self.outputs = rewrite(
            outputs, self.twins, lambda unit, inputs: like(unit, self._twin(unit, inputs, pegs))
        )
        self.gates = [twin for twin in self.twins.values() if twin in self.moving and twin.inputs]

    def _twin(self, unit: Unit, inputs: tuple[Unit, ...], pegs: Collection[Gate]) -> Unit:
        if unit.gate is None:
            twin = Unit(doubled(unit._value))
            if is_differentiable(twin._value):
                self.sources[unit] = twin
                self.moving.add(twin)
            return twin
        if not inputs:
            return constant(doubled(unit._value))
        if unit.gate in pegs or not any(x in self.moving for x in inputs):
            return constant(doubled(unit.gate.evaluate(inputs, unit.static)))
        static = {name: doubled_static(value) for name, value in unit.static.items()}
        twin = wire(unit.gate.evaluate(inputs, static), unit.gate, inputs, static)
        self.moving.add(twin)
        return twin

    def forward(self, gates: Sequence[Unit] | None = None) -> None:
        """Compute the copies (or those named, in running order) again from their sources."""
        self.evaluations += 1
        replay(self.gates if gates is None else gates)

    def output(self) -> float:
        """The value of a single output of one element, computed again."""
        self.forward()
        return float(np.ravel(self.outputs[0]._value)[0])

    def backward(self, pulls: Sequence[Any]) -> None:
        """Pull on the outputs, each with its force; through a peg no gradient comes."""
        self.backward_passes += 1
        backward(self.outputs, pulls)
        for twin in self.sources.values():
            if twin.grad is None:
                twin.grad = zeros_like(twin._value)

    def state(self) -> list[Value]:
        """The values of the float sources."""
        return [twin._value for twin in self.sources.values()]

    def restore(self, state: Sequence[Value]) -> None:
        """Give the float sources values that `state` gave."""
        for twin, value in zip(self.sources.values(), state, strict=True):
            twin._value = value
