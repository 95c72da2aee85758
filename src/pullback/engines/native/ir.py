"""Loop code: what a step does to memory, as records that know no processor.

A step is a sequence of statements. Run is a loop over elements, Call a kernel, Repeat the steps of
a `loop` one after another. A Loop says what is computed for each element, without its sizes, which
the Run has: so all layers of a network share a few loops. `str` of any record is what a person
reads; the store knows object code by `repr`, which leaves nothing out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

SHORT = 32
"""Elements of a line, channels say, up to which their number is part of the code: the line is then
a register or a few, with nothing around them, and not a loop that may end anywhere."""

Stride = int | str
"""Elements from one index to the next: 0, 1, or a size with a name, which the Run has."""


@dataclass(frozen=True)
class Operand:
    """What a gate takes: a value that the loop made (v3), one it read (x0), or a number."""

    name: str
    kind: str


@dataclass(frozen=True)
class Literal:
    """A number that is known."""

    value: float | int | bool
    kind: str

    def __str__(self) -> str:
        return f"{self.value!r}"


@dataclass(frozen=True)
class Operation:
    """A gate on one element: its name, what it takes, the kind of what it makes.

    `takes` is the kind to which its inputs are brought, but for truth values; "" leaves them.
    """

    name: str
    gate: str
    inputs: tuple[Operand | Literal, ...]
    kind: str
    takes: str
    static: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        given = [*map(_shown, self.inputs), *(f"{name}={value}" for name, value in self.static)]
        takes = "" if self.takes in ("", self.kind) else f" in {self.takes}"
        return f"{self.name}: {self.kind} = {self.gate}({', '.join(given)}){takes}"


@dataclass(frozen=True)
class Reduction:
    """Elements that become one, the `sum`, `prod`, `max` or `min` of them, in an array.

    `wide` is the kind in which those in a register are added. `adding` ones go on from what is in
    memory, where they begin with `identity`, and are in a register for a line at most; others run
    along the last axes, and stay in a register meanwhile.
    """

    gate: str
    input: Operand | Literal
    array: str
    wide: str
    identity: float | int | bool
    adding: bool

    def __str__(self) -> str:
        sign = "from the start" if self.adding else "along the line"
        return f"{self.array} = {self.gate}({_shown(self.input)}) in {self.wide}, {sign}"


@dataclass(frozen=True)
class Store:
    """A value that goes to memory."""

    input: Operand | Literal
    array: str

    def __str__(self) -> str:
        return f"{self.array} = {_shown(self.input)}"


def _shown(x: Operand | Literal) -> str:
    return x.name if isinstance(x, Operand) else str(x)


@dataclass(frozen=True)
class Walked:
    """An array as a loop walks it: the kind of its elements, and its stride along each axis."""

    name: str
    kind: str
    strides: tuple[Stride, ...]

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}[{', '.join(map(str, self.strides))}]"


@dataclass(frozen=True)
class Loop:
    """What is done for every index of `axes` axes, the last of which is the innermost.

    Threads share axis `shared`, along which no reduction runs; None where there is none. `index`
    has the strides of the place in row-major order, where a gate is made of it. `short` is the size
    of the innermost axis, where that is small, not the only one, and not shared.
    """

    axes: int
    shared: int | None
    arrays: tuple[Walked, ...]
    body: tuple[Operation | Reduction | Store, ...]
    index: tuple[Stride, ...] | None = None
    short: int | None = None

    @property
    def strides(self) -> int:
        """How many strides have a name."""
        walks = [array.strides for array in self.arrays] + [self.index or ()]
        return len({stride for walk in walks for stride in walk if isinstance(stride, str)})

    @property
    def arguments(self) -> list[str]:
        """The thread, how many there are, the sizes, the named strides, and the arrays."""
        return [*["i8"] * (2 + self.axes + self.strides), *["p"] * len(self.arrays)]

    def __str__(self) -> str:
        shared = "" if self.shared is None else f", threads share axis {self.shared}"
        index = "" if self.index is None else f", index {list(self.index)}"
        short = "" if self.short is None else f", lines of {self.short}"
        head = f"loop over {self.axes} axes{short}{shared}{index}"
        return "\n".join([head, *(f"  {x}" for x in (*self.arrays, *self.body))])


@dataclass(frozen=True)
class Place:
    """Where an array begins: in the memory of its kind, so many elements on.

    For each `row` of a Repeat around, outermost first, it lies some elements further on.
    """

    kind: str
    start: int
    rows: tuple[int, ...] = ()

    def after(self, n: int, rows: tuple[int, ...] | None = None) -> Place:
        """The place n elements further on, and so many more for each row."""
        return Place(self.kind, self.start + n, self.rows if rows is None else rows)

    def __str__(self) -> str:
        rows = "".join(f" + {by}·row{depth}" for depth, by in enumerate(self.rows) if by)
        return f"{self.kind}[{self.start}{rows}]"


@dataclass(frozen=True)
class Run:
    """A loop with its sizes, one for each axis, the values of its named strides, and its arrays."""

    loop: Loop
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    places: tuple[Place, ...]
    alone: bool
    """Whether one thread does it, rather than all."""

    def __str__(self) -> str:
        sizes = (
            f"{list(self.sizes)} strides {list(self.strides)}"
            if self.strides
            else f"{list(self.sizes)}"
        )
        return f"run {sizes} {_where(self)}\n{_indented(self.loop)}"


@dataclass(frozen=True)
class Call:
    """A kernel by its name, with a record of sizes, on arrays."""

    kernel: str
    sizes: Any
    places: tuple[Place, ...]
    alone: bool

    def __str__(self) -> str:
        return f"call {self.kernel} {self.sizes} {_where(self)}"


def _where(x: Run | Call) -> str:
    return f"at {', '.join(map(str, x.places))}{'' if x.alone else ', by all threads'}"


@dataclass(frozen=True)
class Repeat:
    """Statements that run for each row, from the last to the first if `reverse`.

    With `rows`, all that they make has so many, each made of the same row of what else they make.
    Then each thread runs all of them on its own rows, of which it takes `at_once` or none, and
    waits for no other.
    """

    length: int
    reverse: bool
    body: tuple[Statement, ...]
    rows: int = 0
    at_once: int = 1

    @property
    def alone(self) -> bool:
        return all(statement.alone for statement in self.body)

    def __str__(self) -> str:
        head = f"repeat {self.length} times{', backwards' * self.reverse}"
        head += f", threads share {self.rows} rows, {self.at_once} at once" if self.rows else ""
        return "\n".join([head, *map(_indented, self.body)])


@dataclass(frozen=True)
class When:
    """Statements that run in those steps only whose seldom outputs are asked for."""

    body: tuple[Statement, ...]

    @property
    def alone(self) -> bool:
        return all(statement.alone for statement in self.body)

    def __str__(self) -> str:
        return "\n".join(["when asked", *map(_indented, self.body)])


Statement = Run | Call | Repeat | When


@dataclass(frozen=True)
class Step:
    """The whole of a step. Small ones are written out in one piece; others call their loops."""

    body: tuple[Statement, ...]
    inline: bool

    @property
    def arguments(self) -> list[str]:
        """The block, and the thread."""
        return ["p", "i8"]

    def __str__(self) -> str:
        head = "step, in one piece" if self.inline else "step"
        return "\n".join([head, *map(_indented, self.body)])


@dataclass(frozen=True)
class Rows:
    """An input of a step: where it lies, how many rows it has of how many numbers each.

    `given` is the kind of the data from which they come.
    """

    place: Place
    rows: int
    width: int
    given: str = ""

    def __str__(self) -> str:
        return f"{self.rows} x {self.width} of {self.given} to {self.place}"


@dataclass(frozen=True)
class Epoch:
    """Steps on one batch of rows after another; `numbers` are recorded for each.

    So are `seldom` numbers, where they are asked for.
    """

    step: Step
    inputs: tuple[Rows | None, ...]
    numbers: tuple[Place, ...]
    seldom: tuple[Place, ...] = ()

    def over(self, given: Sequence[str]) -> Epoch:
        """The same over data of these kinds for its inputs."""
        pairs = zip(self.inputs, given, strict=True)
        return replace(self, inputs=tuple(x and replace(x, given=kind) for x, kind in pairs))

    @property
    def arguments(self) -> list[str]:
        """The block, and the thread."""
        return ["p", "i8"]

    def __str__(self) -> str:
        inputs = (f"input {k}: {rows}" for k, rows in enumerate(self.inputs) if rows is not None)
        numbers = (f"number {k}: {place}" for k, place in enumerate(self.numbers))
        seldom = (f"seldom {k}: {place}" for k, place in enumerate(self.seldom))
        return "\n".join(["epoch", *map(_indented, (*inputs, *numbers, *seldom, self.step))])


@dataclass(frozen=True)
class Cell:
    """A number in a register: read for each batch from the data, or once from its place, or made.

    `column` of row `row` of the batch of input `input`, whose data are of the kind `given`.
    """

    kind: str
    place: Place | None = None
    input: int = -1
    row: int = 0
    column: int = 0
    given: str = ""

    def __str__(self) -> str:
        if self.input >= 0:
            return f"{self.kind} = input {self.input}[{self.row}, {self.column}] of {self.given}"
        return self.kind if self.place is None else f"{self.kind} = {self.place}"


@dataclass(frozen=True)
class Registers:
    """An epoch of a step of single numbers: they stay in registers from first to last.

    The arrays of the loop are cells. A batch has so many `rows`, and a row of each input as many
    numbers as `widths` says. `numbers` are recorded, and `seldom` ones where they are asked for;
    `updates` are a piece of state, the cell of its next value, and the place where it lies.
    """

    loop: Loop
    cells: tuple[tuple[str, Cell], ...]
    rows: int
    widths: tuple[int, ...]
    numbers: tuple[str, ...]
    updates: tuple[tuple[str, str, Place], ...]
    seldom: tuple[str, ...] = ()

    def over(self, given: Sequence[str]) -> Registers:
        """The same over data of these kinds for its inputs."""
        cells = tuple(
            (name, replace(cell, given=given[cell.input]) if cell.input >= 0 else cell)
            for name, cell in self.cells
        )
        return replace(self, cells=cells)

    @property
    def arguments(self) -> list[str]:
        """The block, and the thread."""
        return ["p", "i8"]

    def __str__(self) -> str:
        cells = (f"{name}: {cell}" for name, cell in self.cells)
        numbers = [f"number {k}: {name}" for k, name in enumerate(self.numbers)]
        numbers += [f"seldom {k}: {name}" for k, name in enumerate(self.seldom)]
        updates = (
            f"{place} = {new}, {state} of the next batch" for state, new, place in self.updates
        )
        parts = (*cells, self.loop, *numbers, *updates)
        return "\n".join([f"epoch in registers, {self.rows} rows a step", *map(_indented, parts)])


def _indented(x: Any) -> str:
    return "\n".join(f"  {line}" for line in str(x).splitlines())
