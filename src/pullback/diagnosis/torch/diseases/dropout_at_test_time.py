"""Dropout at test time: a module in eval mode whose answers are other ones each time."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.diseases.dropout_at_test_time import asked_twice, by_chance
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.learner import seeded
from pullback.diagnosis.torch.own import OWN
from pullback.train.data import of_kind


@disease("dropout at test time", among=OWN)
def dropout_at_test_time(examination: Examination) -> Iterator[Finding]:
    """Two answers to the same rows differ, in eval mode."""
    trainer = parts_of(examination.patient).trainer()
    inputs = tuple(of_kind("inputs", examination.batch.columns))
    with seeded(0, trainer.model):
        told = asked_twice([trainer.predict(inputs)], [trainer.predict(inputs)])
    if not told:
        return
    tell = Cure(
        "tell the function of the mode, or take torch.nn.Dropout, which knows it: "
        "torch.nn.functional.dropout drops at all times unless it is told, and so does any "
        "random number that forward draws",
        "x = torch.nn.functional.dropout(x, 0.5, training=self.training)",
        untried="it is in the code of forward",
    )
    yield by_chance(told, (tell,))
