"""What a programming language is why, and tells, of what is written: see `Dialect`.

And what several languages share: operators and how tightly they bind, and the wires that a person
writes otherwise than the gates stand.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import pullback.gates  # noqa: F401  their symbols are asked for here
from pullback.core.errors import CircuitError
from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.program.patterns import made_by

Shape = tuple[int, ...]
ATOM = 20  # what binds as tightly as a name
COMPARED, SUM, PRODUCT, SIGN, POWER = 4, 8, 9, 10, 11
LEVELS = {"||": 1, "&&": 2, "|": 5, "&": 6, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT}
LEVELS |= {"@": PRODUCT, "**": POWER}
INFIX = {
    **{name: GATES[name].symbol for name in ("add", "subtract", "multiply", "divide", "power")},
    **{name: GATES[name].symbol for name in ("less", "less_equal", "greater", "greater_equal")},
    **{name: GATES[name].symbol for name in ("equal", "not_equal", "matmul")},
}


class Text(NamedTuple):
    """A formula and how tightly its outermost operator binds."""

    code: str
    level: int = ATOM

    def within(self, level: int) -> str:
        """The formula as an operand of an operator of this level, in parentheses if need be."""
        return self.code if self.level >= level else f"({self.code})"


class Scope(Protocol):
    """What a dialect may ask while it writes a gate."""

    def text(self, x: Unit) -> Text:
        """The name of a wire, or the formula that stands in for it."""
        ...

    def inlined(self, x: Unit, gate: str) -> bool:
        """Whether a wire is made by this gate and has no line of its own."""
        ...

    def operands(self, unit: Unit) -> list[Unit]:
        """The inputs of an elementwise gate, as they are before needless broadcasting, in the
        order in which a person writes them."""
        ...


class Body(NamedTuple):
    """The parts of a function: its lines, and the names it takes and gives."""

    arguments: list[str]
    pulls: list[str]
    forward: list[str]
    backward: list[str]
    outputs: list[str]
    gradients: list[str]
    bearing: list[str]  # the sources that the gradients are of
    single: bool


class Dialect(Protocol):
    """How a programming language writes what `source` decides."""

    language: str
    keep: Collection[str]  # the gates that it writes; others are lowered to these
    reserved: Collection[str]  # names that a wire cannot have

    def write(self, unit: Unit, scope: Scope) -> Text: ...
    def literal(self, x: Unit) -> Text | None: ...
    def is_block(self, unit: Unit) -> bool: ...
    def lines(self, name: str, unit: Unit, text: Text, scope: Scope) -> list[str]: ...
    def assign(self, names: Sequence[str], code: str) -> list[str]: ...
    def pull(self, name: str, output: str, y: Unit) -> list[str]: ...
    def function(self, body: Body) -> str: ...


def infix(a: Text, symbol: str, b: Text) -> Text:
    """Two operands and what stands between them."""
    level = LEVELS.get(symbol, COMPARED)
    if symbol == "+" and b.code.startswith("-") and b.level == SIGN:  # x + -3
        symbol, b = "-", Text(b.code[1:])
    left_first = symbol not in ("**",) and level != COMPARED  # a < b < c would be another thing
    left, right = a.within(level if left_first else level + 1), b.within(level + 1)
    return Text(f"{left} {symbol} {right}", level)


def unwritable(unit: Unit, language: str, why: str) -> CircuitError:
    """What is raised where a language has no plain form for a gate."""
    gate = "constant" if unit.gate is None else unit.gate.name
    return CircuitError(f"the gate {gate!r}{why}, cannot be written in plain {language}")


def is_double(unit: Unit) -> bool:
    """Whether a wire is x + x."""
    return made_by(unit, "add") and len(set(unit.inputs)) == 1 and unit.dtype.kind == "f"


def unspread(x: Unit) -> Unit | None:
    """What a wire repeats by NumPy's rule of broadcasting, or None."""
    if made_by(x, "broadcast_to"):
        return x.inputs[0]
    if not made_by(x, "reshape"):
        return None
    (inner,) = x.inputs
    return inner if x.shape == (1,) * (x.ndim - inner.ndim) + inner.shape else None
