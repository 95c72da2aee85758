"""The layer that takes from each feature of a sequence its own mean over the steps."""

from __future__ import annotations

from typing import Any, final

from pullback.core.unit import Unit
from pullback.gates.comparison import maximum, where
from pullback.gates.reduction import mean, sum
from pullback.gates.shape import astype
from pullback.layers.layer import Layer, register
from pullback.layers.lengths import along, counting, refuse_lengths, with_lengths
from pullback.layers.training import Training


@final
@register
class CentreOverSteps(Layer):
    """y[n, t] = x[n, t] - the mean of x[n, s] over the steps s that count, feature by feature.

    Shapes: x (rows, steps, ..., n), lengths (rows,) or not given, y as x. Steps behind a row's end
    do not count, and y is zero there. It has nothing to learn. Of the logarithms that `LogMel` and
    `MFCC` make, it takes away what a whole recording shares: how loud it is, and how its microphone
    and in part its speaker colour it; known as cepstral mean normalization.

    Raises `CircuitError` for fewer than three axes, and for lengths beyond the steps.
    Source: Atal, "Effectiveness of linear prediction characteristics of the speech wave for
    automatic speaker identification and verification" (JASA 55, 1974).

    >>> import numpy as np
    >>> CentreOverSteps()([[[1.0], [3.0], [9.0]]], np.array([2])).value.tolist()
    [[[-1.0], [1.0], [0.0]]]
    """

    takes = None
    takes_lengths = True

    def refuse(self, *inputs: Any) -> None:
        refuse_lengths(self, *inputs)

    def apply(self, *inputs: Unit, training: Training | None) -> Unit:
        x, lengths = with_lengths(self, inputs)
        if not x.shape[1]:
            return x
        if lengths is None:
            return x - mean(x, axis=1, keepdims=True)
        counts = along(counting(lengths, x.shape[1]), x)
        total = sum(where(counts, x, 0.0), axis=1, keepdims=True)
        return where(counts, x - total / along(astype(maximum(lengths, 1), x.dtype), x), 0.0)
