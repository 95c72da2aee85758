"""In: labels of the steps of sequences, padded. Out: arrays that losses compute with, or a refusal.

A label of -1 marks what does not count. The first label that does not fit is named by row and step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import greater_equal, where
from pullback.gates.reduction import sum
from pullback.losses.labels import numbers

Shape = tuple[int, ...]


def whole_labels(labels: Any, classes: int) -> np.ndarray:
    """Labels (rows, steps) of whole numbers from -1 to classes - 1, as integers."""
    array = numbers(labels, "labels", "they must be class numbers, padded with -1")
    if array.ndim != 2:
        raise CircuitError(
            f"labels of sequences are (rows, steps), padded with -1; got shape {array.shape}"
        )
    whole = np.isfinite(array) & (np.floor(array) == array)
    wrong = np.argwhere(~(whole & (array >= -1) & (array < classes)))
    if len(wrong):
        row, step = wrong[0]
        raise CircuitError(
            f"label {array[row, step]:g} (row {row}, step {step}) is none of the {classes} classes "
            f"0 to {classes - 1} that the model scores, nor -1, for what does not count"
        )
    return array.astype(np.int64)


def step_labels(labels: Any, rows: int, steps: int, classes: int) -> np.ndarray:
    """Labels (rows, steps), one for each step of the scores, of which some must count."""
    array = whole_labels(labels, classes)
    if array.shape != (rows, steps):
        raise CircuitError(
            f"scores of {rows} rows and {steps} steps need labels of shape ({rows}, {steps}), "
            f"got {array.shape}"
        )
    if not (array >= 0).any():
        raise CircuitError("all labels are -1, so no step counts; at least one must")
    return array


def tags_to_the_end(labels: np.ndarray) -> np.ndarray:
    """The same labels, of which -1 stands nowhere but behind the end of a sequence."""
    counts = labels >= 0
    empty = np.flatnonzero(~counts.any(axis=1))
    if len(empty):
        raise CircuitError(f"row {empty[0]} has no label; drop sequences without steps")
    gaps = np.argwhere(counts[:, 1:] & ~counts[:, :-1])
    if len(gaps):
        row, step = gaps[0]
        raise CircuitError(
            f"label -1 (row {row}, step {step}) stands before the end of a sequence; a chain needs "
            "a label for each of its steps"
        )
    return labels


def counted(labels: Unit) -> Unit:
    """How many labels of each row count, (rows,), as a whole number."""
    ones = np.ones(labels.shape, np.int64)
    return sum(where(greater_equal(labels, 0), ones, np.zeros_like(ones)), axis=1)
