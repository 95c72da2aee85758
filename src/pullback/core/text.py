"""In: wires. Out: what people read of them: each one's name, formula, and value in a few digits."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.abstract import Abstract
from pullback.core.gate import OUTPUT
from pullback.core.values import shape_of

if TYPE_CHECKING:
    from pullback.core.unit import Unit


def names(
    wires: Iterable[Unit], outputs: Sequence[Unit] = (), given: Mapping[Unit, str] | None = None
) -> dict[Unit, str]:
    """A name for each wire, unique and a valid identifier: the one `given`, or its own.

    Unnamed gates are v1, v2, ... in running order, a single unnamed output is `out`; constants are
    written as the number they carry.
    """
    wires = [unit for unit in wires if type(unit._value) is not tuple]  # its outputs have names
    taken: set[str] = set()
    found: dict[Unit, str] = {}
    given = given or {}
    for unit in wires:
        name = given.get(unit, unit.name)
        if name is not None:
            found[unit] = _unique(_identifier(name), taken)
    for k, unit in enumerate(u for u in outputs if u not in found and u.gate is not None):
        found[unit] = _unique("out" if len(outputs) == 1 else f"out{k + 1}", taken)
    count = 0
    for unit in wires:
        if unit in found:
            continue
        if unit.is_constant and not unit.shape:
            found[unit] = number(unit.value)
        else:
            kind = "c" if unit.is_constant else "v" if unit.gate else "x"
            count += 1
            while f"{kind}{count}" in taken:
                count += 1
            found[unit] = _unique(f"{kind}{count}", taken)
    return found


def _identifier(name: str) -> str:
    name = re.sub(r"\W", "_", name)
    return f"_{name}" if not name or name[0].isdigit() or keyword.iskeyword(name) else name


def _unique(name: str, taken: set[str]) -> str:
    unique, k = name, 1
    while unique in taken:
        k += 1
        unique = f"{name}_{k}"
    taken.add(unique)
    return unique


def formula(unit: Unit, named: Mapping[Unit, str]) -> str:
    """The gate that makes a wire as a person writes it: "x + y", "sum(v2, axis=1)"."""
    gate = unit.gate
    assert gate is not None
    if gate is OUTPUT:
        return f"{formula(unit.inputs[0], named)}[{unit.static['index']}]"
    inputs = [named[x] for x in unit.inputs]
    symbol = gate.symbol if gate.symbol.isascii() else ""
    if len(inputs) == 2 and symbol and not symbol.isalpha():
        return f"{inputs[0]} {symbol} {inputs[1]}"
    if len(inputs) == 1 and symbol and not symbol.isalpha():
        return f"{symbol}{inputs[0]}"
    extras = [f"{k}={_static(v)}" for k, v in unit.static.items() if v is not False]
    return f"{gate.name}({', '.join(inputs + extras)})"


def _static(value: Any) -> str:
    if isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], int):
        return str(value[0])
    return str(value)


def number(value: float) -> str:
    """A number in at most five significant digits: -12, 0.8808, 1.5e-07.

    >>> number(-12.0), number(0.880797), number(1.5e-7)
    ('-12', '0.8808', '1.5e-07')
    """
    return f"{float(value) + 0.0:.4g}" if abs(float(value)) < 1e4 else f"{float(value):.6g}"


def brief(value: Any) -> str:
    """A value in a few characters: a number, a short array in full, else its shape and spread.

    >>> brief(np.array([1.0, 2.5])), brief(np.zeros((64, 10)))
    ('[1, 2.5]', '(64, 10) in 0 … 0')
    """
    if value is None:
        return ""
    if type(value) is tuple:
        return ", ".join(map(brief, value))
    shape = shape_of(value)
    if type(value) is Abstract:
        return str(shape) if shape else str(value.dtype)
    if not shape:
        return str(bool(value)) if isinstance(value, bool | np.bool_) else number(value)
    if len(shape) == 1 and 0 < shape[0] <= 5:
        return f"[{', '.join(brief(x) for x in value)}]"
    if 0 in shape:
        return f"{shape}"
    return f"{shape} in {number(np.min(value))} … {number(np.max(value))}"


def columns(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Rows of cells as lines, in columns; those whose number is in `right` are set to the right.

    >>> columns([("name", "n"), ("x", "10")], right=(1,))
    ['name   n', 'x     10']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = enumerate(zip(row, widths, strict=True))
        set_out = (text.rjust(w) if k in right else text.ljust(w) for k, (text, w) in cells)
        lines.append("  ".join(set_out).rstrip())
    return lines


def counted(n: int, what: str, several: str = "") -> str:
    """A number and its noun.

    >>> counted(1, "file"), counted(1200, "file"), counted(2, "class", "classes")
    ('1 file', '1,200 files', '2 classes')
    """
    return f"{n:,} {what if n == 1 else several or what + 's'}"


def printable(text: str) -> str:
    """The same in one line, without what a terminal would obey or could not show."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)
