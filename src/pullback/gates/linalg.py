"""Lengths, systems of equations and matrix factors, by NumPy's names in `np.linalg`.

All take stacks of matrices, (..., n, n). A matrix that has no answer is refused by its name, but
on the engine `jax`, which answers nan.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gate import built_in as gate
from pullback.gates.comparison import equal, not_equal, where
from pullback.gates.elementary import abs
from pullback.gates.linear import matmul
from pullback.gates.reduction import Axis, max, min, samples_of_axes, spread, sum
from pullback.gates.shape import (
    Shape,
    as_floats,
    astype,
    axes_of,
    broadcast_to,
    expand_dims,
    input_dtype,
    input_shape,
    reshape,
    squeeze,
    swapaxes,
)

__all__ = ["cholesky", "det", "inv", "norm", "slogdet", "solve"]


@gate(
    pullback=(
        lambda g, y, x, *, axis, keepdims: (
            spread(g / where(equal(y, 0.0), 1.0, y), x, axis, keepdims) * x
        ),
    ),
    symbol="‖·‖",
    samples=samples_of_axes,
    kinks=lambda x, *, axis, keepdims: np.sqrt(np.sum(x * x, axis=axis)),
)
def _norm(m, x, *, axis, keepdims):
    return m.sqrt(m.sum(m.multiply(x, x), axis=axis, keepdims=keepdims))


@_norm.gate.public
def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The length of x along axes, the root of the sum of squares; by default of all elements.

    The gradient is x / norm(x), and 0 where x is all zeros, where the length has no slope. `ord` is
    NumPy's: None or 2 of a vector; also 1, inf, -inf and 0 along one axis; "fro" along two.
    Raises `CircuitError` for another.

    >>> float(norm([3.0, 4.0]))
    5.0
    """
    x = as_floats(x)
    axes = axes_of(x, axis, "norm")
    if ord is None or (len(axes) == 1 and ord == 2) or (len(axes) == 2 and ord == "fro"):
        return _norm(x, axis=axes, keepdims=keepdims)
    if len(axes) == 1 and ord == 1:
        return sum(abs(x), axes, keepdims)
    if len(axes) == 1 and ord in (math.inf, -math.inf):
        return (max if ord > 0 else min)(abs(x), axes, keepdims)
    if len(axes) == 1 and ord == 0:
        return sum(astype(not_equal(x, 0.0), input_dtype(x)), axes, keepdims)
    raise CircuitError(
        f"norm of order {ord!r} along {len(axes)} axes has no gate; along one axis there are 1, 2, "
        "inf, -inf and 0, along two 'fro', along any None"
    )


# Systems of equations ----------------------------------------------------------------------------


def _matrices(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Matrices that are far from singular."""
    return rng.normal(size=shape) / 3.0 + 2.0 * np.eye(shape[-1])


def _turned(x: Any) -> Any:
    return swapaxes(x, -1, -2)


def _solve_samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
    shapes = [((3, 3), (3, 2)), ((2, 2, 4, 4), (2, 2, 4, 1)), ((1, 1), (1, 5)), ((9, 9), (9, 3))]
    return [((_matrices(rng, *a), rng.normal(size=b)), {}) for a, b in shapes]


@gate(
    pullback=(
        lambda g, y, a, b: -matmul(_solve(_turned(a), g), _turned(y)),
        lambda g, y, a, b: _solve(_turned(a), g),
    ),
    samples=_solve_samples,
)
def _solve(m, a, b):
    return m.solve(a, b)


@_solve.gate.public
def solve(a: Any, b: Any) -> Any:
    """The x of a @ x = b.

    Shapes (..., n, n) and (..., n, m) -> (..., n, m), or (n,) of one right-hand side. Raises
    `CircuitError` where they do not fit or a matrix is singular.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0])
    array([1. , 0.5])
    """
    a, b = _square(a, "solve"), as_floats(b)
    left, right = input_shape(a, "solve"), input_shape(b, "solve")
    vector = len(right) == 1
    if not right or left[-1] != right[0 if vector else -2]:
        raise CircuitError(
            f"solve cannot take shapes {left} and {right}: the second needs {left[-1]} rows"
        )
    b = expand_dims(b, 1) if vector else b
    try:
        stack = np.broadcast_shapes(left[:-2], input_shape(b, "solve")[:-2])
    except ValueError:
        raise CircuitError(f"solve cannot take stacks of {left} and {right}") from None
    y = _solve(_stacked(a, stack), _stacked(b, stack))
    return squeeze(y, -1) if vector else y


def _stacked(x: Any, stack: Shape) -> Any:
    """A matrix once for each of a stack."""
    shape = input_shape(x, "solve")
    return x if shape[:-2] == stack else broadcast_to(x, (*stack, *shape[-2:]))


def _square(a: Any, what: str) -> Any:
    """Square matrices of floats."""
    shape = input_shape(a, what)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise CircuitError(f"{what} takes square matrices, of shape (..., n, n), got {shape}")
    return as_floats(a)


def inv(a: Any) -> Any:
    """The inverse of each matrix; where it is to be multiplied, `solve` is quicker and closer.

    Shapes (..., n, n) -> (..., n, n). Raises `CircuitError` where a matrix is singular.

    >>> inv([[2.0, 0.0], [0.0, 4.0]])
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    a = _square(a, "inv")
    return solve(a, np.eye(input_shape(a, "inv")[-1], dtype=input_dtype(a)))


