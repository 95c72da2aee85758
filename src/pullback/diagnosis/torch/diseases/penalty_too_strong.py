"""Penalty too strong: weight decay under which the weights are gone before they learn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pullback.core.text import number
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.own import OWN

_SHRUNK = 0.5  # of their length that weights have left
_LESS = 0.01  # of the decay, that is tried


@disease("penalty too strong", brings=("vanishing gradients",), among=OWN)
def too_strong(examination: Examination) -> Iterator[Finding]:
    """With weight decay the weights are much shorter after training."""
    parts = parts_of(examination.patient)
    optimizer = parts.optimizer
    decay = optimizer.weight_decay
    if not decay or examination.trained.history.diverged:
        return
    start, end = _length(parts.model), _length(examination.trained.trainer.model)
    if not start or not end < _SHRUNK * start:
        return
    better = replace(optimizer, decayed=_LESS * optimizer.decayed)
    losses = examination.loss_at_start(), examination.trained.final("loss")
    yield Finding(
        "penalty too strong",
        "severe" if losses[1] > 0.9 * losses[0] else "mild",
        f"with a weight decay of {number(decay)} the weights shrink to {end / start:.0%} of their "
        f"length, and the loss goes from {losses[0]:.3g} to {losses[1]:.3g}",
        "each step takes more from the weights than the data give back",
        cures=(
            Cure(
                "let weights decay less",
                f"optimizer = {better!r}",
                lambda patient: patient.but(optimizer=better),
            ),
        ),
        numbers={"weight_decay": decay, "left": end / start},
    )


def _length(model: Any) -> float:
    """The length of all weights, without biases."""
    return math.sqrt(sum(float((p.detach() ** 2).sum()) for p in model.parameters() if p.ndim > 1))
