"""Faults that are planted in nets that are well, and what `pb.doctor` says of them.

Each disease that the doctor knows is planted by some faults, mild and severe, on tables, pictures
and sequences, and some faults come in pairs; each is checked to hurt, see `benchmarks.faults.case`.
Beside them stand healthy nets that look odd. Recall is the share of a disease's cases in which it
is named, as a cause or as a consequence; precision the share of its alarms, which are findings that
are more than notes and causes, where it or what brings it was planted. A cure that the doctor
proved to help is tried again on seeds that it did not see.

The doctor's thresholds may be set by what `--tune` draws, never by what is scored.
`python -m benchmarks.faults` tells of single cases.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.faults import controls, dynamics, rows, structure
from benchmarks.faults.case import SCORED, TUNE, Case, healthy, planted
from benchmarks.faults.score import Told, examined, lines
from benchmarks.measure import Line

__all__ = ["cases", "controls", "dynamics", "measure", "rows", "structure"]

THREADS = 1  # of a side; there are as many processes
PROCESSES = 2
QUICK = 10  # of so many cases one


def measure(quick: bool, tune: bool = False) -> list[Line]:
    from joblib import Parallel, delayed

    seeds = tuple(TUNE if tune else SCORED)
    work = (delayed(_part)(seeds, quick, k) for k in range(PROCESSES))
    parts = Parallel(PROCESSES)(work)
    told = [x for part in parts if part for x in part]
    for x in told:
        if str(x) != "right":
            print(f"{x.name}: {x}")
    return lines(told)


def cases(seeds: Sequence[int]) -> list[Case]:
    """All cases of these seeds, ill and healthy."""
    return [*planted(seeds), *healthy(seeds)]


def _part(seeds: Sequence[int], quick: bool, k: int) -> list[Told]:
    """What one process does: cases are functions, and are made where they are used."""
    every = PROCESSES * (QUICK if quick else 1)
    return [examined(case) for case in cases(seeds)[k::every]]
