"""In: a simplified Program. Out: its parts in running order: fused gates, and single ones.

Elementwise gates of one shape, and the reductions of what they make, run in one loop, in which a
value stays in a register from the gate that makes it to the gates that take it. Everything else (a
matrix product, a gather, a convolution) stands alone, for a kernel that knows how. A gate moves to
the latest loop in which all its readers stand, so that as little as possible goes to memory. What
is needed seldom stands in parts of its own, as early as it can: before state is written over.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import replace

import numpy as np

from pullback.core.gate import OUTPUT, outputs_of
from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.engines.native.access import Access, AccessTable, access, row_major
from pullback.engines.native.memory import ALIGNMENT
from pullback.engines.native.parts import Fused, Inside, Part, Single, is_reduction
from pullback.engines.native.rows import rows_of
from pullback.gates.body import Body
from pullback.program.patterns import made_by, number_on
from pullback.program.program import Program

ARRAYS = 16
"""Arrays that a loop touches, at most: more would compile slowly and not fit into registers."""
LONGEST = 3000
"""Gates in a loop, at most: the time that LLVM takes grows faster than their number."""
LONG, LARGE = 8, 1 << 16
"""Steps of a loop, and bytes of a matrix by which each multiplies, for a copy of it to pay."""
_LOOKS = 16  # loops from the first and from the last on that are considered for a gate


def fuse(program: Program, table: AccessTable) -> list[Part]:
    """The parts of a Program in running order."""
    return _Fusion(program, table).parts()


def _inside(unit: Unit) -> Inside:
    """The step of a loop as parts."""
    body: Body = unit.static["body"]
    sums = [Unit(np.zeros(term.shape, term.dtype)) for term in body.sums]
    updates = {
        total: GATES["add"](total, term) for total, term in zip(sums, body.sums, strict=True)
    }
    outputs = {str(k): x for k, x in enumerate((*body.nexts, *body.outputs))}
    program = Program({}, outputs, updates)
    table = access(program)
    buffers = [table.own_buffer(x) for x in outputs.values()]
    stacked = tuple(x for x in buffers if x is not None)
    assert len(stacked) == len(buffers), "steps are made plain before they are fused"
    parts = fuse(program, table)
    panels = _panels(body, table, parts) if unit.static["length"] >= LONG else {}
    inside = Inside(body, program, table, parts, stacked, tuple(sums), panels)
    return replace(inside, rows=rows_of(inside))


def _panels(body: Body, table: AccessTable, parts: list[Part]) -> dict[Unit, Unit]:
    """The products by a large matrix that no step changes, and a buffer for its panels.

    The last panel may end up to a cache line behind the matrix.
    """
    found = {}
    for part in parts:
        if isinstance(part, Single) and _is_product(part.gate):
            b = part.gate.inputs[1]
            line = ALIGNMENT // b.dtype.itemsize
            if table[b].root in body.parameters and b.size * b.dtype.itemsize >= LARGE:
                room = b.shape[0], -(-b.shape[1] // line) * line
                found[part.gate] = Unit(np.zeros(room, b.dtype))
    return found


def loop_shape(unit: Unit) -> tuple[int, ...] | None:
    """The shape over which a gate loops element by element; None for a gate that does not."""
    assert unit.gate is not None
    if unit.gate.elementwise or unit.gate.indexed:
        return unit.shape
    copies = unit.gate.view or unit.gate is GATES["astype"]  # as a reshape may have to
    if unit.gate.reduces or copies:
        return unit.inputs[0].shape
    return None


def is_rectifier(unit: Unit) -> bool:
    """Whether it makes 0 of what is below 0."""
    return unit.gate is GATES["maximum"] and any(number_on(x) == 0.0 for x in unit.inputs)


def _is_product(unit: Unit) -> bool:
    return unit.gate is GATES["matmul"] and len(unit.shape) == 2


def added_to_product(unit: Unit, product: Unit, table: AccessTable) -> Access | None:
    """Where a matrix lies, or a row for all rows, that `unit` adds to a product of two matrices.

    None where it is neither, or adds nothing. The access has two axes.
    """
    if unit.gate is not GATES["add"] or len(product.shape) < 2 or unit.shape != product.shape:
        return None
    other = unit.inputs[1] if unit.inputs[0] is product else unit.inputs[0]
    if other is product or other.dtype != unit.dtype or number_on(other) is not None:
        return None
    where, shape = table[other].spread(unit.shape), table[product].root.shape
    if len(shape) != 2:
        return None
    if where.contiguous:
        return Access(where.root, where.offset, shape, row_major(shape))
    *lead, columns = unit.shape
    *steps, step = where.strides
    if columns != shape[1] or (step != 1 and columns != 1):
        return None
    for n, outer, inner in zip(lead[1:], steps, steps[1:]):  # noqa: B905
        if outer != inner * n:
            return None
    return Access(where.root, where.offset, shape, (steps[-1], 1))


class _Fusion:
    """The parts so far, and what each loop reads and keeps."""

    def __init__(self, program: Program, table: AccessTable) -> None:
        self.table = table
        wires = [unit for unit in program.wires if unit.inputs and not table.is_view(unit)]
        self.seldom = set(wires).difference(program.always) if program.seldom else set()
        self.wires = self.early(wires) if self.seldom else wires
        results = (*program.outputs.values(), *program.updates.values())
        self.needed = {table[unit].root for unit in results}
        self.readers: dict[Unit, list[tuple[Unit, bool]]] = {}
        self.reads: dict[Unit, set[Unit]] = {}  # without numbers, which are part of the text
        for unit in self.wires:
            shape = loop_shape(unit)
            self.reads[unit] = {table[x].root for x in unit.inputs if number_on(x) is None}
            for x in unit.inputs:
                alike = (unit in self.seldom) == (table[x].root in self.seldom)
                joins = alike and shape is not None and table.in_step(x, shape)
                self.readers.setdefault(table[x].root, []).append((unit, joins))
        self.found: list[Part] = []
        self.home: dict[Unit, int] = {}
        self.loops: dict[tuple[tuple[int, ...], bool], list[int]] = {}  # by shape, and if seldom
        self.arrays: dict[int, set[Unit]] = {}
        self.counts: Counter[int] = Counter()  # of the gates of each

    def early(self, wires: list[Unit]) -> list[Unit]:
        """The wires in an order in which those needed seldom come right behind what they read."""
        at: dict[Unit, int] = {}
        for k, unit in enumerate(wires):
            last = max((at.get(root, -1) for root in self.table.roots(unit)), default=-1)
            at[unit] = last if unit in self.seldom else k
        return sorted(wires, key=lambda unit: (at[unit], unit in self.seldom))

    def parts(self) -> list[Part]:
        for unit in self.wires:
            self.home[unit] = k = self.place(unit)
            part = self.found[k]
            if isinstance(part, Fused):
                self.arrays[k] |= self.touched(unit, k)
                self.counts[k] += 1
            elif unit not in part.gates:
                self.found[k] = replace(part, gates=(*part.gates, unit))
        self.sink()
        fused: dict[int, list[Unit]] = {}
        for unit in self.wires:
            fused.setdefault(self.home[unit], []).append(unit)
        found = (
            replace(part, gates=tuple(fused.get(k, ()))) if isinstance(part, Fused) else part
            for k, part in enumerate(self.found)
        )
        return [part for part in found if part.gates]

    def place(self, unit: Unit) -> int:
        """The loop that a gate joins, after everything it reads; else a new part's place.

        It is the first of those with which it shares most: what they make, and what they read.
        """
        shape = loop_shape(unit)
        if shape is None:
            if unit.gate is OUTPUT:
                return self.home[unit.inputs[0]]
            self.found.append(self.call(unit))
            return len(self.found) - 1
        product = self.product(unit)
        if product is not None:
            return self.moved_behind(product, unit)
        first, reads = 0, self.reads[unit]
        for x in unit.inputs:
            root = self.table[x].root
            if root in self.home:
                alike = (unit in self.seldom) == (root in self.seldom)
                joins = alike and self.table.in_step(x, shape) and not is_reduction(root)
                first = max(first, self.home[root] if joins else self.home[root] + 1)
        open_ = self.loops.setdefault((shape, unit in self.seldom), [])
        start = bisect_left(open_, first)
        best, most = len(self.found), -1
        near, far = start + _LOOKS, len(open_) - _LOOKS
        for k in open_[start:near] + open_[max(near, far) :]:
            if self.counts[k] >= LONGEST or len(self.arrays[k] | self.touched(unit, k)) > ARRAYS:
                continue
            shared = len(reads & self.arrays[k]) + sum(self.home.get(x) == k for x in reads)
            if shared > most:
                best, most = k, shared
        if most < 0:
            self.found.append(Fused(shape, seldom=unit in self.seldom))
            self.arrays[best] = set()
            open_.append(best)
        return best

    def call(self, unit: Unit) -> Single:
        """A structural gate, with all its outputs, read or not, where it has several."""
        if not made_by(unit, "loop"):
            return Single((unit,), seldom=unit in self.seldom)
        outputs = list(outputs_of(unit))
        for x, _ in self.readers.get(unit, ()):
            outputs[x.static["index"]] = x
        return Single((unit, *outputs), _inside(unit), unit in self.seldom)

    def product(self, unit: Unit) -> Unit | None:
        """The product or sum that a gate can end, in the kernel that makes it; None if none."""
        assert unit.gate is not None
        for x in unit.inputs:
            root = self.table.own_buffer(x)
            if root is None or root not in self.home or root in self.needed:
                continue
            if (unit in self.seldom) != (root in self.seldom):
                continue
            part = self.found[self.home[root]]
            if isinstance(part, Fused):
                continue
            done = part.gates
            ends = done[-1] is root and len(self.readers[root]) == 1
            if ends and _is_product(done[0]) and unit.dtype == root.dtype:
                if is_rectifier(unit) and not is_rectifier(root):
                    return root
                if len(done) == 1 and added_to_product(unit, x, self.table) is not None:
                    return root
        return None

    def moved_behind(self, product: Unit, unit: Unit) -> int:
        """The place of the call that makes a product, behind all else that a gate reads."""
        k = self.home[product]
        if any(self.home.get(root, -1) > k for root in self.table.roots(unit)):
            done, self.found[k] = self.found[k], Single(())
            self.found.append(done)
            k = len(self.found) - 1
            self.home |= dict.fromkeys(done.gates, k)
        return k

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
            loose = loop_shape(unit) is not None and unit not in self.needed
            if not loose or is_reduction(unit) or isinstance(self.found[self.home[unit]], Single):
                continue
            found = self.readers.get(unit, [])
            homes = {self.home[reader] for reader, _ in found}
            if len(homes) != 1 or not all(joins for _, joins in found):
                continue
            (k,) = homes
            target = self.found[k]
            if k == self.home[unit] or not isinstance(target, Fused):
                continue
            arrays = (self.arrays[k] - {unit}) | self.touched(unit, k)
            fits = len(arrays) <= ARRAYS and self.counts[k] < LONGEST
            if fits and target.shape == loop_shape(unit):
                self.arrays[k] = arrays
                self.counts[k] += 1
                self.counts[self.home[unit]] -= 1
                self.home[unit] = k
