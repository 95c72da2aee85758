"""Layers that make one vector of a whole sequence, of the steps that count."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.comparison import equal, maximum, where
from pullback.gates.reduction import max, mean, sum
from pullback.gates.shape import astype, expand_dims
from pullback.layers.layer import Layer, register
from pullback.layers.lengths import along, counting, refuse_lengths, with_lengths
from pullback.layers.training import Training


class OverSteps(Layer):
    """What these layers share: sequences of no steps give zeros."""

    takes = None
    takes_lengths = True

    def refuse(self, *inputs: Any) -> None:
        refuse_lengths(self, *inputs)

    def apply(self, *inputs: Unit, training: Training | None) -> Unit:
        x, lengths = with_lengths(self, inputs)
        return self.over(x, lengths) if x.shape[1] else sum(x, axis=1)

    @abstractmethod
    def over(self, x: Unit, lengths: Unit | None) -> Unit:
        """What is made of sequences of one step at least."""


@final
@register
class MeanOverSteps(OverSteps):
    """The mean of each feature over the steps of a sequence.

    Shapes: x (rows, steps, ..., n), lengths (rows,) or not given, y (rows, ..., n). Steps behind a
    row's end do not count; a row of no steps gives zeros.

    Raises `CircuitError` for fewer than three axes, and for lengths beyond the steps.

    >>> MeanOverSteps()([[[1.0], [3.0], [9.0]]], np.array([2])).value
    array([[2.]])
    """

    def over(self, x: Unit, lengths: Unit | None) -> Unit:
        if lengths is None:
            return mean(x, axis=1)
        total = sum(where(along(counting(lengths, x.shape[1]), x), x, 0.0), axis=1)
        return total / along(astype(maximum(lengths, 1), x.dtype), total)


@final
@register
class MaxOverSteps(OverSteps):
    """The largest number of each feature over the steps of a sequence.

    Shapes, lengths and what is raised as in `MeanOverSteps`. Several that tie share the gradient.
    Of a row with lengths, whose steps are all -infinity, it is the least finite number.

    >>> MaxOverSteps()([[[1.0], [3.0], [9.0]]], np.array([2])).value
    array([[3.]])
    """

    def over(self, x: Unit, lengths: Unit | None) -> Unit:
        if lengths is None:
            return max(x, axis=1)
        least = float(np.finfo(x.dtype).min)  # finite, so that no gradient is nan
        largest = max(where(along(counting(lengths, x.shape[1]), x), x, least), axis=1)
        return where(along(lengths > 0, largest), largest, 0.0)


@final
@register
class LastStep(OverSteps):
    """The last step of a sequence.

    Shapes, lengths and what is raised as in `MeanOverSteps`.

    >>> LastStep()([[[1.0], [3.0], [9.0]]], np.array([2])).value
    array([[3.]])
    """

    def over(self, x: Unit, lengths: Unit | None) -> Unit:
        if lengths is None:
            return x[:, -1]
        is_last = equal(np.arange(1, x.shape[1] + 1), expand_dims(lengths, 1))
        return sum(where(along(is_last, x), x, 0.0), axis=1)
