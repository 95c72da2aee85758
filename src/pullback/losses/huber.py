"""The loss of regression between squared and absolute: smooth near the label, robust far off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import clip
from pullback.losses.labels import targets
from pullback.losses.loss import Loss, register
from pullback.losses.reading import Reading
from pullback.losses.rows import error, mean_of_row


@final
@register
@dataclass(frozen=True)
class Huber(Loss):
    """With d = score - label: d**2 / 2 where |d| <= delta, else delta * (|d| - delta / 2).

    Of several outputs, their mean. Shapes: scores (batch,) or (batch, 1) and labels (batch,), or
    both (batch, outputs). No pull is stronger than `delta`, which is in the labels' unit.

    Raises `CircuitError` where delta is not positive.
    Source: Huber, "Robust estimation of a location parameter" (1964).

    >>> float(Huber(1.0)([0.0, 0.0], [0.5, 3.0]).value)  # (0.125 + 2.5) / 2
    1.3125
    """

    reading = Reading("regression")
    delta: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.delta < np.inf:
            raise CircuitError(f"huber's delta must be positive and finite, got {self.delta}")

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        return targets(labels, shape, "huber")

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        d = error(scores, labels)
        near = clip(d, -self.delta, self.delta)
        return mean_of_row(near * (d - 0.5 * near))
