"""The loss of regression that outliers do not pull harder on than others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.elementary import abs
from pullback.losses.labels import targets
from pullback.losses.loss import Loss, register
from pullback.losses.reading import Reading
from pullback.losses.rows import error, mean_of_row


@final
@register
@dataclass(frozen=True)
class AbsoluteError(Loss):
    """|score - label|; of several outputs, their mean. Where they are equal the gradient is 0.

    Shapes: scores (batch,) or (batch, 1) and labels (batch,), or both (batch, outputs). In the
    labels' unit; the best score is the median of the labels.

    >>> float(AbsoluteError()([1.0, 2.0], [1.0, 5.0]).value)  # (0 + 3) / 2
    1.5
    """

    reading = Reading("regression")

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        return targets(labels, shape, "absolute error")

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        return mean_of_row(abs(error(scores, labels)))
