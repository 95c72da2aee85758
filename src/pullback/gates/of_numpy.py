"""In: the functions of NumPy's that have gates. Out: the table of what does the same to wires.

`np.exp(x)` of a wire is `pb.exp(x)`. Where ours takes other arguments, a few lines here take
NumPy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.numpy_calls import NUMPY
from pullback.core.unit import Unit
from pullback.gates import arithmetic, comparison, elementary, lanes, linalg, linear, rearrange
from pullback.gates import reduction as reductions
from pullback.gates import shape as shapes
from pullback.gates.indexing import take


def _take(a: Any, indices: Any, axis: int | None = None) -> Any:
    return take(rearrange.ravel(a), indices) if axis is None else take(a, indices, axis)


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is None or high is None:
        a = a if low is None else comparison.maximum(a, low)
        return a if high is None else comparison.minimum(a, high)
    return comparison.clip(a, low, high)


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None or y is None:
        raise CircuitError(
            "np.where of a condition alone has as many answers as it is true for; choose elements "
            "with x[mask], or give both sides: np.where(condition, a, b)"
        )
    return comparison.where(condition, x, y)


def _full(a: Unit, value: Any, dtype: Any) -> np.ndarray:
    """Numbers that know nothing of the wire but its shape: a constant."""
    return np.full(a.shape, value, a.dtype if dtype is None else dtype)


_BY_NAME = {
    arithmetic: "add divide mod multiply negative power subtract",
    comparison: """
        equal greater greater_equal less less_equal logical_and logical_not logical_or maximum
        minimum not_equal
    """,
    elementary: """
        abs arccos arcsin arctan arctan2 cos cosh exp expm1 floor log log10 log1p log2 sign sin sinh
        sqrt square tanh
    """,
    lanes: "argsort cumsum prod sort take_along_axis",
    linear: "dot einsum inner matmul outer tensordot",
    rearrange: "diff flip ravel repeat roll tile",
    reductions: "argmax argmin max mean min std sum var",
    shapes: """
        astype broadcast_to concatenate expand_dims pad reshape squeeze stack swapaxes transpose
    """,
}

for _module, _names in _BY_NAME.items():
    NUMPY.update({getattr(np, name): getattr(_module, name) for name in _names.split()})
NUMPY.update({getattr(np.linalg, name): getattr(linalg, name) for name in linalg.__all__})
NUMPY.update(
    {
        np.fabs: elementary.abs,
        np.positive: lambda x: x,
        np.amax: reductions.max,
        np.amin: reductions.min,
        np.clip: _clip,
        np.take: _take,
        np.where: _where,
        # What a wire tells without a gate.
        np.shape: lambda a: a.shape,
        np.ndim: lambda a: a.ndim,
        np.size: lambda a: a.size,
        np.zeros_like: lambda a, dtype=None: _full(a, 0, dtype),
        np.ones_like: lambda a, dtype=None: _full(a, 1, dtype),
        np.full_like: lambda a, fill_value, dtype=None: _full(a, fill_value, dtype),
    }
)
