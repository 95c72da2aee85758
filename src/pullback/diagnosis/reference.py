"""In: a patient. Out: what ordinary models make of its rows, each of rows that it has not seen.

A forest, a linear model and the nearest neighbours, of scikit-learn: quick, and of other kinds than
a net. What none of them finds in the data is likely not there; what they find, a net should find.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.diagnosis.answers import class_numbers
from pullback.diagnosis.patient import Patient
from pullback.train.data import of_kind

if TYPE_CHECKING:
    from pullback.diagnosis.examination import Clock

_ROWS = 1500  # that are looked at
_FEW = 40  # rows that say nothing
_FEATURES = 128  # that are taken as they are; of more, components
_COMPONENTS = 50
_SHORT = 32  # tokens
_TREES = 40
_TRIED = 8  # features at least, for each split of a tree
_FOLDS = 3
_PATIENCE = 100  # steps of a linear model
NOTHING = 2.5  # standard errors, within which what three models know is nothing


class Reference:
    """Answers to the rows of a patient, and what they are worth.

    `rows` are the places of those rows in its data, `features` what they are told by, (rows,
    features), each with mean 0 and deviation 1, and `truth` the class of each, (rows,), or its
    quantities, (rows, outputs).
    """

    def __init__(
        self, patient: Patient, clock: Clock, rows: np.ndarray, truth: np.ndarray, task: str
    ) -> None:
        self.patient, self.clock = patient, clock
        self.rows, self.truth = rows, truth
        self.is_of_classes = task == "classification"
        self.of_tokens = any(_common(x) is not None for x in patient.inputs)
        self._reads = reader([x[rows] for x in patient.inputs])
        self.features = self._reads([x[rows] for x in patient.inputs])

    @classmethod
    def of(cls, patient: Patient, clock: Clock, task: str = "") -> Reference | None:
        """See `Examination.reference`; `task` is by default that of the loss."""
        losses, labels = patient.parts.losses, patient.labels[0]
        task = task or losses[0].reading.task
        if len(losses) > 1 or len(patient.labels) > 1:
            return None
        rows = np.arange(len(patient.data))
        if task == "classification":
            found = class_numbers(losses, patient.data)
            if found is None:
                return None
            truth = found
            named, counts = np.unique(truth, return_counts=True)
            rows = rows[np.isin(truth, named[counts >= 2 * _FOLDS])]
            if len(np.unique(truth[rows])) < 2:
                return None
        elif task == "regression" and labels.ndim <= 2:
            truth = labels.reshape(len(labels), -1)
            if not truth.std(axis=0).any():
                return None
        else:
            return None
        if len(rows) < _FEW:
            return None
        if len(rows) > _ROWS:
            rng = np.random.default_rng(patient.parts.seed)
            rows = np.sort(rng.choice(rows, _ROWS, replace=False))
            if task == "classification":  # what chance has left too few of
                named, counts = np.unique(truth[rows], return_counts=True)
                rows = rows[np.isin(truth[rows], named[counts >= _FOLDS])]
        return cls(patient, clock, rows, truth[rows], task)

    # Answers ---------------------------------------------------------------------------------

    @cached_property
    def classes(self) -> np.ndarray:
        """The numbers of the classes that there are."""
        return np.unique(self.truth)

    @cached_property
    def forest(self) -> np.ndarray:
        """What a forest answers: probabilities (rows, classes), or quantities (rows, outputs)."""
        self.clock.at("asks a forest for the labels")
        return self.answers(self.features, self.truth, a_forest)

    @cached_property
    def linear(self) -> np.ndarray:
        """The same of a linear model."""
        self.clock.at("asks a linear model for the labels")
        return self.answers(self.features, self.truth, _linear)

    @cached_property
    def neighbours(self) -> np.ndarray:
        """The same of the nearest neighbours."""
        self.clock.at("asks the nearest neighbours for the labels")
        return self.answers(self.features, self.truth, _neighbours)

    def answers(
        self,
        features: np.ndarray,
        truth: np.ndarray,
        make: Callable[[bool, int], Any] | None = None,
    ) -> np.ndarray:
        """What a model, by default a forest, answers to rows that it has not been fitted to."""
        from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict

        folds = StratifiedKFold if self.is_of_classes else KFold
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a linear model may be left early, and does not matter
            said: Any = cross_val_predict(
                (make or a_forest)(self.is_of_classes, features.shape[1]),
                features,
                _flat(truth),
                cv=folds(_FOLDS, shuffle=True, random_state=0),
                method="predict_proba" if self.is_of_classes else "predict",
            )
        return said if self.is_of_classes else said.reshape(len(truth), -1)

    def of_held_out(self) -> np.ndarray:
        """What a forest that is fitted to these rows answers to those to judge by."""
        model = a_forest(self.is_of_classes, self.features.shape[1])
        model.fit(self.features, _flat(self.truth))
        features = self._reads(of_kind("inputs", self.patient.held_out.columns))
        said = model.predict(features)
        return said if self.is_of_classes else said.reshape(len(features), -1)

    # What they are worth ---------------------------------------------------------------------

    def skill(self, said: np.ndarray, truth: np.ndarray | None = None) -> float:
        """How much better than chance answers are: 0 as chance, 1 without an error.

        Of classes, by the share that is right, the mean over the classes; of quantities, the share
        of the variance that is told.
        """
        truth = self.truth if truth is None else truth
        if not self.is_of_classes:
            return 1.0 - float(((said - truth) ** 2).mean() / truth.var(axis=0).mean())
        named = np.unique(truth)
        right = named[said.argmax(axis=1)] == truth if said.ndim == 2 else said == truth
        chance = 1.0 / len(named)
        return (float(np.mean([right[truth == k].mean() for k in named])) - chance) / (1 - chance)

    def right(self, said: np.ndarray) -> float:
        """The share of the rows whose class is the likeliest of these probabilities."""
        return float((self.classes[said.argmax(axis=1)] == self.truth).mean())

    def error(self, truth: np.ndarray | None = None) -> float:
        """The standard error of the skill of answers that know nothing."""
        truth = self.truth if truth is None else truth
        if not self.is_of_classes:
            return 1.0 / math.sqrt(len(truth))
        _, counts = np.unique(truth, return_counts=True)
        chance = 1.0 / len(counts)
        spread = math.sqrt(chance * (1.0 - chance) * float((1.0 / counts).sum())) / len(counts)
        return spread / (1.0 - chance)

    @cached_property
    def skills(self) -> dict[str, float]:
        """The skill of each model, by its name in a sentence."""
        return {
            "a forest": self.skill(self.forest),
            "a linear model": self.skill(self.linear),
            "the nearest neighbours": self.skill(self.neighbours),
        }

    @cached_property
    def finds_nothing(self) -> bool:
        """Whether none of them is better than chance alone may be."""
        found = max(self.skills.values()) if self.is_of_classes else self._correlation()
        return found < NOTHING * self.error()

    def _correlation(self) -> float:
        """The largest correlation of answers and quantities, which sees what a variance hides."""
        found = [0.0]
        for said in (self.forest, self.linear, self.neighbours):
            for one, y in zip(said.T, self.truth.T, strict=True):
                if one.std() > 0.0 and y.std() > 0.0:
                    found.append(float(np.corrcoef(one, y)[0, 1]))
        return max(found)


def _flat(truth: np.ndarray) -> np.ndarray:
    """Truth as scikit-learn takes it: that of one output is no column."""
    return truth[:, 0] if truth.ndim == 2 and truth.shape[1] == 1 else truth


def a_forest(classes: bool, features: int) -> Any:
    """A forest of scikit-learn, to be fitted to so many features."""
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    kind: Any = ExtraTreesClassifier if classes else ExtraTreesRegressor
    some = min(features, max(_TRIED, round(math.sqrt(features))))
    return kind(_TREES, max_features=some, min_samples_leaf=2, random_state=0)


def _linear(classes: bool, features: int) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return LogisticRegression(C=0.1, max_iter=_PATIENCE) if classes else Ridge(1.0)


def _neighbours(classes: bool, features: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    return KNeighborsClassifier(5) if classes else KNeighborsRegressor(5)


def reader(inputs: list[np.ndarray]) -> Callable[[list[np.ndarray]], np.ndarray]:
    """What makes features of inputs like these: flat, counts of tokens, components of very many."""
    from sklearn.decomposition import PCA

    tokens = [_common(x) for x in inputs]

    def flat(given: list[np.ndarray]) -> np.ndarray:
        parts = [
            x.reshape(len(x), -1) if common is None else _of_tokens(x, common)
            for x, common in zip(given, tokens, strict=True)
        ]
        return np.concatenate(parts, axis=1).astype(np.float64)

    first = flat(inputs)
    mean, deviation = first.mean(axis=0), first.std(axis=0)
    deviation[deviation == 0.0] = 1.0
    if first.shape[1] <= _FEATURES:
        return lambda given: (flat(given) - mean) / deviation
    scale = float(np.sqrt((deviation**2).mean()))
    count = min(_COMPONENTS, *first.shape)
    parts = PCA(count, svd_solver="randomized", random_state=0).fit((first - mean) / scale)
    return lambda given: parts.transform((flat(given) - mean) / scale)


def _common(x: np.ndarray) -> np.ndarray | None:
    """The commonest tokens of rows of whole numbers; None of inputs that are no tokens."""
    if x.dtype.kind not in "iu" or x.ndim < 2:
        return None
    found, counts = np.unique(x, return_counts=True)
    return np.sort(found[np.argsort(-counts)[:_FEATURES]])


def _of_tokens(x: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """How often each of these tokens is in each row and, of short rows, which stands where."""
    flat = x.reshape(len(x), -1)
    place = np.searchsorted(tokens, flat).clip(max=len(tokens) - 1)
    there = tokens[place] == flat
    rows = np.broadcast_to(np.arange(len(flat))[:, None], flat.shape)
    counts = np.zeros((len(flat), len(tokens)))
    np.add.at(counts, (rows[there], place[there]), 1.0)
    return counts if flat.shape[1] > _SHORT else np.concatenate([counts, flat], axis=1)
