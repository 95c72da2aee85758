"""Wrong gradient rule: a gate that tells another slope than its value has, so that steps err."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.core.text import number
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.inspect.report import GradientFinding, GradientReport

_LEARNS = 0.5  # of the loss at the start: a net that comes below it learns all the same
_FAR = 0.05  # of the slope, by which the loss as a whole must be off to be told
_CAUSE = "the rule of its gradient does not tell how its value answers, unless it is meant so, as "
_CAUSE += "where a gradient is reversed or goes straight through"


@disease(
    "wrong gradient rule",
    brings=(
        *("learning rate too high", "learning rate too low", "vanishing gradients"),
        *("exploding gradients", "dying ReLUs", "saturated units", "not a number"),
    ),
)
def wrong_gradient_rule(examination: Examination) -> Iterator[Finding]:
    """A gate of the user's, or the loss as a whole, has another slope than its gradient says."""
    reports = [x for x in examination.slopes if not x.ok]
    if not reports:
        return
    gates: dict[tuple[str, str], GradientFinding] = {}
    for failure in (failure for report in reports for failure in report.failures):
        if failure.gate != "circuit":
            gates.setdefault((failure.gate, failure.input.partition(", ")[0]), failure)
    trained = examination.trained
    learns = trained.final("loss") < _LEARNS * examination.loss_at_start()
    for failure in gates.values():
        line = f", at {failure.where}" if failure.where else ""
        element = f" at element {failure.element}" if failure.element else ""
        yield Finding(
            "wrong gradient rule",
            "mild" if learns else "severe",
            f"the rule of {failure.gate!r} for {failure.input} answers {number(failure.analytic)}"
            f"{element}, and the slope is {number(failure.numerical)}{line}",
            _CAUSE,
            (
                Cure(
                    failure.advice(),
                    f"pb.check_gate({failure.gate})  # until it says nothing",
                    None,
                    "only its owner knows what the rule should be",
                ),
            ),
            where=failure.gate,
            numbers={"rule": failure.analytic, "slope": failure.numerical},
            picture=Bars(
                f"the slope of {failure.gate}",
                "slope",
                {"by the rule": failure.analytic, "as measured": failure.numerical},
            ),
            certain=True,
        )
    if not gates and (off := _off(reports[0])) > _FAR:
        yield Finding(
            "wrong gradient rule",
            "mild",
            f"moved in random directions, the loss changes by {off:.0%} more or less than the "
            "gradient says",
            "no gate of your own is wrong alone; that of the library, or how they stand together, "
            "is: please report it",
            (
                Cure(
                    "find the gate",
                    "print(pb.check_gradients(loss, on_failure='report'))",
                    None,
                    "it is the library's to correct",
                ),
            ),
            numbers={"off": off},
            certain=True,
        )


def _off(report: GradientReport) -> float:
    """By which share of the slope the middle one of all directions is off."""
    found = [
        np.abs(row.analytic - row.numerical) / np.maximum(np.abs(row.numerical), 1e-300)
        for row in report.rows
    ]
    return float(np.median(np.concatenate([np.ravel(x) for x in found]))) if found else 0.0
