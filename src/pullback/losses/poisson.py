"""The loss of counts: regression on the logarithm of a rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import minimum
from pullback.gates.elementary import abs, exp
from pullback.losses.labels import targets
from pullback.losses.loss import Loss, register
from pullback.losses.rows import error, in_dtype_of, matched, mean_of_row

HIGHEST = 75.0  # exp of it, times a score of 1e4, still is a float32


@final
@register
@dataclass(frozen=True)
class Poisson(Loss):
    """exp(score) - label * score: the rate is exp(score), and labels are counts of at least 0.

    The negative log likelihood without log(label!), which no score changes; of several outputs,
    the mean. Shapes: scores (batch,) or (batch, 1) and labels (batch,), or both (batch, outputs).
    Above a score of 75, a rate beyond any count, exp goes on as its tangent, so that cost and
    gradient stay finite and a wild step finds its way back.

    Raises `CircuitError` for a label that is negative.
    Source: McCullagh and Nelder, "Generalized Linear Models" (1989), chapter 6.

    >>> float(Poisson()([0.0, 0.0], [1, 3]).value)  # exp(0) = 1
    1.0
    """

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        array = targets(labels, shape, "poisson")
        wrong = np.argwhere(array < 0)
        if len(wrong):
            raise CircuitError(
                f"label {array[tuple(wrong[0])]} (row {wrong[0][0]}) is negative; "
                "poisson needs counts of at least 0"
            )
        return array

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        scores = matched(scores, labels)
        return mean_of_row(_rate(scores) - in_dtype_of(labels, scores) * scores)

    def of_rows(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        rate = _rate(matched(scores, labels))
        return {"mean_absolute_error": mean_of_row(abs(error(rate, labels)))}


def _rate(scores: Unit) -> Unit:
    """exp(score), above the highest score its tangent."""
    kept = minimum(scores, HIGHEST)
    return exp(kept) * (1.0 + (scores - kept))
