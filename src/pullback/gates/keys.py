"""In: what stands between brackets behind a wire. Out: the gates that read those elements.

Integers, slices, None and `...` are a `slice` and a `reshape`. Arrays of integers and masks are a
`take` along one axis: several of them name places along the axes that they are for, made one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gate import gate
from pullback.core.unit import Unit
from pullback.core.values import as_value
from pullback.gates.indexing import positions_of, take
from pullback.gates.shape import Shape, Walk, input_shape, reshape, slice_walks, transpose


@slice_walks.gate.public
def getitem(x: Any, key: Any) -> Any:
    """x[key] as in NumPy, by integers, slices, None, `...`, arrays of integers and masks.

    A mask that is a wire chooses as many elements as it is true for when it is recorded; it runs
    on the engine "eager" alone, and is refused where that number changes. Raises `CircuitError` for
    an index out of bounds, too many of them, a step of 0, or a mask of another shape.

    >>> getitem([[1.0, 2.0], [3.0, 4.0]], (slice(None), 0))
    array([1., 3.])
    >>> x = Unit([1.0, -2.0, 3.0])
    >>> x[x > 0].value
    array([1., 3.])
    """
    shape = input_shape(x, "slice")
    keys = key if isinstance(key, tuple) else (key,)
    chosen = [_Chosen.of(k) if isinstance(k, _ARRAYS) else k for k in keys]
    keys = _for_each_axis(chosen, key, shape)
    if not any(isinstance(k, _Chosen) for k in keys):
        return _sliced(x, shape, keys)
    return _taken(x, shape, keys)


_ARRAYS = (Unit, np.ndarray, list, tuple, range)


@dataclass(frozen=True)
class _Chosen:
    """A key that is an array: integers, or a mask over some axes, and how many it is for."""

    array: Any
    axes: int = 1

    @property
    def is_mask(self) -> bool:
        return self.array.dtype.kind == "b"

    @classmethod
    def of(cls, key: Any) -> _Chosen:
        array = key if isinstance(key, Unit) else np.asarray(as_value(key, "an index"))
        if array.dtype.kind != "b":
            return cls(positions_of(key, "an index"))
        if not array.ndim:
            raise CircuitError("an index must be an integer, a slice, None or ..., or an array")
        return cls(array, array.ndim)


def _for_each_axis(keys: list[Any], key: Any, shape: Shape) -> list[Any]:
    """The keys, with slices in place of `...` and for the axes that are not named."""
    given = sum(k.axes if isinstance(k, _Chosen) else k is not None and k is not ... for k in keys)
    dotted = [at for at, k in enumerate(keys) if k is ...]
    if len(dotted) > 1 or given > len(shape):
        raise CircuitError(f"{key!r} has too many indices for a wire of shape {shape}")
    dots = dotted[0] if dotted else len(keys)
    return [*keys[:dots], *[slice(None)] * (len(shape) - given), *keys[dots + 1 :]]


# By integers and slices --------------------------------------------------------------------------


def _sliced(x: Any, shape: Shape, keys: list[Any]) -> Any:
    walks: list[Walk] = []
    result: list[int] = []
    for k in keys:
        if k is None:
            result.append(1)
            continue
        walk = _walk(k, shape[len(walks)], len(walks), shape)
        walks.append(walk)
        if isinstance(k, slice):
            result.append(walk[1])
    return reshape(slice_walks(x, walks=tuple(walks)), tuple(result))


def _walk(key: Any, size: int, axis: int, shape: Shape) -> Walk:
    if isinstance(key, slice):
        try:
            start, stop, step = key.indices(size)
        except (TypeError, ValueError) as error:  # a step of 0, or ends that are not whole numbers
            message = f"{key!r} cannot slice axis {axis} of shape {shape}: {error}"
            raise CircuitError(message) from None
        count = len(range(start, stop, step))
        return (start, count, step) if count else (0, 0, 1)  # an empty walk may start outside
    if not isinstance(key, int | np.integer) or isinstance(key, bool):
        raise CircuitError(
            f"an index must be an integer, a slice, None, ... or an array of integers or truth "
            f"values, got {key!r}"
        )
    if not -size <= key < size:
        raise CircuitError(f"index {key} is out of bounds for axis {axis} of shape {shape}")
    return int(key) % size, 1, 1


# By arrays ---------------------------------------------------------------------------------------


def _taken(x: Any, shape: Shape, keys: list[Any]) -> Any:
    """What is left after slices, taken at the places that the arrays name.

    Beside an array an integer is an array, too. Where arrays follow each other, their axes come in
    the place of the first one; else in front of all.
    """
    walks: list[Walk] = []
    sizes: list[int] = []  # of the axes, where those of a mask are one
    places: dict[int, Any] = {}  # along those axes
    parts: list[int | None] = []  # of the result: a size; None where there is an array
    for k in keys:
        axis = len(walks)
        if k is None:
            parts.append(1)
        elif isinstance(k, slice):
            walks.append(_walk(k, shape[axis], axis, shape))
            sizes.append(walks[-1][1])
            parts.append(walks[-1][1])
        else:
            if not isinstance(k, _Chosen):
                k = _Chosen(np.array(_walk(k, shape[axis], axis, shape)[0]))
            covered = shape[axis : axis + k.axes]
            places[len(sizes)] = _places(k, covered, axis, shape)
            walks += [(0, n, 1) for n in covered]
            sizes.append(math.prod(covered))
            parts.append(None)
    whole = tuple((0, n, 1) for n in shape)
    x = x if tuple(walks) == whole else slice_walks(x, walks=tuple(walks))
    x = x if tuple(sizes) == input_shape(x, "slice") else reshape(x, tuple(sizes))
    first, last = parts.index(None), len(parts) - 1 - parts[::-1].index(None)
    together = all(p is None for p in parts[first : last + 1])
    at = next(iter(places)) if together else 0
    if not together:
        x = transpose(x, (*places, *(a for a in range(len(sizes)) if a not in places)))
    where = _joined(places, sizes)
    left = list(input_shape(x, "slice"))
    one = math.prod(left[at : at + len(places)])
    if len(places) > 1:
        x = reshape(x, (*left[:at], one, *left[at + len(places) :]))
    x = take(x, where, at)
    front = [p for p in parts[: first if together else 0] if p is not None]
    rest = [p for p in parts[first if together else 0 :] if p is not None]
    made = (*front, *where.shape, *rest)
    return x if made == input_shape(x, "slice") else reshape(x, made)


def _places(key: _Chosen, covered: Shape, axis: int, shape: Shape) -> Any:
    """The places that a key names along its axes, those of a mask made one."""
    array = key.array
    if key.is_mask:
        if array.shape != covered:
            raise CircuitError(
                f"a mask of shape {array.shape} cannot choose from axis {axis} on of {shape}"
            )
        return _true_places(array)
    size = covered[0]
    if not isinstance(array, Unit) and array.size:
        least, most = int(array.min()), int(array.max())
        if not -size <= least <= most < size:
            wrong = least if least < -size else most
            raise CircuitError(f"index {wrong} is out of bounds for axis {axis} of shape {shape}")
    return array


def _joined(places: dict[int, Any], sizes: list[int]) -> Any:
    """Places along several axes as those along one that has all of their elements."""
    if len(places) == 1:
        return next(iter(places.values()))
    shapes = [array.shape for array in places.values()]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        told = " and ".join(map(str, shapes))
        raise CircuitError(f"arrays of indices of shapes {told} do not fit together") from None
    where: Any = 0
    step = math.prod(sizes[a] for a in places)
    for a, array in places.items():
        step = step // sizes[a] if sizes[a] else 0
        steps = np.arange(sizes[a]) * step  # counts from the end, and refuses what is outside
        where = (take(steps, array) if isinstance(array, Unit) else steps[array]) + where
    return where


@gate(
    pullback=(None,),
    eager=(
        "chooses as many elements as a mask is true for, and the shapes of a compiled circuit are "
        "fixed; keep the shape with pb.where(mask, x, 0.0), or choose with a mask of NumPy"
    ),
)
def true_places(m, mask, *, count):
    found = np.flatnonzero(mask)
    if found.size != count:
        raise ValueError(
            f"it was true for {count} elements when the circuit was built and is for {found.size} "
            "now, and a circuit's shapes are fixed; keep the shape with pb.where(mask, x, 0.0)"
        )
    return found


def _true_places(mask: Any) -> Any:
    if not isinstance(mask, Unit):
        return np.flatnonzero(mask)
    return true_places(mask, count=int(np.count_nonzero(mask.value)))
