"""In: abstract values, and arrays beside them. Out: those of what NumPy makes of them.

The namespace in which a gate's value says no more than shapes and dtypes. It raises what NumPy
raises where shapes do not fit; nothing in it takes time or memory by the size of an abstract value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from pullback.core.abstract import Abstract, abstract_of, abstractly, blank
from pullback.core.values import Value, Walks, arrays, dtype_of, promoting

Function = Callable[..., Any]


def _known(*xs: Any) -> bool:
    """Whether all of these values have numbers."""
    return not any(type(x) is Abstract for x in xs)


def _by_sizes(function: Function) -> Function:
    """A function whose sizes are all those of its inputs."""

    def inferred(*xs: Any, **static: Any) -> Any:
        return function(*xs, **static) if _known(*xs) else abstractly(function, *xs, **static)

    return inferred


def _by_view(function: Function) -> Function:
    """A function that makes a view of its first argument, whatever that is in memory."""

    def inferred(x: Any, *how: Any, **static: Any) -> Any:
        y = function(blank(x), *how, **static)
        return y if _known(x) else abstract_of(y)

    return inferred


def _concatenate(xs: Sequence[Any], axis: int = 0) -> Any:
    if _known(*xs):
        return np.concatenate(xs, axis=axis)
    sizes = [np.shape(x) for x in xs]
    ndim = len(sizes[0])
    if -ndim <= axis < ndim and {len(shape) for shape in sizes} == {ndim}:
        rests = {(*shape[: axis % ndim], *shape[axis % ndim + 1 :]) for shape in sizes}
        if len(rests) == 1:
            rest = rests.pop()
            total = sum(shape[axis] for shape in sizes)
            return Abstract((*rest[: axis % ndim], total, *rest[axis % ndim :]), _joined(xs))
    return np.concatenate([blank(x) for x in xs], axis=axis)  # which raises


def _stack(xs: Sequence[Any], axis: int = 0) -> Any:
    if _known(*xs):
        return np.stack(xs, axis=axis)
    sizes = {np.shape(x) for x in xs}
    ndim = np.ndim(xs[0]) + 1
    if len(sizes) == 1 and -ndim <= axis < ndim:
        shape = sizes.pop()
        return Abstract((*shape[: axis % ndim], len(xs), *shape[axis % ndim :]), _joined(xs))
    return np.stack([blank(x) for x in xs], axis=axis)  # which raises


def _joined(xs: Sequence[Any]) -> np.dtype:
    """The dtype of arrays that are joined."""
    return np.concatenate([np.empty(0, dtype_of(x)) for x in xs]).dtype


def _take(x: Any, indices: Any, axis: int) -> Any:
    if _known(x, indices):
        return np.take(x, indices, axis=axis)
    found = np.take(np.empty(1, x.dtype), np.empty(0, indices.dtype))  # or indices are no integers
    size = x.shape[axis]
    least, most = (0, 0) if type(indices) is Abstract else _ends(indices)
    if 0 not in indices.shape and not -size <= least <= most < size:
        wrong = least if least < -size else most
        raise IndexError(f"index {wrong} is out of bounds for axis {axis} with size {size}")
    return Abstract(x.shape[:axis] + indices.shape + x.shape[axis + 1 :], found.dtype)


def _ends(indices: np.ndarray) -> tuple[int, int]:
    return (int(indices.min()), int(indices.max())) if indices.size else (0, 0)


def _scatter_add(x: Any, indices: Any, updates: Any, axis: int) -> Any:
    if _known(x, indices, updates):
        return arrays.scatter_add(x, indices, updates, axis)
    np.broadcast_to(blank(updates), _take(abstract_of(x), indices, axis).shape)
    return Abstract(x.shape, np.result_type(promoting(x), promoting(updates)))


def _embed(x: Any, shape: tuple[int, ...], walks: Walks) -> Any:
    if _known(x):
        return arrays.embed(x, shape, walks)
    there, put = arrays.slice(blank(Abstract(shape, x.dtype)), walks).shape, x.shape
    while len(put) > len(there) and put[0] == 1:
        put = put[1:]
    np.broadcast_to(blank(Abstract(put, x.dtype)), there)
    return Abstract(tuple(shape), x.dtype)


def _astype(x: Any, dtype: Any) -> Any:
    return arrays.astype(x, dtype) if _known(x) else Abstract(x.shape, np.dtype(dtype))


def _of_matrices(name: str) -> Function:
    """What makes something of each of a stack of matrices: the same of none of them."""
    function = getattr(arrays, name)

    def inferred(*xs: Any) -> Any:
        if _known(*xs) or len(xs[0].shape) < 2:
            return function(*map(blank, xs))  # of less than a matrix it raises
        stacks = [x.shape[:-2] for x in xs if len(x.shape) > 1]
        none = [
            np.empty((0, *x.shape[-2:]) if len(x.shape) > 1 else x.shape, dtype_of(x)) for x in xs
        ]
        y = function(*none)
        return Abstract((*np.broadcast_shapes(*stacks), *y.shape[1:]), y.dtype)

    return inferred


def _arange(*ends: int, dtype: Any = None) -> Abstract:
    return Abstract((len(range(*ends)),), np.arange(0, dtype=dtype).dtype)


def _by_image(function: Function, images: int) -> Function:
    """A function of images, which are that many of its inputs, one after another: of none here."""

    def inferred(a: Any, b: Any, **static: Any) -> Any:
        if _known(a, b):
            return function(a, b, **static)
        count = a.shape[:1]
        alike = images == 1 or b.shape[:1] == count
        y = function(_some(a, 0), blank(b) if images == 1 else _some(b, int(not alike)), **static)
        return Abstract((*count, *y.shape[1:]) if images == 1 else y.shape, y.dtype)

    return inferred


def _some(x: Any, count: int) -> Any:
    """So many images of a batch of them."""
    return blank(Abstract((count, *x.shape[1:]) if x.shape else (), x.dtype))


def _scan(
    step: Function, carry: tuple[Value, ...], sequences: tuple[Any, ...], length: int, reverse: bool
) -> tuple[Any, Any]:
    shortest = min((x.shape[0] for x in sequences), default=length)
    if shortest < length:
        raise IndexError(f"a sequence of {shortest} rows has none for each of {length} steps")
    rows = (Abstract(x.shape[1:], x.dtype) if type(x) is Abstract else x[0] for x in sequences)
    carry, made = step(carry, tuple(rows))
    found = map(abstract_of, made)
    return abstract_of(carry), tuple(Abstract((length, *y.shape), y.dtype) for y in found)


_uint32: Any = _by_sizes(np.uint32)
_uint32.dtype = np.dtype(np.uint32)  # it names a dtype as well

shapes = SimpleNamespace(
    **{name: _by_sizes(function) for name, function in vars(arrays).items()}
    | {name: _of_matrices(name) for name in ("solve", "det", "slogdet", "cholesky")}
    | {name: _by_view(getattr(arrays, name)) for name in ("reshape", "transpose", "slice")}
    | {
        "broadcast_to": _by_view(np.broadcast_to),
        "concatenate": _concatenate,
        "stack": _stack,
        "convolve": _by_image(arrays.convolve, 1),
        "convolve_input": _by_image(arrays.convolve_input, 1),
        "convolve_weights": _by_image(arrays.convolve_weights, 2),
        "shape": np.shape,
        "take": _take,
        "scatter_add": _scatter_add,
        "embed": _embed,
        "astype": _astype,
        "arange": _arange,
        "uint32": _uint32,
        "scan": _scan,
    }
)
