"""Different worlds: rows to judge by that come from elsewhere than those to train on.

Source: Lopez-Paz and Oquab, "Revisiting classifier two-sample tests" (2017).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from pullback.diagnosis.answers import class_numbers
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.reference import a_forest, reader
from pullback.diagnosis.rows import joined
from pullback.train.data import of_kind

_ROWS = 1000  # of each, that are looked at
_FEW = 30
_SURE = 4.0  # standard errors
_APART = 0.65  # an area under the curve that is worth a word: of ten pairs, six and a half
_COST = 0.1  # of skill, that it costs at least where it is severe
_FOLDS = 3
_SHOWN = 5
_NEW = 0.02  # a share of rows to judge by, of classes that are not there to train on

_CODE = """order = np.random.default_rng(0).permutation(len(x))  # x, labels: all rows there are
train, validation = np.split(order, [round(0.8 * len(order))])"""
_UNTRIED = "what the net is to be judged by only their owner can say"


@disease("different worlds")
def different(examination: Examination) -> Iterator[Finding]:
    """A model tells from the inputs which rows are to train on, or classes are of other shares."""
    patient = examination.patient
    if patient.origin is None or not patient.origin.apart:
        return  # held out of the same rows by chance
    if min(len(patient.data), len(patient.held_out)) < _FEW:
        return
    yield from _inputs(examination)
    yield from _classes(patient)


def _inputs(examination: Examination) -> Iterator[Finding]:
    patient = examination.patient
    examination.clock.at("compares the rows to train on and those to judge by")
    rng = np.random.default_rng(patient.parts.seed)
    parts = []
    for rows in (patient.data, patient.held_out):
        which = rng.permutation(len(rows))[:_ROWS]
        parts.append([x[which] for x in of_kind("inputs", rows.columns)])
    both = [joined("inputs", pair) for pair in zip(*parts, strict=True)]
    features = reader(both)(both)
    second = np.repeat([False, True], [len(part[0]) for part in parts])
    area, importance = _area(features, second)
    error = _error(second)
    if area < max(_APART, 0.5 + _SURE * error):
        return
    cost = _cost(examination)
    severe = cost > _COST
    seen = (
        f"a forest tells rows to judge by from rows to train on: area under the curve "
        f"{area:.3f} ± {error:.3f}, where 0.5 is chance"
    )
    if examination.tabular is not None:
        seen += f". Most differ: {'; '.join(_columns(patient, both[0], second, importance))}"
    if severe:
        seen += f". A model loses {cost:.0%} of its skill between the two"
    yield Finding(
        "different worlds",
        "severe" if severe else "mild",
        seen,
        "what is learned of the one need not hold in the other: they were drawn, prepared or "
        "scaled apart, or lie apart in time",
        (
            Cure(
                "prepare both by the same code and numbers, or draw both from all rows",
                _CODE,
                untried=_UNTRIED,
            ),
        ),
        numbers={"area": area, "error": error, "cost": cost},
        picture=_picture(patient, importance) if examination.tabular is not None else None,
        certain=True,
    )


def _area(features: np.ndarray, second: np.ndarray) -> tuple[float, np.ndarray]:
    """How well a forest tells apart rows that it has not seen, and by what."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    said, importance = np.zeros(len(second)), np.zeros(features.shape[1])
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    for fitted, asked in folds.split(features, second):
        forest = a_forest(True, features.shape[1])
        forest.fit(features[fitted], second[fitted])
        said[asked] = forest.predict_proba(features[asked])[:, 1]
        importance += forest.feature_importances_ / _FOLDS
    return float(roc_auc_score(second, said)), importance


def _error(second: np.ndarray) -> float:
    """The standard error of the area under the curve of what knows nothing."""
    many, few = int((~second).sum()), int(second.sum())
    return math.sqrt((many + few + 1.0) / (12.0 * many * few))


def _cost(examination: Examination) -> float:
    """What a forest loses of its skill from rows like those it was fitted to, to those to judge by.

    0 where that cannot be said.
    """
    reference, patient = examination.reference, examination.patient
    if reference is None:
        return 0.0
    labels = patient.held_out.columns["labels"]
    if reference.is_of_classes:
        found = class_numbers(patient.parts.losses, patient.held_out)
        if found is None:
            return 0.0
        said = reference.of_held_out()  # where classes count from 1, that is another disease
        right = max((said + by == found).mean() for by in (-1, 0, 1))
        own = reference.right(reference.forest)
        return float(own - right) if own - right > _SURE / 2.0 / math.sqrt(len(found)) else 0.0
    truth = labels.reshape(len(labels), -1)
    errors = abs(reference.of_held_out() - truth).mean()
    own = abs(reference.forest - reference.truth).mean()
    return float(1.0 - own / errors) if errors > 0.0 else 0.0


def _columns(
    patient: Patient, both: np.ndarray, second: np.ndarray, importance: np.ndarray
) -> Iterator[str]:
    """The columns that the two are told apart by, with mean and deviation in each."""
    for k in np.argsort(-importance)[:_SHOWN]:
        if importance[k] < 1.0 / len(importance):
            continue
        first, other = both[~second, k], both[second, k]
        yield (
            f"{patient.feature(int(k))} ({first.mean():.3g} ± {first.std():.2g} to train on, "
            f"{other.mean():.3g} ± {other.std():.2g} to judge by)"
        )


def _picture(patient: Patient, importance: np.ndarray) -> Bars:
    order = np.argsort(-importance)[: 2 * _SHOWN]
    return Bars(
        "what tells rows to judge by from rows to train on",
        "importance",
        {patient.feature(int(k)): float(importance[k]) for k in order},
    )


def _classes(patient: Patient) -> Iterator[Finding]:
    """Classes to judge by that there are none of to train on."""
    losses = patient.parts.losses
    if losses[0].reading.task != "classification":
        return
    known, asked = (class_numbers(losses, rows) for rows in (patient.data, patient.held_out))
    if known is None or asked is None:
        return
    new = ~np.isin(asked, known)
    if new.mean() < _NEW:
        return
    names = ", ".join(map(str, np.unique(asked[new])[:_SHOWN].tolist()))
    yield Finding(
        "different worlds",
        "severe",
        f"{new.mean():.0%} of the rows to judge by are of classes ({names}) that no row to train "
        "on is of",
        "rows that are sorted by class were cut in two",
        (Cure("draw both from all rows by chance", _CODE, untried=_UNTRIED),),
        where="labels",
        numbers={"new": float(new.mean())},
        certain=True,
    )
