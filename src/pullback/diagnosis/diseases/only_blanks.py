"""Only blanks: a net trained by CTC that answers by the blank at every step, so by no label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Curve, Finding
from pullback.diagnosis.patient import Patient
from pullback.losses import CTC
from pullback.train.data import of_kind

_EMPTY = 0.95  # of the rows that are answered by no label
_TRULY = 0.5  # of the rows that have none
_FALLS = 0.02  # of the loss in the last epoch: so fast it is still on its way
_FASTER = 10.0  # times the learning rate
_LONGER = 3  # times the epochs


@disease("only blanks", brings=("learning rate too low",))
def only_blanks(examination: Examination) -> Iterator[Finding]:
    """After training the likeliest class is the blank at every step, of rows that have labels."""
    patient = examination.patient
    (loss, *more) = patient.parts.losses
    if not isinstance(loss, CTC) or more or examination.trained.history.diverged:
        return
    columns = patient.held_out.columns
    inputs, (labels,) = of_kind("inputs", columns), of_kind("labels", columns)
    try:
        scores = examination.trained.trainer.predict(
            tuple(inputs) if len(inputs) > 1 else inputs[0]
        )
    except CircuitError as error:
        examination.failed["only blanks"] = str(error)
        return
    there = np.arange(scores.shape[1]) < -2 - labels[:, :1]  # as `ctc_labels` tells lengths
    blank = scores.argmax(axis=2) == loss.blank
    empty = float((blank | ~there).all(axis=1).mean())
    truly = float((labels[:, 1:] < 0).all(axis=1).mean())
    if empty < _EMPTY or truly > _TRULY:
        return
    losses = examination.trained.history["loss"]
    falls = len(losses) > 1 and losses[-1] < (1.0 - _FALLS) * losses[-2]
    epochs = list(range(1, len(losses) + 1))
    yield Finding(
        "only blanks",
        "mild" if falls else "severe",
        f"after {len(losses)} epochs {empty:.0%} of {len(labels)} rows are answered by no label, "
        f"and {truly:.0%} have none",
        "the blank suits every place, so that a net learns it first, and leaves it only when it "
        "tells labels apart; here it has not come to that",
        _cures(patient),
        numbers={"empty": empty, "truly empty": truly},
        picture=Curve("the loss of training", "epoch", "loss", {"loss": (epochs, losses)}),
        certain=True,
    )


def _cures(patient: Patient) -> tuple[Cure, ...]:
    optimizer = patient.parts.optimizer
    epochs = _LONGER * patient.epochs
    longer = Cure(
        "train longer",
        f"trainer.fit(..., epochs={epochs})",
        lambda patient: patient.but(epochs=epochs),
    )
    easier = Cure(
        "begin with short rows, and give more steps for each label",
        "trainer.fit(short_inputs, ctc_labels(short_labels, lengths), epochs=5)",
        None,
        "which rows are short is known before they are made ready",
    )
    if not isinstance(optimizer.learning_rate, float):
        return longer, easier
    faster = replace(optimizer, learning_rate=_FASTER * optimizer.learning_rate)
    rate = Cure(
        "take a larger learning rate",
        f"optimizer = pb.{faster!r}",
        lambda patient: patient.but(optimizer=faster),
    )
    return rate, longer, easier
