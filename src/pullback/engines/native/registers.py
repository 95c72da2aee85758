"""In: a Program in which every gate makes one number. Out: an epoch that stays in registers.

A network of a few neurons on scalar wires takes a few dozen operations a step; to bring its
parameters from memory and back would take as long. So each number that a step reads or gives has a
cell, which the compiler turns into a register: state is loaded once before the first step and
stored once after the last, and a point is read straight from the row of the data.
"""

from __future__ import annotations

from collections.abc import Mapping

from pullback.core.unit import Unit
from pullback.engines.engine import numbers_of, seldom_of
from pullback.engines.native.access import AccessTable
from pullback.engines.native.fuse import loop_shape
from pullback.engines.native.ir import Cell, Place, Registers
from pullback.engines.native.loop_code import contiguous_target, kind_of, write_loop
from pullback.engines.native.parts import Fused, is_reduction
from pullback.program.program import Program, batched

GATES = 200  # at most: LLVM takes long for more in one piece, and there are 32 registers anyway


def fits_registers(program: Program, table: AccessTable) -> bool:
    """Whether every gate of a Program makes one number from numbers, and there are not too many."""
    gates = _gates(program, table)
    held = {*_results(program), *program.updates}
    return 0 < len(gates) <= GATES and all(
        [
            *(loop_shape(unit) is not None and not is_reduction(unit) for unit in gates),
            *(unit.size == 1 for unit in {*gates, *held}),
        ]
    )


def write_registers(
    program: Program, table: AccessTable, places: Mapping[Unit, Place]
) -> Registers:
    """The code of an epoch of a Program that fits, over data of any kind: see `over`.

    Loads come before all gates in a step, and state changes after them: all updates at once.
    """
    size, gates = batched(program), _gates(program, table)
    shape = (1,) * max((len(unit.shape) for unit in gates), default=0)
    loop = Fused(shape, tuple(gates))
    roots = dict.fromkeys(table[unit].root for unit in _results(program))
    made = [root for root in roots if root in set(gates)]
    written = write_loop(loop, [(unit, contiguous_target(unit, loop)) for unit in made], table)
    cells = {
        (where.root, where.offset): array.name
        for array, where in zip(written.code.arrays, written.arrays, strict=True)
    }

    def number(unit: Unit) -> tuple[Unit, int]:
        """The number that a wire of one number is: an element of some buffer."""
        where = table[unit]
        return where.root, where.offset

    for unit in (*_results(program), *program.updates):
        cells.setdefault(number(unit), f"z{len(cells)}")
    columns = {unit: k for k, unit in enumerate(program.inputs.values())}

    def cell(root: Unit, offset: int) -> Cell:
        if root in columns:
            k = columns[root]
            row, column = divmod(offset, root.size // size)
            return Cell(kind_of(root), None, k, row, column)
        known = places[root].after(offset) if not root.inputs else None
        return Cell(kind_of(root), known)

    return Registers(
        loop=written.code,
        cells=tuple((name, cell(*place)) for place, name in cells.items()),
        rows=size,
        widths=tuple(unit.size // size for unit in program.inputs.values()),
        numbers=tuple(cells[number(unit)] for unit in numbers_of(program).values()),
        updates=tuple(
            (cells[number(state)], cells[number(new)], places[state])
            for state, new in program.updates.items()
        ),
        seldom=tuple(cells[number(unit)] for unit in seldom_of(program).values()),
    )


def _gates(program: Program, table: AccessTable) -> list[Unit]:
    """What a step must compute, in running order."""
    return [unit for unit in program.wires if unit.inputs and not table.is_view(unit)]


def _results(program: Program) -> list[Unit]:
    """What a step gives: its numbers, and the next values of its state."""
    numbers = numbers_of(program), seldom_of(program), program.updates
    return [unit for units in numbers for unit in units.values()]
