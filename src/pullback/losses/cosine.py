"""The loss between directions: how far a row of scores points away from a row of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import equal, where
from pullback.gates.elementary import abs, sqrt, stop_gradient
from pullback.gates.reduction import max
from pullback.losses.labels import targets
from pullback.losses.loss import Loss, register
from pullback.losses.rows import in_dtype_of


@final
@register
@dataclass(frozen=True)
class Cosine(Loss):
    """1 - (score . label) / (|score| |label|) of each row: 0 for one direction, 2 for opposite.

    Shapes: scores and labels (batch, outputs). A row of scores that is all zeros has no direction:
    its cost is 1, and it is pulled towards its label.

    Raises `CircuitError` for a row of labels that is all zeros.

    >>> float(Cosine()([[1.0, 0.0]], [[0.0, 2.0]]).value)
    1.0
    """

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) != 2:
            raise CircuitError(f"cosine needs scores of shape (batch, outputs), got {shape}")
        array = targets(labels, shape, "cosine").reshape(shape)
        wrong = np.flatnonzero(~array.any(axis=1))
        if len(wrong):
            raise CircuitError(
                f"label {array[wrong[0]]} (row {wrong[0]}) has no direction; drop such rows first"
            )
        return array

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        return 1.0 - _similarity(scores, labels)

    def of_rows(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        return {"cosine_similarity": _similarity(scores, labels)}


def _similarity(scores: Unit, labels: Unit) -> Unit:
    if scores.shape != labels.shape or scores.ndim != 2:
        raise CircuitError(
            f"cosine compares rows (batch, outputs), got {scores.shape} and {labels.shape}"
        )
    a, b = _unit_rows(scores), _unit_rows(in_dtype_of(labels, scores))
    return (a * b).sum(axis=1)


def _unit_rows(x: Unit) -> Unit:
    """Each row divided by its length; a row of zeros stays."""
    # A row's direction does not change with its size, so no gradient is lost by the peg, and the
    # squares of very large or small numbers neither overflow nor vanish.
    size = stop_gradient(max(abs(x), axis=1, keepdims=True))
    x = x / where(equal(size, 0.0), 1.0, size)
    square = (x * x).sum(axis=1, keepdims=True)
    return x / sqrt(where(equal(square, 0.0), 1.0, square))
