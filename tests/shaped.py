"""In: a Program. Out: the same one, whose gates were evaluated for shapes and dtypes alone."""

from __future__ import annotations

from typing import Any

import pullback as pb
from pullback.core.abstract import abstract_of
from pullback.core.gate import OUTPUT, constant
from pullback.core.rewrite import like
from pullback.core.unit import wire
from pullback.core.walk import age


def shaped_wires(program: pb.Program) -> dict[pb.Unit, Any]:
    """What became of each wire."""
    made: dict[pb.Unit, Any] = {}
    wires = {*program.inputs.values(), *program.updates, *program.wires}
    for unit in sorted(wires, key=age):
        if unit.gate is None:
            made[unit] = like(unit, pb.Unit(abstract_of(unit._value)))
        elif unit.is_constant:
            made[unit] = like(unit, constant(unit.value))
        elif unit.gate is OUTPUT:
            whole = made[unit.inputs[0]]
            value = whole._value[unit.static["index"]]
            made[unit] = like(unit, wire(value, OUTPUT, (whole,), unit.static))
        else:
            new = unit.gate(*(made[x] for x in unit.inputs), **unit.static)
            made[unit] = like(unit, new if isinstance(new, pb.Unit) else new[0].inputs[0])
    return made


def shaped(program: pb.Program) -> pb.Program:
    """The Program, whose sources have numbers but for its inputs."""
    made = shaped_wires(program)
    inputs = {name: made[x] for name, x in program.inputs.items()}
    outputs = {name: made[x] for name, x in program.outputs.items()}
    twin = pb.Program(inputs, outputs, {made[s]: made[x] for s, x in program.updates.items()})
    for unit, other in made.items():
        if unit.gate is None and other not in inputs.values():
            other.value = unit.value
    return twin
