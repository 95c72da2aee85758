"""In: an examination. Out: the checks that experts make by hand before all else, each yes or no."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pullback.diagnosis.examination import CUT, Examination

_HARDLY = 0.9  # of a loss: a net that stays above has learned hardly anything
_NEAR = 0.25  # of what chance gives, that a loss at the start may be off


@dataclass(frozen=True)
class Check:
    """A check, whether it was passed (None: it could not be made), and what was seen."""

    name: str
    passed: bool | None
    seen: str


def checks(examination: Examination) -> Iterator[Check]:
    """All of them, the quick ones first."""
    yield _at_start(examination)
    yield _reaches(examination)
    yield _learns_few(examination)
    yield _beats_linear(examination)
    yield _learns_nothing_from_nothing(examination)


def _at_start(examination: Examination) -> Check:
    name = "the loss at the start is what chance gives"
    chance = chance_loss(examination)
    start = examination.loss_at_start()
    if chance is None:
        return Check(name, None, f"{start:.3g}; of this loss chance gives no one number")
    good = math.isfinite(start) and start < chance * (1.0 + _NEAR) + 0.1
    return Check(name, good, f"{start:.3g}, and chance gives {chance:.3g}")


def chance_loss(examination: Examination) -> float | None:
    """The loss of a net that answers alike to all; None of losses that have no such number."""
    reading = examination.patient.parts.losses[0].reading
    if not reading.probable or not examination.classes:
        return None
    return float(np.log(examination.classes))


def hardly_learns(examination: Examination) -> bool:
    """Whether the loss after training is about what it was, or what chance gives."""
    start, chance = examination.loss_at_start(), chance_loss(examination)
    usual = start if chance is None or chance > start else chance
    return not examination.trained.final("loss") < _HARDLY * usual


def _reaches(examination: Examination) -> Check:
    name = "what comes in reaches what goes out"
    if examination.start is None:
        return Check(name, None, examination.failed.get("start", "the model is no layer"))
    rows = [row for row in examination.start.rows if row.kind]
    still = [row.name for row in rows if row.std == 0.0]
    return Check(name, not still, f"{still[0]} is the same for all rows" if still else "it does")


def _learns_few(examination: Examination) -> Check:
    name = "a few rows are learned by heart"
    tiny = examination.tiny
    first, last = (tiny.history.rows[k]["loss"] for k in (0, -1)) if len(tiny.history) else (0, 0)
    learned = last < 0.1 * first
    cut = f" in {len(tiny.history)} steps, and no more fit in" if tiny.history.ended == CUT else ""
    seen = f"the loss of 8 rows goes from {first:.3g} to {last:.3g}{cut}"
    return Check(name, None if cut and not learned else learned, seen)


def _beats_linear(examination: Examination) -> Check:
    name = "a linear model is beaten"
    if examination.linear is None:
        return Check(name, None, examination.failed.get("linear", "there is none of such data"))
    own, linear = examination.trained.best("validation_loss"), examination.linear
    return Check(name, own <= linear, f"validation loss {own:.3g}, of a linear model {linear:.3g}")


def _learns_nothing_from_nothing(examination: Examination) -> Check:
    name = "shuffled labels are not learned"
    shuffled = examination.shuffled
    if "validation_accuracy" not in (shuffled.history.rows or [{}])[0]:
        return Check(name, None, "it is a check of classes")
    found = shuffled.final("validation_accuracy")
    labels = examination.patient.held_out.columns["labels"]
    _, counts = np.unique(labels, return_counts=True)
    most = counts.max() / counts.sum()
    error = math.sqrt(most * (1.0 - most) / counts.sum())
    return Check(name, found < most + 4.0 * error, f"{found:.1%} right of validation rows")
