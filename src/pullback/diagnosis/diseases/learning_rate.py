"""Learning rate too high, or too low: steps that overshoot, or lead nowhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from pullback.core.unit import Unit
from pullback.diagnosis.checks import hardly_learns
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Curve, Finding
from pullback.diagnosis.patient import Patient
from pullback.optim.optimizer import Optimizer
from pullback.optim.schedules.schedule import Schedule, scheduled
from pullback.train.finder import LearningRates
from pullback.train.rates import over_too_early

_HIGH = 3.0  # times what a sweep suggests, that may be too much
_LOW = 0.1  # times, that may be too little
_JUMP = 1.05  # times the loss of the epoch before
_LEARNED = 0.1  # of the loss at the start: a net that comes below has learned
_FALLING = 0.2  # of what the loss fells in all, that it falls in the second half
_LOST = 0.2  # of what the sweep won
_LOOKS = 64  # at a schedule


@disease(
    "learning rate too high",
    brings=(*("dying ReLUs", "saturated units", "exploding gradients", "not a number"),),
)
def too_high(examination: Examination) -> Iterator[Finding]:
    """The loss grows, or jumps about, and at smaller rates it falls."""
    rate = peak(examination)
    found = examination.rates
    if rate is None or found is None or found.suggestion is None:
        return
    if rate < _HIGH * found.suggestion:
        return
    history, start = examination.trained.history, examination.loss_at_start()
    end = examination.trained.final("loss")
    rises = history.diverged or not end < start
    jumps = _jumps([start, *(row["loss"] for row in history.rows)])
    learned = end < _LEARNED * start and jumps < 0.25
    if not rises and (learned or (jumps < 0.25 and not _is_beyond(found, rate))):
        return
    yield Finding(
        "learning rate too high",
        "severe" if rises else "mild",
        f"{_told(examination, start, end)}; a sweep suggests a rate of {found.suggestion:.2g}, and "
        f"it is {rate:.3g}",
        "each step goes past the place that it aims at, so that the next one starts farther away",
        cures=(_cure(examination, found.suggestion, rate), _cure(examination, rate / 10.0, rate)),
        numbers=_numbers(examination, rate, found.suggestion),
        picture=_sweep(examination),
    )


@disease("learning rate too low")
def too_low(examination: Examination) -> Iterator[Finding]:
    """The loss falls, but hardly, and fast at larger rates; or a schedule ends too early."""
    history = examination.trained.history
    yield from _over(examination)
    rate, found = peak(examination), examination.rates
    if rate is None or history.diverged or found is None or found.suggestion is None:
        return
    told = getattr(examination.patient.parts.optimizer.learning_rate, "rate", rate)
    if rate > _LOW * found.suggestion or (
        isinstance(told, float) and told > _LOW * found.suggestion  # a warm-up that was cut short
    ):
        return
    start, end = examination.loss_at_start(), examination.trained.final("loss")
    if end < _LEARNED * start or not _still_falls([row["loss"] for row in history.rows]):
        return
    yield Finding(
        "learning rate too low",
        "severe" if hardly_learns(examination) else "mild",
        f"{_told(examination, start, end)} in {len(history)} epochs"
        f"; a sweep suggests a rate of {found.suggestion:.2g}, and it is {rate:.3g}",
        "each step is so short that training would need many times as many of them",
        cures=(_cure(examination, found.suggestion, rate),),
        numbers=_numbers(examination, rate, found.suggestion),
        picture=_sweep(examination),
    )


def _over(examination: Examination) -> Iterator[Finding]:
    """A schedule that leaves next to nothing of the rate for most of the training."""
    optimizer, highest = examination.trained.trainer.optimizer, peak(examination)
    told = over_too_early(optimizer, _steps(examination.patient))
    if not told or highest is None:
        return
    steady = replace(optimizer, learning_rate=highest)
    yield Finding(
        "learning rate too low",
        "mild",
        told,
        "what is left of the rate by then moves nothing, so that the training ended long ago",
        cures=(
            Cure(
                "let the rate stay, or the schedule last as long as the training",
                f"optimizer = pb.{steady!r}",
                lambda patient: patient.but(optimizer=steady),
            ),
        ),
        where="the schedule",
        numbers={"highest": highest},
    )


def _steps(patient: Patient) -> int:
    """The steps of a training."""
    each = len(patient.sizes) or math.ceil(len(patient.data) / patient.batch_size)
    return each * patient.epochs


def peak(examination: Examination) -> float | None:
    """The highest rate of the training, of a schedule too; None where it cannot be known."""
    optimizer: Optimizer = examination.trained.trainer.optimizer
    rate = optimizer.learning_rate
    if isinstance(rate, str):
        return None
    if not callable(rate):
        return float(rate)
    at = np.unique(np.linspace(0, _steps(examination.patient) - 1, _LOOKS).astype(int))
    return max(float(scheduled(rate, Unit(float(step))).value) for step in at)


def _cure(examination: Examination, rate: float, present: float) -> Cure:
    """The same optimizer at this rate; of a schedule, at so much of it."""
    optimizer: Optimizer = examination.trained.trainer.optimizer
    if callable(optimizer.learning_rate):
        return _lower(optimizer, optimizer.learning_rate, float(f"{rate / present:.1g}"))
    rate = float(f"{rate:.1g}")
    better = replace(optimizer, learning_rate=rate)
    return Cure(
        f"take a learning rate of {rate:g}",
        f"optimizer = pb.{better!r}",
        lambda patient: patient.but(optimizer=better),
    )


def _lower(optimizer: Optimizer, schedule: Schedule, factor: float) -> Cure:
    """The cure that multiplies a schedule."""
    scaled: Callable[[Unit], Unit] = lambda step: factor * schedule(step)
    text = repr(replace(optimizer, learning_rate=factor))
    code = text.replace(f"{factor!r}", f"lambda step: {factor:g} * schedule(step)", 1)
    better = replace(optimizer, learning_rate=scaled)
    return Cure(
        f"multiply the learning rates of the schedule by {factor:g}",
        f"schedule = ...  # as it is: {schedule!r:.80}\noptimizer = pb.{code}",
        lambda patient: patient.but(optimizer=better),
    )


def _is_beyond(found: LearningRates, rate: float) -> bool:
    """Whether the sweep, at this rate, had lost some of what it had won, or was lost before it."""
    if rate > found.rates[-1]:
        return True
    losses = found.smoothed
    k = int(np.abs(np.log(found.rates / rate)).argmin())
    return bool(rate > found.lowest and losses[k] - losses.min() > _LOST * np.ptp(losses[: k + 1]))


def _jumps(losses: list[float]) -> float:
    """The share of epochs after which the loss is larger than before; the first is the start."""
    if len(losses) < 4:
        return 0.0
    before, after = np.array(losses[:-1]), np.array(losses[1:])
    return float(np.mean(~(after <= _JUMP * before)))


def _still_falls(losses: list[float]) -> bool:
    """Whether much of what the loss falls, it falls in the second half of training."""
    if len(losses) < 3:
        return True
    first, middle, last = losses[0], losses[len(losses) // 2], losses[-1]
    return bool(middle - last > _FALLING * (first - last)) or not last < first


def _told(examination: Examination, start: float, end: float) -> str:
    history = examination.trained.history
    if history.diverged:
        return f"training {history.ended}"
    return f"the loss went from {start:.3g} to {end:.3g}"


def _numbers(examination: Examination, rate: float, suggested: float) -> dict[str, float]:
    return {
        "rate": rate,
        "suggested": suggested,
        "loss_at_start": examination.loss_at_start(),
        "loss_at_end": examination.trained.final("loss"),
    }


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