# Determinants ------------------------------------------------------------------------------------


def _square_samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
    return [((_matrices(rng, *shape),), {}) for shape in ((3, 3), (2, 1, 4, 4), (1, 1))]


def _spread_over(g: Any, a: Any) -> Any:
    """A number for each matrix, for each of its elements."""
    return reshape(g, (*a.shape[:-2], 1, 1))


@gate(
    pullback=(lambda g, y, a: _spread_over(g * y, a) * _turned(inv(a)),),
    symbol="det",
    samples=_square_samples,
)
def _det(m, a):
    return m.det(a)


@_det.gate.public
def det(a: Any) -> Any:
    """The determinant of each matrix, 0 where it is singular; there its gradient is refused.

    Shapes (..., n, n) -> (...). The gradient is det(a) * inv(a).T.

    >>> round(float(det([[1.0, 2.0], [3.0, 4.0]])), 4)
    -2.0
    """
    return _det(_square(a, "det"))


class SignAndLogarithm(NamedTuple):
    """What `slogdet` gives: det(a) is sign * exp(logabsdet)."""

    sign: Any
    logabsdet: Any


@gate(
    pullback=(lambda g, y, a: _spread_over(g[..., 1], a) * _turned(inv(a)),),
    samples=_square_samples,
)
def _slogdet(m, a):
    return m.slogdet(a)


@_slogdet.gate.public
def slogdet(a: Any) -> SignAndLogarithm:
    """The sign of each determinant, and the logarithm of its size, which does not overflow.

    Shapes (..., n, n) -> (...) each; 0 and -inf of a singular matrix, where the gradient is
    refused. No gradient flows through the sign.

    >>> sign, logarithm = slogdet([[2.0, 0.0], [0.0, -4.0]])
    >>> float(sign), round(float(logarithm), 4)
    (-1.0, 2.0794)
    """
    y = _slogdet(_square(a, "slogdet"))
    return SignAndLogarithm(y[..., 0], y[..., 1])


# Factors -----------------------------------------------------------------------------------------


def _by_factor(g: Any, y: Any, a: Any) -> Any:
    """Source: Murray, "Differentiation of the Cholesky decomposition" (2016), equation 10."""
    n = a.shape[-1]
    lower = np.tril(np.ones((n, n), y.dtype)) - 0.5 * np.eye(n, dtype=y.dtype)
    half = matmul(_turned(y), g) * lower
    s = _solve(_turned(y), _turned(_solve(_turned(y), half)))
    return 0.5 * (s + _turned(s))


def _definite_samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
    roots = [rng.normal(size=shape) for shape in ((3, 3), (2, 2, 4, 4), (1, 1), (7, 7))]
    return [((x @ np.swapaxes(x, -1, -2) + np.eye(x.shape[-1]),), {}) for x in roots]


@gate(pullback=(_by_factor,), samples=_definite_samples)
def _cholesky(m, a):
    return m.cholesky(a)


@_cholesky.gate.public
def cholesky(a: Any) -> Any:
    """The lower triangular L with L @ L.T = a, for symmetric, positive definite matrices.

    Shapes (..., n, n) -> (..., n, n). Of a matrix that is not symmetric (a + a.T) / 2 is taken, so
    the gradient is symmetric. Raises `CircuitError` where one is not positive definite.

    >>> cholesky([[4.0, 2.0], [2.0, 5.0]])
    array([[2., 0.],
           [1., 2.]])
    """
    return _cholesky(_square(a, "cholesky"))
