"""The loss of a model that answers a class at every step of a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import equal, greater_equal, maximum, where
from pullback.gates.reduction import argmax, log_softmax
from pullback.gates.shape import astype, expand_dims
from pullback.losses.labels import refuse_smoothing
from pullback.losses.loss import Loss, register
from pullback.losses.sequences.steps import step_labels


@final
@register
@dataclass(frozen=True, kw_only=True)
class SequenceCrossEntropy(Loss):
    """The mean over all steps that count of -log(softmax(scores)[label]), in natural units.

    Shapes: scores (rows, steps, classes); labels (rows, steps), class numbers from 0, and -1 where
    nothing counts. Each step counts the same, in a long row, a short one, and any batch; a row in
    which nothing counts costs nothing. `label_smoothing` s takes (1 - s) of the cost, and s times
    the mean cost of all classes. Beside it stand the accuracy over steps and the `nats` of a step:
    the cost without smoothing, whose exponential is the perplexity.

    Raises `CircuitError` for a label smoothing outside [0, 1), a label that is no class, and where
    no step of any row counts.
    Source: Bengio, Ducharme, Vincent, Jauvin, "A neural probabilistic language model" (JMLR 3,
    2003).

    >>> scores = np.zeros((2, 3, 4))
    >>> loss = SequenceCrossEntropy()(scores, [[1, 2, 3], [0, -1, -1]])
    >>> round(float(loss.value), 4)  # log(4)
    1.3863
    """

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        refuse_smoothing(self.label_smoothing)

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) != 3:
            raise CircuitError(
                f"SequenceCrossEntropy needs scores of shape (rows, steps, classes), got {shape}"
            )
        return step_labels(labels, *shape)

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        logs = log_softmax(scores, axis=2)
        own = _of_label(logs, labels)
        if self.label_smoothing:
            own = (1.0 - self.label_smoothing) * own + self.label_smoothing * logs.mean(axis=2)
        return -_mean_of_steps(own, labels)

    def row_weights(self, scores: Unit, labels: Unit) -> Unit | None:
        return _share(labels, scores.dtype)

    def metric_weights(self, labels: Unit) -> Unit | None:
        return astype(greater_equal(labels, 0), np.float64).sum(axis=1)

    def mean_of_batch(self, labels: np.ndarray) -> float:
        return float(_share(Unit(labels), np.float64).value.mean())

    def of_rows(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        right = astype(equal(argmax(scores, axis=2), labels), scores.dtype)
        nats = -_of_label(log_softmax(scores, axis=2), labels)
        return {
            "accuracy": _mean_of_steps(right, labels),
            "nats": _mean_of_steps(nats, labels),
        }


def _share(labels: Unit, dtype: Any) -> Unit:
    """The share of each row's steps that count: of full rows 1, as rows of other losses weigh."""
    return astype(greater_equal(labels, 0), dtype).mean(axis=1)


def _of_label(logs: Unit, labels: Unit) -> Unit:
    """The number of each step's label, (rows, steps); 0 where the label is -1."""
    chosen = equal(expand_dims(labels, 2), np.arange(logs.shape[2]))
    return where(chosen, logs, 0.0).sum(axis=2)


def _mean_of_steps(x: Unit, labels: Unit) -> Unit:
    """The mean over the steps of each row that count, (rows,); 0 where none does."""
    counts = greater_equal(labels, 0)
    number = astype(counts, x.dtype).sum(axis=1)
    return where(counts, x, 0.0).sum(axis=1) / maximum(number, 1.0)
