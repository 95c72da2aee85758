"""Broadcast labels: outputs (n, 1) and labels (n,), of which a criterion compares all with all."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.own import OWN
from pullback.diagnosis.torch.seen import Batch

_APART = 1e-4  # of a loss, that two ways to compute it may differ


@disease("broadcast labels", among=OWN)
def broadcast(examination: Examination) -> Iterator[Finding]:
    """The loss is another one where the labels have the shape of the outputs."""
    batch = Batch(examination)
    output, y, criterion = batch.output, batch.labels, parts_of(examination.patient).criterion
    if isinstance(output, tuple | list) or criterion.labels or len(y) < 2:
        return
    if output.shape == y.shape or output.numel() != y.numel():
        return
    loss = float(criterion(output, y))
    fitting = float(criterion(output, y.reshape(output.shape)))
    if not abs(loss - fitting) > _APART * (abs(fitting) + 1e-12) or math.isnan(fitting):
        return
    n = len(y)
    shapes = [str(("n", *x.shape[1:])).replace("'", "") for x in (output, y)]
    yield Finding(
        "broadcast labels",
        "severe",
        f"outputs are {shapes[0]} and labels {shapes[1]}, so that {n} rows make a table of {n} x "
        f"{n} errors: a loss of {loss:.4g}, and {fitting:.4g} where each output meets its label",
        "each output is compared with the labels of all rows, so that the best answer is their "
        "mean, whatever comes in",
        cures=(
            Cure(
                "give the labels the shape of the outputs",
                "loss = criterion(outputs, labels.reshape(outputs.shape))",
                _fitted,
            ),
        ),
        numbers={"loss": loss, "loss_row_by_row": fitting},
        certain=True,
    )


def _fitted(patient: Patient) -> Patient:
    criterion = parts_of(patient).criterion
    return patient.but(criterion=criterion.but(labels="labels.reshape(outputs.shape)"))
