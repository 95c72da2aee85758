"""The cross entropy of several classes that lets rows count less, the surer they are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.comparison import equal, where
from pullback.gates.elementary import exp, log1p, stop_gradient
from pullback.gates.reduction import argmax, log_softmax, logsumexp, min
from pullback.gates.shape import expand_dims
from pullback.losses.binary_focal_cross_entropy import refuse_gamma
from pullback.losses.class_weights import ClassWeights, checked, of_classes, weight_of_each
from pullback.losses.labels import classes
from pullback.losses.loss import Loss, register
from pullback.losses.reading import Reading
from pullback.losses.rows import are_rows, in_dtype_of, is_class

_LOWER = 1e3  # than another score: so much that the exponential is 0 beside that one's


@final
@register
@dataclass(frozen=True, kw_only=True)
class SoftmaxFocalCrossEntropy(Loss):
    """-(1 - p) ** gamma * log(p), with p = softmax(scores)[label]; labels are class numbers from 0.

    Shapes: scores (batch, classes); labels (batch,), or (batch, classes): one-hot, or the
    probability q of each class, where the cost is -sum(q * (1 - p) ** gamma * log(p)) over the
    classes. With `gamma` 0 it is `SoftmaxCrossEntropy`. The paper's alpha, a weight for each class,
    is `class_weights`, which are divided by their mean over the rows.

    Its probabilities are not as sure as the rows are: calibrate them before they are believed
    (see `pullback.metrics.calibrated`).

    Raises `CircuitError` for a gamma below 0.
    Source: Lin, Goyal, Girshick, He, Dollár, "Focal loss for dense object detection" (ICCV 2017).

    >>> scores, labels = Unit([[0.0, 0.0], [1.0, 0.0]]), Unit([0, 0])
    >>> costs = SoftmaxFocalCrossEntropy(gamma=2.0).cost(scores, labels)
    >>> costs.value.round(4)  # log(2) / 4, and less of a row that is right
    array([0.1733, 0.0227])
    """

    reading = Reading("classification", probable=True)
    gamma: float = 2.0
    class_weights: ClassWeights = None

    def __post_init__(self) -> None:
        refuse_gamma(self.gamma)
        object.__setattr__(self, "class_weights", checked(self.class_weights))

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        found = classes(labels, shape, "softmax focal cross entropy", soft=True)
        weight_of_each(self.class_weights, range(shape[1]))  # refused now where they do not fit
        return found

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        logs = log_softmax(scores, axis=1)
        costs = exp(self.gamma * _log_of_others(scores, logs)) * logs if self.gamma else logs
        if are_rows(labels, scores):
            return -(in_dtype_of(labels, scores) * costs).sum(axis=1)
        return -where(is_class(labels, scores), costs, 0.0).sum(axis=1)

    def row_weights(self, scores: Unit, labels: Unit) -> Unit | None:
        return of_classes(self.class_weights, labels, scores)


def _log_of_others(scores: Unit, logs: Unit) -> Unit:
    """log(1 - p) of each class, (batch, classes): how probable all others are together.

    Where p is nearly 1, 1 - p would be a rounded 0. That can be the likeliest class alone, so of it
    the others are added up instead; no other has a p above 1/2. Both ways agree where classes tie.
    """
    likeliest = equal(expand_dims(argmax(scores, axis=1), 1), np.arange(scores.shape[1]))
    all_ = logsumexp(scores, axis=1, keepdims=True)
    low = stop_gradient(min(scores, axis=1, keepdims=True)) - _LOWER
    others = logsumexp(where(likeliest, low, scores), axis=1, keepdims=True)
    return where(likeliest, others - all_, log1p(-where(likeliest, 0.0, exp(logs))))
