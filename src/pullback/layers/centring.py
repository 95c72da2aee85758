"""In: a wire whose values lie far from zero. Out: the same around zero, with all of its digits."""

from __future__ import annotations

from pullback.core.unit import Unit
from pullback.gates.elementary import stop_gradient
from pullback.gates.reduction import Axis, mean


def centre(x: Unit, axis: Axis) -> Unit:
    """x less its mean along axes, exact also where the mean is far larger than the spread.

    A mean is rounded as its own size is; what that leaves over, a second step takes away. It is
    zero but for rounding, so no gradient flows through it.

    >>> x = Unit([[10000.0, 10002.0]])
    >>> centre(x, -1).value
    array([[-1.,  1.]])
    """
    nearly = x - mean(x, axis=axis, keepdims=True)
    return nearly - stop_gradient(mean(nearly, axis=axis, keepdims=True))
