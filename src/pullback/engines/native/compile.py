"""In: a Program. Out: the loop code of its step, and where in memory its buffers lie.

All passes stand in one function, in their order. Each takes what the last one made and changes
nothing of it; what is between any two of them can be printed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pullback.core.unit import Unit
from pullback.core.walk import with_inside
from pullback.engines.native.access import AccessTable, access
from pullback.engines.native.build import build_step
from pullback.engines.native.copies import with_copies
from pullback.engines.native.functions import PRECISE
from pullback.engines.native.fuse import Part, fuse, listed
from pullback.engines.native.ir import Place, Step
from pullback.engines.native.loop_code import kind_of
from pullback.engines.native.loops import with_lean_loops
from pullback.engines.native.memory import Memory, plan
from pullback.engines.native.target import Target
from pullback.program.program import Program
from pullback.program.simplify import not_compiled, simplify


@dataclass(frozen=True)
class Compiled:
    """A step as loop code, and what its passes found.

    `plain` is the Program that it runs, `access` says where its wires lie, and `places` where in
    memory each buffer does. `work` counts the operations of a step, roughly; `workspace` are the
    bytes that each thread needs, and `checked` the gates that can find an index out of bounds, in
    the order of their numbers.
    """

    plain: Program
    access: AccessTable
    parts: list[Part]
    memory: Memory
    step: Step
    places: dict[Unit, Place]
    work: int
    workspace: int
    checked: tuple[Unit, ...]


PASSES: list[Callable[[Program], Program]] = [
    partial(simplify, keep=PRECISE),
    partial(with_lean_loops, keep=PRECISE),
    partial(with_copies, keep=PRECISE),
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
    checked = tuple(notes.checked)
    found = notes.places, notes.work, notes.workspace, checked
    return Compiled(program, table, parts, memory, step, *found)


def refuse_foreign(program: Program) -> None:
    """Raise `CircuitError` for a dtype, or a user's gate, that cannot become machine code."""
    for unit in with_inside(program.wires):
        if unit.gate is not None and unit.inputs and not unit.gate.is_built_in:
            raise not_compiled(unit, "it is declared as primitive")
        if unit.gate is None or not unit.gate.several:  # its outputs carry what it makes
            kind_of(unit)
