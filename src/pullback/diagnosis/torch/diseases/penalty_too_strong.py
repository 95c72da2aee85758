"""Penalty too strong: weight decay that pulls harder than the data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pullback.diagnosis.disease import disease
from pullback.diagnosis.diseases.penalty_too_strong import WEAKER, too_strong_of
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.own import OWN


@disease("penalty too strong", among=OWN)
def too_strong(examination: Examination) -> Iterator[Finding]:
    """With weight decay the weights are much shorter after training."""
    parts = parts_of(examination.patient)
    decay = parts.optimizer.weight_decay
    if not decay or examination.trained.history.diverged:
        return
    weaker = replace(parts.optimizer, decayed=parts.optimizer.decayed / WEAKER)
    cure = Cure(
        f"divide the weight decay by {WEAKER:g}",
        f"optimizer = {weaker!r}",
        lambda patient: patient.but(optimizer=weaker),
    )
    lengths = _length(parts.model), _length(examination.trained.trainer.model)
    yield from too_strong_of(examination, [f"a weight decay of {decay:g}"], *lengths, (cure,))


def _length(model: Any) -> float:
    """The length of all weights, without biases."""
    return math.sqrt(sum(float((p.detach() ** 2).sum()) for p in model.parameters() if p.ndim > 1))
