"""In: a Program in which every gate makes one number. Out: an epoch that stays in registers.

A network of a few neurons on scalar wires takes a few dozen operations a step; to bring its
parameters from memory and back would take as long. So each number that a step reads or gives has a
cell, which the compiler turns into a register: state is loaded once before the first step and
stored once after the last, and a point is read straight from the row of the data.
"""

from __future__ import annotations

from pullback.core.unit import Unit
from pullback.engines.engine import numbers_of
from pullback.engines.native.access import access, is_view
from pullback.engines.native.fuse import Loop, is_reduction, loop_shape
from pullback.engines.native.write import TYPES, contiguous_target, write_loop
from pullback.engines.native.writer import ARENAS, StepWriter
from pullback.program.program import Program, batched

GATES = 200  # at most: LLVM takes long for more in one piece, and there are 32 registers anyway


def fits_registers(program: Program) -> bool:
    """Whether every gate of a Program makes one number from numbers, and there are not too many."""
    gates = _gates(program)
    held = {*_results(program), *program.updates}
    celled = held | {x for x in (_root(x) for gate in gates for x in gate.inputs) if not x.inputs}
    return 0 < len(gates) <= GATES and all(
        [
            *(loop_shape(unit) is not None and not is_reduction(unit) for unit in gates),
            *(unit.size == 1 for unit in {*gates, *held}),
            *(unit.dtype.name in TYPES for unit in celled),
            *(unit.dtype.kind != "b" for unit in celled),  # Numba stores none through a pointer
        ]
    )


def write_steps(program: Program, writer: StepWriter) -> list[str]:
    """The lines that run the batches from `first` to `last`, of a Program that fits.

    Loads come before all gates in a step, and state changes after them: all updates at once.
    """
    size, gates = batched(program), _gates(program)
    numbers = list(numbers_of(program).values())
    shape = (1,) * max((len(unit.shape) for unit in gates), default=0)
    loop = Loop(shape, gates)
    made = [root for root in dict.fromkeys(map(_root, _results(program))) if root in set(gates)]
    text = write_loop(loop, [(unit, contiguous_target(unit, loop)) for unit in made])
    cells = {(where.root, where.offset): name for name, where in text.arrays.items()}
    for unit in (*_results(program), *program.updates):
        cells.setdefault(_place(unit), f"z{len(cells)}")

    columns = {unit: f"data{k}" for k, unit in enumerate(program.inputs.values())}
    before, each, rows = [], [], set()
    for (root, offset), name in cells.items():
        if root in columns:
            row, column = divmod(offset, root.size // size)
            rows.add(row)
            each.append(f"{name}[0] = {columns[root]}[row{row}, {column}]")
        first = f"{TYPES[root.dtype.name]}(0)"
        if root not in columns and not root.inputs:
            first = f"{ARENAS[root.dtype.name]}[{writer.starts[root].after(offset)}]"
        before.append(f"{name} = cell({first})")
    each = [f"row{r} = order[batch * {size} + {r}]" for r in sorted(rows)] + each + text.body
    each += [f"record[{k}, batch] = {cells[_place(x)]}[0]" for k, x in enumerate(numbers)]
    updates = program.updates.items()
    each += [f"{cells[_place(state)]}[0] = {cells[_place(new)]}[0]" for state, new in updates]
    after = [
        f"{ARENAS[state.dtype.name]}[{writer.place(access(state))}] = {cells[_place(state)]}[0]"
        for state in program.updates
    ]
    return [*before, "for batch in range(first, last):", *(f"    {x}" for x in each), *after]


def _gates(program: Program) -> list[Unit]:
    """What a step must compute, in running order."""
    return [unit for unit in program.wires if unit.inputs and not is_view(unit)]


def _results(program: Program) -> list[Unit]:
    """What a step gives: its numbers, and the next values of its state."""
    return [*numbers_of(program).values(), *program.updates.values()]


def _root(unit: Unit) -> Unit:
    return access(unit).root


def _place(unit: Unit) -> tuple[Unit, int]:
    """The number that a wire of one number is: an element of some buffer."""
    where = access(unit)
    return where.root, where.offset
