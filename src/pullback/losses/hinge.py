"""The loss of the support vector machine, and the force specification that it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.arithmetic import multiply
from pullback.gates.comparison import greater, less, where
from pullback.gates.elementary import relu
from pullback.gates.shape import reshape
from pullback.losses.class_weights import ClassWeights, checked, of_two_classes
from pullback.losses.labels import signs
from pullback.losses.loss import Loss, register
from pullback.losses.reading import Reading
from pullback.losses.rows import in_dtype_of

SIGNS = (-1, 1)


@final
@register
@dataclass(frozen=True, kw_only=True)
class Hinge(Loss):
    """max(0, 1 - label * score); labels are +1 and -1, and the margin is 1.

    Shapes: scores (batch,) or (batch, 1), labels (batch,). `class_weights` are those of -1 and +1,
    in this order, or a mapping such as {1: 3.0}.
    Source: the guide, "Example: 2-D Support Vector Machine".

    >>> round(float(Hinge()([0.56, 0.37, 1.1], [1, -1, 1]).value) * 3, 3)  # 0.44 + 1.37 + 0
    1.81
    """

    reading = Reading("classification", pair=SIGNS, hinge=True)
    class_weights: ClassWeights = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_weights", checked(self.class_weights, SIGNS))

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        return signs(labels, shape, "hinge")

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        return relu(shortfall(scores, labels))

    def row_weights(self, scores: Unit, labels: Unit) -> Unit | None:
        return of_two_classes(self.class_weights, SIGNS, greater(labels, 0), scores)


def shortfall(scores: Unit, labels: Unit) -> Unit:
    """1 - label * score: how much a score lacks to the margin; negative past it."""
    return 1.0 - in_dtype_of(labels, scores) * reshape(scores, labels.shape)


def hinge_force(scores: Any, labels: Any) -> Any:
    """The pull on each score: +1 or -1 towards its label until it is past the margin, then 0.

    The negative gradient of `Hinge` by the scores, before the mean over the batch. Takes numbers,
    arrays or wires, of shape (batch,), or scores (batch, 1); train with it by `Force`.
    Source: the guide, "Support Vector Machine 'Force Specification'".

    >>> hinge_force([-1.2, -2.3], [1, -1])
    array([1., 0.])
    """
    labels = reshape(labels, np.shape(scores))
    return where(less(multiply(labels, scores), 1.0), labels, 0.0)
