"""In: a variance, as norms measure it. Out: what they divide by."""

from __future__ import annotations

from pullback.core.unit import Unit
from pullback.gates.elementary import sqrt


def deviation(variance: Unit, epsilon: float) -> Unit:
    """sqrt(variance + epsilon), and nan where the variance is more than its precision holds.

    Divided by infinity, numbers that have left their range would all be zero, and nobody would see
    it.

    >>> deviation(Unit([4.0, float("inf")]), 0.0).value
    array([ 2., nan])
    """
    return sqrt(variance + epsilon) + 0.0 * variance  # 0 times infinity is nan
