"""The pinball loss: regression on the value that a given share of labels lies below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import less_equal
from pullback.gates.elementary import relu
from pullback.gates.shape import broadcast_to, expand_dims
from pullback.losses.labels import numbers, targets
from pullback.losses.loss import Loss, register
from pullback.losses.reading import Reading
from pullback.losses.rows import error, matched, mean_of_row


@final
@register
@dataclass(frozen=True)
class Quantile(Loss):
    """q * max(0, label - score) + (1 - q) * max(0, score - label); of several outputs, the mean.

    The best score has the share q of labels below it. Shapes: scores (batch,) or (batch, 1) and
    labels (batch,), or both (batch, outputs). With several q, one score for each: scores
    (batch, len(q)) and labels (batch,). Where score and label are equal the gradient is 0.

    The metrics are the shares of labels at or below the scores, to be compared with q.
    Raises `CircuitError` where a q is not between 0 and 1.
    Source: Koenker and Bassett, "Regression quantiles" (1978).

    >>> round(float(Quantile(0.9)([1.0, 1.0], [2.0, 0.0]).value), 4)  # (0.9 + 0.1) / 2
    0.5
    >>> round(float(Quantile([0.1, 0.9])([[1.0, 1.0]], [2.0]).value), 4)  # (0.1 + 0.9) / 2
    0.5
    """

    reading = Reading("regression")
    q: float | Sequence[float] = 0.5

    def __post_init__(self) -> None:
        array = numbers(self.q, "q", "a quantile's q is a number between 0 and 1, or several")
        wrong = [q for q in array.ravel().tolist() if not 0.0 < q < 1.0]
        if wrong or not array.size or array.ndim > 1:
            raise CircuitError(
                f"a quantile's q is a number between 0 and 1, or several, got {self.q!r}"
            )
        object.__setattr__(self, "q", tuple(map(float, array)) if array.ndim else float(array))

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        if isinstance(self.q, int | float):
            return targets(labels, shape, "quantile")
        _refuse_scores(shape, len(self.q))
        return targets(labels, shape[:1], "quantile")

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        if isinstance(self.q, int | float):
            q, d = self.q, error(scores, labels)
        else:
            _refuse_scores(scores.shape, len(self.q))
            q, d = np.array(self.q, scores.dtype), error(scores, _for_each(labels, scores))
        return mean_of_row(q * relu(-d) + (1.0 - q) * relu(d))

    def of_rows(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        if isinstance(self.q, int | float):
            return {_share(self.q): less_equal(labels, matched(scores, labels))}
        return {_share(q): less_equal(labels, scores[:, k]) for k, q in enumerate(self.q)}


def _for_each(labels: Unit, scores: Unit) -> Unit:
    """Labels (batch,) once more for each of the scores of a row."""
    return broadcast_to(expand_dims(labels, 1), scores.shape)


def _refuse_scores(shape: tuple[int, ...], count: int) -> None:
    if shape[1:] != (count,):
        raise CircuitError(f"{count} quantiles need scores of shape (batch, {count}), got {shape}")


def _share(q: float) -> str:
    return f"share_below_{q:g}"
