"""In: the loop code of a step or an epoch. Out: the function that a thread calls, recorded by `k`.

All threads run the same function. Each takes its part of every loop and waits at a barrier before
what reads what others wrote; what is for one thread alone, the first does. All that it must know
lies in one block of words: where memory begins, how many threads there are, which batches to run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pullback.engines.native.code import Code
from pullback.engines.native.ir import (
    Call,
    Epoch,
    Loop,
    Place,
    Registers,
    Repeat,
    Run,
    Statement,
    Step,
    When,
)
from pullback.engines.native.kernels import KERNELS, Kernel
from pullback.engines.native.kernels.indexing import Gather
from pullback.engines.native.kernels.pack import Pack, record_pack
from pullback.engines.native.kernels.tile import Tile, record_tile
from pullback.engines.native.layout import MEMORY, WORDS
from pullback.engines.native.lower import lower_loop, lower_numbers
from pullback.engines.native.number import Number
from pullback.engines.native.target import Target
from pullback.engines.native.threads import Thread, portion


def record(code: Any, target: Target) -> tuple[str, dict[str, Any]]:
    """The text of the function for a record of code, and what it calls, by name."""
    k = Code(code, code.arguments, target)
    write(k, code, k.arguments)
    return k.text(), k.needs


def write(k: Code, code: Any, arguments: Sequence[Number]) -> None:
    """Record in k what a record of code does with these arguments."""
    match code:
        case Loop():
            t, T, *rest = arguments
            n, s = code.axes, code.axes + code.strides
            nowhere = k.constant(0, "p")
            thread = Thread(t, T, nowhere, nowhere)
            sizes = rest[:n] if code.short is None else [*rest[: n - 1], code.short]
            lower_loop(k, code, sizes, rest[n:s], rest[s:], thread)
        case Kernel():
            t, T, workspace, counters, *arrays = arguments
            KERNELS[code.name](k, code.sizes, Thread(t, T, workspace, counters), *arrays)
        case Tile():
            record_tile(k, code, *arguments)
        case Pack():
            record_pack(k, code, *arguments)
        case Step():
            _Step(k, *arguments).statements(code.body, code.inline)
        case Epoch():
            _Step(k, *arguments).epoch(code)
        case Registers():
            _Step(k, *arguments).registers(code)
        case _:
            raise TypeError(f"there is no way to record {type(code).__name__}")


class _Step:
    """A step that is being recorded."""

    def __init__(self, k: Code, block: Number, t: Number) -> None:
        self.k = k
        self.block, self.t = k.array(block, "i8"), t
        words = {name: self.block[i] for i, name in enumerate(WORDS)}
        self.words = words
        self.counters = k.pointer(words["counters"])
        workspace = k.offset(k.pointer(words["workspace"]), self.t * words["share"], "u1")
        self.thread = Thread(self.t, words["threads"], workspace, self.counters)
        self.first = Thread(0, 1, workspace, self.counters)
        self.arenas = {kind: k.pointer(words[kind]) for kind in MEMORY}
        self.rows: list[Any] = []

    def at(self, place: Place) -> Number:
        """The address of a place, in the present rows."""
        at = self.k.offset(self.arenas[place.kind], place.start, place.kind)
        for row, by in zip(self.rows, place.rows, strict=False):
            if by:
                at = self.k.offset(at, row * by, place.kind)
        return at

    def wait(self) -> None:
        """All threads wait until all are here."""
        self.k.call("pullback_barrier", self.counters, self.words["threads"])

    def statements(self, body: Sequence[Statement], inline: bool) -> None:
        """What all threads run; what is for one of them alone, thread 0 does."""
        for n, statement in enumerate(body):
            if statement.alone:
                with self.k.when(self.t == 0):
                    self.statement(statement, self.first, inline)
            else:
                self.statement(statement, self.thread, inline)
            alone = statement.alone and n + 1 < len(body) and body[n + 1].alone
            block = isinstance(statement, When | Repeat) and not statement.alone
            shared = block and not (isinstance(statement, Repeat) and statement.rows)
            if not alone and not shared:  # a shared block ends with its own
                self.wait()

    def each(self, x: Repeat) -> Iterator[Any]:
        """The rows of a loop, in their order."""
        rows = range(x.length)[::-1] if x.reverse else range(x.length)
        yield from self.k.range(rows.start, rows.stop, rows.step)

    def statement(self, x: Statement, thread: Thread, inline: bool) -> None:
        if isinstance(x, When):
            with self.k.when(self.words["asked"] != 0):
                if x.alone:
                    for inner in x.body:
                        self.statement(inner, thread, inline)
                else:
                    self.statements(x.body, inline)
            return
        if isinstance(x, Repeat) and x.rows:
            self.apart(x, thread, inline)
            return
        if isinstance(x, Repeat):
            for row in self.each(x):
                self.rows.append(row)
                if x.alone:
                    for inner in x.body:
                        self.statement(inner, self.first, inline)
                else:
                    self.statements(x.body, inline)
                self.rows.pop()
            return
        places = [self.at(place) for place in x.places]
        if isinstance(x, Run):
            if inline:
                lower_loop(self.k, x.loop, x.sizes, x.strides, places, thread)
            else:
                self.k.run(x.loop, thread.t, thread.T, *x.sizes, *x.strides, *places)
        elif inline:
            KERNELS[x.kernel](self.k, x.sizes, thread, *places)
        else:
            kernel = Kernel(x.kernel, x.sizes, len(places))
            self.k.run(kernel, thread.t, thread.T, thread.workspace, self.counters, *places)

    def apart(self, x: Repeat, thread: Thread, inline: bool) -> None:
        """A thread's own rows of all that a loop's steps make."""
        k, share = self.k, portion(-(-x.rows // x.at_once), thread)
        low, high = (k.minimum(n * x.at_once, x.rows) for n in share)
        for row in self.each(x):
            self.rows.append(row)
            for inner in x.body:
                self.own_rows(inner, x.rows, low, high, thread, inline)
            self.rows.pop()

    def own_rows(
        self, x: Statement, rows: int, low: Any, high: Any, thread: Thread, inline: bool
    ) -> None:
        """What a statement makes in these of so many rows."""
        if isinstance(x, Call):
            self.statement(x, replace(thread, t=low, T=high), inline)
            return
        assert isinstance(x, Run)
        width = x.sizes[0] // rows  # an axis of rows may have others merged into it
        sizes, strides, places = ((high - low) * width, *x.sizes[1:]), x.strides, []
        for place, array in zip(x.places, x.loop.arrays, strict=True):
            by = array.strides[0]
            by = strides[int(by[1:])] if isinstance(by, str) else by
            places.append(self.k.offset(self.at(place), low * (width * by), place.kind))
        if inline:
            lower_loop(self.k, x.loop, sizes, strides, places, self.first)
        else:
            self.k.run(x.loop, 0, 1, *sizes, *strides, *places)

    # Many steps ----------------------------------------------------------------------------------

    def epoch(self, x: Epoch) -> None:
        """The steps from batch `first` to batch `last`, each on the next rows of the data.

        Numbers are recorded for every step, and seldom ones for every `every`-th.
        """
        k = self.k
        order = k.array(k.pointer(self.words["order"]), "i8")
        for batch in k.range(self.words["first"], self.words["last"]):
            if x.seldom:
                with k.when(self.t == 0):
                    self.block[WORDS.index("asked")] = k.convert(self.asked(batch), "i8")
            for i, rows in enumerate(x.inputs):
                if rows is None:  # nothing in the step reads it
                    continue
                sizes = Gather(rows.place.kind, rows.rows, rows.width, rows.given)
                data = k.pointer(self.block[len(WORDS) + i])
                places = (self.at(rows.place), data, order.after(batch * rows.rows).address)
                kernel = Kernel("gather", sizes, 3)
                t, T = self.thread.t, self.thread.T
                k.run(kernel, t, T, self.thread.workspace, self.counters, *places)
            self.wait()
            k.run(x.step, self.block, self.t)
            with k.when(self.t == 0):
                given = len(x.inputs)
                for i, place in enumerate(x.numbers):
                    self.recorded(i, batch, k.load(self.at(place), place.kind), given)
                if x.seldom:
                    with k.when(self.asked(batch)):
                        for i, place in enumerate(x.seldom, len(x.numbers)):
                            value = k.load(self.at(place), place.kind)
                            self.recorded(i, self.look(batch), value, given)
            self.wait()

    def asked(self, batch: Any) -> Number:
        """Whether seldom numbers are asked for in a batch."""
        return (batch + self.words["passed"]) % self.words["every"] == 0

    def look(self, batch: Any) -> Number:
        """How many times they were asked for before; one more where a run began in between."""
        return (batch + self.words["passed"]) // self.words["every"]

    def recorded(self, i: int, column: Any, value: Number, inputs: int) -> None:
        """Write what number i was, into a column of its row."""
        columns = self.block[len(WORDS) + inputs]
        record = self.k.array(self.k.pointer(self.words["record"]), "f8")
        record[columns * i + column] = self.k.convert(value, "f8")

    def registers(self, x: Registers) -> None:
        """The same for a step of single numbers: they stay in registers between the batches."""
        k = self.k
        with k.when(self.t == 0):
            cells = {}
            for name, cell in x.cells:
                first = k.constant(0, cell.kind)
                if cell.place is not None:
                    first = k.load(self.at(cell.place), cell.kind)
                cells[name] = k.cell(first)
            order = k.array(k.pointer(self.words["order"]), "i8")
            data = [k.pointer(self.block[len(WORDS) + i]) for i in range(len(x.widths))]
            for batch in k.range(self.words["first"], self.words["last"]):
                rows = {
                    row: order[batch * x.rows + row]
                    for row in sorted({cell.row for _, cell in x.cells if cell.input >= 0})
                }
                for name, cell in x.cells:
                    if cell.input >= 0:
                        given = k.array(data[cell.input], cell.given)
                        value = given[rows[cell.row] * x.widths[cell.input] + cell.column]
                        cells[name].set(k.convert(value, cell.kind))
                lower_numbers(k, x.loop, cells)
                for i, name in enumerate(x.numbers):
                    self.recorded(i, batch, cells[name].value, len(x.widths))
                if x.seldom:
                    with k.when(self.asked(batch)):
                        for i, name in enumerate(x.seldom, len(x.numbers)):
                            value = cells[name].value
                            self.recorded(i, self.look(batch), value, len(x.widths))
                news = [cells[new].value for _, new, _ in x.updates]
                for (state, _, _), new in zip(x.updates, news, strict=True):
                    cells[state].set(new)
            for state, _, place in x.updates:
                k.store(cells[state].value, self.at(place))
