"""In: a Program with loops. Out: the same, the circuits inside its loops ready to be fused.

A loop's step is a Program of its own, and goes through the same passes. What is made for the next
step or for the stack of an output is written where it stays; so each result of a step must be a
buffer of its own. A result that is a source, a part of another wire or a result twice is copied.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from pullback.core.registry import GATES
from pullback.core.rewrite import like
from pullback.core.unit import Unit, wire
from pullback.core.values import dtype_of
from pullback.engines.native.access import access, with_copies
from pullback.gates.body import Body
from pullback.program.patterns import made_by
from pullback.program.program import Program
from pullback.program.simplify import simplify


def with_plain_bodies(program: Program, keep: Collection[str] = ()) -> Program:
    """The same Program, in which the steps of loops are simplified and each result has a buffer.

    Gates named in `keep` are not lowered.
    """
    if not any(made_by(unit, "loop") for unit in program.wires):
        return program
    bodies: dict[tuple[Body, tuple[np.dtype, ...]], Body] = {}

    def plain(unit: Unit, inputs: tuple[Unit, ...]) -> Unit | None:
        if unit.gate is None or not made_by(unit, "loop"):
            return None
        key = unit.static["body"], (stored(unit), *(x.dtype for x in inputs))
        if key not in bodies:
            bodies[key] = _plain(typed(unit), stored(unit), keep)
        static = {**unit.static, "body": bodies[key]}
        return like(unit, wire(unit.value, unit.gate, inputs, static))

    return program.rewritten(plain)


def typed(unit: Unit) -> Body:
    """The step of a loop as it runs on sources of the dtypes that this loop has."""
    body: Body = unit.static["body"]
    count = len(body.carries)
    return body.typed([stored(unit)] * count + [x.dtype for x in unit.inputs[count:]])


def stored(unit: Unit) -> np.dtype:
    """The dtype of all that a loop stores."""
    return dtype_of(unit.value[0])


def _plain(body: Body, dtype: np.dtype, keep: Collection[str]) -> Body:
    """A step of plain gates whose results are of the dtype and in buffers of their own."""
    plain = with_copies(with_plain_bodies(simplify(Program.of(body.results), keep), keep))
    table = access(plain)
    taken: set[Unit | None] = {None}
    results = []
    for k, unit in enumerate(plain.outputs.values()):
        stacked, buffer = k < len(body.nexts) + len(body.outputs), table.own_buffer(unit)
        if unit.dtype != dtype or (stacked and buffer in taken):
            unit = wire(np.asarray(unit.value, dtype), GATES["astype"], (unit,), {"dtype": dtype})
            buffer = unit
        if stacked:
            taken.add(buffer)
        results.append(unit)
    return Body(body.carries, body.elements, body.parameters, *body.cut(results))
