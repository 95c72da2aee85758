"""In: a simplified Program. Out: kernels in running order: loops over many gates, and whole calls.

Elementwise gates of one shape, and the reductions of what they make, run in one loop, in which a
value stays in a register from the gate that makes it to the gates that take it. Everything else (a
matrix product, a gather, a convolution) is a call of a kernel that knows how. A gate moves to the
latest loop in which all its readers stand, so that as little as possible is written to memory.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from pullback.compile.access import access, is_view
from pullback.compile.inside import is_loop, own_buffer
from pullback.compile.program import Program
from pullback.compile.simplify import number_on
from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.gates.loop import Body

REDUCTIONS = ("sum", "max", "min")
_COPIES = ("reshape", "astype")  # gates that are loops over their input: a reshape that must copy
ARRAYS = 16
"""Arrays that a loop touches, at most: more would compile slowly and not fit into registers."""
_LOOKS = 16  # loops from the first and from the last on that are considered for a gate


@dataclass
class Loop:
    """Gates that run together for each index of one shape, in running order."""

    shape: tuple[int, ...]
    gates: list[Unit] = field(default_factory=list)


@dataclass
class Call:
    """One structural gate, run by a kernel of its own; of a loop, the step that it runs."""

    gate: Unit
    inside: Inside | None = None

    @property
    def gates(self) -> list[Unit]:
        return [self.gate]


Kernel = Loop | Call


@dataclass(frozen=True, eq=False)
class Inside:
    """The step of a loop: a Program whose state are the sums, and its kernels.

    `stacked` are the wires in whose buffers nexts and outputs lie. `sums` are the sources, or else
    the matrix products, that add up: those in `adding` add to what is there.
    """

    body: Body
    program: Program
    kernels: list[Kernel]
    stacked: tuple[Unit, ...]
    sums: tuple[Unit, ...]
    adding: frozenset[Unit]


def fuse(program: Program) -> list[Kernel]:
    """The kernels of a Program in running order."""
    return _Fusion(program).kernels()


def _inside(unit: Unit) -> Inside:
    """The step of a loop as kernels."""
    body: Body = unit.static["body"]
    stacked = tuple(own_buffer(x) for x in (*body.nexts, *body.outputs))
    assert None not in stacked, "steps are made plain before they are fused"
    read = {root for x in body.wires if x.inputs and not is_view(x) for root in roots(x)}
    taken = [own_buffer(x) for x in body.sums] + list(stacked)
    outputs = dict(enumerate(x for x in (*body.nexts, *body.outputs)))
    updates, sums, adding = {}, [], set()
    for k, term in enumerate(body.sums):
        root = own_buffer(term)
        if root is not None and root not in read and taken.count(root) == 1 and _adds(root):
            outputs[len(stacked) + k] = root
            sums.append(root)
            adding.add(root)
        else:
            total = Unit(np.zeros(term.shape, term.dtype))
            updates[total] = GATES["add"](total, term)
            sums.append(total)
    named = {str(k): x for k, x in outputs.items()}
    program = Program({}, named, updates)
    return Inside(
        body,
        program,
        fuse(program),
        tuple(x for x in stacked if x is not None),
        tuple(sums),
        frozenset(adding),
    )


def _adds(unit: Unit) -> bool:
    """Whether a gate's kernel can add to what is in memory."""
    return unit.gate is GATES["matmul"]


def loop_shape(unit: Unit) -> tuple[int, ...] | None:
    """The shape over which a gate loops element by element; None for a gate that does not."""
    assert unit.gate is not None
    if unit.gate.elementwise:
        return unit.shape
    if unit.gate.name in (*REDUCTIONS, *_COPIES):
        return unit.inputs[0].shape
    return None


def is_reduction(unit: Unit) -> bool:
    """Whether a gate in a loop makes fewer elements than the loop has."""
    return unit.gate is not None and unit.gate.name in REDUCTIONS


def roots(unit: Unit) -> Iterable[Unit]:
    """The wires whose buffers a gate reads."""
    return (access(x).root for x in unit.inputs)


