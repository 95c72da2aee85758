"""The support vector machine that pulls the harder, the worse the mistake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.arithmetic import multiply, subtract
from pullback.gates.comparison import greater
from pullback.gates.elementary import relu
from pullback.gates.shape import reshape
from pullback.losses.class_weights import ClassWeights, checked, of_two_classes
from pullback.losses.hinge import SIGNS, shortfall
from pullback.losses.labels import signs
from pullback.losses.loss import Loss, register
from pullback.losses.reading import Reading


@final
@register
@dataclass(frozen=True, kw_only=True)
class SquaredHinge(Loss):
    """max(0, 1 - label * score)**2; labels are +1 and -1. Smooth, but less robust to outliers.

    Shapes: scores (batch,) or (batch, 1), labels (batch,). `class_weights` as in `Hinge`.
    Source: the guide, "Variable pull?".

    >>> float(SquaredHinge()([0.5, -1.0], [1, 1]).value)  # (0.25 + 4) / 2
    2.125
    """

    reading = Reading("classification", pair=SIGNS, hinge=True)
    class_weights: ClassWeights = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_weights", checked(self.class_weights, SIGNS))

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        return signs(labels, shape, "squared hinge")

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        short = relu(shortfall(scores, labels))
        return short * short

    def row_weights(self, scores: Unit, labels: Unit) -> Unit | None:
        return of_two_classes(self.class_weights, SIGNS, greater(labels, 0), scores)


def squared_hinge_force(scores: Any, labels: Any) -> Any:
    """The pull on each score: towards its label, twice as hard as it lacks to the margin.

    The negative gradient of `SquaredHinge` by the scores, before the mean over the batch. Takes
    numbers, arrays or wires, as `hinge_force` does.
    Source: the guide, "Variable pull?".

    >>> squared_hinge_force([0.5, -1.0, 2.0], [1, 1, 1])
    array([1., 4., 0.])
    """
    labels = reshape(labels, np.shape(scores))
    return multiply(2.0, multiply(labels, relu(subtract(1.0, multiply(labels, scores)))))
