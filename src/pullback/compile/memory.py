"""In: kernels in running order. Out: a place for every buffer, decided once, before anything runs.

All buffers of one dtype lie in one arena. Sources and constants keep their places for good; a
buffer in between is free again after the last kernel that reads it, and another takes its place. A
new value of a piece of state is computed right over the old one where no kernel reads that later.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from pullback.compile.access import access
from pullback.compile.fuse import Call, Kernel, Loop, in_step, is_reduction, roots
from pullback.compile.program import Program
from pullback.core.unit import Unit

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register


@dataclass(frozen=True)
class Memory:
    """Where each buffer lies: an offset, in elements, into the arena of its dtype.

    `sizes` is the length of each arena. `stores` are the wires that each kernel writes to memory,
    `in_place` the state over which a new value is written, and `moves` the updates that must be
    copied into their state after the last kernel, as (new, state). `temporary` counts the bytes of
    buffers in between, and `reused` what they would take without reuse.
    """

    offsets: dict[Unit, int]
    sizes: dict[np.dtype, int]
    stores: list[list[Unit]]
    in_place: dict[Unit, Unit]
    moves: list[tuple[Unit, Unit]]
    temporary: int
    reused: int


def plan(program: Program, kernels: list[Kernel]) -> Memory:
    """Places for all buffers of a Program that runs as these kernels."""
    home = {unit: k for k, kernel in enumerate(kernels) for unit in kernel.gates}
    last = _last_readers(program, kernels)
    in_place = {
        access(new).root: state
        for state, new in program.updates.items()
        if _can_replace(state, new, kernels, home, last)
    }
    moves = [(new, s) for s, new in program.updates.items() if in_place.get(access(new).root) != s]

    offsets: dict[Unit, int] = {}
    sizes: dict[np.dtype, int] = {}
    for unit in lasting(program):
        offsets[unit] = sizes.get(unit.dtype, 0)
        sizes[unit.dtype] = offsets[unit] + _room(unit)

    stores = [
        [u for u in kernel.gates if isinstance(kernel, Call) or is_reduction(u) or u in last]
        for kernel in kernels
    ]
    between = [unit for units in stores for unit in units if unit not in in_place]
    by_size = sorted(between, key=lambda unit: (-_room(unit), unit.index))
    placed: list[tuple[Unit, int, int]] = []
    base = dict(sizes)
    for unit in by_size:
        born, dies = home[unit], last[unit]
        taken = sorted(
            (offsets[other], offsets[other] + _room(other))
            for other, start, stop in placed
            if other.dtype == unit.dtype and start <= dies and born <= stop
        )
        at = base.get(unit.dtype, 0)
        for start, stop in taken:
            if at + _room(unit) <= start:
                break
            at = max(at, stop)
        offsets[unit] = at
        sizes[unit.dtype] = max(sizes.get(unit.dtype, 0), at + _room(unit))
        placed.append((unit, born, dies))
    offsets |= {new: offsets[state] for new, state in in_place.items()}
    return Memory(
        offsets,
        sizes,
        stores,
        in_place,
        moves,
        temporary=sum((n - base.get(dtype, 0)) * dtype.itemsize for dtype, n in sizes.items()),
        reused=sum(_room(unit) * unit.dtype.itemsize for unit in between),
    )


def lasting(program: Program) -> list[Unit]:
    """Sources, constants, and state that is written but never read."""
    found = [unit for unit in program.wires if not unit.inputs]
    return [*found, *(state for state in program.updates if state not in set(found))]


def _last_readers(program: Program, kernels: list[Kernel]) -> dict[Unit, int]:
    """The last kernel that reads each buffer from memory; the end, for what the Program gives."""
    last: dict[Unit, int] = {}
    for k, kernel in enumerate(kernels):
        inside = set(kernel.gates) if isinstance(kernel, Loop) else set()
        for unit in kernel.gates:
            last |= {root: k for root in roots(unit) if root not in inside}
    for unit in (*program.outputs.values(), *program.updates.values()):
        last[access(unit).root] = len(kernels)
    return last


def _can_replace(
    state: Unit,
    new: Unit,
    kernels: list[Kernel],
    home: dict[Unit, int],
    last: dict[Unit, int],
) -> bool:
    """Whether the new value can be written over the old one as it is made."""
    if new not in home:
        return False
    k = home[new]
    if last.get(state, -1) > k or is_reduction(new):
        return False
    if last.get(state, -1) < k:
        return True
    kernel = kernels[k]
    if not isinstance(kernel, Loop):
        return (
            new.gate is not None
            and new.gate.name == "scatter_add"
            and new.inputs[0] is state
            and all(access(x).root is not state for x in new.inputs[1:])
        )
    readers = [unit for unit in kernel.gates if state in set(roots(unit))]
    return kernel.shape == state.shape and all(
        in_step(x, kernel.shape) and not is_reduction(unit)
        for unit in readers
        for x in unit.inputs
        if access(x).root is state
    )


def _room(unit: Unit) -> int:
    """The elements that a buffer takes, up to the next aligned place."""
    per_line = ALIGNMENT // unit.dtype.itemsize
    return -(-max(prod(unit.shape), 1) // per_line) * per_line
