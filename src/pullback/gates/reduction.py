"""Gates that make few elements of many along axes: sums, moments, extremes, the softmax family.

The gate's `axis` is a tuple of axes from 0 upwards. The functions take what NumPy's take.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.core.gate import built_in as gate
from pullback.core.values import dtype_of
from pullback.gates.comparison import equal
from pullback.gates.elementary import exp, sqrt
from pullback.gates.shape import Shape, as_floats, astype, axes_of, broadcast_to, reshape

Axis = int | Shape | None


def spread(r: Any, x: Any, axis: Shape, keepdims: bool) -> Any:
    """A reduced wire with its axes back, of size 1, so that it broadcasts against x."""
    if keepdims:
        return r
    return reshape(r, tuple(1 if i in axis else n for i, n in enumerate(x.shape)))


def samples_of_axes(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
    x = rng.permutation(24).reshape(2, 3, 4) / 7.0  # no two alike: away from ties
    return [
        ((x,), {"axis": (1,), "keepdims": False}),
        ((x,), {"axis": (0, 2), "keepdims": True}),
        ((x[0, 0],), {"axis": (0,), "keepdims": False}),
    ]


@gate(
    pullback=(
        lambda g, y, x, *, axis, keepdims: broadcast_to(spread(g, x, axis, keepdims), x.shape),
    ),
    symbol="Σ",
    samples=samples_of_axes,
    reduces=True,
)
def _sum(m, x, *, axis, keepdims):
    return m.sum(x, axis=axis, keepdims=keepdims)


@_sum.gate.public
def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum of x along axes; by default of all elements.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([4., 6.])
    """
    return _sum(x, axis=axes_of(x, axis, "sum"), keepdims=keepdims)


@gate(
    pullback=(
        lambda g, y, x, *, axis, keepdims: broadcast_to(
            spread(g / _count(x, axis), x, axis, keepdims), x.shape
        ),
    ),
    symbol="mean",
    samples=samples_of_axes,
)
def _mean(m, x, *, axis, keepdims):
    half = dtype_of(x) == np.float16  # whose sum is soon more than it holds
    total = m.sum(m.astype(x, np.dtype(np.float32)) if half else x, axis=axis, keepdims=keepdims)
    y = m.divide(total, _count(x, axis))
    return m.astype(y, dtype_of(x)) if half else y


def _count(x: Any, axis: Shape) -> float:
    return float(math.prod(np.shape(x)[a] for a in axis))


