"""The loss of a classifier that chooses one of several classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.arithmetic import subtract
from pullback.gates.comparison import where
from pullback.gates.reduction import log_softmax, softmax
from pullback.losses.class_weights import ClassWeights, checked, of_classes, weight_of_each
from pullback.losses.labels import classes, refuse_smoothing
from pullback.losses.loss import Loss, register
from pullback.losses.reading import Reading
from pullback.losses.rows import are_rows, in_dtype_of, is_class


@final
@register
@dataclass(frozen=True, kw_only=True)
class SoftmaxCrossEntropy(Loss):
    """-log(softmax(scores)[label]), in natural units; labels are class numbers from 0.

    Shapes: scores (batch, classes); labels (batch,), or (batch, classes): one-hot, or the
    probability q of each class, where the cost is -sum(q * log(softmax(scores))). Chance is
    log(classes). `label_smoothing` s makes every q (1 - s) * q + s / classes. `class_weights` has
    one number for each class, or is a mapping from class numbers, where others weigh 1; a soft row
    weighs sum(q * class_weights).

    Raises `CircuitError` for a label smoothing outside [0, 1).
    Source: the guide's outline, "Multiclass: Logistic Regression, Softmax"; label smoothing:
    Szegedy and others, "Rethinking the Inception architecture for computer vision" (2016).

    >>> round(float(SoftmaxCrossEntropy()([[0.0, 0.0]], [1]).value), 4)  # log(2)
    0.6931
    >>> round(float(SoftmaxCrossEntropy()([[0.0, 0.0]], [[0.3, 0.7]]).value), 4)
    0.6931
    """

    reading = Reading("classification", probable=True)
    label_smoothing: float = 0.0
    class_weights: ClassWeights = None

    def __post_init__(self) -> None:
        refuse_smoothing(self.label_smoothing)
        object.__setattr__(self, "class_weights", checked(self.class_weights))

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        found = classes(labels, shape, "softmax", soft=True)
        weight_of_each(self.class_weights, range(shape[1]))  # refused now where they do not fit
        return found

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        smooth = self.label_smoothing
        logs = log_softmax(scores, axis=1)
        if are_rows(labels, scores):
            own = (in_dtype_of(labels, scores) * logs).sum(axis=1)
        else:
            own = where(is_class(labels, scores), logs, 0.0).sum(axis=1)
        if not smooth:
            return -own
        return -((1.0 - smooth) * own + smooth * logs.mean(axis=1))

    def row_weights(self, scores: Unit, labels: Unit) -> Unit | None:
        return of_classes(self.class_weights, labels, scores)


def softmax_force(scores: Any, labels: Any) -> Any:
    """The pull on each score: the label's probability, 1 or 0, less the one that the scores give.

    The negative gradient of `SoftmaxCrossEntropy` by the scores, before the mean over the batch.
    Takes arrays or wires, scores (batch, classes) and labels (batch,) or (batch, classes).
    Source: the guide's outline, "Multiclass: Logistic Regression, Softmax".

    >>> softmax_force([[0.0, 0.0]], [1])
    array([[-0.5,  0.5]])
    """
    given = labels if are_rows(labels, scores) else is_class(labels, scores)
    return subtract(given, softmax(scores, axis=1))
