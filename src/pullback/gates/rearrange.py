"""In: wires and NumPy's arguments. Out: their elements in a row, again, turned round, or moved.

None is a gate of its own: each is a few of those that move elements, which engines carry out as
other ways to walk the same memory where they can.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.gates.arithmetic import subtract
from pullback.gates.indexing import take
from pullback.gates.keys import getitem
from pullback.gates.lanes import one_axis
from pullback.gates.reduction import Axis
from pullback.gates.shape import (
    axes_of,
    broadcast_to,
    concatenate,
    input_shape,
    reshape,
    whole_numbers,
)


def ravel(x: Any) -> Any:
    """All elements of x in a row, the last axis fastest.

    >>> ravel([[1.0, 2.0], [3.0, 4.0]])
    array([1., 2., 3., 4.])
    """
    return reshape(x, -1)


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element along an axis several times: all as often, or each as often as `repeats` says.

    Without an axis all elements in a row.

    >>> repeat([1.0, 2.0], 2)
    array([1., 1., 2., 2.])
    """
    x, axis = one_axis(x, axis, "repeat")
    shape, times = input_shape(x, "repeat"), whole_numbers(repeats, "repeat")
    if any(n < 0 for n in times) or len(times) not in (1, shape[axis]):
        raise CircuitError(f"repeat needs 1 number from 0 on, or {shape[axis]}, got {repeats!r}")
    if len(times) != 1:
        return take(x, np.repeat(np.arange(shape[axis]), times), axis)
    (count,) = times
    before, size, after = shape[:axis], shape[axis], shape[axis + 1 :]
    apart = reshape(x, (*before, size, 1, *after))
    again = broadcast_to(apart, (*before, size, count, *after))
    return reshape(again, (*before, size * count, *after))


def tile(x: Any, reps: Any) -> Any:
    """x laid side by side, so often along each axis; `reps` of one number is of the last axis.

    >>> tile([1.0, 2.0], 2)
    array([1., 2., 1., 2.])
    """
    shape, times = input_shape(x, "tile"), whole_numbers(reps, "tile")
    if any(n < 0 for n in times):
        raise CircuitError(f"tile needs numbers from 0 on, got {reps!r}")
    ndim = len(shape) if len(shape) > len(times) else len(times)
    shape, times = (1,) * (ndim - len(shape)) + shape, (1,) * (ndim - len(times)) + times
    pairs = list(zip(times, shape, strict=True))
    apart = reshape(x, tuple(k for n in shape for k in (1, n)))
    again = broadcast_to(apart, tuple(k for pair in pairs for k in pair))
    return reshape(again, tuple(math.prod(pair) for pair in pairs))


def flip(x: Any, axis: Axis = None) -> Any:
    """x from its end to its beginning along axes; by default along all.

    >>> flip([1.0, 2.0, 3.0])
    array([3., 2., 1.])
    """
    axes = axes_of(x, axis, "flip")
    ndim = len(input_shape(x, "flip"))
    return getitem(x, tuple(slice(None, None, -1 if a in axes else 1) for a in range(ndim)))


def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """x moved by `shift` places along an axis, or along several; what leaves comes in again.

    Without an axis all elements move as if in a row.

    >>> roll([1.0, 2.0, 3.0], 1)
    array([3., 1., 2.])
    """
    if axis is None:
        return reshape(roll(reshape(x, -1), shift, 0), input_shape(x, "roll"))
    by, along = whole_numbers(shift, "roll"), whole_numbers(axis, "roll")
    if len(by) != len(along) and 1 not in (len(by), len(along)):
        raise CircuitError(f"roll by {shift!r} along {axis!r}: give a shift for each axis")
    for step, a in np.broadcast(by, along):
        (at,) = axes_of(x, int(a), "roll")
        size = input_shape(x, "roll")[at]
        start = -int(step) % size if size else 0
        if start:
            front = (slice(None),) * at
            parts = getitem(x, (*front, slice(start, None))), getitem(x, (*front, slice(start)))
            x = concatenate(parts, at)
    return x


def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along an axis, taken `n` times: one element fewer each time.

    `prepend` and `append` are put before and behind x first; a number is one element.

    >>> diff([1.0, 2.0, 4.0])
    array([1., 2.])
    """
    (times,) = whole_numbers(n, "diff")
    shape = input_shape(x, "diff")
    if not shape or times < 0:
        raise CircuitError(f"diff needs an axis, and to be taken 0 times or more; got n={n!r}")
    (axis,) = axes_of(x, axis, "diff")
    ends = [
        broadcast_to(end, (*shape[:axis], 1, *shape[axis + 1 :]))
        if not input_shape(end, "diff")
        else end
        for end in (prepend, append)
        if end is not None
    ]
    if ends:
        x = concatenate([*ends[: prepend is not None], x, *ends[prepend is not None :]], axis)
    front = (slice(None),) * axis
    for _ in range(times):
        x = subtract(getitem(x, (*front, slice(1, None))), getitem(x, (*front, slice(-1))))
    return x
