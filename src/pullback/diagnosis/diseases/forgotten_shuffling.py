"""Forgotten shuffling: batches that come sorted, so that each pulls to what the last one undid."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from pullback.diagnosis.answers import class_numbers
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Curve, Finding
from pullback.diagnosis.patient import Patient

_SURE = 5.0  # standard deviations
_SORTED = 0.3  # of the variance of labels, that lies between batches
_FEW = 3  # batches

_CODE = """order = np.random.default_rng().permutation(len(x))  # anew in each epoch
trainer.fit(x, labels)  # or give rows in place of batches: these are shuffled"""


@disease(
    "forgotten shuffling",
    brings=("unbalanced classes", "learning rate too high", "dying ReLUs"),
)
def unshuffled(examination: Examination) -> Iterator[Finding]:
    """Labels differ more between batches than chance lets them."""
    patient = examination.patient
    if (
        len(patient.sizes) < _FEW
        or max(patient.sizes) < 2
        or len(patient.labels) != 1
        or patient.labels[0].ndim > 2
    ):
        return
    if not patient.parts.losses[0].reading.task:
        return  # labels of sequences, which may come sorted by length
    marks, what = _marks(patient)
    total = float(marks.var(axis=0).sum())
    batch = np.repeat(np.arange(len(patient.sizes)), patient.sizes)
    sizes = np.array(patient.sizes)
    if total == 0.0:
        yield from _one_class(examination)
        return
    means = np.stack([np.bincount(batch, mark) / sizes for mark in marks.T], axis=1)
    apart = (sizes[:, None] * (means - marks.mean(axis=0)) ** 2).sum() / len(marks)
    share, chance = float(apart / total), (len(sizes) - 1) / (len(marks) - 1)
    noise = math.sqrt(2.0 * (len(sizes) - 1)) / len(marks)
    if share < max(_SORTED, chance + _SURE * noise):
        return
    yield Finding(
        "forgotten shuffling",
        "severe" if share > 2.0 * _SORTED else "mild",
        f"{share:.0%} of the variance of the {what} lies between batches, of mixed rows it would "
        f"be {chance:.0%}: the batches come sorted",
        "a batch of one kind pulls the net to answer that kind to all, and the next one undoes it",
        (Cure("mix the rows before they are put into batches", _CODE, _mixed),),
        numbers={"between": share, "chance": chance},
        picture=Curve(
            "the mean label of each batch",
            "batch",
            what,
            {"mean": (list(range(len(sizes))), _line(patient, batch, sizes))},
        ),
    )


def _marks(patient: Patient) -> tuple[np.ndarray, str]:
    """Labels as columns of numbers that a mean says something of: one for each class."""
    truth = class_numbers(patient.parts.losses, patient.data)
    if truth is None:
        labels = patient.labels[0]
        return labels.reshape(len(labels), -1).astype(np.float64), "labels"
    return (truth[:, None] == np.unique(truth)).astype(np.float64), "classes"


def _line(patient: Patient, batch: np.ndarray, sizes: np.ndarray) -> list[float]:
    labels = patient.labels[0].reshape(len(batch), -1)[:, 0]
    return (np.bincount(batch, labels) / sizes).tolist()


def _one_class(examination: Examination) -> Iterator[Finding]:
    """All batches that were looked at are of one class, and the net knows several."""
    patient = examination.patient
    truth = class_numbers(patient.parts.losses, patient.data)
    if truth is None or patient.parts.losses[0].reading.task != "classification":
        return
    yield Finding(
        "forgotten shuffling",
        "severe",
        f"all {len(truth):,} rows of the first {len(patient.sizes):,} batches are of class "
        f"{truth[0]}",
        "a net that sees one class for so long answers that class to all",
        (
            Cure(
                "mix the rows before they are put into batches",
                _CODE,
                untried="no other rows were looked at",
            ),
        ),
        certain=True,
    )


def _mixed(patient: Patient) -> Patient:
    """The patient whose rows come in batches of the same size by chance."""
    return patient.but(sizes=(), batch_size=round(float(np.median(patient.sizes))))
