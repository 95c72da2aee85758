"""Learning rate too high, or too low: steps that overshoot, or lead nowhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Curve, Finding
from pullback.optim.optimizer import Optimizer

_HIGH = 3.0  # times what a sweep suggests, that may be too much
_LOW = 0.1  # times, that may be too little


@disease(
    "learning rate too high",
    brings=("dying ReLUs", "saturated units", "exploding gradients", "not a number"),
)
def too_high(examination: Examination) -> Iterator[Finding]:
    """The loss grows, or jumps about, and at smaller rates it falls."""
    rate = _rate(examination)
    if rate is None:
        return
    trained, start = examination.trained, examination.loss_at_start()
    end = trained.final("loss")
    rises = trained.history.diverged or not end < start
    found = examination.rates
    if found is None or found.suggestion is None or rate < _HIGH * found.suggestion:
        return
    if not rises and rate < _HIGH * found.lowest:
        return
    told = _told(trained.history.ended, start, end, diverged=trained.history.diverged)
    yield Finding(
        "learning rate too high",
        "severe" if rises else "mild",
        f"{told}; a sweep finds the loss lowest near {found.lowest:.2g}, and the rate is {rate:g}",
        "each step goes past the place that it aims at, so that the next one starts farther away",
        cures=(_cure(examination.patient.parts.optimizer, found.suggestion),),
        numbers={
            "rate": rate,
            "suggested": found.suggestion,
            "loss_at_start": start,
            "loss_at_end": end,
        },
        picture=_sweep(examination),
    )


@disease("learning rate too low")
def too_low(examination: Examination) -> Iterator[Finding]:
    """The loss falls, but hardly, and at larger rates it falls fast."""
    rate = _rate(examination)
    if rate is None or examination.trained.history.diverged:
        return
    found = examination.rates
    if found is None or found.suggestion is None or rate > _LOW * found.suggestion:
        return
    start, end = examination.loss_at_start(), examination.trained.final("loss")
    yield Finding(
        "learning rate too low",
        "severe" if end > 0.9 * start else "mild",
        f"the loss went from {start:.3g} to {end:.3g} in {len(examination.trained.history)} epochs"
        f"; a sweep suggests a rate of {found.suggestion:.2g}, and it is {rate:g}",
        "each step is so short that training would need many times as many of them",
        cures=(_cure(examination.patient.parts.optimizer, found.suggestion),),
        numbers={
            "rate": rate,
            "suggested": found.suggestion,
            "loss_at_start": start,
            "loss_at_end": end,
        },
        picture=_sweep(examination),
    )


def _rate(examination: Examination) -> float | None:
    """The rate, where it is a number."""
    rate = examination.patient.parts.optimizer.learning_rate
    return float(rate) if isinstance(rate, float | int) else None


def _cure(optimizer: Optimizer, rate: float) -> Cure:
    rate = float(f"{rate:.1g}")
    better = replace(optimizer, learning_rate=rate)
    return Cure(
        f"take a learning rate of {rate:g}",
        f"optimizer = pb.{better!r}",
        lambda patient: patient.but(optimizer=better),
    )


def _told(ended: str, start: float, end: float, *, diverged: bool) -> str:
    if diverged:
        return f"training {ended}" if ended.startswith("diverged") else ended
    return f"the loss went from {start:.3g} to {end:.3g}"


def _sweep(examination: Examination) -> Curve | None:
    found = examination.rates
    if found is None:
        return None
    losses = np.where(np.isfinite(found.smoothed), found.smoothed, math.nan)
    return Curve(
        "the loss at growing learning rates",
        "learning rate",
        "loss",
        {"loss": (found.rates.tolist(), losses.tolist())},
        logarithmic="x",
    )
