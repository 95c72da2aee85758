"""The loss of a classifier that chooses one of several classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import equal, where
from pullback.gates.reduction import argmax, logsumexp
from pullback.gates.shape import expand_dims
from pullback.losses.loss import Loss, register


@final
@register
class SoftmaxCrossEntropy(Loss):
    """-log(softmax(scores)[label]), in natural units; labels are class numbers from 0.

    Shapes: scores (batch, classes), labels (batch,). Chance is log(classes).
    Source: the guide's outline, "Multiclass: Logistic Regression, Softmax".

    >>> round(float(SoftmaxCrossEntropy()([[0.0, 0.0]], [1])), 4)  # log(2)
    0.6931
    """

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        labels = np.asarray(labels)
        if len(shape) != 2:
            raise CircuitError(f"softmax needs scores of shape (batch, classes), got {shape}")
        if labels.shape != shape[:1]:
            raise CircuitError(f"{shape[0]} rows of scores need as many labels, got {labels.shape}")
        if labels.dtype.kind not in "iufb" or not np.array_equal(np.floor(labels), labels):
            raise CircuitError("labels must be class numbers 0, 1, 2, ...; encode them first")
        whole = labels.astype(np.int64)
        wrong = np.flatnonzero((whole < 0) | (whole >= shape[1]))
        if len(wrong):
            raise CircuitError(
                f"label {whole[wrong[0]]} (row {wrong[0]}) is not among the {shape[1]} classes "
                f"0 to {shape[1] - 1} that the model scores"
            )
        return whole

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        chosen = equal(expand_dims(labels, 1), np.arange(scores.shape[1]))
        return logsumexp(scores, axis=1) - where(chosen, scores, 0.0).sum(axis=1)

    def metrics(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        return {"accuracy": equal(argmax(scores, axis=1), labels).mean()}
