"""In: the parts of a step, in running order. Out: a place for every buffer, decided beforehand.

All buffers of one dtype lie in one arena. Sources and constants keep their places for good; a
buffer in between is free again after the last part that reads it, and another takes its place. A
new value of a piece of state is computed right over the old one where no part reads that later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.core.walk import with_inside
from pullback.engines.native.access import Access, AccessTable, row_major
from pullback.engines.native.parts import Fused, Part, Single, is_reduction
from pullback.program.program import Program

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register


@dataclass(frozen=True)
class Memory:
    """Where each buffer lies: an offset, in elements, into the arena of its dtype.

    `joined` are the wires that are written right into their part of a concatenation. `sizes` is
    the length of each arena. `stores` are the wires that each part writes to memory,
    `in_place` the state over which a new value is written, and `moves` the updates that must be
    copied into their state after the last part, as (new, state). `temporary` counts the bytes of
    buffers in between, and `reused` what they would take without reuse. `inside` has, for each
    loop, the memory of its step, which is taken for as long as the loop runs.
    """

    offsets: dict[Unit, int]
    joined: dict[Unit, Access]
    sizes: dict[np.dtype, int]
    stores: list[list[Unit]]
    in_place: dict[Unit, Unit]
    moves: list[tuple[Unit, Unit]]
    temporary: int
    reused: int
    inside: dict[Unit, Memory]

    def __str__(self) -> str:
        sizes = ", ".join(f"{n} {dtype}" for dtype, n in self.sizes.items())
        lines = [f"memory for {sizes or 'nothing'}; {self.temporary} bytes between parts"]
        lines += [f"  {unit.dtype}[{at}] {unit.label}" for unit, at in self.offsets.items()]
        return "\n".join(lines)

    def moved(self, by: dict[np.dtype, int]) -> Memory:
        """The same, so many elements further on in the arenas."""
        offsets = {unit: at + by.get(unit.dtype, 0) for unit, at in self.offsets.items()}
        inside = {unit: memory.moved(by) for unit, memory in self.inside.items()}
        return replace(self, offsets=offsets, inside=inside)


@dataclass(frozen=True)
class _Block:
    """Elements that are taken from one part to another: a wire's own, or the step's within it."""

    unit: Unit
    within: bool
    dtype: np.dtype
    room: int
    born: int
    dies: int


def plan(
    program: Program,
    parts: list[Part],
    table: AccessTable,
    elsewhere: Collection[Unit] = (),
    *,
    margin: int = 0,
    apart: bool = False,
) -> Memory:
    """Places for all buffers of a Program that runs as these parts.

    Wires that lie `elsewhere` get no place. Where threads run `apart`, none takes another's place,
    as one of them may be on its way still. With a `margin` neither, and so many bytes before and
    behind every buffer belong to none: what is written there was written wrong.
    """
    home = {unit: k for k, part in enumerate(parts) for unit in part.gates}
    last = _last_readers(program, parts, table)
    in_place = {
        table[new].root: state
        for state, new in program.updates.items()
        if _can_replace(state, new, parts, table, home, last)
    }
    joined = _joined(program, parts, table, home, in_place, elsewhere)
    moves = [(new, s) for s, new in program.updates.items() if in_place.get(table[new].root) != s]

    offsets: dict[Unit, int] = {}
    sizes: dict[np.dtype, int] = {}
    for unit in lasting(program):
        if unit not in elsewhere:
            offsets[unit] = sizes.get(unit.dtype, _elements(margin, unit.dtype))
            sizes[unit.dtype] = offsets[unit] + _room(unit, margin)

    stores = [
        list(part.results)
        if isinstance(part, Single)
        else [u for u in part.gates if is_reduction(u) or u in last]
        for part in parts
    ]
    placed = {*in_place, *elsewhere, *joined}
    between = [u for units in stores for u in units if u not in placed]
    born = dict(home)
    for unit, where in joined.items():
        born[where.root] = min(born[where.root], home[unit])
    blocks = [_Block(u, False, u.dtype, _room(u, margin), born[u], last[u]) for u in between]
    inside: dict[Unit, Memory] = {}
    for k, part in enumerate(parts):
        if isinstance(part, Single) and part.inside is not None:
            step = part.inside
            away = {*lasting(step.program), *step.stacked, *step.sums}
            inside[part.gate] = memory = plan(
                step.program, step.parts, step.access, away, margin=margin, apart=step.rows > 0
            )
            blocks += [_Block(part.gate, True, dtype, n, k, k) for dtype, n in memory.sizes.items()]
            blocks += [
                _Block(x, False, x.dtype, _room(x, margin), k, k) for x in step.panels.values()
            ]

    if margin or apart:
        blocks = [replace(block, born=0, dies=len(parts)) for block in blocks]

    base = dict(sizes)
    starts: dict[_Block, int] = {}
    for block in sorted(blocks, key=lambda block: (-block.room, block.unit.index)):
        first = base.get(block.dtype, _elements(margin, block.dtype))
        starts[block] = at = _gap(block, starts, first)
        sizes[block.dtype] = max(sizes.get(block.dtype, 0), at + block.room)
    shifts: dict[Unit, dict[np.dtype, int]] = {unit: {} for unit in inside}
    for block, at in starts.items():
        if block.within:
            shifts[block.unit][block.dtype] = at
        else:
            offsets[block.unit] = at
    offsets |= {new: offsets[state] for new, state in in_place.items() if state in offsets}
    return Memory(
        offsets,
        joined,
        sizes,
        stores,
        in_place,
        moves,
        temporary=sum((n - base.get(dtype, 0)) * dtype.itemsize for dtype, n in sizes.items()),
        reused=sum(block.room * block.dtype.itemsize for block in blocks),
        inside={unit: memory.moved(shifts[unit]) for unit, memory in inside.items()},
    )


def _joined(
    program: Program,
    parts: list[Part],
    table: AccessTable,
    home: dict[Unit, int],
    in_place: Collection[Unit],
    elsewhere: Collection[Unit],
) -> dict[Unit, Access]:
    """Wires that a loop makes for a concatenation alone, and their part of its buffer."""
    readers = Counter(root for part in parts for unit in part.gates for root in table.roots(unit))
    given = {table[u].root for u in (*program.outputs.values(), *program.updates.values())}
    found: dict[Unit, Access] = {}
    for part in parts:
        whole = part.gates[0]
        if whole.gate is not GATES["concatenate"] or whole in in_place:
            continue
        axis, at, strides = whole.static["axis"], 0, row_major(whole.shape)
        for x in whole.inputs:
            piece = Access(whole, at * strides[axis], x.shape, strides)
            at += x.shape[axis]
            free = x in home and not any(x in units for units in (given, in_place, elsewhere))
            maker = parts[home[x]] if free and readers[x] == 1 else None
            if isinstance(maker, Fused) and not is_reduction(x):
                walked = piece.reshaped(maker.shape)  # by the shape of the loop that writes it
                if walked is not None:
                    found[x] = walked
    return found


def _gap(block: _Block, starts: dict[_Block, int], base: int) -> int:
    """The first place at which nothing lies while this block is taken."""
    taken = sorted(
        (at, at + other.room)
        for other, at in starts.items()
        if other.dtype == block.dtype and other.born <= block.dies and block.born <= other.dies
    )
    place = base
    for start, stop in taken:
        if place + block.room <= start:
            break
        place = max(place, stop)
    return place


def lasting(program: Program) -> list[Unit]:
    """Sources, constants (also those inside loops), and state that is written but never read."""
    found = dict.fromkeys(unit for unit in program.wires if not unit.inputs)
    found |= dict.fromkeys(x for x in with_inside(program.wires) if x.is_constant)
    return list(found | dict.fromkeys(program.updates))


def _last_readers(program: Program, parts: list[Part], table: AccessTable) -> dict[Unit, int]:
    """The last part that reads each buffer from memory; the end, for what the Program gives."""
    last: dict[Unit, int] = {}
    for k, part in enumerate(parts):
        if isinstance(part, Single):
            last |= dict.fromkeys(part.results, k)  # also what nobody reads
        inside = set(part.gates)
        for unit in part.gates:
            last |= {root: k for root in table.roots(unit) if root not in inside}
    for unit in (*program.outputs.values(), *program.updates.values()):
        last[table[unit].root] = len(parts)
    return last


def _can_replace(
    state: Unit,
    new: Unit,
    parts: list[Part],
    table: AccessTable,
    home: dict[Unit, int],
    last: dict[Unit, int],
) -> bool:
    """Whether the new value, or what it is a reshape of, can be made right over the old one."""
    made = table.own_buffer(new)
    if made is None or made not in home:
        return False
    k = home[made]
    if last.get(state, -1) > k or is_reduction(made):
        return False
    if last.get(state, -1) < k:
        return True
    part = parts[k]
    if not isinstance(part, Fused):
        return _adds_to(state, part, table)
    readers = [unit for unit in part.gates if state in table.roots(unit)]
    return part.shape == state.shape and all(
        table.in_step(x, part.shape) and not is_reduction(unit)
        for unit in readers
        for x in unit.inputs
        if table[x].root is state
    )


def _adds_to(state: Unit, call: Single, table: AccessTable) -> bool:
    """Whether a part only adds to what is there: its result may then be written over the state.

    So does `scatter_add` to some rows, and a matrix product to which the state is added.
    """
    gates = call.gates
    reads = [x for unit in gates for x in unit.inputs if table[x].root is state]
    if len(reads) != 1:
        return False
    if gates[0].gate is GATES["scatter_add"]:
        return gates[0].inputs[0] is state
    return (
        len(gates) == 2
        and reads[0] in gates[1].inputs
        and table.in_step(reads[0], call.results[0].shape)
    )


def _room(unit: Unit, margin: int) -> int:
    """The elements that a buffer and the margin behind it take, up to the next aligned place."""
    per_line = _elements(ALIGNMENT, unit.dtype)
    return -(-max(unit.size, 1) // per_line) * per_line + _elements(margin, unit.dtype)


def _elements(count: int, dtype: np.dtype) -> int:
    """The elements that so many bytes hold."""
    return count // dtype.itemsize
