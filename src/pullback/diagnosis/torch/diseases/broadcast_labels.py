"""Broadcast labels: outputs (n, 1) and labels (n,), of which a criterion compares all with all."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.library import torch
from pullback.diagnosis.torch.own import OWN
from pullback.diagnosis.torch.seen import Batch

_FIT = "labels.reshape(outputs.shape)"


@disease("broadcast labels", brings=("wrong loss",), among=OWN)
def broadcast(examination: Examination) -> Iterator[Finding]:
    """Answers that are the labels cost as much as those that are the labels of other rows."""
    batch = Batch(examination)
    output, y = batch.output, batch.labels
    criterion = parts_of(examination.patient).criterion.but(given=None)  # of labels as they are
    if not torch.is_tensor(output) or criterion.labels:
        return
    if output.shape == y.shape or output.numel() != y.numel() or bool((y == y[:1]).all()):
        return
    right = y.reshape(output.shape).to(output.dtype)
    loss, other = criterion(right, y), criterion(right, y.roll(1, dims=0))
    if not bool(torch.isclose(loss, other, rtol=1e-4)):
        return
    n = len(y)
    shapes = [str(("n", *x.shape[1:])).replace("'", "") for x in (output, y)]
    yield Finding(
        "broadcast labels",
        "severe",
        f"outputs are {shapes[0]} and labels {shapes[1]}: {n} rows make a table of {n} x {n} "
        f"errors, so that even outputs that are the labels have a loss of {float(loss):.4g}",
        "each output is compared with the labels of all rows, so that the best answer is their "
        "mean, whatever comes in",
        cures=(
            Cure(
                "give the labels the shape of the outputs",
                f"loss = criterion(outputs, {_FIT})",
                _fitted,
            ),
        ),
        numbers={"loss_of_right_answers": float(loss)},
        certain=True,
    )


def _fitted(patient: Patient) -> Patient:
    return patient.but(criterion=parts_of(patient).criterion.but(labels=_FIT))
