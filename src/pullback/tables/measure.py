"""In: answers, and what would have been right. Out: how good they are, and where they are wrong."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.tables.answers import Answers
from pullback.tables.dataset import Dataset
from pullback.tables.target import Target

MEASURES = {
    "classification": ("accuracy", "balanced_accuracy"),
    "regression": ("rmse", "mae", "r2"),
}
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

Measured = dict[str, float | None]


def measured(target: Target, truth: np.ndarray, numbers: np.ndarray) -> Measured:
    """What people call these answers by: shares of right ones, or the size of the errors.

    truth and numbers (rows,) are class numbers, or quantities of the target's own unit. Balanced
    accuracy is the mean over the classes of the share found; R2 is 1 for no error and 0 for what
    the mean would do, and None where the truth does not vary.

    >>> from pullback.tables import Column
    >>> of = Target(Column("y", "number", "", "plain"))
    >>> measured(of, np.array([1.0, 3.0]), np.array([1.0, 2.0]))
    {'rmse': 0.7071067811865476, 'mae': 0.5, 'r2': 0.5}
    """
    if target.classes:
        right = truth == numbers
        found = [right[truth == k].mean() for k in np.unique(truth)]
        return {"accuracy": float(right.mean()), "balanced_accuracy": float(np.mean(found))}
    errors = truth - numbers
    spread = float(np.square(truth - truth.mean()).sum())
    squares = float(np.square(errors).sum())
    return {
        "rmse": float(np.sqrt(squares / len(truth))),
        "mae": float(np.abs(errors).mean()),
        "r2": 1.0 - squares / spread if spread > 0.0 else None,
    }


def judged(answers: Answers, truth: np.ndarray) -> Measured:
    """What is measured of answers, of those rows whose truth is known."""
    known = ~answers.target.gaps(truth)
    return measured(answers.target, truth[known], answers.numbers[known])


# What is easy to reach ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Baseline:
    """A way to answer that training has to beat, and its answers for each part.

    Of classes, `by_class` has the probability of each, (rows, classes).
    """

    name: str
    answers: Mapping[str, np.ndarray]
    by_class: Mapping[str, np.ndarray] = field(default_factory=dict)


def trivial(target: Target, truths: Mapping[str, np.ndarray]) -> Baseline:
    """The commonest class, or the mean, of the training rows, whatever the inputs are."""
    train = truths["train"]
    if not target.classes:
        mean = float(train.mean())
        return Baseline("always the mean", {k: np.full(len(x), mean) for k, x in truths.items()})
    counts = np.bincount(train, minlength=len(target.classes))
    answer = int(counts.argmax())
    return Baseline(
        f"always {target.classes[answer]}",
        {part: np.full(len(x), answer) for part, x in truths.items()},
        {part: np.tile(counts / len(train), (len(x), 1)) for part, x in truths.items()},
    )


def linear(target: Target, parts: Mapping[str, Dataset], *, balanced: bool) -> Baseline:
    """scikit-learn's logistic or ridge regression, learned from the same numbers."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, Ridge

    train = parts["train"]
    if not target.classes:
        ridge = Ridge().fit(train.inputs.astype(np.float64), train.labels)
        return Baseline(
            "ridge regression",
            {part: target.decode(ridge.predict(data.inputs)) for part, data in parts.items()},
        )
    weight = "balanced" if balanced else None
    logistic = LogisticRegression(max_iter=1000, class_weight=weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough to compare with
        logistic.fit(train.inputs, train.labels)
    return Baseline(
        "logistic regression",
        {part: np.asarray(logistic.predict(data.inputs)) for part, data in parts.items()},
        {part: _of_all(logistic, data.inputs, len(target.classes)) for part, data in parts.items()},
    )


def _of_all(logistic: Any, inputs: np.ndarray, count: int) -> np.ndarray:
    """The probability of each class, (rows, classes); those that training did not see have none."""
    found = np.zeros((len(inputs), count))
    found[:, logistic.classes_] = logistic.predict_proba(inputs)
    return found


# Where it is wrong -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wrong:
    """A row that was answered worst: its number in the whole, from 0, and what was said."""

    place: int
    label: Any
    prediction: Any
    confidence: float | None


def confusion(truth: np.ndarray, answers: Answers) -> np.ndarray:
    """How often each class (row) was taken for each class (column)."""
    count = len(answers.target.classes)
    return np.bincount(truth * count + answers.numbers, minlength=count**2).reshape(count, count)


def most_wrong(
    truth: np.ndarray, answers: Answers, places: np.ndarray, most: int
) -> tuple[Wrong, ...]:
    """The rows whose answers are furthest from the truth, worst first.

    In classification those alone that are wrong, by the lead of the answer over the truth.
    """
    rows = np.arange(len(truth))
    if answers.by_class is not None:
        far = answers.by_class[rows, answers.numbers] - answers.by_class[rows, truth]
        far = np.where(answers.numbers == truth, -np.inf, far)
    else:
        far = np.abs(answers.numbers - truth)
    order = np.argsort(-far, kind="stable")[:most]
    classes, confidence = answers.target.classes, answers.confidence
    return tuple(
        Wrong(
            int(places[k]),
            classes[truth[k]] if classes else float(truth[k]),
            classes[answers.numbers[k]] if classes else float(answers.numbers[k]),
            None if confidence is None else float(confidence[k]),
        )
        for k in order
        if far[k] > -np.inf
    )


def quantiles(residuals: np.ndarray) -> dict[float, float]:
    """The residuals below which these shares of them lie."""
    return dict(zip(QUANTILES, np.quantile(residuals, QUANTILES).tolist(), strict=True))


def histogram(residuals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts (8,) between the edges (7,), round numbers around 0; the outermost are open.

    >>> edges, counts = histogram(np.array([-30.0, -1.0, 0.5, 2.0, 9.0]))
    >>> edges.tolist()
    [-30.0, -20.0, -10.0, 0.0, 10.0, 20.0, 30.0]
    >>> counts.tolist()
    [0, 1, 0, 1, 3, 0, 0, 0]
    """
    size = float(np.quantile(np.abs(residuals), 0.9)) / 3.0
    step = _round_up(size) if size > 0.0 else 1.0
    edges = step * np.arange(-3, 4)
    return edges, np.bincount(np.digitize(residuals, edges), minlength=len(edges) + 1)


def _round_up(x: float) -> float:
    """The next of 1, 2 and 5 times a power of ten.

    >>> _round_up(3.0), _round_up(0.7), _round_up(1e-9)
    (5.0, 1.0, 1e-09)
    """
    power = 10.0 ** np.floor(np.log10(x))
    return float(next(k * power for k in (1.0, 2.0, 5.0, 10.0) if k * power >= x * (1.0 - 1e-9)))
