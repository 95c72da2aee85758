"""Wrong loss: a criterion that labels do not fit, or NLLLoss of what are no logarithms."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.criterion import cross_entropy
from pullback.diagnosis.torch.library import torch
from pullback.diagnosis.torch.own import OWN
from pullback.diagnosis.torch.seen import Batch

_APART = 1e-3  # from 1, that the probabilities of a row may add up to


@disease("wrong loss", brings=("not a number", "learning rate too high"), among=OWN)
def wrong_loss(examination: Examination) -> Iterator[Finding]:
    """Labels were refused at the door, or the outputs under NLLLoss are no log-probabilities."""
    parts = parts_of(examination.patient)
    yield from (x for x in parts.amiss if x.disease == "wrong loss")
    if parts.criterion.name != "NLLLoss":
        return
    output = Batch(examination).output
    sums = output.detach().exp().sum(dim=1)
    if bool(torch.isclose(sums, torch.ones_like(sums), atol=_APART).all()):
        return
    better = cross_entropy()
    yield Finding(
        "wrong loss",
        "severe",
        "NLLLoss takes logarithms of probabilities, and exp(outputs) of a row adds up to "
        f"{float(sums.min()):.3g} to {float(sums.max()):.3g} in place of 1",
        "without log_softmax the loss falls without end by making one output of each row larger",
        cures=(
            Cure(
                "take the criterion that has log_softmax in it",
                "criterion = torch.nn.CrossEntropyLoss()",
                lambda patient: patient.but(criterion=better),
            ),
        ),
        numbers={"lowest_sum": float(sums.min()), "highest_sum": float(sums.max())},
        certain=True,
    )
