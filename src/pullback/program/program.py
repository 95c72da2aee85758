"""In: the wires of one step. Out: a Program: inputs, state, outputs, and updates of the state.

A training step is a Program. Its inputs are the batch, its state are the parameters and whatever
the optimizer remembers, its outputs are the loss and what else someone wants to watch, and its
updates say which wire gives each piece of state its next value. All are wires of one circuit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pullback.core import walk
from pullback.core.abstract import abstract_of
from pullback.core.errors import CircuitError
from pullback.core.rewrite import Become, like, rewrite
from pullback.core.text import formula, names
from pullback.core.unit import Unit, set_together, wire
from pullback.core.values import is_number
from pullback.core.walk import order


@dataclass(frozen=True, eq=False)
class Program:
    """One step as data; an engine makes it run.

    `inputs` and `outputs` are wires by name, inputs being sources. `updates` maps each source that
    is state to the wire that computes its next value; all updates happen at once, at the end.
    `seldom` names outputs that an epoch asks for now and then only: what they alone need is left
    out of all other steps.

    Raises `CircuitError` where an input or state is not a source, or an update changes a shape.
    """

    inputs: Mapping[str, Unit]
    outputs: Mapping[str, Unit]
    updates: Mapping[Unit, Unit]
    seldom: Collection[str] = ()

    def __post_init__(self) -> None:
        for unit in (*self.inputs.values(), *self.updates):
            if unit.gate is not None:
                raise CircuitError(f"{unit.label} is made by a gate; only sources can be set")
        for state, new in self.updates.items():
            if (state.shape, state.dtype) != (new.shape, new.dtype):
                raise CircuitError(
                    f"{state.label} of shape {state.shape} and {state.dtype} cannot be updated "
                    f"to shape {new.shape} and {new.dtype}"
                )

    def __str__(self) -> str:
        """A wire a line, and what is given and what becomes of the state."""
        wires = self.wires
        named = names(wires)
        lines = [
            f"{named[unit]} = {formula(unit, named)}  # {unit.dtype} {unit.shape}"
            for unit in wires
            if unit in named and unit.inputs
        ]
        lines += [f"{name}: {named[unit]}" for name, unit in self.outputs.items()]
        lines += [f"{named.get(s, s.label)} <- {named[new]}" for s, new in self.updates.items()]
        return "\n".join(lines)

    @classmethod
    def of(cls, results: Sequence[Unit]) -> Program:
        """A Program that has no state, whose outputs are these, named by their numbers."""
        return cls({}, {str(k): unit for k, unit in enumerate(results)}, {})

    @property
    def wires(self) -> list[Unit]:
        """Every wire that the step needs, in running order."""
        return order([*self.outputs.values(), *self.updates.values()])

    @property
    def always(self) -> list[Unit]:
        """Every wire that each step needs, in running order."""
        return order([*self.wanted(False).values(), *self.updates.values()])

    def wanted(self, asked: bool) -> Mapping[str, Unit]:
        """The outputs of a step that is asked for seldom ones, or is not."""
        if asked:
            return self.outputs
        return {name: unit for name, unit in self.outputs.items() if name not in self.seldom}

    def rewritten(self, become: Become) -> Program:
        """The same inputs and state, and what its results become; see `core.rewrite`."""
        made: dict[Unit, Unit] = {}
        rewrite([*self.outputs.values(), *self.updates.values()], made, become)
        outputs = {name: made[unit] for name, unit in self.outputs.items()}
        updates = {s: made[new] for s, new in self.updates.items()}
        return replace(self, outputs=outputs, updates=updates)

    def abstracted(self) -> tuple[Program, dict[Unit, Unit]]:
        """The same Program, whose wires carry no numbers; and what each wire became.

        Constants keep theirs, and wires of Python's numbers, which are as quickly computed. All
        wires are new, so that they are of the same age beside each other as before.
        """
        made: dict[Unit, Unit] = {}

        def become(unit: Unit, inputs: tuple[Unit, ...]) -> Unit:
            known = unit.is_constant or is_number(unit._value)
            value = unit._value if known else abstract_of(unit._value)
            if unit.gate is None:
                return like(unit, Unit(value))
            return like(unit, wire(value, unit.gate, inputs, unit.static))

        sources = [*self.inputs.values(), *self.updates]
        rewrite([*self.outputs.values(), *self.updates.values(), *sources], made, become)
        inputs, outputs = (
            {name: made[unit] for name, unit in units.items()}
            for units in (self.inputs, self.outputs)
        )
        updates = {made[s]: made[x] for s, x in self.updates.items()}
        return Program(inputs, outputs, updates, self.seldom), made

    @contextmanager
    def changing(self) -> Iterator[None]:
        """While inside, the state is in use: to copy it is refused, see `core.copying`."""
        for state in self.updates:
            state.time = walk.IN_USE
        try:
            yield
        finally:
            now = walk.tick()
            for state in self.updates:
                state.time = now

    def set(self, values: Mapping[str, Any]) -> None:
        """Put values on the inputs of these names: all of them, or, where one does not fit, none.

        Raises `CircuitError` for a name that is no input, or a value of another shape.
        """
        for name in values:
            if name not in self.inputs:
                known = ", ".join(self.inputs) or "none"
                raise CircuitError(f"the Program has no input {name!r}; its inputs: {known}")
        set_together({self.inputs[name]: value for name, value in values.items()})


def batched(program: Program) -> int:
    """The rows of a batch, where every input has as many; 0 where there is no such number."""
    sizes = {unit.shape[0] if unit.shape else 0 for unit in program.inputs.values()}
    return sizes.pop() if len(sizes) == 1 else 0