def in_step(x: Unit, shape: tuple[int, ...]) -> bool:
    """Whether a loop of this shape reaches element i of x's root exactly at its index i."""
    where = access(x)
    return where.root.shape == shape and where == access(where.root)


class _Fusion:
    """The kernels so far, and what each loop reads and keeps."""

    def __init__(self, program: Program) -> None:
        self.wires = [unit for unit in program.wires if unit.inputs and not is_view(unit)]
        results = (*program.outputs.values(), *program.updates.values())
        self.needed = {access(unit).root for unit in results}
        self.readers: dict[Unit, list[tuple[Unit, bool]]] = {}
        self.reads: dict[Unit, set[Unit]] = {}  # without numbers, which are part of the text
        for unit in self.wires:
            shape = loop_shape(unit)
            self.reads[unit] = {access(x).root for x in unit.inputs if number_on(x) is None}
            for x in unit.inputs:
                joins = shape is not None and in_step(x, shape)
                self.readers.setdefault(access(x).root, []).append((unit, joins))
        self.found: list[Kernel] = []
        self.home: dict[Unit, int] = {}
        self.loops: dict[tuple[int, ...], list[int]] = {}  # by their shape
        self.arrays: dict[int, set[Unit]] = {}

    def kernels(self) -> list[Kernel]:
        for unit in self.wires:
            self.home[unit] = k = self.place(unit)
            kernel = self.found[k]
            if isinstance(kernel, Loop):
                kernel.gates.append(unit)
                self.arrays[k] |= self.touched(unit, k)
        self.sink()
        return [kernel for kernel in self.found if kernel.gates]

    def place(self, unit: Unit) -> int:
        """The loop that a gate joins, after everything it reads; else a new kernel's place.

        It is the first of those with which it shares most: what they make, and what they read.
        """
        shape = loop_shape(unit)
        if shape is None:
            self.found.append(Call(unit, _inside(unit) if is_loop(unit) else None))
            return len(self.found) - 1
        first, reads = 0, self.reads[unit]
        for x in unit.inputs:
            root = access(x).root
            if root in self.home:
                joins = in_step(x, shape) and not is_reduction(root)
                first = max(first, self.home[root] if joins else self.home[root] + 1)
        open_ = self.loops.setdefault(shape, [])
        start = bisect_left(open_, first)
        best, most = len(self.found), -1
        near, far = start + _LOOKS, len(open_) - _LOOKS
        for k in open_[start:near] + open_[max(near, far) :]:
            if len(self.arrays[k] | self.touched(unit, k)) > ARRAYS:
                continue
            shared = len(reads & self.arrays[k]) + sum(self.home.get(x) == k for x in reads)
            if shared > most:
                best, most = k, shared
        if most < 0:
            self.found.append(Loop(shape))
            self.arrays[best] = set()
            open_.append(best)
        return best

    def touched(self, unit: Unit, k: int) -> set[Unit]:
        """The buffers that loop k must touch for a gate: what it reads, and, if kept, its own."""
        found = {root for root in self.reads[unit] if self.home.get(root) != k}
        alone = is_reduction(unit) or unit in self.needed
        if alone or not all(joins for _, joins in self.readers.get(unit, ())):
            found.add(unit)
        return found

    def sink(self) -> None:
        """Move each elementwise gate into the one later loop that has all its readers."""
        for unit in reversed(self.wires):
            if loop_shape(unit) is None or is_reduction(unit) or unit in self.needed:
                continue
            found = self.readers.get(unit, [])
            homes = {self.home[reader] for reader, _ in found}
            if len(homes) != 1 or not all(joins for _, joins in found):
                continue
            (k,) = homes
            target = self.found[k]
            if k == self.home[unit] or not isinstance(target, Loop):
                continue
            arrays = (self.arrays[k] - {unit}) | self.touched(unit, k)
            if target.shape == loop_shape(unit) and len(arrays) <= ARRAYS:
                self.found[self.home[unit]].gates.remove(unit)
                target.gates.append(unit)
                target.gates.sort(key=lambda gate: gate.index)
                self.arrays[k] = arrays
                self.home[unit] = k