@_mean.gate.public
def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean of x along axes; by default of all elements. nan where there are none.

    >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([2., 3.])
    """
    return _mean(x, axis=axes_of(x, axis, "mean"), keepdims=keepdims)


def _soft_samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
    x = rng.normal(size=(2, 3, 4))
    return [((x,), {"axis": (1,)}), ((x,), {"axis": (0, 2)}), ((x[0, 0],), {"axis": (0,)})]


def _moved(m: Any, x: Any, axis: Shape) -> Any:
    """x in double precision, less its first element along axes.

    Numbers that lie close together then lie around zero, where no digit of them is lost; and where
    only the first lies elsewhere, their spread is at least its distance over their number.
    """
    wide = _wide(m, x)
    if not _count(x, axis):
        return wide
    first = tuple((0, 1 if a in axis else n, 1) for a, n in enumerate(np.shape(x)))
    return m.subtract(wide, _wide(m, m.slice(x, first)))


def _wide(m: Any, x: Any) -> Any:
    return x if dtype_of(x) == np.float64 else m.astype(x, np.dtype(np.float64))


def _middle(m: Any, x: Any, axis: Shape) -> Any:
    """The mean, with axes of size 1 that it is along."""
    return m.divide(m.sum(x, axis=axis, keepdims=True), _count(x, axis))


def _narrowed(m: Any, y: Any, x: Any) -> Any:
    """y, made of a widened x, in the precision of x; of whole numbers it stays double."""
    dtype = dtype_of(x)
    return y if dtype.kind != "f" or dtype == np.float64 else m.astype(y, dtype)


@gate(
    pullback=(lambda g, y, x, *, axis: g - mean(g, axis, keepdims=True),),
    samples=_soft_samples,
)
def _centre(m, x, *, axis):
    moved = _moved(m, x, axis)
    return _narrowed(m, m.subtract(moved, _middle(m, moved, axis)), x)


@_centre.gate.public
def centre(x: Any, axis: Axis = None) -> Any:
    """x less its mean along axes, by default of all elements, with all digits also far from zero.

    >>> centre([[10000.0, 10002.0]], axis=1)
    array([[-1.,  1.]])
    """
    return _centre(x, axis=axes_of(x, axis, "centre"))


@gate(
    pullback=(
        lambda g, y, x, *, axis, keepdims: (
            spread(g * (2.0 / _count(x, axis)), x, axis, keepdims) * _centre(x, axis=axis)
        ),
    ),
    samples=samples_of_axes,
)
def _var(m, x, *, axis, keepdims):
    moved = _moved(m, x, axis)
    middle = _middle(m, moved, axis)
    square = _middle(m, m.multiply(moved, moved), axis)
    y = _narrowed(m, m.maximum(m.subtract(square, m.multiply(middle, middle)), 0.0), x)
    if keepdims:
        return y
    return m.reshape(y, tuple(n for a, n in enumerate(np.shape(x)) if a not in axis))


@_var.gate.public
def var(x: Any, axis: Axis = None, keepdims: bool = False, ddof: float = 0.0) -> Any:
    """The variance of x along axes, by default of all elements: the mean of (x - mean(x))².

    The sum is divided by the number of elements less `ddof`; nan where nothing is left of that.

    >>> var([[1.0, 3.0], [2.0, 2.0]], axis=1)
    array([1., 0.])
    """
    axes = axes_of(x, axis, "var")
    y = _var(x, axis=axes, keepdims=keepdims)
    if not ddof:
        return y
    left = _count(x, axes) - ddof
    return y * (_count(x, axes) / left if left > 0.0 else math.nan)


def std(x: Any, axis: Axis = None, keepdims: bool = False, ddof: float = 0.0) -> Any:
    """The standard deviation of x along axes, by default of all elements: the root of `var`.

    Where all elements are equal it has no slope, and its gradient is nan: there take the root of
    the variance and a little more.

    >>> std([[1.0, 3.0], [2.0, 2.0]], axis=1)
    array([1., 0.])
    """
    return sqrt(var(x, axis, keepdims, ddof))


def _to_extremes(g: Any, y: Any, x: Any, *, axis: Shape, keepdims: bool) -> Any:
    """The gradient goes to the elements that came through; where several tie, in equal parts."""
    chosen = astype(equal(x, spread(y, x, axis, keepdims)), g.dtype)
    return chosen * (spread(g, x, axis, keepdims) / sum(chosen, axis, keepdims=True))


def _gap(sign: float):
    """The distance of the largest (or smallest) element to its runner-up: zero at a tie."""

    def gap(x: Any, *, axis: Shape, keepdims: bool) -> Any:
        lanes = np.moveaxis(np.asarray(x), axis, range(len(axis)))
        lanes = np.sort(sign * lanes.reshape(-1, *lanes.shape[len(axis) :]), axis=0)
        return lanes[-1] - lanes[-2] if len(lanes) > 1 else np.full(1, np.inf)

    return gap


@gate(
    pullback=(_to_extremes,), symbol="max", samples=samples_of_axes, kinks=_gap(1.0), reduces=True
)
def _max(m, x, *, axis, keepdims):
    return m.max(x, axis=axis, keepdims=keepdims)


@_max.gate.public
def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element of x along axes. Tied elements share the gradient equally.

    >>> max([[1.0, 2.0], [3.0, 0.0]], axis=1)
    array([2., 3.])
    """
    return _max(x, axis=axes_of(x, axis, "max"), keepdims=keepdims)


@gate(
    pullback=(_to_extremes,), symbol="min", samples=samples_of_axes, kinks=_gap(-1.0), reduces=True
)
def _min(m, x, *, axis, keepdims):
    return m.min(x, axis=axis, keepdims=keepdims)


