"""What a doctor costs: a Trainer that is its own doctor beside the same without, and a diagnosis.

Compared: `Trainer.fit` for one epoch with `doctor=True`, which watches at every tenth step and goes
through its rules after the epoch, and without. It is fair because both sides train the same model
on the same rows to the same bits. The goal is that being watched costs at most 5% of the time.

The diagnosis is that of a Trainer of a small network on digits, which is well, for ten epochs: all
checks, all diseases and all trainings that they ask for. The goal is 30 seconds.
"""

from __future__ import annotations

import time
from functools import partial

from benchmarks.measure import Line, compare, threads
from benchmarks.monitors import CASES, GOAL, fitted

WITHOUT = "without a doctor"
SECONDS = 30.0


def measure(quick: bool) -> list[Line]:
    lines = [
        line
        for case in CASES
        for line in compare(
            case,
            partial(fitted, case, doctor=True),
            {WITHOUT: partial(fitted, case)},
            {WITHOUT: GOAL},
            quick=quick,
            tolerance=0.0,
        )
    ]
    return [*lines, diagnosis()]


def diagnosis() -> Line:
    """The seconds of a diagnosis of a Trainer that is well."""
    from sklearn.datasets import load_digits

    import pullback as pb
    from pullback.diagnosis import doctor

    inputs, labels = load_digits(return_X_y=True)
    trainer = pb.Trainer(
        pb.Sequential(pb.Dense(64), pb.ReLU(), pb.Dense(10), rng=0),
        pb.SoftmaxCrossEntropy(),
        pb.SGD(0.1, momentum=0.9),
        threads=threads(),
    )
    start = time.perf_counter()
    report = doctor(trainer, inputs / 16.0, labels, seconds=SECONDS, progress=False)
    took = time.perf_counter() - start
    who = "pullback" if report.healthy else "pullback, which finds it ill"
    goal = f"≤ {SECONDS:g} s"
    return Line("a diagnosis of digits", who, took, goal=goal, reached=took <= SECONDS)
