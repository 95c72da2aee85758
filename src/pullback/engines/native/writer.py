"""In: loops as text, and calls of kernels. Out: the lines of a step, and where threads wait.

Each loop is a function, written once for all places that differ in sizes alone; around it stands
one that finds the arrays in the arenas and the thread's part. A line is a call of such a function
or of a structural kernel; a block is lines that run again and again, with their row as a variable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import prod
from typing import NamedTuple

from pullback.core.unit import Unit
from pullback.engines.native.access import Access
from pullback.engines.native.write import LoopText, write_copy

ARENAS = {"float32": "F4", "float64": "F8", "int64": "I8", "bool": "B1"}
ARENA_NAMES = ", ".join(ARENAS.values())
ALONE = 16_384  # gates times elements, below which one thread does a loop alone

LOOP_HEADER = '''"""A loop of a circuit, written by pullback."""

from math import inf, nan

from pullback.engines.native.kernels.generated import *


'''


class Start(NamedTuple):
    """Where a buffer begins in its arena: a number, and so many elements more for each row."""

    number: int
    rows: tuple[tuple[int, str], ...] = ()

    def after(self, n: int, *rows: tuple[int, str]) -> Start:
        """The place n elements further on, and further for each row of a block."""
        return Start(self.number + n, (*self.rows, *rows))

    def __str__(self) -> str:
        steps = (f" + {by} * {row}" for by, row in self.rows if by)
        return f"{self.number}{''.join(steps)}"


class Line(NamedTuple):
    """A call, or a block of lines under its head; `alone` is for one thread."""

    alone: bool
    text: str
    block: Sequence[Line] = ()


class StepWriter:
    """Collects the functions of a step and the lines that call them.

    `in_place` are the gates that write over state, and which; `adding` those that add to what is in
    memory; `joined` those written right into a concatenation; `checked` those that can find an
    index out of bounds. If `inlining`, loops become part of the step; else they are called.
    """

    def __init__(
        self, starts: Mapping[Unit, Start], in_place: Mapping[Unit, Unit], around: StepWriter | None
    ) -> None:
        self.starts = dict(starts)
        self.in_place = in_place
        self.joined: Collection[Unit] = ()
        self.lines: list[Line] = []
        self.work = 0
        self.workspace = 0
        self.depth = 0 if around is None else around.depth + 1
        self.inlining = around is not None and around.inlining
        self.functions: dict[str, str] = {} if around is None else around.functions
        self.checked: list[Unit] = [] if around is None else around.checked

    def place(self, where: Access) -> Start:
        """The first element of an access, in its arena."""
        return self.starts[where.root].after(where.offset)

    def line(self, text: str, alone: bool) -> None:
        self.lines.append(Line(alone, text))

    def block(self, head: str, inside: StepWriter, times: int) -> None:
        """Add what another writer has collected, to be run so many times."""
        self.work += times * inside.work
        self.workspace = max(self.workspace, inside.workspace)
        if inside.lines:
            self.lines.append(Line(all(line.alone for line in inside.lines), head, inside.lines))

    def loop(self, loop: LoopText, work: int) -> None:
        """Add a loop: its function, unless one of the same text is there, and its call."""
        starts = [f"o{k}" for k in range(len(loop.arrays))]
        lines = [
            f"@loop({1 + len(loop.numbers) + len(starts)}{', forceinline=True' * self.inlining})",
            f"def run(t, T, {ARENA_NAMES}, {', '.join(['n', *loop.numbers, *starts])}):",
            "    lo, hi = portion(n, t, T)",
        ]
        for start, (name, where) in zip(starts, loop.arrays.items(), strict=True):
            lines.append(f"    {name} = after({ARENAS[where.root.dtype.name]}, {start})")
        text = LOOP_HEADER + "\n".join([*lines, *(f"    {line}" for line in loop.body), ""])
        name = self.functions.setdefault(text, f"run{len(self.functions)}")
        places = map(self.place, loop.arrays.values())
        told = ", ".join(map(str, (loop.length, *loop.numbers.values(), *places)))
        self.work += work
        alone = loop.serial or work < ALONE
        self.line(f"{name}({threads(alone)}, {ARENA_NAMES}, {told})", alone)

    def copy(self, source: Access, target: Access) -> None:
        """Add a loop that copies elements from where they lie to where they should."""
        self.loop(write_copy(source, target), prod(source.shape))

    def fill(self, arena: str, start: Start, count: int) -> None:
        """Add zeros."""
        self.line(f"fill({threads(True)}, {arena}, {listed(start, count)})", True)

    def text(self) -> str:
        """The body of the step: a line for each kernel, and where threads wait for each other."""
        return "\n".join(_shared(self.lines, "    ") or ["    pass"]) + "\n"


def listed(*values: object) -> str:
    """Arguments, of a type and not of a value, for each of which Numba would compile anew."""
    return ", ".join(f"i8({value})" for value in values)


def threads(alone: bool) -> str:
    """The first arguments of a kernel: which thread of how many runs it."""
    return "i8(0), i8(1)" if alone else "t, T"


def _shared(lines: Sequence[Line], pad: str) -> list[str]:
    """Lines that all threads run; what is for one of them alone, thread 0 does."""
    written, open_ = [], False
    for k, line in enumerate(lines):
        if line.alone:
            if not open_:
                written.append(f"{pad}if t == 0:")
            written += _alone(line, f"{pad}    ")
        else:
            written.append(f"{pad}{line.text}")
            written += _shared(line.block, f"{pad}    ")
        open_ = line.alone
        goes_on = line.alone and k + 1 < len(lines) and lines[k + 1].alone
        if not goes_on and (line.alone or not line.block):  # a shared block ends with its own
            written.append(f"{pad}barrier(counters, T)")
    return written


def _alone(line: Line, pad: str) -> list[str]:
    """Lines that one thread runs."""
    inside = [text for inner in line.block for text in _alone(inner, f"{pad}    ")]
    return [f"{pad}{line.text}", *inside]
