"""Leaking feature: a column that holds the label, which it will not where it is to be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.diagnosis.answers import class_numbers
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.diagnosis.reference import Reference

_ALONE = 0.97  # a skill, of one feature, that the world seldom grants
_WORSE = 5.0  # times as much is left untold by all others
_LEFT = 0.1  # of the truth, that others must leave untold at least
_LEFT_OF_COPY = 0.03
_WITHIN = 0.05  # of its deviation, by which a copy of the label varies where that is the same
_SURE = 4.0  # standard errors
_FEW = 50  # rows, that count themselves by chance
_MOST = 128  # columns that are looked at
_SHOWN = 8

_DROP = """x_train = np.delete(x_train, {columns}, axis=1)
x_validation = np.delete(x_validation, {columns}, axis=1)"""
_CAUSE = "a column that is made of the label, or after it, is not there yet when a label is to be "
_CAUSE += "told: nets learn it alone, and are of no use then"
_UNTRIED = "the rows to judge by leak as well, so that the loss of them could only rise"


@disease("leaking feature")
def leaking(examination: Examination) -> Iterator[Finding]:
    """One feature alone tells the label almost without error, and all others do not."""
    table, reference = examination.tabular, examination.reference
    if table is None or not 3 <= table.shape[1] <= _MOST:
        return
    yield from _row_number(examination, table)
    if reference is None:
        yield from _copies(examination, table)
        return
    if not reference.is_of_classes and reference.truth.shape[1] > 1:
        return
    examination.clock.at("looks at what each feature tells alone")
    features = reference.features
    known = {
        k: reference.skill(reference.answers(features[:, [k]], reference.truth, _tree))
        for k in np.flatnonzero(features.std(axis=0) > 0.0).tolist()
    }
    leaks = [k for k, skill in known.items() if skill > _ALONE]
    others = [k for k in known if k not in leaks]
    if not leaks or not others:
        return
    left = reference.skill(reference.answers(features[:, others], reference.truth))
    worst = max(leaks, key=lambda k: known[k])
    copy = _is_copy(features[:, worst], reference)
    least = 0.0 if copy and known[worst] == 1.0 else _LEFT_OF_COPY if copy else _LEFT
    if 1.0 - left < max(least, _WORSE * (1.0 - known[worst])):
        return
    name = examination.patient.feature
    # Where the others say nothing at all, the rule may be as simple as that.
    told = "note" if left < _SURE * reference.error() else "severe" if copy else "mild"
    names = ", ".join(map(name, leaks))
    yield Finding(
        "leaking feature",
        told,
        f"{name(worst)} alone tells {known[worst]:.1%} of what there is to tell, and all "
        f"{len(others)} others {'together ' if len(others) > 1 else ''}{max(left, 0.0):.0%}"
        + (f"; {name(worst)} is a copy of the label" if copy else ""),
        _CAUSE,
        (Cure(f"leave out {names}, if so", _DROP.format(columns=leaks), untried=_UNTRIED),),
        names,
        {"alone": known[worst], "others": left},
        Bars(
            "what single features tell of the label",
            "skill",
            {name(k): max(0.0, known[k]) for k in sorted(known, key=lambda k: -known[k])[:_SHOWN]},
        ),
        certain=True,
    )


def _copies(examination: Examination, table: np.ndarray) -> Iterator[Finding]:
    """Columns that are the label under other numbers, where no model can be asked for more."""
    patient = examination.patient
    truth = class_numbers(patient.parts.losses, patient.data)
    named, counts = np.unique([] if truth is None else truth, return_counts=True)
    if truth is None or len(named) < 2 or counts.min() < 2 or len(truth) < _FEW:
        return
    for k in np.flatnonzero(_tells(table, truth)).tolist():
        name = patient.feature(k)
        yield Finding(
            "leaking feature",
            "severe",
            f"{name} is a copy of the label: it hardly varies where that is the same",
            _CAUSE,
            (Cure(f"leave out {name}, if so", _DROP.format(columns=[k]), untried=_UNTRIED),),
            name,
            certain=True,
        )


def _row_number(examination: Examination, table: np.ndarray) -> Iterator[Finding]:
    """A column that counts the rows."""
    patient = examination.patient
    if patient.sizes or len(table) < _FEW:
        return
    order = np.argsort(patient.numbers)
    numbers = patient.numbers[order]
    steps = np.diff(table[order].astype(np.float64), axis=0)
    each = steps / np.diff(numbers)[:, None]
    for k in np.flatnonzero((each == each[:1]).all(axis=0) & (abs(each[0]) == 1.0)):
        name = patient.feature(int(k))
        yield Finding(
            "leaking feature",
            "note",
            f"{name} counts the rows: from {table[:, k].min():g} to {table[:, k].max():g}",
            "a row's number says where it stands in a file, and of new rows nothing",
            (Cure(f"leave out {name}", _DROP.format(columns=[int(k)]), untried=_UNTRIED),),
            name,
            certain=True,
        )


def _tree(classes: bool, features: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
    return kind(max_leaf_nodes=256, min_samples_leaf=2, random_state=0)


def _is_copy(feature: np.ndarray, reference: Reference) -> bool:
    """Whether a feature is the label under other numbers: as many values, or along a line."""
    if not reference.is_of_classes:
        return bool(abs(np.corrcoef(feature, reference.truth[:, 0])[0, 1]) > 1.0 - 1e-4)
    return bool(_tells(feature, reference.truth))


def _tells(columns: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Whether columns hardly vary among the rows of each class, beside how they vary in all."""
    within = np.max([columns[truth == k].std(axis=0) for k in np.unique(truth)], axis=0)
    return within < _WITHIN * columns.std(axis=0)
