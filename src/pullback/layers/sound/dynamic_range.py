"""The layer that lets nothing be heard that is far below the loudest of a sound."""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import maximum, where
from pullback.gates.reduction import max
from pullback.layers.arguments import number_between
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.lengths import along, counting, refuse_lengths, with_lengths
from pullback.layers.training import Training


@final
@register
class DynamicRange(Layer):
    """y[n, t, b] = max(x[n, t, b], the largest of x[n] - decibels ln(10) / 10).

    Shapes: x (rows, frames, bands), natural logarithms of power as `LogMel` makes them, lengths
    (rows,) or not given, y as x. Frames behind a row's end do not count, and y is zero there. There
    is nothing to learn. What is below, as a rule the noise of a room or of a microphone, differs
    from recording to recording and says nothing; before `CentreOverSteps` it would move the mean.

    Raises `CircuitError` for a range that is not above 0, for fewer than three axes, and for
    lengths beyond the frames.

    >>> import numpy as np
    >>> DynamicRange(10.0)([[[0.0, -2.0], [-5.0, -9.0]]]).value.round(2).tolist()
    [[[0.0, -2.0], [-2.3, -2.3]]]
    """

    takes = None
    takes_lengths = True

    def __init__(self, decibels: float = 60.0, *, name: str = "", rng: Rng = None) -> None:
        decibels = number_between("DynamicRange", "decibels", decibels, 0.0)
        if not decibels:
            raise CircuitError("DynamicRange needs decibels above 0, got 0")
        super().__init__(name, rng, decibels=decibels)
        self._range = decibels * math.log(10.0) / 10.0

    def refuse(self, *inputs: Any) -> None:
        refuse_lengths(self, *inputs)

    def apply(self, *inputs: Unit, training: Training | None) -> Unit:
        x, lengths = with_lengths(self, inputs)
        if not x.size:
            return x
        axes = tuple(range(1, x.ndim))
        if lengths is None:
            return maximum(x, max(x, axis=axes, keepdims=True) - self._range)
        counts = along(counting(lengths, x.shape[1]), x)
        least = float(np.finfo(x.dtype).min) / 2  # from which the range can be taken
        loudest = max(where(counts, x, least), axis=axes, keepdims=True)
        return where(counts, maximum(x, loudest - self._range), 0.0)
