"""In: kernels and their memory. Out: the source of one module that runs them all as a step.

Each loop is a function, written once for all places that differ in sizes alone; around it stands
one that finds the arrays in the arenas and the thread's part. The step is a line for each kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

import numpy as np

from pullback.compile.access import Access, access
from pullback.compile.fuse import Call, Kernel
from pullback.compile.memory import Memory
from pullback.compile.program import Program, batched
from pullback.compile.write import LoopText, contiguous_target, write_copy, write_loop
from pullback.core.errors import CircuitError
from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.engines.cache import keep
from pullback.engines.kernels.gemm import workspace_size

ARENAS = {"float32": "F4", "float64": "F8", "int64": "I8", "bool": "B1"}
WORKSPACE = "W"  # bytes, in which kernels pack what they read often

HEADER = '''"""A step of a circuit, written by pullback: the order in which its loops run."""

from pullback.engines.cache import load
from pullback.engines.kernels.generated import *

'''
LOOP_HEADER = '''"""A loop of a circuit, written by pullback."""

from math import inf, nan

from pullback.engines.kernels.generated import *


@part
'''


class StepText(NamedTuple):
    """A step as a module: its text, its operations, roughly, and the bytes each thread packs in."""

    text: str
    work: int
    workspace: int


def write_step(program: Program, kernels: list[Kernel], memory: Memory) -> StepText:
    """The module that runs a Program as these kernels in this memory."""
    writer = _StepWriter(memory)
    for kernel, stores in zip(kernels, memory.stores, strict=True):
        if isinstance(kernel, Call):
            writer.call(kernel.gate)
            continue
        places = []
        for unit in stores:
            where = contiguous_target(unit, kernel)
            root = memory.in_place.get(unit, unit)
            places.append((unit, Access(root, 0, where.shape, where.strides)))
        writer.loop(write_loop(kernel, places), len(kernel.gates) * prod(kernel.shape))
    for new, state in memory.moves:
        writer.copy(access(new), access(state))
    text = writer.text() + _write_epoch(program, writer)
    return StepText(text, writer.work, writer.workspace)


def _write_epoch(program: Program, writer: _StepWriter) -> str:
    """A function that runs many steps, each on the next rows of the data in the order given.

    Numbers among the outputs are recorded for every step; other outputs are those of the last.
    """
    size = batched(program)
    if size == 0:
        return ""
    names = [f"data{k}" for k in range(len(program.inputs))]
    lines = [
        "\n\n@entry",
        f"def epoch(t, T, counters, W, {_ARENAS}, first, last, order, record, {', '.join(names)}):",
        "    for batch in range(first, last):",
    ]
    for name, unit in zip(names, program.inputs.values(), strict=True):
        if unit not in writer.memory.offsets:  # nothing in the step reads it
            continue
        told = _numbers([size, unit.size // size, writer.place(access(unit))])
        lines.append(
            f"        gather(t, T, {ARENAS[unit.dtype.name]}, {told}, batch, order, {name})"
        )
    lines += ["        barrier(counters, T)", f"        step(t, T, counters, W, {_ARENAS})"]
    lines.append("        if t == 0:")
    for k, unit in enumerate(numbers_of(program)):
        where = f"{ARENAS[unit.dtype.name]}[{writer.place(access(unit))}]"
        lines.append(f"            record[batch, {k}] = {where}")
    return "\n".join([*lines, "            pass", ""])


def numbers_of(program: Program) -> list[Unit]:
    """The outputs that are one number each, in their order."""
    return [unit for unit in program.outputs.values() if unit.shape == ()]


class _StepWriter:
    """Collects the functions of a step and the lines that call them."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.functions: dict[str, str] = {}
        self.lines: list[tuple[bool, str]] = []
        self.work = 0
        self.workspace = 0

    def place(self, where: Access) -> int:
        """The first element of an access, in its arena."""
        return self.memory.offsets[where.root] + where.offset

    def loop(self, loop: LoopText, work: int) -> None:
        """Add a loop: its function, unless one of the same text is there, and its call."""
        starts = [f"o{k}" for k in range(len(loop.arrays))]
        lines = [
            f"def run(t, T, {_ARENAS}, {', '.join(['n', *loop.numbers, *starts])}):",
            "    lo, hi = n * t // T, n * (t + 1) // T",
        ]
        for start, (name, where) in zip(starts, loop.arrays.items(), strict=True):
            lines.append(f"    {name} = after({ARENAS[where.root.dtype.name]}, {start})")
        text = LOOP_HEADER + "\n".join([*lines, *(f"    {line}" for line in loop.body), ""])
        name = self.functions.setdefault(text, f"run{len(self.functions)}")
        places = map(self.place, loop.arrays.values())
        told = [loop.length, *loop.numbers.values(), *places]
        self.work += work
        alone = loop.serial or work < _ALONE
        self.line(f"{name}({'0, 1' if alone else 't, T'}, {_ARENAS}, {_numbers(told)})", alone)

    def line(self, text: str, alone: bool) -> None:
        self.lines.append((alone, text))

    def call(self, unit: Unit) -> None:
        """Add the call of a structural gate's own kernel."""
        assert unit.gate is not None
        if unit.gate.name not in WRITERS:
            raise CircuitError(
                f"{unit.label} is made by {unit.gate.name!r}, which the native engine does not "
                "know; run this Program with the eager or the jax engine"
            )
        WRITERS[unit.gate.name](self, unit)

    def copy(self, source: Access, target: Access) -> None:
        """Add a loop that copies elements from where they lie to where they should."""
        loop = write_copy(source, target)
        self.loop(loop, prod(source.shape))

    def text(self) -> str:
        """The step's function: a line for each kernel, and where threads wait for each other."""
        names = [f'{name} = load("{keep(text)}").run' for text, name in self.functions.items()]
        head = f"\n\n\n@entry\ndef step(t, T, counters, W, {_ARENAS}):\n"
        parts = [HEADER, "\n".join(names), head]
        if not self.lines:
            parts.append("    pass\n")
        open_ = False
        for k, (alone, line) in enumerate(self.lines):
            if alone and not open_:
                parts.append("    if t == 0:\n")
            open_ = alone
            parts.append(f"    {'    ' if alone else ''}{line}\n")
            if not alone or k + 1 == len(self.lines) or not self.lines[k + 1][0]:
                parts.append("    barrier(counters, T)\n")
        return "".join(parts)


