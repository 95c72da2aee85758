"""In: X as a person has it. Out: points, or distances, that can be mapped, or what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from pullback.core.errors import CircuitError

_ALIKE = 1e-6  # of the largest distance, by which two ways between two points may differ


def points(estimator: Any, x: Any, *, reset: bool) -> Any:
    """X (N, features) as finite numbers, in float32 or float64, dense or in scikit-learn's csr.

    Raises `CircuitError` for what is not finite, and for points all of which are one; and what
    `validate_data` raises.
    """
    x = validate_data(
        estimator,
        x,
        reset=reset,
        dtype=(np.float64, np.float32),
        accept_sparse="csr",
        ensure_all_finite=False,
        ensure_min_samples=2 if reset else 1,
    )
    _refuse_not_finite("X", x)
    _refuse_too_large(x)
    if reset and not issparse(x) and (x == x[0]).all():
        raise CircuitError(f"all {len(x)} rows of X are equal, and have no map")
    return x


def distances(estimator: Any, x: Any, *, among: int | None = None) -> np.ndarray:
    """X (N, N) as distances between all points, or of new ones to `among` as many old ones.

    Raises `CircuitError` for what are no distances.
    """
    if issparse(x):
        raise CircuitError(
            "a precomputed X has all distances: give a dense array, not a sparse one"
        )
    x = validate_data(estimator, x, reset=among is None, dtype=np.float64, ensure_all_finite=False)
    if among is None and x.shape[0] != x.shape[1]:
        raise CircuitError(
            f"a precomputed X should be a square distance matrix, (N, N), got {x.shape}; "
            "for points choose a metric, as 'euclidean'"
        )
    _refuse_not_finite("X", x)
    if (x < 0.0).any():
        i, j = np.argwhere(x < 0.0)[0]
        raise CircuitError(f"distances are not negative: X has {x[i, j]:g} in row {i}, column {j}")
    if among is not None:
        return x
    near = _ALIKE * x.max(initial=0.0)
    if (np.abs(x.diagonal()) > near).any():
        i = int(np.argmax(np.abs(x.diagonal()) > near))
        raise CircuitError(
            f"the distance of point {i} to itself is {x[i, i]:g} and must be 0: is X a similarity?"
        )
    unlike = np.abs(x - x.T) > near
    if unlike.any():
        i, j = np.argwhere(unlike)[0]
        raise CircuitError(
            f"distances are the same both ways: X has {x[i, j]:g} from {i} to {j} and {x[j, i]:g} "
            f"from {j} to {i}; take (X + X.T) / 2"
        )
    return x


def _refuse_too_large(x: Any) -> None:
    """Raise `CircuitError` where squares of distances would be beyond all numbers."""
    held = x.data if issparse(x) else x
    largest = float(np.abs(held).max(initial=0.0))
    most = float(np.sqrt(np.finfo(x.dtype).max / (8.0 * x.shape[1])))
    if largest > most:
        raise CircuitError(
            f"X has {largest:.3g} in it, whose square is too large for {x.dtype}: divide X by that"
        )


def _refuse_not_finite(what: str, x: Any) -> None:
    """Raise `CircuitError` for the first number that is none, naming row and column."""
    held = x.data if issparse(x) else x
    with np.errstate(all="ignore"):
        if np.isfinite(held.sum()):  # the quickest look
            return
    wrong = ~np.isfinite(held)
    if not wrong.any():
        return
    if issparse(x):
        coordinates = x.tocoo()
        at = int(np.argmax(wrong))
        i, j, number = coordinates.row[at], coordinates.col[at], held[at]
    else:
        i, j = np.argwhere(wrong)[0]
        number = held[i, j]
    kind = "NaN" if np.isnan(number) else "infinity"
    raise CircuitError(f"{what} contains {kind} in row {i}, column {j}; fill or drop such rows")
