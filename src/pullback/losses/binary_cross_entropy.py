"""The loss of a classifier of two classes that gives a probability: logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.arithmetic import subtract
from pullback.gates.elementary import sigmoid, softplus
from pullback.gates.shape import reshape
from pullback.losses.class_weights import ClassWeights, checked, of_two_classes
from pullback.losses.labels import probabilities, refuse_smoothing
from pullback.losses.loss import Loss, register
from pullback.losses.reading import Reading
from pullback.losses.rows import in_dtype_of


@final
@register
@dataclass(frozen=True, kw_only=True)
class BinaryCrossEntropy(Loss):
    """-y log(p) - (1 - y) log(1 - p) with p = sigmoid(score), in natural units.

    Shapes: scores (batch,) or (batch, 1), labels y (batch,): 0 and 1, truth values, or
    probabilities between. Computed from scores, so that no logarithm meets a rounded 0; chance is
    log(2). `label_smoothing` s makes every y (1 - s) * y + s / 2, as that of `SoftmaxCrossEntropy`
    does of two classes. `class_weights` are those of 0 and 1; a soft label weighs in proportion.

    Raises `CircuitError` for a label smoothing outside [0, 1).
    Source: the guide's outline, "Multiclass: Logistic Regression, Softmax", for two classes.

    >>> round(float(BinaryCrossEntropy()([0.0, 0.0], [0, 1]).value), 4)  # log(2)
    0.6931
    """

    reading = Reading("classification", pair=(0, 1), probable=True)
    label_smoothing: float = 0.0
    class_weights: ClassWeights = None

    def __post_init__(self) -> None:
        refuse_smoothing(self.label_smoothing)
        object.__setattr__(self, "class_weights", checked(self.class_weights, (0, 1)))

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        return probabilities(labels, shape, "binary cross entropy")

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        scores, y = reshape(scores, labels.shape), in_dtype_of(labels, scores)
        if smooth := self.label_smoothing:
            y = (1.0 - smooth) * y + smooth / 2.0
        return y * softplus(-scores) + (1.0 - y) * softplus(scores)

    def row_weights(self, scores: Unit, labels: Unit) -> Unit | None:
        return of_two_classes(self.class_weights, (0, 1), labels, scores)


def logistic_force(scores: Any, labels: Any) -> Any:
    """The pull on each score: label - sigmoid(score), by how much the probability is wrong.

    The negative gradient of `BinaryCrossEntropy` by the scores, before the mean over the batch.
    Takes numbers, arrays or wires, of shape (batch,), or scores (batch, 1).
    Source: the guide's outline, "Multiclass: Logistic Regression, Softmax".

    >>> logistic_force([0.0, 0.0], [1, 0])
    array([ 0.5, -0.5])
    """
    return subtract(reshape(labels, np.shape(scores)), sigmoid(scores))
