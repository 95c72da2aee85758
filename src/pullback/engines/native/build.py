"""In: fused parts and their places in memory. Out: the loop code of a step.

A loop's step is a Repeat; its wires lie in rows of what goes into the loop and comes out of it, and
the others in memory that every row uses again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from math import prod
from typing import Any

from pullback.core.unit import Unit
from pullback.engines.native.access import Access, AccessTable, row_major
from pullback.engines.native.calls import write_call
from pullback.engines.native.ir import (
    Call,
    Literal,
    Loop,
    Place,
    Repeat,
    Run,
    Statement,
    Step,
    Store,
    Walked,
    When,
)
from pullback.engines.native.kernels.indexing import Zeros
from pullback.engines.native.kernels.tile import shapes
from pullback.engines.native.loop_code import (
    Written,
    contiguous_target,
    kind_of,
    write_copy,
    write_loop,
)
from pullback.engines.native.memory import Memory
from pullback.engines.native.parts import Inside, Part, Single
from pullback.engines.native.target import Target
from pullback.engines.native.workers import cores

ALONE = 16_384  # gates times elements, below which one thread does a loop alone
# A call takes as long as a short loop does. Up to so many parts that make so many elements, all
# are therefore one piece of code, with their sizes in it, which takes longer to compile.
KERNELS, ELEMENTS = 64, 10_000
SLOWER = 0.05  # is a tile with one row less, in proportion


class Builder:
    """Collects the statements of a step, or of the step of a loop inside `around`.

    `access` says where each wire lies, `panels` has the products whose second matrix is copied
    before the loop. `in_place` are the gates that write over state, and which;
    `joined` those written right into a concatenation; `checked` those that can find an index out of
    bounds. `work` counts operations, roughly, and `workspace` the bytes that each thread needs.
    """

    def __init__(
        self,
        target: Target,
        places: Mapping[Unit, Place],
        memory: Memory,
        table: AccessTable,
        around: Builder | None = None,
    ) -> None:
        self.target = target
        self.access = table
        self.around = around
        self.panels: Mapping[Unit, Unit] = {}
        self.places = dict(places)
        self.in_place: Mapping[Unit, Unit] = memory.in_place
        self.joined: Collection[Unit] = memory.joined.keys()
        self.statements: list[Statement] = []
        self.work = self.workspace = 0
        self.depth = 0 if around is None else around.depth + 1
        self.apart = 0  # rows at once, where threads share those of all that is made
        self.checked: list[Unit] = [] if around is None else around.checked

    def place(self, where: Access) -> Place:
        """The first element of an access."""
        return self.places[where.root].after(where.offset)

    def run(self, loop: Written, work: int) -> None:
        """Add a loop."""
        self.work += work
        places = tuple(map(self.place, loop.arrays))
        alone = loop.code.shared is None or work < ALONE
        self.statements.append(Run(loop.code, loop.sizes, loop.strides, places, alone))

    def copy(self, source: Access, target: Access) -> None:
        """Add a loop that copies elements from where they lie to where they should."""
        self.run(write_copy(source, target), prod(source.shape))

    def call(
        self, kernel: str, sizes: Any, places: tuple[Place, ...], work: int, alone: bool
    ) -> None:
        """Add a kernel."""
        self.work += work
        self.workspace = max(self.workspace, sizes.workspace(self.target))
        self.statements.append(Call(kernel, sizes, places, alone or work < ALONE))

    def zeros(self, place: Place, count: int) -> None:
        """Add zeros."""
        if not self.apart:
            self.call("zeros", Zeros(place.kind, count), (place,), 0, True)
            return
        nothing = Literal(0 if place.kind[0] == "i" else 0.0, place.kind)
        loop = Loop(1, 0, (Walked("y", place.kind, (1,)),), (Store(nothing, "y"),))
        self.statements.append(Run(loop, (count,), (), (place,), count < ALONE))

    def parts(self, parts: list[Part], memory: Memory) -> None:
        """Add all parts in their order, and what must be copied into state after them."""
        for part, stores in zip(parts, memory.stores, strict=True):
            if part.seldom:
                with self.seldom():
                    self.part(part, stores, memory)
            else:
                self.part(part, stores, memory)
        for new, state in memory.moves:
            self.copy(self.access[new], self.access[state])

    @contextmanager
    def seldom(self) -> Iterator[None]:
        """Let what is added inside run in some steps only; it does not count as work."""
        before, self.statements, work = self.statements, [], self.work
        yield
        last = before[-1] if before else None
        if isinstance(last, When):
            self.statements = [*last.body, *self.statements]
            before.pop()
        self.statements, self.work = [*before, When(tuple(self.statements))], work

    def part(self, part: Part, stores: Sequence[Unit], memory: Memory) -> None:
        """Add a part, which stores these wires."""
        if isinstance(part, Single):
            if part.inside is None:
                write_call(self, *part.gates)
            else:
                self.rows(part, part.inside, memory.inside[part.gate])
            return
        places = []
        for unit in stores:
            where = memory.joined.get(unit)
            if where is None:
                where = contiguous_target(unit, part)
                root = memory.in_place.get(unit, unit)
                where = Access(root, 0, where.shape, where.strides)
            places.append((unit, where))
        self.run(write_loop(part, places, self.access), len(part.gates) * prod(part.shape))

    def rows(self, call: Single, inside: Inside, memory: Memory) -> None:
        """A loop: first values and zeros where they belong, and then its step once for each row."""
        unit, outputs, body = call.gate, call.results, inside.body
        length, reverse = unit.static["length"], unit.static["reverse"]
        count, stacked = len(body.nexts), len(inside.stacked)
        for x, stack in zip(unit.inputs[:count], outputs[:count], strict=True):
            first = reverse * length * x.size
            self.copy(self.access[x], Access(stack, first, x.shape, row_major(x.shape)))
        for total in outputs[stacked:]:
            self.zeros(self.places[total], total.size)

        def by_row(place: Place, n: int, by: int) -> Place:
            """A place n elements further on, and further with each row of this loop."""
            rows = (*place.rows, *(0,) * (self.depth - len(place.rows)), by)
            return place.after(n, rows)

        def stack_of(k: int, ahead: bool) -> Place:
            size = prod(outputs[k].shape[1:])
            return by_row(self.places[outputs[k]], ahead * size, size)

        inner = Builder(self.target, self.places, memory, inside.access, self)
        inner.apart = _height(inside.rows, shapes(self.target).best.rows) if inside.rows else 0
        inner.panels = inside.panels
        places = inner.places
        places |= {wire: Place(kind_of(wire), at) for wire, at in memory.offsets.items()}
        places |= {x: stack_of(k, reverse) for k, x in enumerate(body.carries)}
        places |= {x: stack_of(k, k < count and not reverse) for k, x in enumerate(inside.stacked)}
        for x, total in zip(inside.sums, outputs[stacked:], strict=True):
            places[x] = self.places[total]
        places |= {new: places[state] for new, state in memory.in_place.items()}
        for x, given in zip(body.sources[count:], unit.inputs[count:], strict=True):
            where = self.access[given]
            by = where.strides[0] if x in body.elements else 0
            places[x] = by_row(self.place(where), 0, by) if by else self.place(where)
        inner.parts(inside.parts, memory)
        self.work += length * inner.work
        self.workspace = max(self.workspace, inner.workspace)
        if inner.statements:
            body = tuple(inner.statements)
            self.statements.append(Repeat(length, reverse, body, inside.rows, inner.apart))


def _height(rows: int, best: int) -> int:
    """How many rows a thread takes at once of those that all cores share: a tile's, or a few less.

    The one who has most should have few, and a tile is the slower the lower it is.
    """
    threads = cores()

    def most(height: int) -> float:
        ends = [-(-rows // height) * t // threads * height for t in range(threads)] + [rows]
        longest = max(end - start for start, end in pairwise(ends))
        return longest * (1.0 + SLOWER * (best - height))

    return min(range(best, max(best - 3, 0), -1), key=most)


def build_step(
    target: Target, parts: list[Part], memory: Memory, table: AccessTable
) -> tuple[Step, Builder]:
    """The code of a step that runs these parts in this memory, and the builder's notes on it."""
    places = {unit: Place(kind_of(unit), at) for unit, at in memory.offsets.items()}
    builder = Builder(target, places, memory, table)
    builder.parts(parts, memory)
    usual = [part for part in parts if not part.seldom]
    elements = sum(unit.size for part in usual for unit in part.gates)
    inline = len(usual) <= KERNELS and elements <= ELEMENTS
    return Step(tuple(builder.statements), inline), builder
