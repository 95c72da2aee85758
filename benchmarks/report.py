"""In: the figures of works on each processor, in results/. Out: RESULTS.md, a column for each.

    python -m benchmarks.report

writes it anew from what is there.
"""

from __future__ import annotations

import ast
import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import WORKS
from benchmarks.measure import Line
from benchmarks.processor import Processor

HERE = Path(__file__).parent
RESULTS = HERE / "results"
HEADINGS = ("case", "who", "median", "times ours", "best", "times our best", "goal", "")
OPENING = """# Results

Written by `python -m benchmarks --write`; the figures are in [results](results). A column for each
processor. Beside pullback stands its time; beside others how many times as long as ours theirs is,
so above 1 pullback is faster; beside a limit what share of our time it alone takes. First that of
the medians, and in brackets that of the shortest runs, which other work on the machine disturbs
least. A goal is reached (✓) where both reach it, and else missed (✗); a figure without a mark was
measured when another goal, or none, was set.
"""


@dataclass(frozen=True)
class Figures:
    """The lines of a work, and in what circumstances they were measured.

    `spent` is the seconds that it took, `busy` how many cores other programs used meanwhile.
    """

    date: str
    threads: int
    versions: str
    spent: float
    busy: float
    lines: tuple[Line, ...]


Known = Mapping[str, Figures]  # by the names of works


# Files -------------------------------------------------------------------------------------------


def keep(processor: Processor, name: str, figures: Figures) -> None:
    """Put a work's figures into the processor's file, in place of those that are there."""
    path = RESULTS / f"{processor.slug}.json"
    known = {**(read(path)[1] if path.exists() else {}), name: figures}
    told = {
        "processor": asdict(processor),
        "works": {name: _told(known[name]) for name in WORKS if name in known},
    }
    RESULTS.mkdir(exist_ok=True)
    path.write_text(_json(told) + "\n", encoding="utf-8")


def read(path: Path) -> tuple[Processor, Known]:
    """What keep has written."""
    told = json.loads(path.read_text(encoding="utf-8"))
    return Processor(**told["processor"]), {
        name: Figures(**{**work, "lines": tuple(Line(**line) for line in work["lines"])})
        for name, work in told["works"].items()
    }


def _told(figures: Figures) -> dict[str, Any]:
    return {**asdict(figures), "lines": [_short(line) for line in figures.lines]}


def _short(line: Line) -> dict[str, Any]:
    """What a line says beside what goes without saying; six digits of a number are enough."""
    told = {f.name: getattr(line, f.name) for f in fields(line)}
    return {
        name: float(f"{value:.6g}") if isinstance(value, float) else value
        for name, value in told.items()
        if value not in (None, "")
    }


def _json(told: Any, depth: int = 0) -> str:
    """JSON with what holds no lists and no records of its own on one line."""
    inside = list(told.values()) if isinstance(told, dict) else told
    if not isinstance(told, dict | list) or not any(isinstance(x, dict | list) for x in inside):
        return json.dumps(told, ensure_ascii=False)
    space = "  " * (depth + 1)
    if isinstance(told, dict):
        rows = [f"{json.dumps(key)}: {_json(value, depth + 1)}" for key, value in told.items()]
    else:
        rows = [_json(value, depth + 1) for value in told]
    left, right = "{}" if isinstance(told, dict) else "[]"
    return f"{left}\n{space}" + f",\n{space}".join(rows) + f"\n{'  ' * depth}{right}"


# RESULTS.md --------------------------------------------------------------------------------------


def write() -> None:
    """Write RESULTS.md from all that is known."""
    found = [read(path) for path in sorted(RESULTS.glob("*.json"))]
    found.sort(key=lambda pair: max(work.date for work in pair[1].values()), reverse=True)
    parts = [OPENING, "\n".join(_heading(*pair) for pair in found) + "\n"]
    for name in WORKS:
        some = {processor: known[name] for processor, known in found if name in known}
        if some:
            parts += [f"## {name}\n", f"{_docstring(name)}\n", f"{_table(some)}\n"]
            parts.append("\n".join(_circumstances(*pair, dict(found)) for pair in some.items()))
            parts[-1] += "\n"
    (HERE / "RESULTS.md").write_text("\n".join(parts), encoding="utf-8")


