"""python -m benchmarks [names…] [--quick] [--write] [--threads N] [--tune]

Runs the works of these names, or all, and prints a table of each. `--quick` is for trying the
benchmarks out: its figures mean nothing. `--write` keeps the figures of each work, in place of what
was known of it on this kind of processor, and writes RESULTS.md anew; what other processors did and
other works stay. `--tune` runs those cases of faults that the doctor's thresholds may be set by.
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

from benchmarks import WORKS, report
from benchmarks.measure import limit_threads
from benchmarks.processor import this

PEERS = (
    "numpy",
    "scipy",
    "llvmlite",
    "scikit-learn",
    "torch",
    "jax",
    "micrograd",
    "casadi",
    "gensim",
    "openTSNE",
)


def main() -> None:
    """Parse the command line, run, print, and write."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(WORKS)}")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--threads", type=int, default=2, help="of every side")
    parser.add_argument("--tune", action="store_true", help="of faults: cases to set thresholds by")
    told = parser.parse_args()
    if unknown := set(told.names) - set(WORKS):
        parser.error(f"there is no work {min(unknown)!r}; there are: {', '.join(WORKS)}")
    if told.write and told.quick:
        parser.error("--write is for figures that mean something: without --quick")
    if told.tune and (told.names != ["faults"] or told.write):
        parser.error("--tune is for faults alone, and their figures are not kept")
    failed = []
    for name in told.names or WORKS:
        try:
            figures = measured(name, told.quick, told.threads, tune=told.tune)
        except Exception as error:
            print(f"{name} failed", file=sys.stderr)
            if not told.write:
                raise
            failed.append(f"{name} failed, and keeps its old figures: {error}")
            continue
        kept = f"other programs kept {figures.busy:.1f} cores busy meanwhile"
        print(f"\n{name}, {figures.spent:.0f} s; {kept}")
        print(report.plain(figures.lines), flush=True)
        if told.write:
            report.keep(this(), name, figures)
            report.write()
    if failed:
        sys.exit("\n".join(failed))


def measured(name: str, quick: bool, count: int, *, tune: bool = False) -> report.Figures:
    """A work's lines, and in what circumstances they were measured."""
    module = importlib.import_module(f"benchmarks.{name}")
    count = getattr(module, "THREADS", count)
    limit_threads(count)
    begun, used = time.perf_counter(), _processor_seconds()
    lines = module.measure(quick, tune=True) if tune else module.measure(quick)
    spent = time.perf_counter() - begun
    return report.Figures(
        date=f"{datetime.date.today():%Y-%m-%d}",
        threads=count,
        versions=_versions(),
        spent=round(spent, 1),
        busy=round(max(0.0, _processor_seconds() - used) / spent, 2),
        lines=tuple(lines),
    )


def _versions() -> str:
    """Of everything that is compared."""
    versions = [f"{platform.system()}, Python {platform.python_version()}"]
    for name in PEERS:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"without {name}")
    return ", ".join(versions)


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


if __name__ == "__main__":
    main()
