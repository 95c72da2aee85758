"""In: a lean Program. Out: the same, with copies where a kernel cannot read a view of a buffer.

Some kernels read elements one after another, some know a single dtype. And what a Program gives, or
makes the next value of its state, must not lie in state that changes on the way.

A loop's step is a Program of its own, and goes through the same passes. What is made for the next
step or for the stack of an output is written where it stays; so each result of a step must be a
buffer of its own. A result that is a source, a part of another wire or a result twice is copied.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from pullback.core.registry import GATES
from pullback.core.rewrite import like, remade
from pullback.core.unit import Unit, wire
from pullback.core.values import as_array
from pullback.engines.native.access import Access, access, located
from pullback.engines.native.calls import CALLS
from pullback.engines.native.loops import stored, typed
from pullback.gates.body import Body
from pullback.program.patterns import made_by
from pullback.program.program import Program
from pullback.program.simplify import simplify


def with_copies(program: Program, keep: Collection[str] = ()) -> Program:
    """The same Program, of what kernels can read, also inside its loops.

    The steps of loops are simplified first; gates named in `keep` are not lowered there.
    """
    known: dict[Unit, Access] = {}
    bodies: dict[tuple[Body, tuple[np.dtype, ...]], Body] = {}

    def with_readable(unit: Unit, inputs: tuple[Unit, ...]) -> Unit | None:
        if made_by(unit, "loop"):
            key = unit.static["body"], (stored(unit), *(x.dtype for x in inputs))
            if key not in bodies:
                bodies[key] = _plain(typed(unit), stored(unit), keep)
            return _of_rows(unit, inputs, bodies[key], known)
        readable = tuple(_readable(k, x, unit, known) for k, x in enumerate(inputs))
        return None if readable == inputs else remade(unit, readable)

    def safe(unit: Unit) -> Unit:
        return _copy(unit) if located(unit, known).root in program.updates else unit

    plain = program.rewritten(with_readable)
    outputs = {name: safe(unit) for name, unit in plain.outputs.items()}
    updates = {s: safe(new) for s, new in plain.updates.items()}
    return replace(plain, outputs=outputs, updates=updates)


def _readable(k: int, x: Unit, unit: Unit, known: dict[Unit, Access]) -> Unit:
    """Input k of a gate, or a copy of it that the gate's kernel can read."""
    assert unit.gate is not None
    calling = CALLS.get(unit.gate.name)
    if calling is None:  # it becomes part of a loop, which reads anything
        return x
    if x.dtype != unit.dtype and k in calling.alike:
        return _copy(x, unit.dtype)
    return _copy(x) if calling.in_rows and not located(x, known).contiguous else x


def _of_rows(unit: Unit, inputs: tuple[Unit, ...], body: Body, known: dict[Unit, Access]) -> Unit:
    """A loop with another step: of a sequence each row must be contiguous, of a parameter all."""
    first, second = len(body.carries), len(body.carries) + len(body.elements)
    given = list(inputs[:first])  # copied into the loop's own stacks, from wherever they lie
    for k, (x, inside) in enumerate(zip(inputs[first:], body.sources[first:], strict=True), first):
        where, lead = located(x, known), int(k < second)
        row = Access(where.root, where.offset, where.shape[lead:], where.strides[lead:])
        fits = row.contiguous and x.dtype == inside.dtype
        given.append(x if fits else _copy(x, inside.dtype))
    assert unit.gate is not None
    static = {**unit.static, "body": body}
    return like(unit, wire(unit._value, unit.gate, tuple(given), static))


def _copy(x: Unit, dtype: np.dtype | None = None) -> Unit:
    """The same elements in a buffer of their own."""
    return GATES["astype"](x, dtype=dtype or x.dtype)


def _plain(body: Body, dtype: np.dtype, keep: Collection[str]) -> Body:
    """A step of plain gates whose results are of the dtype and in buffers of their own."""
    plain = with_copies(simplify(Program.of(body.results), keep), keep)
    table = access(plain)
    taken: set[Unit | None] = {None}
    results = []
    for k, unit in enumerate(plain.outputs.values()):
        stacked, buffer = k < len(body.nexts) + len(body.outputs), table.own_buffer(unit)
        if unit.dtype != dtype or (stacked and buffer in taken):
            value = as_array(unit._value, dtype)  # a gate of its own also of a constant
            unit = buffer = wire(value, GATES["astype"], (unit,), {"dtype": dtype})
        if stacked:
            taken.add(buffer)
        results.append(unit)
    return Body(body.carries, body.elements, body.parameters, *body.cut(results))
