"""Shifted labels: each label belongs to the row before or after, or classes count from another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from pullback.diagnosis.answers import class_numbers
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.reference import Reference
from pullback.diagnosis.shifts import with_labels_beside
from pullback.train.data import Rows

_WEAK = 0.5  # a skill from which on labels are where they belong
_BETTER = 0.3  # more skill, of shifted labels
_SURE = 4.0  # standard errors
_BEYOND = 1.5  # standard errors, beyond what chance makes
_SERIES = 0.3  # a correlation with the row before, in what comes one after another in time
_FEW = 40

_BESIDE = {-2: "two rows before", -1: "the row before", 1: "the next row", 2: "two rows on"}


@disease("shifted labels", brings=("shuffled labels",))
def shifted(examination: Examination) -> Iterator[Finding]:
    """The labels fit the inputs of the rows beside theirs."""
    yield from _own_inputs(examination.patient)
    reference = examination.reference
    if reference is None:
        return
    yield from _of_classes(examination, reference)
    skills = {0: max(reference.skills.values())}
    if skills[0] > _WEAK or _is_series(examination.patient, reference):
        return
    who = "a forest"
    for by in _BESIDE:
        pairs = _pairs(examination.patient, by)
        if pairs is not None and len(pairs) >= _FEW:
            skills[by] = _skill(reference, pairs)
    if max(skills.values()) - skills[0] < _BETTER and reference.finds_nothing:
        who, skills = "the net", _of_net(examination, list(skills))
    best = max(skills, key=lambda by: skills[by])
    if skills[best] - skills[0] < max(_BETTER, _SURE * reference.error()):
        return
    beside = _BESIDE[best]
    cut = f"x[:-{best}], labels[{best}:]" if best > 0 else f"x[{-best}:], labels[:{best}]"
    yield Finding(
        "shifted labels",
        "severe",
        f"{who} tells {skills[best]:.0%} of the labels of {beside} from a row, and "
        f"{max(skills[0], 0.0):.0%} of those of the row itself (0% is chance)",
        f"inputs and labels were cut, sorted or joined {abs(best)} apart",
        (
            Cure(
                f"give each row the label of {beside}",
                f"x, labels = {cut}",
                lambda patient: with_labels_beside(patient, best),
            ),
        ),
        numbers={f"skill_{by:+d}" if by else "skill": skill for by, skill in skills.items()},
        picture=Bars(
            "what a row tells of the labels of rows beside it",
            "skill",
            {f"{by:+d}" if by else "0": max(0.0, skills[by]) for by in sorted(skills)},
        ),
        certain=True,
    )


def _own_inputs(patient: Patient) -> Iterator[Finding]:
    """Each step of a sequence of tokens has itself as its label."""
    (x, *_), (y, *_) = patient.inputs, patient.labels
    if x.dtype.kind not in "iu" or x.ndim < 2 or x.shape != y.shape or not np.array_equal(x, y):
        return
    yield Finding(
        "shifted labels",
        "severe",
        f"the labels of all {len(x):,} rows are their inputs, step by step",
        "a net that is to tell the next step was given the present one, which it need but copy",
        (
            Cure(
                "let the label of each step be the next one",
                "x, labels = sequences[:, :-1], sequences[:, 1:]",
                untried="to copy is easier than to tell what is next, so that the loss could only "
                "rise",
            ),
        ),
        certain=True,
    )


def _of_net(examination: Examination, shifts: Sequence[int]) -> dict[int, float]:
    """How well the net itself, trained on them, tells the classes of the rows so far beside."""
    found = {}
    for by in shifts:
        trained = examination.beside[by] if by else examination.trained
        right = trained.best("validation_balanced_accuracy")
        chance = 1.0 / max(2, examination.classes)
        found[by] = 0.0 if math.isnan(right) else (right - chance) / (1.0 - chance)
    return found


def _of_classes(examination: Examination, reference: Reference) -> Iterator[Finding]:
    """The class numbers of the rows to judge by count from another number than the others."""
    patient = examination.patient
    apart = patient.origin is None or patient.origin.apart
    truth = class_numbers(patient.parts.losses, patient.held_out)
    if not reference.is_of_classes or truth is None or not apart or len(reference.classes) < 3:
        return
    said = reference.of_held_out()
    right = {by: float((said + by == truth).mean()) for by in (-1, 0, 1)}
    best = max(right, key=lambda by: right[by])
    if not best or right[best] - right[0] < _BETTER or right[best] < _WEAK:
        return
    yield Finding(
        "shifted labels",
        "severe",
        f"{right[best]:.0%} of the rows to judge by have the label {best:+d} of what a forest that "
        f"is fitted to the others says, and {right[0]:.0%} the same",
        "classes count from 0 in the one and from 1 in the other",
        (
            Cure(
                "let classes count from the same number",
                f"validation_labels = validation_labels - ({best})",
                lambda patient: _counted(patient, best),
            ),
        ),
        where="the rows to judge by",
        numbers={"right": right[0], "shifted": right[best]},
        certain=True,
    )


def _counted(patient: Patient, by: int) -> Patient:
    columns = dict(patient.held_out.columns)
    labels = columns["labels"]
    columns["labels"] = (labels - by).clip(patient.labels[0].min(), patient.labels[0].max())
    return patient.but(held_out=Rows(columns))


def _is_series(patient: Patient, reference: Reference) -> bool:
    """Whether rows come one after another in time: what is next may well be what is to be told."""
    place = np.full(len(patient.data), -1)
    place[reference.rows] = np.arange(len(reference.rows))
    pairs = _pairs(patient, 1)
    if pairs is None:
        return True
    first, second = place[pairs[:, 0]], place[pairs[:, 1]]
    there = (first >= 0) & (second >= 0)
    if there.sum() < _FEW:
        return True
    x, y = reference.features[first[there]], reference.features[second[there]]
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = ((z - z.mean(axis=0)) / z.std(axis=0) for z in (x, y))
        correlation = abs(np.nan_to_num(x.T @ y)) / len(x)
    of_chance = math.sqrt(4.0 * math.log(max(2, correlation.shape[0])))  # of so many, the largest
    return bool(correlation.max() > max(_SERIES, (of_chance + _BEYOND) / math.sqrt(len(x))))


def _pairs(patient: Patient, by: int) -> np.ndarray | None:
    """The places in the data of rows, and of the rows so many after them, (pairs, 2)."""
    numbers = patient.numbers
    place = np.full(numbers.max() + max(_BESIDE) + 1, -1)
    place[numbers] = np.arange(len(numbers))
    beside = numbers + by
    found = np.where(beside >= 0, place[beside.clip(0)], -1)
    there = np.flatnonzero(found >= 0)
    return np.stack([there, found[there]], axis=1) if len(there) else None


def _skill(reference: Reference, pairs: np.ndarray) -> float:
    """How well rows tell the labels of the rows beside them."""
    patient = reference.patient
    place = np.full(len(patient.data), -1)
    place[reference.rows] = np.arange(len(reference.rows))
    first, second = place[pairs[:, 0]], place[pairs[:, 1]]
    there = (first >= 0) & (second >= 0)
    truth = reference.truth[second[there]]
    if there.sum() < _FEW:
        return 0.0
    said = reference.answers(reference.features[first[there]], truth)
    return reference.skill(said, truth)
