"""In: stacks of matrices. Out: what solving, factoring and measuring them gives, by LAPACK.

The parts of the namespace `arrays` that NumPy keeps in `np.linalg`. What they raise, `ValueError`,
says what is wrong with the matrix; the gate that asked says which matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

WRONG = {
    "solve": "the matrix is singular: its rows depend on each other; add c * np.eye(n) to it",
    "cholesky": "the matrix is not positive definite; add c * np.eye(n) to it",
}
"""What the numbers of a matrix may have against these, and a cure."""


def solve(a: Any, b: Any) -> Any:
    """The x of a @ x = b, for stacks (..., n, n) and (..., n, m)."""
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise ValueError(WRONG["solve"]) from None


def cholesky(a: Any) -> Any:
    """The lower triangular L of L @ Lᵀ = (a + aᵀ) / 2."""
    if a.shape[-2] != a.shape[-1]:
        raise ValueError("the matrix is not square")
    try:
        return np.linalg.cholesky(0.5 * (a + np.swapaxes(a, -1, -2)))
    except np.linalg.LinAlgError:
        raise ValueError(WRONG["cholesky"]) from None


def slogdet(a: Any) -> Any:
    """The sign of each determinant and the logarithm of its size: (..., 2)."""
    return np.stack(np.linalg.slogdet(a), axis=-1)
