"""In: a Program. Out: the same one, whose gates were evaluated for shapes and dtypes alone."""

from __future__ import annotations

from typing import Any

import pullback as pb
from pullback.core.abstract import abstract_of
from pullback.core.gate import OUTPUT, constant
from pullback.core.rewrite import like
from pullback.core.walk import age


def shaped_wires(program: pb.Program) -> dict[pb.Unit, Any]:
    """What became of each wire; of those of a gate with several outputs, all of them."""
    made: dict[pb.Unit, Any] = {}
    wires = {*program.inputs.values(), *program.updates, *program.wires}
    for unit in sorted(wires, key=age):
        if unit.gate is None:
            made[unit] = like(unit, pb.Unit(abstract_of(unit._value)))
        elif unit.is_constant:
            made[unit] = like(unit, constant(unit.value))
        elif unit.gate is OUTPUT:
            made[unit] = like(unit, made[unit.inputs[0]][unit.static["index"]])
        else:
            made[unit] = unit.gate(*(made[x] for x in unit.inputs), **unit.static)
            several = not isinstance(made[unit], pb.Unit)  # outputs of one wire
            like(unit, made[unit][0].inputs[0] if several else made[unit])
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
