"""In: rows and what a net answers to them. Out: how right that is, whatever its loss is.

Classes are told by their numbers, quantities by the share of their variance that is told, which has
no unit: it is the same of labels in other units, and 0 where the answer is the same to all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pullback.core.errors import CircuitError
from pullback.losses.loss import Loss
from pullback.train.data import Rows, of_kind

_MOST_CLASSES = 30  # that whole numbers may name, where nobody says that they are classes


def measured(
    losses: Sequence[Loss], rows: Rows, answer: Callable[[], np.ndarray]
) -> dict[str, float]:
    """What is measured of rows to judge by; nothing of labels that are neither.

    Of labels that are class numbers: whether they are answered, and the mean of that over the
    classes. Of quantities the share of their variance that is told.
    """
    truth = class_numbers(losses, rows)
    labels = of_kind("labels", rows.columns)
    quantities = truth is None and len(losses) == 1 and losses[0].reading.task == "regression"
    if truth is None and not quantities:
        return {}
    try:
        scores = answer()
    except CircuitError:
        return {}  # it has diverged, which its loss says
    if truth is not None:
        right = answered(losses[0], scores) == truth
        each = [right[truth == k].mean() for k in np.unique(truth)]
        return {
            "validation_accuracy": float(right.mean()),
            "validation_balanced_accuracy": float(np.mean(each)),
        }
    y = labels[0].astype(np.float64)
    if y.size != np.size(scores) or not y.var():
        return {}
    with np.errstate(all="ignore"):
        error = np.mean((np.reshape(scores, y.shape) - y) ** 2)
        return {"validation_r2": float(1.0 - error / y.var(axis=0).mean())}


def class_numbers(losses: Sequence[Loss], rows: Rows) -> np.ndarray | None:
    """The class of each row, as its loss has them or as whole numbers; None of other labels.

    A single output that is trained as a quantity has classes where the labels are few whole
    numbers from 0 or 1.
    """
    labels = of_kind("labels", rows.columns)
    if len(losses) != 1 or len(labels) != 1:
        return None
    (loss,), (y,) = losses, labels
    reading = loss.reading
    if reading.pair is not None:
        y = y.reshape(len(y), -1)[:, 0]
        return (y == reading.pair[1]).astype(np.int64) if np.isin(y, reading.pair).all() else None
    if y.ndim > 2 or reading.task not in ("classification", "regression"):
        return None
    if reading.task == "classification":
        return y.astype(np.int64) if y.ndim == 1 else y.argmax(axis=1)
    if y.ndim == 2 and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all():
        return y.argmax(axis=1)  # one-hot rows
    whole = y.ndim == 1 and (np.floor(y) == y).all() and 0 <= y.min() <= 1
    return y.astype(np.int64) if whole and y.max() <= _MOST_CLASSES else None


def answered(loss: Loss, scores: np.ndarray) -> np.ndarray:
    """The class that each row's scores answer, in the numbers of `class_numbers`."""
    if loss.reading.pair is not None:
        return (scores.reshape(len(scores)) > 0.0).astype(np.int64)
    if scores.ndim == 2 and scores.shape[1] > 1:
        return scores.argmax(axis=1)
    return np.rint(scores.reshape(len(scores))).astype(np.int64)
