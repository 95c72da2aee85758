"""The loss of the support vector machine, and the force specification that it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import equal, greater
from pullback.gates.elementary import relu
from pullback.gates.shape import reshape
from pullback.losses.loss import Loss, register


@final
@register
class Hinge(Loss):
    """max(0, 1 - label * score); labels are +1 and -1, and the margin is 1.

    Shapes: scores (batch,) or (batch, 1), labels (batch,).
    Source: the guide, "Example: 2-D Support Vector Machine".

    >>> round(float(Hinge()([0.56, 0.37, 1.1], [1, -1, 1])) * 3, 3)  # 0.44 + 1.37 + 0
    1.81
    """

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        labels = np.asarray(labels)
        if len(shape) not in (1, 2) or shape[1:] not in ((), (1,)):
            raise CircuitError(f"hinge needs one score a row, got scores of shape {shape}")
        if labels.shape != shape[:1]:
            raise CircuitError(f"{shape[0]} rows of scores need as many labels, got {labels.shape}")
        wrong = np.flatnonzero(~np.isin(labels, (-1, 1)))
        if len(wrong):
            raise CircuitError(
                f"hinge needs labels +1 and -1, got {labels[wrong[0]]} (row {wrong[0]})"
            )
        return labels.astype(np.int64)

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        return relu(1.0 - labels * reshape(scores, labels.shape))

    def metrics(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        right = equal(greater(reshape(scores, labels.shape), 0.0), greater(labels, 0))
        return {"accuracy": right.mean()}


def hinge_force(scores: Any, labels: Any) -> np.ndarray:
    """The pull on each score: +1 or -1 towards its label until it is past the margin, then 0.

    The negative gradient of `Hinge` by the scores, before the mean over the batch.
    Source: the guide, "Support Vector Machine 'Force Specification'".

    >>> hinge_force([-1.2, -2.3], [1, -1])
    array([1., 0.])
    """
    scores, labels = np.asarray(scores, float), np.asarray(labels, float)
    return np.where(labels * scores < 1.0, labels, 0.0)
