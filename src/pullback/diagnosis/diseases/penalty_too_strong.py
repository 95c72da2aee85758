"""Penalty too strong: springs, or a decay of weights, that pull harder than the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.diagnosis.changes import with_options
from pullback.diagnosis.checks import hardly_learns
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.flow import Flow
from pullback.losses.penalty import Penalty
from pullback.optim.optimizer import OPTIMIZERS

_SHRUNK = 0.5  # times as large as at the start, which weights are that a penalty holds down
WEAKER = 100.0  # times, that is tried
_DECAY = "weight_decay"


@disease("penalty too strong", brings=("vanishing gradients",))
def too_strong(examination: Examination) -> Iterator[Finding]:
    """The weights have shrunk in training, and without the pull the net does better."""
    parts = examination.patient.parts
    decay = float(parts.optimizer.options.get(_DECAY) or 0.0)
    pulls = [x for x in parts.penalties if getattr(x, "strength", 0.0)]
    start, end = examination.flow, examination.flow_at_end
    if not (pulls or decay) or start is None or end is None:
        return
    cures = []
    if pulls:
        weaker = tuple(_weaker(x) for x in parts.penalties)
        told = ", ".join(f"pb.{x!r}" for x in weaker)
        cures.append(
            Cure(
                f"divide the strength by {WEAKER:g}",
                f"trainer = pb.Trainer(..., penalties=[{told}])",
                lambda patient: patient.but(penalties=weaker),
            )
        )
    if decay and parts.optimizer.name in OPTIMIZERS:
        optimizer = with_options(parts.optimizer, **{_DECAY: decay / WEAKER})
        cures.append(
            Cure(
                f"divide the weight decay by {WEAKER:g}",
                f"optimizer = pb.{optimizer!r}",
                lambda patient: patient.but(optimizer=optimizer),
            )
        )
    names = [repr(x) for x in pulls] + ([f"a weight decay of {decay:g}"] if decay else [])
    yield from too_strong_of(examination, names, _length(start), _length(end), tuple(cures))


def too_strong_of(
    examination: Examination,
    names: Sequence[str],
    before: float,
    after: float,
    cures: tuple[Cure, ...],
) -> Iterator[Finding]:
    """What the length of the weights before and after training says, by what pulls at them."""
    if not after < _SHRUNK * before:
        return
    first, last = examination.loss_at_start(), examination.trained.final("loss")
    yield Finding(
        "penalty too strong",
        "severe" if hardly_learns(examination) else "mild",
        f"the weights shrank from a length of {before:.3g} to {after:.3g}, pulled by "
        f"{' and '.join(names)}; the loss went from {first:.3g} to {last:.3g}",
        "the pull towards zero is stronger than what the data pull, so that the net says little",
        cures=cures,
        numbers={"before": before, "after": after, "loss_at_end": last},
    )


def _length(flow: Flow) -> float:
    """The length of all weights as one vector."""
    squares = [np.sum(np.square(np.asarray(x.value, np.float64))) for x in flow.weights.values()]
    return float(np.sqrt(np.sum(squares)))


def _weaker(penalty: Penalty) -> Penalty:
    told: Any = penalty
    strength = getattr(penalty, "strength", None)
    return penalty if strength is None else replace(told, strength=strength / WEAKER)
