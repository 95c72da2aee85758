"""The cross entropy of two classes that lets rows count less, the surer they are right already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.elementary import exp, softplus
from pullback.gates.shape import reshape
from pullback.losses.class_weights import ClassWeights, checked, of_two_classes
from pullback.losses.labels import probabilities
from pullback.losses.loss import Loss, register
from pullback.losses.reading import Reading
from pullback.losses.rows import in_dtype_of


@final
@register
@dataclass(frozen=True, kw_only=True)
class BinaryFocalCrossEntropy(Loss):
    """-(1 - p) ** gamma * log(p), with p the probability of the row's label: p = sigmoid(±score).

    Shapes: scores (batch,) or (batch, 1), labels (batch,): 0 and 1, truth values, or probabilities
    y between, which cost y times what a 1 does and 1 - y times what a 0 does. With `gamma` 0 it is
    `BinaryCrossEntropy`. `alpha` multiplies the cost of a 1, and 1 - alpha that of a 0: as
    `class_weights` do, but that these are divided by their mean; None leaves both as they are.

    Its probabilities are not as sure as the rows are: calibrate them before they are believed
    (see `pullback.metrics.calibrated`).

    Raises `CircuitError` for a gamma below 0, an alpha outside (0, 1), or alpha and class weights
    both.
    Source: Lin, Goyal, Girshick, He, Dollár, "Focal loss for dense object detection" (ICCV 2017).

    >>> costs = BinaryFocalCrossEntropy(gamma=2.0).cost(Unit([0.0, 1.0]), Unit([1.0, 1.0]))
    >>> costs.value.round(4)  # log(2) / 4, and less of a row that is right
    array([0.1733, 0.0227])
    """

    reading = Reading("classification", pair=(0, 1), probable=True)
    gamma: float = 2.0
    alpha: float | None = None
    class_weights: ClassWeights = None

    def __post_init__(self) -> None:
        refuse_gamma(self.gamma)
        if self.alpha is not None:
            if not 0.0 < self.alpha < 1.0:
                raise CircuitError(f"alpha must be above 0 and below 1, got {self.alpha}")
            if self.class_weights is not None:
                raise CircuitError("alpha and class_weights both weigh the classes; give one")
        object.__setattr__(self, "class_weights", checked(self.class_weights, (0, 1)))

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        return probabilities(labels, shape, "binary focal cross entropy")

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        scores, y = reshape(scores, labels.shape), in_dtype_of(labels, scores)
        one, other = y * softplus(-scores), (1.0 - y) * softplus(scores)
        if self.gamma:  # (1 - p) ** gamma by its logarithm, which has no kink where p is nearly 1
            one = exp(-self.gamma * softplus(scores)) * one
            other = exp(-self.gamma * softplus(-scores)) * other
        if self.alpha is not None:
            one, other = self.alpha * one, (1.0 - self.alpha) * other
        return one + other

    def row_weights(self, scores: Unit, labels: Unit) -> Unit | None:
        return of_two_classes(self.class_weights, (0, 1), labels, scores)


def refuse_gamma(gamma: float) -> None:
    """Raise `CircuitError` for what is no power of a focal loss."""
    if not 0.0 <= gamma < np.inf:
        raise CircuitError(f"gamma must be at least 0 and finite, got {gamma}")
