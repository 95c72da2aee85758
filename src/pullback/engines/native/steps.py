"""In: kernels and their memory. Out: the source of one module that runs them all as a step.

The step is a line for each kernel. A loop's step is a block of such lines; its wires lie in rows of
what goes into the loop and comes out of it, and the others in memory that every row uses again.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.engines.engine import numbers_of
from pullback.engines.native.access import Access, access, row_major
from pullback.engines.native.cache import keep
from pullback.engines.native.fuse import Call, Inside, Kernel
from pullback.engines.native.memory import Memory
from pullback.engines.native.registers import fits_registers, write_steps
from pullback.engines.native.structural import WRITERS
from pullback.engines.native.write import contiguous_target, write_loop
from pullback.engines.native.writer import ARENA_NAMES, ARENAS, Start, StepWriter, listed
from pullback.program.program import Program, batched

# A call takes as long as a short loop does. Up to so many kernels that make so many elements, loops
# are therefore compiled into the step, which takes longer to compile.
KERNELS, ELEMENTS = 64, 10_000

HEADER = '''"""A step of a circuit, written by pullback: the order in which its loops run."""

from pullback.engines.native.cache import load
from pullback.engines.native.kernels.generated import *

'''


class StepText(NamedTuple):
    """A step as a module: its text, its operations, roughly, and the bytes each thread packs in.

    `checked` are the gates that can find an index out of bounds, in the order of their numbers.
    """

    text: str
    work: int
    workspace: int
    checked: list[Unit]


def write_step(program: Program, kernels: list[Kernel], memory: Memory) -> StepText:
    """The module that runs a Program as these kernels in this memory."""
    starts = {unit: Start(at) for unit, at in memory.offsets.items()}
    writer = StepWriter(starts, memory.in_place, None)
    elements = sum(unit.size for kernel in kernels for unit in kernel.gates)
    writer.inlining = len(kernels) <= KERNELS and elements <= ELEMENTS
    _write_kernels(writer, kernels, memory)
    names = [f'{name} = load("{keep(text)}").run' for text, name in writer.functions.items()]
    head = f"\n\n\n@entry\ndef step(t, T, counters, W, {ARENA_NAMES}):\n"
    text = HEADER + "\n".join(names) + head + writer.text() + _write_epoch(program, writer)
    return StepText(text, writer.work, writer.workspace, writer.checked)


def _write_kernels(step: StepWriter, kernels: list[Kernel], memory: Memory) -> None:
    """All kernels in their order, and what must be copied into state after them."""
    step.joined = memory.joined.keys()
    for kernel, stores in zip(kernels, memory.stores, strict=True):
        if isinstance(kernel, Call):
            _write_call(step, kernel, memory)
            continue
        places = []
        for unit in stores:
            if unit in memory.joined:
                places.append((unit, memory.joined[unit]))
                continue
            where = contiguous_target(unit, kernel)
            root = memory.in_place.get(unit, unit)
            places.append((unit, Access(root, 0, where.shape, where.strides)))
        step.loop(write_loop(kernel, places), len(kernel.gates) * prod(kernel.shape))
    for new, state in memory.moves:
        step.copy(access(new), access(state))


def _write_call(step: StepWriter, call: Call, memory: Memory) -> None:
    """The call of a structural gate's own kernel."""
    unit = call.gate
    assert unit.gate is not None
    if call.inside is not None:
        _write_rows(step, call, call.inside, memory.inside[unit])
    elif unit.gate.name in WRITERS:
        WRITERS[unit.gate.name](step, *call.gates)
    else:
        raise CircuitError(
            f"{unit.label} is made by {unit.gate.name!r}, which the native engine does not "
            "know; run this Program with the eager or the jax engine"
        )


def _write_rows(step: StepWriter, call: Call, inside: Inside, memory: Memory) -> None:
    """A loop: first values and zeros where they belong, and then its step once for each row."""
    unit, outputs, body = call.gate, call.results, inside.body
    length, reverse = unit.static["length"], unit.static["reverse"]
    count, stacked = len(body.nexts), len(inside.stacked)
    row = f"row{step.depth}"
    for x, stack in zip(unit.inputs[:count], outputs[:count], strict=True):
        first = Access(stack, reverse * length * x.size, x.shape, row_major(x.shape))
        step.copy(access(x), first)
    for total in outputs[stacked:]:
        step.fill(ARENAS[total.dtype.name], step.starts[total], total.size)

    def rows(k: int, ahead: bool) -> Start:
        size = prod(outputs[k].shape[1:])
        return step.starts[outputs[k]].after(ahead * size, (size, row))

    inner = StepWriter(step.starts, memory.in_place, step)
    starts = inner.starts
    starts |= {wire: Start(at) for wire, at in memory.offsets.items()}
    starts |= {x: rows(k, reverse) for k, x in enumerate(body.carries)}
    starts |= {x: rows(k, k < count and not reverse) for k, x in enumerate(inside.stacked)}
    starts |= {x: step.starts[y] for x, y in zip(inside.sums, outputs[stacked:], strict=True)}
    starts |= {new: starts[state] for new, state in memory.in_place.items()}
    for x, given in zip(body.sources[count:], unit.inputs[count:], strict=True):
        where = access(given)
        by = where.strides[:1] if x in body.elements else ()
        starts[x] = step.place(where).after(0, *((n, row) for n in by))
    _write_kernels(inner, inside.kernels, memory)
    span = f"{length - 1}, -1, -1" if reverse else f"{length}"
    step.block(f"for {row} in range({span}):", inner, length)


def _write_epoch(program: Program, writer: StepWriter) -> str:
    """A function that runs many steps, each on the next rows of the data in the order given.

    Numbers among the outputs are recorded for every step; other outputs are those of the last.
    """
    size = batched(program)
    if size == 0:
        return ""
    names = [f"data{k}" for k in range(len(program.inputs))]
    head = (
        f"\n\n\n@entry\ndef epoch(t, T, counters, W, {ARENA_NAMES}, first, last, order, record, "
        f"{', '.join(names)}):\n"
    )
    if fits_registers(program):
        lines = ["if t == 0:", *(f"    {line}" for line in write_steps(program, writer))]
        return head + "".join(f"    {line}\n" for line in lines)
    lines = ["for batch in range(first, last):"]
    for name, unit in zip(names, program.inputs.values(), strict=True):
        if unit not in writer.starts:  # nothing in the step reads it
            continue
        told = listed(size, unit.size // size, writer.place(access(unit)))
        lines.append(f"    gather(t, T, {ARENAS[unit.dtype.name]}, {told}, batch, order, {name})")
    lines += ["    barrier(counters, T)", *writer.text().splitlines()]
    lines.append("    if t == 0:")
    for k, unit in enumerate(numbers_of(program).values()):
        where = f"{ARENAS[unit.dtype.name]}[{writer.place(access(unit))}]"
        lines.append(f"        record[{k}, batch] = {where}")
    return head + "".join(f"    {line}\n" for line in [*lines, "        pass"])
