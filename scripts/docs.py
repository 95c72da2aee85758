"""Write the documentation's tables from the registries, or check that they are up to date.

python scripts/docs.py            writes docs/gates.md, and the diseases in docs/doctor.md
python scripts/docs.py --check    fails where a file would change
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pullback as pb
from pullback.core.gate import Gate
from pullback.core.numpy_calls import NUMPY, numpy_name
from pullback.diagnosis import DISEASES, Disease

DOCS = Path(__file__).parent.parent / "docs"

HEADER = """# Gates

Every gate, from its declaration. A gate gives its value and its local gradient and knows nothing
of the circuit around it. For an elementwise gate the last column is the slope of the output `y` by
each input, as the rule itself writes it when it is run on wires: the gradient from above is
multiplied on. A dot means that no gradient flows to that input. Structural gates move or combine
elements, and their rules pass the gradient back as another circuit of gates.

"""

NUMPY_NAMES = (
    "NumPy's own functions do the same to wires: `np.exp(x)` is `pb.exp(x)`, with a gradient and "
    "compiled like it. Arguments that ours does not have (`out`, `where`, `dtype`) are refused by "
    "their names, and so is what has no gate. These have one: "
)


def written(unit: Any, names: dict[Any, str]) -> str:
    """A circuit as one nested expression."""
    if not isinstance(unit, pb.Unit):
        return f"{unit:g}" if isinstance(unit, float) else str(unit)
    if unit in names:
        return names[unit]
    if unit.is_constant:
        return f"{unit.value:g}" if isinstance(unit.value, float) else str(unit.value)
    assert unit.gate is not None
    parts = [written(x, names) for x in unit.inputs]
    symbol = unit.gate.symbol
    if len(parts) == 2 and symbol and not symbol.isalpha():
        return f"({parts[0]} {symbol} {parts[1]})"
    if len(parts) == 1 and symbol == "-":
        return f"-{parts[0]}"
    return f"{unit.gate.name}({', '.join(parts)})"


def slopes(gate: Gate) -> str:
    """The rules of an elementwise gate, run on wires and written out."""
    assert gate.partials is not None
    letters = list(inspect.signature(gate.value).parameters)[1:]
    inputs = [
        pb.Unit(kind is bool or 0.5, letter)
        for kind, letter in zip(gate.domain, letters, strict=True)
    ]
    output = gate(*inputs)
    names = {output: "y"} | dict(zip(inputs, letters, strict=True))
    shown = []
    for rule in gate.partials:
        text = "·" if rule is None else written(rule(output, *inputs), names)
        whole = text.startswith("(") and text.find(")") == len(text) - 1
        shown.append(f"`{text[1:-1] if whole else text}`" if rule else text)
    return ", ".join(shown)


def row(function: Callable[..., Any], rule: str = "") -> str:
    """What a function takes and does, and the slopes of its gate."""
    doc = inspect.getdoc(function) or ""
    first = " ".join(doc.split("\n\n")[0].split())
    arguments = inspect.signature(function).parameters.values()
    signature = str(inspect.Signature([a.replace(annotation=a.empty) for a in arguments]))
    name = function.__name__
    at = "linalg." if name in pb.linalg.__all__ and not hasattr(pb, name) else ""
    return f"| `{at}{name}{signature}` | {first} | {rule} |"


def table(title: str, gates: list[Gate]) -> str:
    head = "| function | value | slopes |\n|---|---|---|\n"
    if not gates[0].elementwise:
        head = "| function | value | |\n|---|---|---|\n"
    rows = (row(g.function, slopes(g) if g.elementwise else "") for g in gates)
    return f"## {title}\n\n{head}" + "\n".join(rows) + "\n"


def composed() -> str:
    """The functions that are a few gates each."""
    exported = [*(getattr(pb, x) for x in pb.__all__), *map(vars(pb.linalg).get, pb.linalg.__all__)]
    found = {
        x.__name__: x
        for x in exported
        if inspect.isfunction(x)
        and x.__module__.startswith("pullback.gates.")
        and not hasattr(x, "gate")
    }
    head = "| function | value | |\n|---|---|---|\n"
    rows = "\n".join(row(found[name]) for name in sorted(found))
    return f"## Composed\n\nEach is a few of the gates above.\n\n{head}{rows}\n"


def of_numpy() -> str:
    """The functions of NumPy's that take wires."""
    names = ", ".join(f"`{name}`" for name in sorted(map(numpy_name, NUMPY)))
    return textwrap.fill(NUMPY_NAMES + names, 100, break_long_words=False) + ".\n"


def gates() -> str:
    """The text of docs/gates.md."""
    known = sorted(pb.GATES.values(), key=lambda g: g.name)
    return HEADER + "\n".join(
        [
            table("Elementwise", [g for g in known if g.elementwise]),
            table("Structural", [g for g in known if not g.elementwise]),
            composed(),
            "## NumPy's functions\n",
            of_numpy(),
        ]
    )


def diseases() -> str:
    """The text of docs/doctor.md, with its table of diseases as they are registered."""

    def line(known: Disease) -> str:
        found = " ".join((inspect.getdoc(known.find) or "").split("\n\n")[0].split())
        return f"| {known.name} | {found} | {', '.join(sorted(known.brings))} |"

    names = sorted(DISEASES)
    rows = "\n".join(line(DISEASES[name]) for name in names)
    head = "| disease | what is found | what it may bring about |\n|---|---|---|\n"
    text = (DOCS / "doctor.md").read_text()
    return re.sub(
        r"(<!-- diseases.*? -->\n).*?(<!-- end -->)",
        lambda marks: f"{marks[1]}{head}{rows}\n{marks[2]}",
        text,
        flags=re.DOTALL,
    )


def main() -> None:
    for name, text in {"gates.md": gates(), "doctor.md": diseases()}.items():
        target = DOCS / name
        if "--check" not in sys.argv:
            target.write_text(text)
        elif not target.exists() or target.read_text() != text:
            sys.exit(f"docs/{name} is not what is registered; run python scripts/docs.py")


if __name__ == "__main__":
    main()
