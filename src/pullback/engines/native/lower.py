"""In: loop code. Out: the same as instructions, recorded by `k`.

A loop is written in vectors: along its innermost axis as many elements are computed at once as fill
a register, and what is left at the end under a mask. The value of a gate is its own declaration,
run with registers for numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pullback.core.registry import GATES
from pullback.engines.native.code import Code
from pullback.engines.native.functions import PRECISE, namespace
from pullback.engines.native.ir import SHORT, Literal, Loop, Operand, Operation, Reduction, Store
from pullback.engines.native.number import Array, Cell, Number
from pullback.engines.native.threads import Thread, portion

LINES = 16
"""Short lines whose elements are added up in registers before they are added to those in memory."""

LONG = 60
"""Operations from which on a loop is written once, under a mask, to compile in half the time.

Its functions are called, of two registers at once, so that one computes while the other waits.
"""


def lower_loop(
    k: Code,
    loop: Loop,
    sizes: Sequence[Any],
    strides: Sequence[Any],
    places: Sequence[Number],
    thread: Thread,
) -> None:
    """Record a loop. Sizes, strides, the thread and the number of threads may be known or not."""
    _Lowering(k, loop, sizes, strides, places).record(thread)


def lower_numbers(k: Code, loop: Loop, cells: Mapping[str, Cell]) -> None:
    """Record a loop of single numbers, which lie in cells rather than in memory."""
    lowering = _Lowering(k, loop, [], [], [k.constant(0, "p")] * len(loop.arrays))
    lowering.elements(_Line({name: _InRegister(cell) for name, cell in cells.items()}), ONE)


@dataclass(frozen=True)
class _Part:
    """A part of a line: from element i on as many as there are lanes, of which a mask is true."""

    i: Any
    lanes: int
    mask: Number | None = None


ONE = _Part(0, 1)


@dataclass(frozen=True)
class _Line:
    """One run of the innermost loop: its arrays from there on, numbers that are the same for all
    of it, and where it begins in row-major order.
    """

    arrays: Mapping[str, Any]
    held: Mapping[str, Number] = field(default_factory=dict)
    index: Any = 0


class _InRegister:
    """A cell as an array of one element."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell

    def load(self, i: int, lanes: int, mask: None) -> Number:
        return self.cell.value

    def store(self, i: int, x: Number, mask: None) -> None:
        self.cell.set(x)


