"""Reading and adding by position: `take` and `scatter_add` are each other's gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gate import built_in as gate
from pullback.core.unit import Unit
from pullback.core.values import as_value, zeros
from pullback.gates.shape import axes_of, input_shape


def _take_samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
    x, rows = rng.normal(size=(4, 3)), np.array([[0, 3], [3, -1]])
    return [((x, rows), {"axis": 0}), ((x, np.array(2)), {"axis": 1})]


@gate(
    pullback=(
        lambda g, y, x, indices, *, axis: _scatter_add(
            zeros(x.shape, x.dtype), indices, g, axis=axis
        ),
        None,
    ),
    samples=_take_samples,
)
def _take(m, x, indices, *, axis):
    return m.take(x, indices, axis=axis)


@_take.gate.public
def take(x: Any, indices: Any, axis: int = 0) -> Any:
    """The slices of x at integer `indices` along an axis: rows of a table, by number.

    Shape: the axis is replaced by the axes of `indices`. Raises `CircuitError` where an index is
    out of bounds or not an integer.

    >>> take([10.0, 20.0, 30.0], [2, 0])
    array([30., 10.])
    """
    return _take(x, positions_of(indices, "take"), axis=axes_of(x, axis, "take")[0])


def _scatter_samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
    x, rows = rng.normal(size=(4, 3)), np.array([0, 3, 3])
    return [
        ((x, rows, rng.normal(size=(3, 3))), {"axis": 0}),
        ((x, np.array([1, 1]), rng.normal(size=(4, 2))), {"axis": 1}),
    ]


@gate(
    pullback=(
        lambda g, y, x, indices, updates, *, axis: g,
        None,
        lambda g, y, x, indices, updates, *, axis: _take(g, indices, axis=axis),
    ),
    samples=_scatter_samples,
)
def _scatter_add(m, x, indices, updates, *, axis):
    return m.scatter_add(x, indices, updates, axis)


@_scatter_add.gate.public
def scatter_add(x: Any, indices: Any, updates: Any, axis: int = 0) -> Any:
    """x with `updates` added to its slices at `indices`; a slice named twice is added to twice.

    `updates` has the shape of `take(x, indices, axis)`. Raises `CircuitError` as `take` does.

    >>> scatter_add([0.0, 0.0, 0.0], [2, 0, 2], [1.0, 2.0, 3.0])
    array([2., 0., 4.])
    """
    axis = axes_of(x, axis, "scatter_add")[0]
    indices = positions_of(indices, "scatter_add")
    shape, given = input_shape(x, "scatter_add"), input_shape(updates, "scatter_add")
    wanted = shape[:axis] + indices.shape + shape[axis + 1 :]
    if given != wanted:
        raise CircuitError(f"scatter_add needs updates of shape {wanted}, got {given}")
    return _scatter_add(x, indices, updates, axis=axis)


def positions_of(indices: Any, what: str) -> Any:
    """Whole numbers that name elements, as an array or a wire; no other numbers do."""
    whole = indices
    if not isinstance(indices, Unit):
        value = as_value(indices, f"an input of {what}")
        empty = isinstance(indices, list | tuple) and not np.size(value)
        whole = np.asarray(indices, np.int64 if empty else None)  # NumPy takes [] for floats
    if whole.dtype.kind not in "iu":
        choose = "; choose elements with pb.where, or x[mask]" if whole.dtype.kind == "b" else ""
        raise CircuitError(f"{what} needs integer indices, got {whole.dtype}{choose}")
    return whole
