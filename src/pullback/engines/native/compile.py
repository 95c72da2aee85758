"""In: a Program. Out: the loop code of its step, and how its wires lie in memory.

All passes stand in one function, in their order. Each takes what the last one made and changes
nothing of it; what is between any two of them can be printed.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pullback.core.unit import Unit
from pullback.core.walk import with_inside
from pullback.engines.engine import numbers_of, seldom_of
from pullback.engines.native.access import Access, AccessTable, access
from pullback.engines.native.build import Builder, build_step
from pullback.engines.native.calls import CALLS, refusal
from pullback.engines.native.copies import with_copies
from pullback.engines.native.functions import KIND_OF, PRECISE
from pullback.engines.native.fuse import fuse
from pullback.engines.native.ir import Epoch, Place, Registers, Rows, Step
from pullback.engines.native.layout import Layout, View
from pullback.engines.native.loop_code import kind_of
from pullback.engines.native.loops import with_lean_loops
from pullback.engines.native.memory import Memory, lasting, plan
from pullback.engines.native.parts import Part, listed
from pullback.engines.native.recompute import with_recomputed
from pullback.engines.native.registers import fits_registers, write_registers
from pullback.engines.native.row_sums import with_row_sums
from pullback.engines.native.seldom import with_seldom_apart
from pullback.engines.native.target import Target
from pullback.program.fingerprint import numbered
from pullback.program.program import Program, batched
from pullback.program.simplify import not_compiled, simplify


@dataclass(frozen=True)
class Compiled:
    """A step as loop code, and what its passes found.

    `plain` is the Program that it runs, `access` says where its wires lie, and `places` where in
    memory each buffer does. `layout` is all that running the step needs beside its code.
    """

    plain: Program
    access: AccessTable
    parts: list[Part]
    memory: Memory
    step: Step
    places: dict[Unit, Place]
    layout: Layout


KEPT = frozenset([*PRECISE, *CALLS])  # kernels, and functions of their own, are better

PASSES: list[Callable[[Program], Program]] = [
    partial(simplify, keep=KEPT),
    partial(with_lean_loops, keep=KEPT),
    with_row_sums,
    partial(with_copies, keep=KEPT),
    with_recomputed,
    with_seldom_apart,
]
"""From any Program to one that kernels can run; each takes what the last one made."""


def compile(
    program: Program, target: Target, margin: int = 0, see: Callable[[object], None] | None = None
) -> Compiled:
    """The passes from a Program to loop code for a processor.

    With a `margin`, so many bytes around every buffer belong to none. `see` is called with what
    each pass made, which prints as a person reads it: give `print`.

    Raises `CircuitError` where a wire carries what the native engine does not run.

    >>> from pullback.engines.native.target import host
    >>> x = Unit([1.0, 2.0], "x")
    >>> print(compile(Program({}, {"y": -(-x) * 2.0}, {}), host()).step)
    step, in one piece
      run [2] at f8[0], f8[16]
        loop over 1 axes, threads share axis 0
          x0: f8[1]
          y0: f8[1]
          v0: f8 = multiply(x0, 2.0)
          y0 = v0
    """
    see = see or (lambda made: None)
    wires = numbered(program)
    if _is_ours(program):  # of a gate of somebody else's the passes compare the numbers
        program, became = program.abstracted()
        wires = [became.get(unit, unit) for unit in wires]
    for plainer in PASSES:
        program = plainer(program)
        see(program)
    refuse_foreign(program)
    table = access(program)
    parts = fuse(program, table)
    see(listed(parts))
    memory = plan(program, parts, table, margin=margin)
    see(memory)
    step, notes = build_step(target, parts, memory, table)
    see(step)
    epoch = _epoch(program, table, notes.places, step)
    layout = _laid_out(program, wires, memory, notes, epoch)
    return Compiled(program, table, parts, memory, step, notes.places, layout)


def _is_ours(program: Program) -> bool:
    """Whether all gates of a Program are the library's own, those inside its loops as well."""
    gates = (unit.gate for unit in with_inside(program.wires) if unit.inputs)
    return all(gate is not None and gate.is_built_in for gate in gates)


def _epoch(
    program: Program, table: AccessTable, places: Mapping[Unit, Place], step: Step
) -> Epoch | Registers | None:
    """The loop code of an epoch of a step, over data of any kind; None where inputs have no rows.

    A late look at the Program would find other values on its wires, so it is written at once.
    """
    size = batched(program)
    if not size:
        return None
    if fits_registers(program, table):
        return write_registers(program, table, places)
    inputs = tuple(
        Rows(places[unit], size, unit.size // size) if unit in places else None
        for unit in program.inputs.values()
    )
    numbers, seldom = (
        tuple(place for unit in units.values() for place in _elements(table[unit], places))
        for units in (numbers_of(program), seldom_of(program))
    )
    return Epoch(step, inputs, numbers, seldom)


def _elements(where: Access, places: Mapping[Unit, Place]) -> Iterator[Place]:
    """The place of each element of a wire."""
    first = places[where.root].after(where.offset)
    for index in np.ndindex(where.shape):
        yield first.after(sum(i * by for i, by in zip(index, where.strides, strict=True)))


def _laid_out(
    program: Program, wires: Sequence[Unit], memory: Memory, notes: Builder, epoch: Any
) -> Layout:
    """The layout of a step; `wires` are those before the passes, by their numbers."""

    def view(unit: Unit) -> View:
        where = notes.access[unit]
        return View(kind_of(unit), notes.place(where).start, unit.shape, where.strides)

    numbers = {unit: k for k, unit in enumerate(wires)}
    views = {unit: view(unit) for unit in lasting(program)}
    return Layout(
        sizes={KIND_OF[dtype]: size for dtype, size in memory.sizes.items()},
        sources={numbers[unit]: at for unit, at in views.items() if unit in numbers},
        constants=tuple((at, u.value) for u, at in views.items() if u not in numbers),
        outputs={name: view(unit) for name, unit in program.outputs.items()},
        work=notes.work,
        workspace=notes.workspace,
        refusals=tuple(map(refusal, notes.checked)),
        epoch=pickle.dumps(epoch),
    )


def refuse_foreign(program: Program) -> None:
    """Raise `CircuitError` for a dtype, or a user's gate, that cannot become machine code."""
    for unit in with_inside(program.wires):
        if unit.gate is not None and unit.inputs and not unit.gate.is_built_in:
            raise not_compiled(unit, "it is declared as primitive")
        if unit.gate is None or not unit.gate.several:  # its outputs carry what it makes
            kind_of(unit)
