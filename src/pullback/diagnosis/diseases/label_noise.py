"""Label noise: some labels are wrong, and which.

Source: Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels"
(2021), for the rows; where classes overlap by nature, what is said with most confidence is right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.reference import Reference

_CONFIDENT = 0.5  # the share of rows that are told with most confidence
_LEAST = 0.02  # a share of wrong labels that is worth a word
_FLAT = 0.5  # of all errors, what the confident rows have where labels are wrong by chance
_BETTER = 0.75  # of the errors of chance, that may be left
_BETTER_OF_TOKENS = 0.5  # which are counted, where their order may decide
_SURE = 2.0  # standard errors
_FAR = 2.5  # of them
_SHOWN = 12
_KEPT = 200  # rows that are named to programs
_DISTINCT = 0.5  # of the rows: fewer are few cases, each with a share of its own

_CODE = """suspects = {rows}
x, labels = np.delete(x, suspects, axis=0), np.delete(labels, suspects)  # or look at them"""


@dataclass(frozen=True)
class _Suspects:
    """A share of labels that are wrong, with its error, and the places of the likeliest rows."""

    share: float
    error: float
    places: np.ndarray


@disease("label noise")
def noisy(examination: Examination) -> Iterator[Finding]:
    """Labels disagree with what others like them say, also where there is no doubt."""
    reference, patient = examination.reference, examination.patient
    if reference is None or not reference.is_of_classes or patient.parts.mixup:
        return
    found = _suspects(reference)
    if found is None or _knows_better(examination, found.share):
        return
    rows = patient.numbers[reference.rows[found.places]]
    shown = ", ".join(map(str, rows[:_SHOWN].tolist()))
    yield Finding(
        "label noise",
        "mild",
        f"about {found.share:.0%} ± {found.error:.1%} of the labels look wrong: among the rows "
        "that a model is surest of without having seen them, so many are labelled otherwise. The "
        f"likeliest are rows {shown}",
        "wrong labels pull against the right ones: a net that learns them by heart is worse for it",
        (
            Cure(
                "look at the rows, and mend or leave out what is wrong",
                _CODE.format(rows=rows[:_KEPT].tolist()),
                lambda patient: patient.keeping(
                    np.delete(np.arange(len(patient.data)), reference.rows[found.places])
                ),
            ),
        ),
        numbers={"share": found.share, "error": found.error, "suspects": float(len(rows))},
        certain=True,
        rows=tuple(rows[:_KEPT].tolist()),
        measure="validation_accuracy",
        at_end=True,
    )


def _knows_better(examination: Examination, share: float) -> bool:
    """Whether the net itself errs less, of other rows, than labels would be wrong."""
    right = examination.trained.best("validation_accuracy")
    error = math.sqrt(share * (1.0 - share) / len(examination.patient.held_out))
    return 1.0 - right < share - _FAR * error


def _suspects(reference: Reference) -> _Suspects | None:
    """What is wrong, where it is not what overlapping classes make."""
    labels = np.searchsorted(reference.classes, reference.truth)
    if len(np.unique(reference.features, axis=0)) < _DISTINCT * len(labels):
        return None
    chance = 1.0 - np.bincount(labels).max() / len(labels)
    least = min((reference.forest, reference.linear), key=lambda p: _wrong(p, labels)[1])
    share, all_of = _wrong(least, labels)
    sure = _CONFIDENT * len(labels)
    error = float(np.sqrt(max(share * (1.0 - share), 1.0 / sure) / sure))
    better = _BETTER_OF_TOKENS if reference.of_tokens else _BETTER
    if all_of > better * chance or share - _SURE * error < _LEAST:
        return None
    # Another model may be surest of other rows: where chance made them wrong, of none.
    if min(_wrong(p, labels)[0] for p in (reference.forest, reference.linear)) < _FLAT * all_of:
        return None
    return _Suspects(share, error, _off_diagonal(least, labels))


def _wrong(p: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The share of rows that are labelled otherwise, of the surest ones, and of all."""
    wrong = p.argmax(axis=1) != labels
    sure = np.argsort(-p.max(axis=1), kind="stable")[: max(1, round(_CONFIDENT * len(labels)))]
    return float(wrong[sure].mean()), float(wrong.mean())


def _off_diagonal(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The rows that are as likely in another class as its own rows are, the likeliest first."""
    count = p.shape[1]
    usual = np.array([p[labels == k, k].mean() for k in range(count)])
    own = p[np.arange(len(p)), labels]
    others = np.where((p >= usual) & (np.arange(count) != labels[:, None]), p, -np.inf)
    lead = others.max(axis=1) - own
    order = np.argsort(-lead, kind="stable")
    return order[lead[order] > 0.0]
