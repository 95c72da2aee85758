"""python -m benchmarks.faults [words…] [--tune] [--seeds N] [--doctor]

Tells of all cases whose names have these words what the fault costs: wrong answers and loss in use,
of what knowing nothing costs, without it and with it, in the mean over seeds. With `--doctor` it
tells what the doctor says in place of that.
"""

from __future__ import annotations

import argparse

from benchmarks.faults import cases
from benchmarks.faults.case import SCORED, TUNE
from benchmarks.faults.score import examined


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.faults", description=__doc__)
    parser.add_argument("words", nargs="*", help="of a case's name")
    parser.add_argument("--tune", action="store_true", help="cases that thresholds are set by")
    parser.add_argument("--seeds", type=int, default=2, help="of each training")
    parser.add_argument("--doctor", action="store_true", help="what the doctor says")
    told = parser.parse_args()
    for case in cases(TUNE if told.tune else SCORED):
        if not all(word in case.name for word in told.words):
            continue
        if told.doctor:
            found = examined(case)
            alarms = ", ".join(f"{name} ({how})" for name, how in found.alarms) or "nothing"
            print(f"{case.name}: {found}; said: {alarms}; {found.seconds:.0f} s", flush=True)
            continue
        harm = case.harm(range(told.seeds))
        numbers = "  ".join(f"{x:.2f} → {y:.2f}" for x, y in (harm.wrong, harm.loss))
        word = ("ill" if harm.hurts else "not ill") if case.diseases else "healthy"
        print(f"{case.name:86}  {numbers}  {word}", flush=True)


if __name__ == "__main__":
    main()
