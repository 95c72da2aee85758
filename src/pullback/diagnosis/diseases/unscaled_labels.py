"""Unscaled labels: quantities so large, small or far from 0 that no usual step reaches them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination, spread
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.train.data import Rows

_FAR = 10.0  # times 1, that a size is far, or times its deviation, that a mean is
_KNOWN = 0.2  # of the variance, that a forest tells, so that there is something to learn
_AS_GOOD = 0.8  # of what a forest tells: a net that comes near it has learned
_LOST = 0.1  # of the variance, that a net tells at least which learned anything

_CODE = """mean, deviation = labels.mean(axis=0), labels.std(axis=0)
trainer.fit(x, (labels - mean) / deviation)
answers = trainer.predict(x) * deviation + mean  # by the numbers of training"""


@disease(
    "unscaled labels",
    brings=(
        *("learning rate too high", "learning rate too low", "exploding gradients"),
        *("not a number", "badly scaled initialization", "dying ReLUs", "saturated units"),
        "wrong loss",
    ),
)
def unscaled(examination: Examination) -> Iterator[Finding]:
    """Quantities of deviations, or means, far from 1, of which the net tells less than a forest."""
    patient, reference = examination.patient, examination.reference
    if reference is None or reference.is_of_classes:
        return
    y = patient.labels[0].reshape(len(patient.labels[0]), -1)
    mean, deviation = spread(y)
    size = np.sqrt(mean**2 + deviation**2)
    worst = int(np.abs(np.log(np.maximum(size, 1e-300))).argmax())
    large, far = float(size[worst]), float(abs(mean[worst]) / max(deviation[worst], 1e-300))
    if 1.0 / _FAR < large < _FAR and far < _FAR:
        return
    known, told = reference.skill(reference.forest), examination.trained.best("validation_r2")
    if known < _KNOWN or told > _AS_GOOD * known:
        return
    yield Finding(
        "unscaled labels",
        "severe" if not told > _LOST else "mild",
        f"labels are {mean[worst]:.3g} ± {deviation[worst]:.3g}; of their variance the net tells "
        f"{max(0.0, told) if told == told else 0.0:.0%}, and a forest {known:.0%}",
        "scores start near 0, and the loss and its gradient grow with the size of the labels, so "
        "that no usual learning rate suits",
        (Cure("bring labels to mean 0 and deviation 1, and answers back", _CODE, _scaled),),
        numbers={"mean": float(mean[worst]), "deviation": float(deviation[worst])},
        picture=Bars(
            "share of the variance of rows to judge by that is told",
            "share",
            {"the net": max(0.0, told) if told == told else 0.0, "a forest": known},
        ),
        measure="validation_r2",
    )


def _scaled(patient: Patient) -> Patient:
    """The patient with labels of mean 0 and deviation 1, by those to train on.

    Raises `CircuitError` where the loss does not take such labels, as that of counts.
    """
    (y,) = patient.labels
    mean, deviation = spread(y.reshape(len(y), -1))
    if not deviation.all():
        raise CircuitError("one of the labels is the same in all rows")
    shape = y.shape[1:]
    mean, deviation = mean.reshape(shape), deviation.reshape(shape)

    def scaled(rows: Rows) -> Rows:
        labels = ((rows.columns["labels"] - mean) / deviation).astype(y.dtype)
        patient.parts.losses[0].prepare(labels, labels.shape)
        return Rows({**rows.columns, "labels": labels}, rows.sampling)

    return patient.but(data=scaled(patient.data), held_out=scaled(patient.held_out))