_ARENAS = ", ".join(ARENAS.values())
_ALONE = 16_384  # gates times elements, below which one thread does a loop alone


def _numbers(values: list[int]) -> str:
    return ", ".join(map(str, values))


def _matmul(step: _StepWriter, unit: Unit) -> None:
    """Matrix products, one for each index of the leading axes."""
    arena = ARENAS[unit.dtype.name]
    c = access(unit)
    lead = unit.shape[:-2]
    a, b = (access(x).spread(lead + x.shape[-2:]) for x in unit.inputs)
    (m, k), n = a.shape[-2:], b.shape[-1]
    step.work += 2 * prod(lead) * m * n * k
    alone = m * n * k < _ALONE
    room = workspace_size(max(m, n), max(m, n), k, unit.dtype.itemsize)
    step.workspace = max(step.workspace, room)
    for index in np.ndindex(lead):
        starts = [step.place(w) + int(np.dot(index, w.strides[:-2])) for w in (c, a, b)]
        told = [m, n, k, *starts, *a.strides[-2:], *b.strides[-2:]]
        threads = "0, 1" if alone else "t, T"
        step.line(f"matmul({threads}, {arena}, W, {_numbers(told)})", alone)


def _joined(step: _StepWriter, unit: Unit) -> None:
    """concatenate and stack: each input is copied to its part of the output."""
    axis, start = unit.static["axis"], 0
    whole = access(unit)
    for x in unit.inputs:
        source = access(x)
        if unit.gate is GATES["stack"]:
            strides = whole.strides[:axis] + whole.strides[axis + 1 :]
            step.copy(source, Access(unit, start * whole.strides[axis], x.shape, strides))
            start += 1
        else:
            step.copy(source, Access(unit, start * whole.strides[axis], x.shape, whole.strides))
            start += x.shape[axis]


def _embed(step: _StepWriter, unit: Unit) -> None:
    """Zeros, and then the input at its walks."""
    whole, walks = access(unit), unit.static["walks"]
    step.line(
        f"fill(0, 1, {ARENAS[unit.dtype.name]}, {step.place(whole)}, {prod(unit.shape)})", True
    )
    offset = sum(start * by for (start, _, _), by in zip(walks, whole.strides, strict=True))
    strides = tuple(by * s for (_, _, by), s in zip(walks, whole.strides, strict=True))
    (x,) = unit.inputs
    step.copy(access(x), Access(unit, offset, x.shape, strides))


def _rows(unit: Unit, axis: int, indices: Unit) -> list[int]:
    """Outer, indexed and inner sizes of an array of which slices along an axis are named."""
    shape = unit.shape
    return [prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :]), indices.size]


def _take(step: _StepWriter, unit: Unit) -> None:
    """Slices by number."""
    x, indices = unit.inputs
    told = _rows(x, unit.static["axis"], indices)
    starts = [step.place(access(u)) for u in (unit, x, indices)]
    arena = ARENAS[unit.dtype.name]
    step.work += unit.size
    step.line(f"take(t, T, {arena}, I8, {_numbers(told + starts)})", False)


def _scatter_add(step: _StepWriter, unit: Unit) -> None:
    """Adding to slices by number, over the old value where that is no longer needed."""
    x, indices, updates = unit.inputs
    target = step.memory.in_place.get(unit)
    if target is not x:
        step.copy(access(x), access(unit))
    told = _rows(x, unit.static["axis"], indices)
    starts = [step.place(access(u)) for u in (unit if target is None else target, indices, updates)]
    arena = ARENAS[unit.dtype.name]
    step.work += updates.size
    step.line(f"scatter_add(0, 1, {arena}, I8, {_numbers(told + starts)})", True)


def _position(step: _StepWriter, unit: Unit) -> None:
    """argmax and argmin along an axis."""
    assert unit.gate is not None
    (x,) = unit.inputs
    axis = unit.static["axis"]
    told = [prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])]
    starts = [step.place(access(unit)), step.place(access(x))]
    arena = ARENAS[x.dtype.name]
    step.line(f"{unit.gate.name}(0, 1, I8, {arena}, {_numbers(told + starts)})", True)


def _random(step: _StepWriter, unit: Unit) -> None:
    """Random numbers, from the seed and the step as they are now."""
    seed, moment = (f"{ARENAS[x.dtype.name]}[{step.place(access(x))}]" for x in unit.inputs)
    told = [unit.static["stream"], int(unit.static["kind"] == "normal"), unit.size]
    step.work += 100 * unit.size
    step.line(
        f"random(t, T, {ARENAS[unit.dtype.name]}, {seed}, {moment}, "
        f"{_numbers([*told, step.place(access(unit))])})",
        False,
    )


WRITERS: dict[str, Callable[[_StepWriter, Unit], None]] = {
    "matmul": _matmul,
    "concatenate": _joined,
    "stack": _joined,
    "embed": _embed,
    "take": _take,
    "scatter_add": _scatter_add,
    "argmax": _position,
    "argmin": _position,
    "random": _random,
}
