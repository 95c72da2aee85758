"""In: class numbers, and what a model says of each class. Out: how good that is, in many measures.

The measures are scikit-learn's. One that is not defined for some data is None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.metrics.given import of_classes, refuse_improbable
from pullback.metrics.reliability import reliability

CLASS_METRICS = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "mcc",
    "average_precision",
    "roc_auc",
    "log_loss",
    "brier",
    "calibration_error",
)
_SUM = 1e-3  # how far from 1 the probabilities of a row may add up


def class_metrics(
    truth: Any,
    by_class: Any,
    answers: Any = None,
    *,
    positive: int | None = None,
    probable: bool = True,
) -> dict[str, float | None]:
    """What answers are worth, by the names of `CLASS_METRICS`.

    truth (rows,) are class numbers; by_class (rows, classes) the probability of each class or,
    where `probable` is False, any score, of which the highest wins; `answers` (rows,) the class
    numbers that are answered, by default the likeliest.

    Balanced accuracy is the mean over classes of the share found, `mcc` Matthews' correlation:
    neither rises where the commonest class is always answered. Of two classes, `precision`,
    `recall`, `f1` and `average_precision` are those of the class `positive`, by default the rarer
    one, and of several the mean over the classes, as is `roc_auc`, each against the rest.
    `precision` is 0 where nothing is said to be of the class. `log_loss`, `brier` and
    `calibration_error` (see `Reliability.error`) judge probabilities; of several classes the latter
    is that of the answers.

    Raises `CircuitError` where the arrays do not fit each other.

    >>> found = class_metrics([0, 0, 0, 1], [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    >>> found["accuracy"], found["balanced_accuracy"], found["average_precision"]
    (0.75, 0.5, 1.0)
    """
    from sklearn import metrics  # takes a while to import

    truth, by_class = of_classes(truth, by_class)
    rows, classes = by_class.shape
    said = by_class.argmax(axis=1) if answers is None else of_classes(answers, by_class)[0]
    counts = np.bincount(truth, minlength=classes)
    if positive is None:
        positive = int(counts.argmin())
    elif positive not in range(classes):
        raise CircuitError(f"class {positive} is none of the class numbers 0 to {classes - 1}")
    binary = classes == 2
    asked = [positive] if binary else [k for k in range(classes) if 0 < counts[k] < rows]

    def each(score: Callable[..., Any]) -> float | None:
        """The mean over the classes that are asked for, each against the rest."""
        if any(not 0 < counts[k] < rows for k in asked) or not asked:
            return None
        return float(np.mean([score(truth == k, by_class[:, k]) for k in asked]))

    right = said == truth
    several = len(np.unique([truth, said])) > 1  # of one label alone there is no correlation
    how: Any = {"average": "binary" if binary else "macro", "zero_division": 0.0}
    wanted, got = (truth == positive, said == positive) if binary else (truth, said)
    found: dict[str, float | None] = {
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean([right[truth == k].mean() for k in np.unique(truth)])),
        "precision": float(metrics.precision_score(wanted, got, **how)),
        "recall": float(metrics.recall_score(wanted, got, **how)),
        "f1": float(metrics.f1_score(wanted, got, **how)),
        "mcc": float(metrics.matthews_corrcoef(truth, said)) if several else 0.0,
        "average_precision": each(metrics.average_precision_score),
        "roc_auc": each(metrics.roc_auc_score),
    }
    if not probable:
        return {**found, **dict.fromkeys(CLASS_METRICS[len(found) :])}
    refuse_improbable(by_class)
    totals = by_class.sum(axis=1, keepdims=True)
    wrong = np.flatnonzero(abs(totals - 1.0) > _SUM)
    if len(wrong):
        raise CircuitError(
            f"the probabilities of row {wrong[0]} add up to {totals[wrong[0], 0]:.6g}, not 1; "
            "give probable=False for other scores"
        )
    by_class = by_class / totals  # which float32 leaves near 1
    known = np.eye(classes)[truth]
    squares = np.square(by_class - known).sum(axis=1).mean()
    happened, held = (
        (truth == positive, by_class[:, positive])
        if binary
        else (right, by_class[np.arange(rows), said])
    )
    log_loss = metrics.log_loss(truth, by_class, labels=range(classes)) if classes > 1 else 0.0
    return {
        **found,
        "log_loss": float(log_loss),
        "brier": float(squares / 2 if binary else squares),
        "calibration_error": reliability(happened, held).error,
    }
