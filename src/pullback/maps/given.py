"""In: X as a person has it. Out: points, or distances, that can be mapped, or what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from pullback.core.errors import CircuitError
from pullback.files.words import listed

_ALIKE = 1e-6  # of the largest distance, by which two ways between two points may differ


def points(estimator: Any, x: Any, *, reset: bool, sparse: bool = True) -> Any:
    """X (N, features) as finite numbers, in float32 or float64, dense or in scikit-learn's csr.

    Raises `CircuitError` for what is not finite, and for points all of which are one; and what
    `validate_data` raises.
    """
    try:
        x = validate_data(
            estimator,
            x,
            reset=reset,
            dtype=(np.float64, np.float32),
            accept_sparse="csr" if sparse else False,
            ensure_all_finite=False,
            ensure_min_samples=2 if reset else 1,
        )
    except (TypeError, ValueError) as error:
        others = _no_numbers(x)
        if not others:
            raise
        raise CircuitError(
            f"columns of X are no numbers: {listed(others)}; leave them out, or make numbers of "
            "them, as pandas.get_dummies does"
        ) from error
    _refuse_not_finite("X", x)
    _refuse_too_large(x)
    if reset and (abs(x.max(axis=0) - x.min(axis=0)) if issparse(x) else x != x[0]).sum() == 0:
        raise CircuitError(f"all {x.shape[0]} rows of X are equal, and have no map")
    return x


def _no_numbers(x: Any) -> list[str]:
    """The columns of a table of pandas that hold texts, dates and the like."""
    if not hasattr(x, "iloc") or not hasattr(x, "columns"):
        return []
    return [str(name) for name, dtype in x.dtypes.items() if dtype.kind not in "biufc"]


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
    if not x.any():
        raise CircuitError(f"all distances between the {len(x)} points of X are 0")
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
