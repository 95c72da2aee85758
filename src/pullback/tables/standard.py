"""In: quantities. Out: what to take away from them, and to divide by, for spread 1 about 0.

In NumPy, as a table's first fit should not wait for scikit-learn to be imported.
"""

from __future__ import annotations

import numpy as np


def centre_and_scale(x: np.ndarray) -> tuple[float, float]:
    """The mean of numbers, and their standard deviation; 1 where it is nothing but rounding.

    Source: `sklearn.preprocessing.StandardScaler`, whose answers these are.

    >>> centre_and_scale(np.array([1.0, 3.0])), centre_and_scale(np.array([5.0, 5.0]))
    ((2.0, 1.0), (5.0, 1.0))
    """
    count, mean, variance = len(x), float(np.mean(x)), float(np.var(x))
    eps = float(np.finfo(np.float64).eps)
    rounding = count * eps * variance + (count * mean * eps) ** 2
    return mean, 1.0 if variance <= rounding else variance**0.5


def median(x: np.ndarray) -> float:
    """The median of the numbers that are not nan; 0 where there is none.

    >>> median(np.array([1.0, np.nan, 3.0])), median(np.array([np.nan]))
    (2.0, 0.0)
    """
    there = x[~np.isnan(x)]
    return float(np.median(there)) if there.size else 0.0
