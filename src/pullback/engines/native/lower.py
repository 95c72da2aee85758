"""In: loop code. Out: the same as instructions, recorded by `k`.

A loop is written in vectors: along its innermost axis as many elements are computed at once as fill
a register, and what is left at the end under a mask. The value of a gate is its own declaration,
run with registers for numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pullback.core.registry import GATES
from pullback.engines.native.code import Code
from pullback.engines.native.functions import PRECISE, namespace
from pullback.engines.native.ir import Literal, Loop, Operand, Operation, Reduction, Store
from pullback.engines.native.number import Array, Cell, Number
from pullback.engines.native.threads import Thread, portion

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
    _Lowering(k, loop, [], [], [k.constant(0, "p")] * len(loop.arrays)).elements(
        {array.name: _InRegister(cells[array.name]) for array in loop.arrays},
        {},
        0,
        1,
        None,
        {},
        (k.constant(0, "i8"), 0),
    )


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
        self.lanes = min(k.target.lanes(array.kind) for array in loop.arrays) if loop.arrays else 1
        kinds = {array.kind for array in loop.arrays} - {"b1"}
        if kinds & {"f4"}:
            self.lanes = k.target.lanes("f4")
        self.once = len(loop.body) > LONG
        self.lanes *= 1 + self.once
        k.long = k.long or self.once
        self.reads = {
            y.name
            for x in loop.body
            for y in (x.inputs if isinstance(x, Operation) else (x.input,))
            if isinstance(y, Operand)
        }

    def stride(self, stride: int | str) -> Any:
        """A stride, where it is known or has a register."""
        return self.named[stride] if isinstance(stride, str) else stride

    def record(self, thread: Thread) -> None:
        k, loop = self.k, self.loop
        spans: list[tuple[Any, Any]] = [(0, n) for n in self.sizes]
        if loop.shared is not None:
            spans[loop.shared] = portion(self.sizes[loop.shared], thread)
        for x in loop.body:
            if isinstance(x, Reduction) and x.adding:
                self.clear(x, spans)
        if not loop.axes:
            arrays = {name: self.array(name, at) for name, at in self.places.items()}
            self.elements(arrays, {}, 0, 1, None, {}, (k.constant(0, "i8"), 0))
            return
        self.level(0, dict(self.places), k.constant(0, "i8"), spans)

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
        """The loop over an axis, and all inside it."""
        if axis == self.loop.axes - 1:
            self.line(places, index, *spans[axis])
            return
        for i in self.k.range(*spans[axis]):
            further = {
                name: self.k.offset(at, i * self.stride(w.strides[axis]), w.kind)
                if w.strides[axis] != 0
                else at
                for (name, at), w in zip(places.items(), self.walked.values(), strict=True)
            }
            here = index
            if self.loop.index is not None:
                here = index + i * self.stride(self.loop.index[axis])
            self.level(axis + 1, further, here, spans)

    def array(self, name: str, at: Number) -> Array:
        walked = self.walked[name]
        step = self.stride(walked.strides[-1]) if walked.strides else 1
        return self.k.array(at, walked.kind, step)

    def line(self, places: Mapping[str, Number], index: Any, start: Any, stop: Any) -> None:
        """The innermost loop."""
        k = self.k
        arrays, held = {}, {}
        for name, at in places.items():
            walked = self.walked[name]
            if walked.strides[-1] == 0 and name not in self.written:  # the same for the whole line
                held[name] = k.load(at, walked.kind)
            else:
                arrays[name] = self.array(name, at)
        lanes = self.lanes
        count = stop - start if isinstance(stop, int) and isinstance(start, int) else None
        if count is not None:  # a short line fills a short vector
            while lanes > 1 and lanes // 2 >= count:
                lanes //= 2
        totals = {x.array: k.cell(k.constant(x.identity, x.wide, lanes)) for x in self.along}

        def elements(i: Any, mask: Number | None) -> None:
            here = None if self.loop.index is None else (index, i)
            self.elements(arrays, held, i, lanes, mask, totals, here)

        whole = count is not None and count % lanes == 0
        if lanes == 1 or whole:
            for i in k.range(start, stop, lanes):
                elements(i, None)
        elif self.once and not (count is not None and count < lanes):
            for i in k.range(start, stop, lanes):
                elements(i, k.first_lanes(stop - i, lanes))
        else:
            end = start + (stop - start) // lanes * lanes
            for i in k.range(start, end, lanes):
                elements(i, None)
            if count is not None:
                elements(end, k.first_lanes(stop - end, lanes))
            else:
                with k.when(end < stop):
                    elements(end, k.first_lanes(stop - end, lanes))
        for x in self.along:
            self.finish(x, arrays[x.array], totals[x.array])

    def finish(self, x: Reduction, array: Array, total: Cell) -> None:
        """The lanes of a reduction as one number, in memory."""
        k = self.k
        y = k.folded(total.value, lambda a, b: self.combined(x, a, b))
        y = k.convert(y, array.kind)
        array[0] = self.combined(x, array[0], y) if x.adding else y

    def combined(self, x: Reduction, a: Number, b: Number) -> Number:
        """Two terms of a reduction as one."""
        m = namespace(self.k)
        return {"sum": m.add, "max": m.maximum, "min": m.minimum}[x.gate](a, b)

    def elements(
        self,
        arrays: Mapping[str, Any],
        held: Mapping[str, Number],
        i: Any,
        lanes: int,
        mask: Number | None,
        totals: Mapping[str, Cell],
        index: Any = None,
    ) -> None:
        """Everything that is done for `lanes` elements from index i of the line on."""
        k, values = self.k, dict(held)
        if index is not None:
            start, step = index[0], self.stride((self.loop.index or (1,))[-1])
            index = k.splat(start + i * step, lanes) + k.lane_numbers("i8", lanes) * step
        m = namespace(k, index)
        for name, array in arrays.items():
            if name in self.reads:
                values[name] = array.load(i, lanes, mask)

        def given(x: Operand | Literal, kind: str) -> Any:
            if isinstance(x, Literal):
                return k.constant(x.value, kind)
            return k.convert(values[x.name], kind)

        for x in self.loop.body:
            if isinstance(x, Operation):
                values[x.name] = self.value(m, x, values)
            elif isinstance(x, Store):
                kind = self.walked[x.array].kind
                arrays[x.array].store(i, k.splat(given(x.input, kind), lanes), mask)
            else:
                self.reduce(x, arrays[x.array], given, i, lanes, mask, totals)

    def reduce(
        self,
        x: Reduction,
        array: Array,
        given: Any,
        i: Any,
        lanes: int,
        mask: Number | None,
        totals: Mapping[str, Cell],
    ) -> None:
        k = self.k
        if x.array in totals:
            term = k.splat(given(x.input, x.wide), lanes)
            if mask is not None:
                term = k.select(mask, term, k.constant(x.identity, x.wide, lanes))
            total = totals[x.array]
            total.set(self.combined(x, total.value, term))
            return
        term = k.splat(given(x.input, array.kind), lanes)
        array.store(i, self.combined(x, array.load(i, lanes, mask), term), mask)

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
