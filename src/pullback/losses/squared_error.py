"""The loss of regression: the square of each error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.arithmetic import multiply, subtract
from pullback.gates.shape import reshape
from pullback.losses.labels import targets
from pullback.losses.loss import Loss, register
from pullback.losses.reading import Reading
from pullback.losses.rows import error, mean_of_row


@final
@register
@dataclass(frozen=True)
class SquaredError(Loss):
    """(score - label)**2, without a factor of 1/2; of several outputs, their mean.

    Shapes: scores (batch,) or (batch, 1) and labels (batch,), or both (batch, outputs). In the
    square of the labels' unit; the best score is the mean of the labels.
    Source: the guide's outline, "Example: Regression".

    >>> float(SquaredError()([1.0, 2.0], [1.0, 5.0]).value)  # (0 + 9) / 2
    4.5
    """

    reading = Reading("regression")

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        return targets(labels, shape, "squared error")

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        d = error(scores, labels)
        return mean_of_row(d * d)


def squared_force(scores: Any, labels: Any) -> Any:
    """The pull on each score: 2 * (label - score) / outputs, a spring that ends at the label.

    The negative gradient of `SquaredError` by the scores, before the mean over the batch. Takes
    numbers, arrays or wires of one shape, or scores (batch, 1) and labels (batch,).
    Source: the guide's outline, "Example: Regression".

    >>> squared_force([1.0, 2.0], [1.0, 5.0])
    array([0., 6.])
    """
    shape = np.shape(scores)
    return multiply(2.0 / math.prod(shape[1:]), subtract(reshape(labels, shape), scores))
