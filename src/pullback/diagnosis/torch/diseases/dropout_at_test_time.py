"""Dropout at test time: a module in eval mode whose answers are other ones each time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.learner import seeded
from pullback.diagnosis.torch.own import OWN
from pullback.train.data import of_kind

_ROUNDING = 1e-3  # of the spread, by which two answers may differ


@disease("dropout at test time", among=OWN)
def dropout_at_test_time(examination: Examination) -> Iterator[Finding]:
    """Two answers to the same rows differ, in eval mode."""
    trainer = parts_of(examination.patient).trainer()
    inputs = tuple(of_kind("inputs", examination.batch.columns))
    with seeded(0, trainer.model):
        one, other = trainer.predict(inputs), trainer.predict(inputs)
    apart, spread = float(np.abs(one - other).max()), float(one.std())
    if not apart > _ROUNDING * (spread + 1e-12):
        return
    yield Finding(
        "dropout at test time",
        "mild",
        f"in eval mode two answers to the same rows differ by up to {apart:.3g}, of a spread of "
        f"{spread:.3g}",
        "torch.nn.functional.dropout drops at all times unless it is told of the mode, and so does "
        "any random number that forward draws",
        cures=(
            Cure(
                "tell the function of the mode, or take torch.nn.Dropout",
                "x = torch.nn.functional.dropout(x, 0.5, training=self.training)",
                untried="it is in the code of forward",
            ),
        ),
        numbers={"apart": apart, "spread": spread},
        certain=True,
    )