class _Lowering:
    """One loop that is being recorded."""

    def __init__(
        self,
        k: Code,
        loop: Loop,
        sizes: Sequence[Any],
        strides: Sequence[Any],
        places: Sequence[Number],
    ) -> None:
        self.k, self.loop, self.sizes = k, loop, sizes
        self.totals: dict[str, Cell] = {}  # of the reductions that are in a register
        self.named = {f"s{i}": stride for i, stride in enumerate(strides)}
        self.places = {array.name: at for array, at in zip(loop.arrays, places, strict=True)}
        self.walked = {array.name: array for array in loop.arrays}
        self.written = {x.array for x in loop.body if isinstance(x, Store | Reduction)}
        last = loop.axes - 1
        self.along = [
            x
            for x in loop.body
            if isinstance(x, Reduction) and loop.axes and self.walked[x.array].strides[last] == 0
        ]
        kinds = {array.kind for array in loop.arrays} or {"f8"}
        self.lanes = k.target.lanes("f4" if "f4" in kinds else max(kinds - {"b1"}, default="b1"))
        self.adding = self.added()
        self.once = len(loop.body) > LONG
        self.lanes *= 1 + self.once
        self.reads = {
            y.name
            for x in loop.body
            for y in (x.inputs if isinstance(x, Operation) else (x.input,))
            if isinstance(y, Operand)
        }

    def added(self) -> list[Reduction]:
        """The reductions along the last axis but one, if lines are short and none runs along them.

        In a long line a sum in memory is there again long before the next line adds to it.
        """
        if not self.sizes or not isinstance(self.sizes[-1], int) or self.sizes[-1] > SHORT:
            return []
        found = [x for x in self.loop.body if isinstance(x, Reduction)]
        ends = [self.walked[x.array].strides[-2:] for x in found]
        return found if found and all(end == (0, 1) for end in ends) else []

    def stride(self, stride: int | str) -> Any:
        """A stride, where it is known or has a register."""
        return self.named[stride] if isinstance(stride, str) else stride

    def record(self, thread: Thread) -> None:
        loop = self.loop
        self.k.long = self.k.long or self.once  # not in `lower_numbers`: a call empties registers
        spans: list[tuple[Any, Any]] = [(0, n) for n in self.sizes]
        if loop.shared is not None:
            spans[loop.shared] = portion(self.sizes[loop.shared], thread)
        for x in loop.body:
            if isinstance(x, Reduction) and x.adding:
                self.clear(x, spans)
        if not loop.axes:
            arrays = {name: self.array(name, at) for name, at in self.places.items()}
            self.elements(_Line(arrays), ONE)
            return
        start, stop = spans[-1]
        if isinstance(stop, int) and isinstance(start, int):  # a short line fills a short vector
            while self.lanes > 1 and self.lanes // 2 >= stop - start:
                self.lanes //= 2
        self.level(0, dict(self.places), 0, spans)

    def first(self, x: Reduction) -> int:
        """The first of the axes along which a reduction stays in a register."""
        strides = self.walked[x.array].strides
        axis = len(strides) - 1
        while not x.adding and axis > 0 and strides[axis - 1] == 0:
            axis -= 1
        return axis

    def clear(self, x: Reduction, spans: Sequence[tuple[Any, Any]]) -> None:
        """Let a reduction that is added to in memory begin."""
        walked = self.walked[x.array]

        def level(axis: int, at: Number) -> None:
            if axis == len(spans):
                self.k.store(self.k.constant(x.identity, walked.kind), at)
            elif walked.strides[axis] == 0:
                level(axis + 1, at)
            else:
                for i in self.k.range(*spans[axis]):
                    by = i * self.stride(walked.strides[axis])
                    level(axis + 1, self.k.offset(at, by, walked.kind))

        level(0, self.places[x.array])

    def level(
        self, axis: int, places: Mapping[str, Number], index: Any, spans: Sequence[tuple[Any, Any]]
    ) -> None:
        """The loop over an axis and all inside it, and the reductions that it begins."""
        k, begun = self.k, [x for x in self.along if self.first(x) == axis]
        for x in begun:
            self.totals[x.array] = k.cell(k.constant(x.identity, x.wide, self.lanes))
        if axis == self.loop.axes - 1:
            self.line(places, index, *spans[axis])
        elif axis == self.loop.axes - 2 and self.adding:
            self.blocks(places, index, spans)
        else:
            self.lines(axis, places, index, spans)
        for x in begun:
            self.finish(x, self.array(x.array, places[x.array]), self.totals[x.array])

    def lines(
        self, axis: int, places: Mapping[str, Number], index: Any, spans: Sequence[tuple[Any, Any]]
    ) -> None:
        """The loop over an axis that is not the innermost."""
        for i in self.k.range(*spans[axis]):
            self.level(axis + 1, *self.further(axis, i, places, index), spans)

    def further(
        self, axis: int, i: Any, places: Mapping[str, Number], index: Any
    ) -> tuple[dict[str, Number], Any]:
        """Where all arrays are, and the place in row-major order, i steps along an axis."""
        here = {
            name: self.k.offset(at, i * self.stride(w.strides[axis]), w.kind)
            if w.strides[axis] != 0
            else at
            for (name, at), w in zip(places.items(), self.walked.values(), strict=True)
        }
        if self.loop.index is not None:
            index = index + i * self.stride(self.loop.index[axis])
        return here, index

    def blocks(
        self, places: Mapping[str, Number], index: Any, spans: Sequence[tuple[Any, Any]]
    ) -> None:
        """The last two axes, where what is added up along the first of them is in registers.

        Some lines at a time, and of these a part after another: nothing waits for a sum that was
        just stored.
        """
        k, axis = self.k, self.loop.axes - 2
        first, last = spans[axis]
        for at in k.range(first, last, LINES):
            end = k.minimum(at + LINES, last)

            def some(part: _Part, at: Any = at, end: Any = end) -> None:
                arrays = {x.array: self.array(x.array, places[x.array]) for x in self.adding}
                for x in self.adding:
                    old = arrays[x.array].load(part.i, part.lanes, part.mask)
                    self.totals[x.array] = k.cell(k.convert(old, x.wide))
                for i in k.range(at, end):
                    self.elements(self.begun(*self.further(axis, i, places, index)), part)
                for x in self.adding:
                    y = k.convert(self.totals.pop(x.array).value, self.walked[x.array].kind)
                    arrays[x.array].store(part.i, y, part.mask)

            self.parts(*spans[-1], some)

    def array(self, name: str, at: Number) -> Array:
        walked = self.walked[name]
        step = self.stride(walked.strides[-1]) if walked.strides else 1
        return self.k.array(at, walked.kind, step)

    def line(self, places: Mapping[str, Number], index: Any, start: Any, stop: Any) -> None:
        """The innermost loop."""
        line = self.begun(places, index)
        self.parts(start, stop, lambda part: self.elements(line, part))

    def begun(self, places: Mapping[str, Number], index: Any) -> _Line:
        """A line that begins there."""
        k = self.k
        arrays, held = {}, {}
        for name, at in places.items():
            walked = self.walked[name]
            if walked.strides[-1] == 0 and name not in self.written:  # the same for the whole line
                held[name] = k.load(at, walked.kind)
            else:
                arrays[name] = self.array(name, at)
        return _Line(arrays, held, index)

    def parts(self, start: Any, stop: Any, some: Callable[[_Part], None]) -> None:
        """`some(part)` for each part of a line."""
        k, lanes = self.k, self.lanes
        count = stop - start if isinstance(stop, int) and isinstance(start, int) else None

        def masked(i: Any) -> _Part:
            return _Part(i, lanes, k.first_lanes(stop - i, lanes))

        if lanes == 1 or (count is not None and count % lanes == 0):
            for i in k.range(start, stop, lanes):
                some(_Part(i, lanes))
        elif self.once and (count is None or count > lanes):
            for i in k.range(start, stop, lanes):
                some(masked(i))
        else:
            end = start + (stop - start) // lanes * lanes
            for i in k.range(start, end, lanes):
                some(_Part(i, lanes))
            for i in k.range(end, stop, lanes):  # once, or never
                some(masked(i))

    def finish(self, x: Reduction, array: Array, total: Cell) -> None:
        """The lanes of a reduction as one number, in memory."""
        k = self.k
        y = k.folded(total.value, lambda a, b: self.combined(x, a, b))
        y = k.convert(y, array.kind)
        array[0] = self.combined(x, array[0], y) if x.adding else y

    def combined(self, x: Reduction, a: Number, b: Number) -> Number:
        """Two terms of a reduction as one."""
        m = namespace(self.k)
        joins = {"sum": m.add, "prod": m.multiply, "max": m.maximum, "min": m.minimum}
        return joins[x.gate](a, b)

    def elements(self, line: _Line, part: _Part) -> None:
        """Everything that is done for a part of a line."""
        k, values = self.k, dict(line.held)
        m = namespace(k, self.index(line, part))
        for name, array in line.arrays.items():
            if name in self.reads:
                values[name] = array.load(part.i, part.lanes, part.mask)
        for x in self.loop.body:
            if isinstance(x, Operation):
                values[x.name] = self.value(m, x, values)
                continue
            kind = self.walked[x.array].kind
            if isinstance(x, Reduction) and x.array in self.totals:
                kind = x.wide
            if isinstance(x.input, Literal):
                given = k.constant(x.input.value, kind, part.lanes)
            else:
                given = k.splat(k.convert(values[x.input.name], kind), part.lanes)
            array = line.arrays[x.array]
            if isinstance(x, Store):
                array.store(part.i, given, part.mask)
            elif x.array in self.totals:
                if part.mask is not None:
                    given = k.select(part.mask, given, k.constant(x.identity, kind, part.lanes))
                total = self.totals[x.array]
                total.set(self.combined(x, total.value, given))
            else:
                old = array.load(part.i, part.lanes, part.mask)
                array.store(part.i, self.combined(x, old, given), part.mask)

    def index(self, line: _Line, part: _Part) -> Number | None:
        """The places of a part's elements in row-major order, where a gate is made of them."""
        if self.loop.index is None:
            return None
        k, step = self.k, self.stride(self.loop.index[-1]) if self.loop.index else 1
        start = line.index + part.i * step + k.constant(0, "i8")
        return k.splat(start, part.lanes) + k.lane_numbers("i8", part.lanes) * step

    def value(self, m: Any, x: Operation, values: Mapping[str, Number]) -> Number:
        """What a gate makes, in its own words."""
        k, gate = self.k, GATES[x.gate]
        weak = x.takes and all(isinstance(y, Literal) or y.kind == "b1" for y in x.inputs)

        def operand(i: int, y: Operand | Literal) -> Number:
            asks = bool in gate.domain[i : i + 1]  # whether it is true
            stays = y.kind == "b1" and not weak
            kind = "b1" if asks or stays else x.takes or y.kind
            if isinstance(y, Literal):
                return k.constant(y.value, kind)
            return k.convert(values[y.name], kind)

        xs = [operand(i, y) for i, y in enumerate(x.inputs)]
        if x.gate in PRECISE:
            made = getattr(m, x.gate)(*xs)
        else:
            made = gate.value(m, *xs, **dict(x.static))
        return k.convert(made, x.kind)
