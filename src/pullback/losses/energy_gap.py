"""The loss of a model of energies: what was seen has less than what it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import less
from pullback.losses.loss import Loss, register


@final
@register
@dataclass(frozen=True)
class EnergyGap(Loss):
    """The energy of each example less that of what the model takes for one: score_0 - score_1.

    Shapes: scores (rows, 2), both energies, as an `EnergyModel` with contrastive divergence makes
    them; labels (rows, ...), of which nothing but their number counts: give the inputs again. Its
    gradient is that of the negative log-likelihood where the model's examples are drawn from its
    own distribution, and an approximation where few steps of sampling were made. Beside it stands
    the share of rows whose energy is the lower.

    Raises `CircuitError` for scores of another shape, or not as many labels.
    Source: Hinton, "Training products of experts by minimizing contrastive divergence" (Neural
    Computation 14, 2002).

    >>> float(EnergyGap()([[1.0, 3.0], [2.0, 2.0]], [0, 0]).value)
    -1.0
    """

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        if shape[1:] != (2,):
            raise CircuitError(f"EnergyGap needs scores of shape (rows, 2), got {shape}")
        if np.shape(labels)[:1] != shape[:1]:
            raise CircuitError(
                f"{shape[0]} rows of scores need as many labels, got {np.shape(labels)}"
            )
        return np.zeros(shape[0], np.int64)

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        if labels.shape != scores.shape[:1]:
            raise CircuitError(
                f"{scores.shape[0]} rows of scores need as many labels, got {labels.shape}"
            )
        return scores[:, 0] - scores[:, 1]

    def of_rows(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        return {"lower": less(scores[:, 0], scores[:, 1])}
