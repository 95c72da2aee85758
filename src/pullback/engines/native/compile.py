"""In: a Program. Out: the loop code of its step, and where in memory its buffers lie.

All passes stand in one function, in their order. Each takes what the last one made and changes
nothing of it; what is between any two of them can be printed.
"""

from __future__ import annotations

from dataclasses import dataclass

from pullback.core.unit import Unit
from pullback.core.walk import with_inside
from pullback.engines.native.access import AccessTable, access
from pullback.engines.native.build import build_step
from pullback.engines.native.copies import with_copies
from pullback.engines.native.functions import PRECISE
from pullback.engines.native.fuse import Kernel, fuse
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
    kernels: list[Kernel]
    memory: Memory
    step: Step
    places: dict[Unit, Place]
    work: int
    workspace: int
    checked: tuple[Unit, ...]


def compile(program: Program, target: Target, margin: int = 0) -> Compiled:
    """The passes from a Program to loop code for a processor.

    With a `margin`, so many bytes around every buffer belong to none.

    Raises `CircuitError` where a wire carries what the native engine does not run.
    """
    simple = simplify(program, keep=PRECISE)
    lean = with_lean_loops(simple, keep=PRECISE)
    plain = with_copies(lean, keep=PRECISE)
    refuse_foreign(plain)
    table = access(plain)
    kernels = fuse(plain, table)
    memory = plan(plain, kernels, table, margin=margin)
    step, builder = build_step(target, kernels, memory, table)
    return Compiled(
        plain,
        table,
        kernels,
        memory,
        step,
        builder.places,
        builder.work,
        builder.workspace,
        tuple(builder.checked),
    )


def refuse_foreign(program: Program) -> None:
    """Raise `CircuitError` for a dtype, or a user's gate, that cannot become machine code."""
    for unit in with_inside(program.wires):
        if unit.gate is not None and unit.inputs and not unit.gate.is_built_in:
            raise not_compiled(unit, "it is declared as primitive")
        if unit.gate is None or not unit.gate.several:  # its outputs carry what it makes
            kind_of(unit)
