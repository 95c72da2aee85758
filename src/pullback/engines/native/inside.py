"""In: a Program with loops. Out: the same, the circuits inside its loops ready to be fused.

A loop's step is a Program of its own, and goes through the same passes. What is made for the next
step or for the stack of an output is written where it stays; so each result of a step must be a
buffer of its own. A result that is a source, a part of another wire or a result twice is copied.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from pullback.core.registry import GATES
from pullback.core.unit import Unit, wire
from pullback.engines.native.access import access, with_copies
from pullback.gates.body import Body
from pullback.program.program import Program
from pullback.program.simplify import simplify


def with_plain_bodies(program: Program, keep: Collection[str] = ()) -> Program:
    """The same Program, in which the steps of loops are simplified and each result has a buffer.

    Gates named in `keep` are not lowered.
    """
    if not any(is_loop(unit) for unit in program.wires):
        return program
    made: dict[Unit, Unit] = {}
    bodies: dict[tuple[Body, tuple[np.dtype, ...]], Body] = {}
    for unit in program.wires:
        inputs, static = tuple(made[x] for x in unit.inputs), unit.static
        if is_loop(unit):
            body: Body = static["body"]
            key = body, (unit.dtype, *(x.dtype for x in inputs))
            if key not in bodies:
                bodies[key] = _plain(typed(unit), unit.dtype, keep)
            static = {**static, "body": bodies[key]}
        if unit.gate is None or (inputs == unit.inputs and static is unit.static):
            made[unit] = unit
        else:
            made[unit] = wire(unit.value, unit.gate, inputs, static)
            made[unit].name = unit.name
    outputs = {name: made[unit] for name, unit in program.outputs.items()}
    return Program(program.inputs, outputs, {s: made[new] for s, new in program.updates.items()})


def is_loop(unit: Unit) -> bool:
    """Whether a wire is made by a circuit that runs inside a gate."""
    return bool(unit.inputs) and "body" in unit.static


def own_buffer(unit: Unit) -> Unit | None:
    """The wire whose whole buffer is this wire's elements in their order; None if none is."""
    where = access(unit)
    fits = where.root.inputs and where.offset == 0 and where.root.size == unit.size
    return where.root if fits and where.contiguous else None


def typed(unit: Unit) -> Body:
    """The step of a loop as it runs on sources of the dtypes that this loop has."""
    body: Body = unit.static["body"]
    count = len(body.carries)
    dtypes = [unit.dtype] * count + [x.dtype for x in unit.inputs[count:]]
    sources = (*body.carries, *body.elements, *body.parameters)
    if all(x.dtype == dtype for x, dtype in zip(sources, dtypes, strict=True)):
        return body
    made = {
        x: Unit(np.asarray(x.value, dtype), x.name)
        for x, dtype in zip(sources, dtypes, strict=True)
    }
    for unit in body.wires:
        if unit.inputs and unit.gate is not None:
            made[unit] = unit.gate(*(made[x] for x in unit.inputs), **unit.static)
        else:
            made.setdefault(unit, unit)

    def twins(units: Sequence[Unit]) -> tuple[Unit, ...]:
        return tuple(made[unit] for unit in units)

    results = twins(body.nexts), twins(body.outputs), twins(body.sums)
    return Body(twins(body.carries), twins(body.elements), twins(body.parameters), *results)


def _plain(body: Body, dtype: np.dtype, keep: Collection[str]) -> Body:
    """A step of plain gates whose results are of the dtype and in buffers of their own."""
    outputs = {str(k): unit for k, unit in enumerate(body.results)}
    plain = with_copies(with_plain_bodies(simplify(Program({}, outputs, {}), keep), keep))
    taken: set[Unit | None] = {None}
    results = []
    for k, unit in enumerate(plain.outputs.values()):
        stacked = k < len(body.nexts) + len(body.outputs)
        if unit.dtype != dtype or (stacked and own_buffer(unit) in taken):
            unit = wire(np.asarray(unit.value, dtype), GATES["astype"], (unit,), {"dtype": dtype})
        if stacked:
            taken.add(own_buffer(unit))
        results.append(unit)
    n, m = len(body.nexts), len(body.nexts) + len(body.outputs)
    parts = tuple(results[:n]), tuple(results[n:m]), tuple(results[m:])
    return Body(body.carries, body.elements, body.parameters, *parts)
