"""In: wires of scores and labels, one row an example. Out: what several losses make of them.

Functions of wires, made of gates; those that forces use too take arrays in place of wires.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import equal, greater, where
from pullback.gates.elementary import abs
from pullback.gates.reduction import argmax
from pullback.gates.shape import astype, expand_dims, reshape
from pullback.losses.labels import flat


def in_dtype_of(x: Unit, other: Unit) -> Unit:
    """x in the precision of another wire, so that integer labels do not make float32 float64."""
    return x if x.dtype == other.dtype else astype(x, other.dtype)


def matched(scores: Unit, labels: Unit) -> Unit:
    """The scores in the labels' shape; refuses shapes that would only broadcast."""
    if flat(scores.shape) != flat(labels.shape):
        raise CircuitError(
            f"scores of shape {scores.shape} need labels of shape {flat(scores.shape)}, "
            f"got {labels.shape}"
        )
    return reshape(scores, labels.shape)


def error(scores: Unit, labels: Unit) -> Unit:
    """scores - labels, of the labels' shape."""
    return matched(scores, labels) - in_dtype_of(labels, scores)


def mean_of_row(x: Unit) -> Unit:
    """The mean over all axes but the first, of shape (batch,)."""
    return x if x.ndim == 1 else x.mean(axis=tuple(range(1, x.ndim)))


def sum_of_row(x: Unit) -> Unit:
    """The sum over all axes but the first, of shape (batch,)."""
    return x if x.ndim == 1 else x.sum(axis=tuple(range(1, x.ndim)))


def weighted_mean(costs: Unit, weights: Unit, mean: Unit | None = None) -> Unit:
    """mean(weights * costs) / mean(weights), or another mean weight; 0 where that is 0."""
    if weights.shape != costs.shape:
        raise CircuitError(
            f"{costs.shape[0]} rows need weights of shape {costs.shape}, got {weights.shape}"
        )
    # Divided before they are rounded to the precision of the costs, which has a shorter range.
    mean = weights.mean() if mean is None else mean
    shares = weights / where(equal(mean, 0.0), 1.0, mean)
    return (in_dtype_of(shares, costs) * costs).mean()


# Classes -----------------------------------------------------------------------------------------


def are_rows(labels: Any, scores: Any) -> bool:
    """Whether labels are rows of probabilities, as the scores are, and not class numbers.

    Refuses shapes that are neither.
    """
    shape = np.shape(scores)
    if np.shape(labels) not in (shape, shape[:1]):
        raise CircuitError(
            f"scores of shape {shape} need class numbers of shape {shape[:1]} "
            f"or rows of shape {shape}, got labels of shape {np.shape(labels)}"
        )
    return np.shape(labels) == shape


def is_class(labels: Any, scores: Any) -> Any:
    """Whether each score is that of its row's class number: truth values of the scores' shape."""
    if are_rows(labels, scores):
        raise CircuitError("these labels are rows; take the class numbers with argmax(axis=1)")
    return equal(expand_dims(labels, 1), np.arange(np.shape(scores)[1]))


def sign_accuracy(scores: Unit, labels: Unit, middle: float) -> Unit:
    """Whether each row's score is positive exactly where the label is above `middle`."""
    return equal(greater(reshape(scores, labels.shape), 0.0), greater(labels, middle))


def class_accuracy(scores: Unit, labels: Unit) -> Unit:
    """Whether each row's highest score is that of the label, or of its likeliest class."""
    right = labels if labels.ndim == 1 else argmax(labels, axis=1)
    return equal(argmax(scores, axis=1), right)


def mean_absolute_error(scores: Unit, labels: Unit) -> Unit:
    """The mean of |score - label| over the outputs of each row."""
    return mean_of_row(abs(error(scores, labels)))
