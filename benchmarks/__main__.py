"""python -m benchmarks [names…] [--quick] [--write] [--threads N]

Runs the works of these names, or all, and prints a table of each. `--quick` is for trying the
benchmarks out: its figures mean nothing. `--write` puts the tables of a full run into RESULTS.md.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import importlib.metadata
import os
import platform
import sys
import time
from pathlib import Path

from benchmarks.measure import Line, limit_threads, threads

WORKS = (
    "two_layer_network", "perceptron", "formula", "convolution", "lstm", "tables", "compile_time",
    "eager_scalar",
)  # fmt: skip
PEERS = ("numpy", "scipy", "llvmlite", "scikit-learn", "torch", "jax", "micrograd", "casadi")
RESULTS = Path(__file__).parent / "RESULTS.md"
HEADINGS = ("case", "who", "median", "times ours", "best", "times our best", "goal", "")


def main() -> None:
    """Parse the command line, run, print, and write."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(WORKS)}")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--threads", type=int, default=2, help="of every side")
    told = parser.parse_args()
    if unknown := set(told.names) - set(WORKS):
        parser.error(f"there is no work {min(unknown)!r}; there are: {', '.join(WORKS)}")
    if told.write and (told.quick or told.names):
        parser.error("--write is for a full run: without names and without --quick")
    limit_threads(told.threads)
    parts, load = [], os.getloadavg()
    for name in told.names or WORKS:
        module = importlib.import_module(f"benchmarks.{name}")
        begun, used = time.perf_counter(), _processor_seconds()
        try:
            lines = module.measure(told.quick)
        except Exception as error:
            print(f"{name} failed", file=sys.stderr)
            if not told.write:
                raise
            parts.append(f"## {name}\n\nIt failed: {str(error).strip().splitlines()[-1]}\n")
            continue
        cells = [_cells(line) for line in lines]
        spent = time.perf_counter() - begun
        others = max(0.0, _processor_seconds() - used) / spent
        told_of = f"{spent:.0f} s; other programs kept {others:.1f} cores busy meanwhile"
        print(f"\n{name}, {told_of}")
        print(_plain(cells), flush=True)
        parts.append(f"## {name}\n\n{(module.__doc__ or '').strip()}\n\n{_table(cells)}\n")
        parts.append(f"Measured in {told_of}.\n")
    if told.write:
        RESULTS.write_text("\n".join([_heading(load), *parts]), encoding="utf-8")


def _cells(line: Line) -> tuple[str, ...]:
    ratios = ("" if r is None else f"{r:,.2f}" for r in (line.ratio, line.best_ratio))
    times = ("" if t is None else _time(t) for t in (line.seconds, line.best))
    reached = {None: "", True: "reached", False: "not reached"}[line.reached]
    pairs = [cell for pair in zip(times, ratios, strict=True) for cell in pair]
    return line.case, line.who, *pairs, line.goal, reached


def _time(seconds: float) -> str:
    if seconds != seconds:  # a mean of ratios has no time
        return ""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _plain(rows: list[tuple[str, ...]]) -> str:
    rows = [HEADINGS, *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    marks = ("---", "---", *["---:"] * 5, "---")
    return "\n".join(f"| {' | '.join(row)} |" for row in (HEADINGS, marks, *rows))


def _heading(load: tuple[float, float, float]) -> str:
    versions = []
    for name in PEERS:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"without {name}")
    after = os.getloadavg()
    clock = "the processor's time" if threads() == 1 else "time on the clock"
    return f"""# Results

Written by `python -m benchmarks --write`. "Times ours" is a peer's median over ours, so above 1
pullback is faster; of a limit it is the share of our time that the limit alone takes. "Times our
best" is the same for the shortest runs, which other work on the machine disturbs least. A goal is
reached where both ratios reach it.

- {_processor()}, {os.cpu_count()} cores, threads for everyone: {threads()}; {clock}
- Python {platform.python_version()}, {", ".join(versions)}
- {platform.system()}, {datetime.date.today():%d %B %Y}; the machine's load was {load[0]:.1f} when
  it began and {after[0]:.1f} when it ended (what runs here counts as well)
"""


def _processor_seconds() -> float:
    """What the machine's cores have spent so far on anything but us, where Linux tells it."""
    try:
        told = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    except OSError:
        return 0.0
    user, nice, system, _, _, irq, softirq, steal = map(int, told)
    busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    mine = os.times()
    return busy - mine.user - mine.system - mine.children_user - mine.children_system


def _processor() -> str:
    """The processor's name, as Linux tells it, and its vector instructions."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    told = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    told = {key.strip(): value.strip() for key, value in told.items()}
    best = [name for name in ("avx512f", "avx2") if name in told.get("flags", "").split()]
    return " with ".join([told.get("model name", platform.machine()), *best[:1]])


if __name__ == "__main__":
    main()