@_min.gate.public
def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element of x along axes. Tied elements share the gradient equally.

    >>> min([[1.0, 2.0], [3.0, 0.0]], axis=1)
    array([1., 0.])
    """
    return _min(x, axis=axes_of(x, axis, "min"), keepdims=keepdims)


def _position_samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
    return [((rng.normal(size=(3, 4)),), {"axis": 1})]


def _lane(x: Any, axis: int | None, what: str) -> tuple[Any, int]:
    """x and the one axis to search; without an axis, all elements in a row."""
    return (reshape(x, -1), 0) if axis is None else (x, axes_of(x, axis, what)[0])


@gate(pullback=(None,), samples=_position_samples)
def _argmax(m, x, *, axis):
    return m.argmax(x, axis=axis)


@_argmax.gate.public
def argmax(x: Any, axis: int | None = None) -> Any:
    """The position of the largest element, the first of several: an integer, without a gradient.

    >>> int(argmax([1.0, 3.0, 2.0]))
    1
    """
    x, axis = _lane(x, axis, "argmax")
    return _argmax(x, axis=axis)


@gate(pullback=(None,), samples=_position_samples)
def _argmin(m, x, *, axis):
    return m.argmin(x, axis=axis)


@_argmin.gate.public
def argmin(x: Any, axis: int | None = None) -> Any:
    """The position of the smallest element, the first of several: an integer, without a gradient.

    >>> int(argmin([1.0, 3.0, 2.0]))
    0
    """
    x, axis = _lane(x, axis, "argmin")
    return _argmin(x, axis=axis)


def _shifted(m: Any, x: Any, axis: Shape) -> tuple[Any, Any]:
    """The largest elements, and x less them, so that no exponential overflows."""
    if not _count(x, axis):  # of nothing there is no largest
        return 0.0, x
    top = m.max(x, axis=axis, keepdims=True)
    top = m.where(m.equal(m.abs(top), math.inf), 0.0, top)  # inf - inf would be nan
    return top, m.subtract(x, top)


@gate(
    pullback=(
        lambda g, y, x, *, axis, keepdims: (
            # Not exp(x - y): next to a large x, y has no room for what makes it more than the max.
            spread(g, x, axis, keepdims) * softmax(x, axis)
        ),
    ),
    samples=samples_of_axes,
)
def _logsumexp(m, x, *, axis, keepdims):
    top, rest = _shifted(m, x, axis)
    y = m.add(top, m.log(m.sum(m.exp(rest), axis=axis, keepdims=True)))
    if keepdims:
        return y
    return m.reshape(y, tuple(n for i, n in enumerate(np.shape(x)) if i not in axis))


@_logsumexp.gate.public
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) along axes, without overflow: a smooth `max`. Its gradient is the softmax.

    -inf where there are no elements.

    >>> float(logsumexp([1000.0, 1000.0]).round(4))
    1000.6931
    """
    x = as_floats(x)
    return _logsumexp(x, axis=axes_of(x, axis, "logsumexp"), keepdims=keepdims)


@gate(
    pullback=(lambda g, y, x, *, axis: y * (g - sum(g * y, axis, keepdims=True)),),
    samples=_soft_samples,
)
def _softmax(m, x, *, axis):
    z = m.exp(_shifted(m, x, axis)[1])
    return m.divide(z, m.sum(z, axis=axis, keepdims=True))


@_softmax.gate.public
def softmax(x: Any, axis: Axis = -1) -> Any:
    """exp(x) / sum(exp(x)) along axes: scores to probabilities.

    >>> softmax([1.0, 1.0])
    array([0.5, 0.5])
    """
    x = as_floats(x)
    return _softmax(x, axis=axes_of(x, axis, "softmax"))


@gate(
    pullback=(lambda g, y, x, *, axis: g - exp(y) * sum(g, axis, keepdims=True),),
    samples=_soft_samples,
)
def _log_softmax(m, x, *, axis):
    rest = _shifted(m, x, axis)[1]
    return m.subtract(rest, m.log(m.sum(m.exp(rest), axis=axis, keepdims=True)))


@_log_softmax.gate.public
def log_softmax(x: Any, axis: Axis = -1) -> Any:
    """The logarithm of `softmax`, exact also where the probability is too small for a float.

    >>> log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    """
    x = as_floats(x)
    return _log_softmax(x, axis=axes_of(x, axis, "log_softmax"))