def _heading(processor: Processor, known: Known) -> str:
    last = _last(known)
    return f"- **{processor.short}**: {processor}; {_date(last.date)}; {last.versions}"


def _circumstances(processor: Processor, figures: Figures, all_: Mapping[Processor, Known]) -> str:
    many = f"{figures.threads} thread{'s' * (figures.threads != 1)}"
    busy = f"other programs kept {figures.busy:.1f} cores busy meanwhile"
    text = f"- {processor.short}: {_date(figures.date)}, {many}, {figures.spent:.0f} s; {busy}"
    others = figures.versions != _last(all_[processor]).versions
    return f"{text}; {figures.versions}" if others else text


def _last(known: Known) -> Figures:
    return max(known.values(), key=lambda work: work.date)


def _date(date: str) -> str:
    return f"{datetime.date.fromisoformat(date):%d %B %Y}".lstrip("0")


def _docstring(name: str) -> str:
    """What a work compares; its module need not be imported, which its peers might lack for."""
    found = find_spec(f"benchmarks.{name}")  # a module, or a package
    assert found is not None
    assert found.origin is not None
    source = Path(found.origin).read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""


def _table(some: Mapping[Processor, Figures]) -> str:
    """Rows as the first processor has them, then those that only others have."""
    columns = [{(x.case, x.who): x for x in figures.lines} for figures in some.values()]
    cases = dict.fromkeys(case for column in columns for case, _ in column)
    rows = [(case, who) for case in cases for who in _who(case, columns)]
    goals = {
        row: next((c[row].goal for c in columns if row in c and c[row].goal), "") for row in rows
    }
    headings = ("case", "who", "goal", *(processor.short for processor in some))
    marks = ("---", "---", "---", *["---:"] * len(columns))
    cells = [
        (*row, goals[row], *(_cell(c[row], goals[row]) if row in c else "" for c in columns))
        for row in rows
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, marks, *cells))


def _who(case: str, columns: Iterable[Mapping[tuple[str, str], Line]]) -> Iterable[str]:
    return dict.fromkeys(who for column in columns for its, who in column if its == case)


def _cell(line: Line, goal: str) -> str:
    if line.score is not None:
        median, best = f"{line.score:,.3g}", ""
    elif line.ratio is not None:
        median, best = _ratio(line.ratio), _ratio(line.best_ratio)
    else:
        median, best = (time_of(t, line.per) for t in (line.seconds, line.best))
    mark = {None: "", True: " ✓", False: " ✗"}[line.reached if line.goal == goal else None]
    return f"{median}{f' ({best})' if best else ''}{mark}"


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:,.2f}" if ratio < 100 else f"{ratio:,.0f}"


# In a terminal -----------------------------------------------------------------------------------


def plain(lines: Sequence[Line]) -> str:
    """A table of lines for a terminal."""
    rows = [HEADINGS, *map(_cells, lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _cells(line: Line) -> tuple[str, ...]:
    ratios = map(_ratio, (line.ratio, line.best_ratio))
    times = (time_of(t, line.per) for t in (line.seconds, line.best))
    if line.score is not None:
        times = (f"{line.score:,.3g}", "")
    reached = {None: "", True: "reached", False: "not reached"}[line.reached]
    pairs = [cell for pair in zip(times, ratios, strict=True) for cell in pair]
    return line.case, line.who, *pairs, line.goal, reached


def time_of(seconds: float | None, per: str = "") -> str:
    """Seconds in the unit that fits, or as the rate at which something is done in them."""
    if seconds is None:
        return ""
    if per:
        return f"{1 / seconds:.3g} {per}/s"
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


if __name__ == "__main__":
    write()
