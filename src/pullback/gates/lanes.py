"""Gates along one axis: products, sums so far, and order.

`sort` and `topk` are `argsort`, an integer without a gradient, and a `take` of what it names: each
element that comes out pulls the one that it is, of like ones the first of those that stay.
"""

from __future__ import annotations

import math
from operator import index
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gate import built_in as gate
from pullback.gates.indexing import positions_of, take
from pullback.gates.reduction import Axis, samples_of_axes, spread
from pullback.gates.shape import (
    Shape,
    axes_of,
    concatenate,
    input_shape,
    reshape,
    transpose,
)


def _others(x: Any) -> Any:
    """For each element along the last axis, the product of all the others: no division by zero.

    Halves are multiplied element by element, and what the products of the rest are is asked of the
    products: as many multiplications as a few times the elements.
    """
    n = x.shape[-1]
    if n < 2:
        return np.ones(x.shape, x.dtype)
    half = n // 2
    a, b = x[..., :half], x[..., half : 2 * half]
    pairs = a * b
    odd = n > 2 * half
    rest = _others(concatenate([pairs, x[..., 2 * half :]], -1) if odd else pairs)
    found = [rest[..., :half] * b, rest[..., :half] * a]
    return concatenate([*found, rest[..., half:]] if odd else found, -1)


def _by_factors(g: Any, y: Any, x: Any, *, axis: Shape, keepdims: bool) -> Any:
    """The gradient of each factor is the product of all the others, also where some are zero."""
    order = (*(a for a in range(x.ndim) if a not in axis), *axis)
    kept = tuple(x.shape[a] for a in order[: x.ndim - len(axis)])
    count = math.prod(x.shape[a] for a in axis)
    lanes = reshape(transpose(x, order), (*kept, count))
    rest = reshape(_others(lanes), tuple(x.shape[a] for a in order))
    return spread(g, x, axis, keepdims) * transpose(rest, tuple(np.argsort(order)))


@gate(pullback=(_by_factors,), symbol="Π", samples=samples_of_axes, reduces=True)
def _prod(m, x, *, axis, keepdims):
    return m.prod(x, axis=axis, keepdims=keepdims)


@_prod.gate.public
def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product of x along axes; by default of all elements. Zeros get their gradient too.

    >>> prod([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([3., 8.])
    """
    return _prod(x, axis=axes_of(x, axis, "prod"), keepdims=keepdims)


def _turned_back(g: Any, y: Any, x: Any, *, axis: int, reverse: bool) -> Any:
    """Each element is in the sums from its own on: their gradients are summed from the end."""
    return _cumsum(g, axis=axis, reverse=not reverse)


@gate(
    pullback=(_turned_back,),
    samples=lambda rng: [
        ((rng.normal(size=(2, 3, 4)),), {"axis": 1, "reverse": False}),
        ((rng.normal(size=(2, 37)),), {"axis": 1, "reverse": True}),
        ((rng.normal(size=(5, 19)),), {"axis": 0, "reverse": False}),
    ],
)
def _cumsum(m, x, *, axis, reverse):
    return m.cumsum(x, axis, reverse)


@_cumsum.gate.public
def cumsum(x: Any, axis: int | None = None) -> Any:
    """The sums so far along an axis, as many as elements; by default of all of them in a row.

    >>> cumsum([1.0, 2.0, 4.0])
    array([1., 3., 7.])
    """
    x, axis = one_axis(x, axis, "cumsum")
    return _cumsum(x, axis=axis, reverse=False)


def one_axis(x: Any, axis: int | None, what: str) -> tuple[Any, int]:
    """x and its one axis to walk along; of a number, and without an axis, all elements in a row."""
    if axis is None:
        return reshape(x, -1), 0
    if np.ndim(axis):
        raise CircuitError(f"{what} goes along one axis, got {axis!r}")
    return x, axes_of(x, axis, what)[0]


# Order -------------------------------------------------------------------------------------------


@gate(
    pullback=(None,),
    samples=lambda rng: [
        ((rng.integers(0, 5, (3, 17)) / 2.0,), {"axis": 1, "descending": False}),
        ((rng.integers(0, 5, (9, 2)) / 2.0,), {"axis": 0, "descending": True}),
        ((rng.normal(size=(2, 1, 8)),), {"axis": 2, "descending": True}),
    ],
)
def _argsort(m, x, *, axis, descending):
    return m.argsort(x, axis, descending)


@_argsort.gate.public
def argsort(x: Any, axis: int | None = -1) -> Any:
    """The positions of the elements along an axis from the smallest to the largest: integers.

    Like elements stay in their order, and nan comes last. No gradient flows.

    >>> argsort([3.0, 1.0, 2.0])
    array([1, 2, 0])
    """
    x, axis = one_axis(x, axis, "argsort")
    return _argsort(x, axis=axis, descending=False)


def sort(x: Any, axis: int | None = -1) -> Any:
    """The elements along an axis from the smallest to the largest; None sorts all in a row.

    Each gradient goes back to where its element came from; of equal elements the first stays the
    first. nan comes last.

    >>> sort([3.0, 1.0, 2.0])
    array([1., 2., 3.])
    """
    x, axis = one_axis(x, axis, "sort")
    return _along(x, _argsort(x, axis=axis, descending=False), axis)


def topk(x: Any, k: int, axis: int = -1) -> tuple[Any, Any]:
    """The k largest elements along an axis, the largest first, and their positions.

    The gradient goes to the elements that came through; of equal ones the first is taken first.
    nan is the largest of all.

    >>> topk([3.0, 1.0, 2.0], 2)
    (array([3., 2.]), array([0, 2]))
    """
    x, axis = one_axis(x, axis, "topk")
    shape = input_shape(x, "topk")
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 0 <= k <= shape[axis]:
        raise CircuitError(
            f"topk takes from 0 to {shape[axis]} elements along axis {axis}, got {k!r}"
        )
    first = (slice(None),) * axis + (slice(index(k)),)
    positions = _argsort(x, axis=axis, descending=True)[first]
    return _along(x, positions, axis), positions


def _along(x: Any, positions: Any, axis: int) -> Any:
    """The elements of x at positions along an axis, all of which there are."""
    shape = input_shape(x, "sort")
    if len(shape) == 1:
        return take(x, positions)
    where = positions * np.int64(math.prod(shape[axis + 1 :]))
    for a, n in enumerate(shape):
        if a != axis:
            steps = np.arange(n) * math.prod(shape[a + 1 :])
            where = where + steps.reshape(*(n if b == a else 1 for b in range(len(shape))))
    return take(reshape(x, -1), where)


def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Any:
    """The elements of x at integer `indices` along an axis, for each place on the others its own.

    The sizes on the other axes are those of x, or 1. Raises `CircuitError` where they do not fit,
    or an index is out of bounds or not an integer.

    >>> take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1], [0]])
    array([[2.],
           [3.]])
    """
    x, axis = one_axis(x, axis, "take_along_axis")
    indices = positions_of(indices, "take_along_axis")
    shape, given = input_shape(x, "take_along_axis"), indices.shape
    fits = len(given) == len(shape) and all(
        n in (1, m) for a, (n, m) in enumerate(zip(given, shape, strict=True)) if a != axis
    )
    if not fits:
        raise CircuitError(
            f"take_along_axis needs indices of shape {shape}, of any size along axis {axis}, "
            f"got {given}"
        )
    return _along(x, take(np.arange(shape[axis]), indices), axis)  # counted from the front
