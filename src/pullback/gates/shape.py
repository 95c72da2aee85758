"""Gates that move elements without changing them, and the two that undo broadcasting.

`slice` and `embed` undo each other, as do `broadcast_to` and `sum_to`: the gradient of one is the
other. Padding and indexing are made of them. Shapes are static, so the function that users call
brings its arguments to one plain form (sizes, axes from 0 upwards) before the gate sees them.
"""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gate import built_in as gate
from pullback.core.unit import Unit
from pullback.core.values import as_value, dtype_of, shape_of

Shape = tuple[int, ...]
Walk = tuple[int, int, int]  # (start, count, step) along one axis


def input_shape(x: Any, what: str) -> Shape:
    """The shape of a wire, or of what may become one; refuses what may not, a list of wires say."""
    return x.shape if isinstance(x, Unit) else shape_of(as_value(x, f"an input of {what}"))


def input_dtype(x: Any) -> np.dtype:
    """The dtype of a wire, or of what becomes one."""
    return x.dtype if isinstance(x, Unit) else dtype_of(as_value(x))


def axes_of(x: Any, axis: int | Shape | None, what: str) -> Shape:
    """The axes of x that `axis` names as NumPy understands it (None: all), from 0 upwards."""
    shape = input_shape(x, what)
    ndim = len(shape)
    named = tuple(range(ndim)) if axis is None else whole_numbers(axis, what)
    for a in named:
        if not -ndim <= a < ndim:
            raise CircuitError(f"{what} along axis {a} of a wire of shape {shape}")
    found = tuple(sorted({a % ndim for a in named}))
    if len(found) != len(named):
        raise CircuitError(f"{what} names an axis twice: {axis}")
    return found


def whole_numbers(numbers: Any, what: str) -> tuple[int, ...]:
    """One whole number or several, of Python's or NumPy's kind, as a tuple of Python's."""
    try:
        return tuple(index(n) for n in (numbers if np.ndim(numbers) else (numbers,)))
    except TypeError:
        raise CircuitError(f"{what} takes whole numbers, got {numbers!r}") from None


def normal_samples(*shapes: Shape, **static: Any):
    """A `samples` of one case: normal numbers of these shapes, and these static arguments."""
    return lambda rng: [(tuple(rng.normal(size=shape) for shape in shapes), static)]


# The same elements in another shape, order or dtype --------------------------------------------


@gate(
    pullback=(lambda g, y, x, *, shape: reshape(g, x.shape),),
    samples=normal_samples((2, 3), shape=(3, 2)),
    view=True,
)
def _reshape(m, x, *, shape):
    return m.reshape(x, shape)


@_reshape.gate.public
def reshape(x: Any, shape: int | Shape) -> Any:
    """The elements of x, in row-major order, in another shape; one size may be -1 and is inferred.

    Raises `CircuitError` where the sizes differ.

    >>> reshape([1.0, 2.0], (2, -1))
    array([[1.],
           [2.]])
    """
    sizes, old = whole_numbers(shape, "reshape"), input_shape(x, "reshape")
    count, known = int(np.prod(old)), int(np.prod([n for n in sizes if n != -1]))
    full = tuple(count // known if n == -1 and known else n for n in sizes)
    if int(np.prod(full)) != count or min(full, default=0) < 0:
        raise CircuitError(f"cannot reshape {old}, with {count} elements, to {shape}")
    return x if full == old and isinstance(x, Unit) else _reshape(x, shape=full)


@gate(
    pullback=(lambda g, y, x, *, axes: transpose(g, tuple(np.argsort(axes))),),
    samples=normal_samples((2, 3, 4), axes=(2, 0, 1)),
    view=True,
)
def _transpose(m, x, *, axes):
    return m.transpose(x, axes)


@_transpose.gate.public
def transpose(x: Any, axes: Shape | None = None) -> Any:
    """The axes of x in another order; by default in reverse.

    >>> transpose([[1.0, 2.0]])
    array([[1.],
           [2.]])
    """
    shape = input_shape(x, "transpose")
    ndim = len(shape)
    if axes is None:
        return _transpose(x, axes=tuple(reversed(range(ndim))))
    if len(axes_of(x, axes, "transpose")) != ndim:
        raise CircuitError(f"axes {axes} do not name each axis of shape {shape} once")
    return _transpose(x, axes=tuple(index(a) % ndim for a in axes))


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """x with two axes exchanged.

    >>> swapaxes([[1.0, 2.0]], 0, 1).shape
    (2, 1)
    """
    (a,), (b,) = axes_of(x, axis1, "swapaxes"), axes_of(x, axis2, "swapaxes")
    axes = list(range(len(input_shape(x, "swapaxes"))))
    axes[a], axes[b] = axes[b], axes[a]
    return transpose(x, tuple(axes))


@gate(
    pullback=(lambda g, y, x, *, dtype: astype(g, x.dtype),),
    samples=lambda rng: [((rng.normal(size=3).astype("f4"),), {"dtype": np.dtype("f8")})],
)
def _astype(m, x, *, dtype):
    return m.astype(x, dtype)


@_astype.gate.public
def astype(x: Any, dtype: Any) -> Any:
    """x in another dtype, one of real numbers.

    >>> astype([1.5], "float32")
    array([1.5], dtype=float32)
    """
    if np.dtype(dtype).kind not in "fiub":
        raise CircuitError(f"a wire carries real numbers, which {np.dtype(dtype)} is not for")
    return _astype(x, dtype=np.dtype(dtype))


def as_floats(x: Any) -> Any:
    """x; whole numbers and truth values in double precision, as small integers soon overflow.

    >>> as_floats(np.array([200], np.uint8)) ** 2
    array([40000.])
    """
    return x if input_dtype(x).kind == "f" else astype(x, float)


# Broadcasting and its undoing --------------------------------------------------------------------


@gate(
    pullback=(lambda g, y, x, *, shape: sum_to(g, shape=x.shape),),
    samples=normal_samples((3, 1), shape=(2, 3, 4)),
    view=True,
)
def _broadcast_to(m, x, *, shape):
    return m.broadcast_to(x, shape)


@_broadcast_to.gate.public
def broadcast_to(x: Any, shape: int | Shape) -> Any:
    """x repeated to a larger shape by NumPy's rule of broadcasting.

    >>> broadcast_to(1.0, (3,))
    array([1., 1., 1.])
    """
    return _broadcast_to(x, shape=whole_numbers(shape, "broadcast_to"))


@gate(
    pullback=(lambda g, y, x, *, shape: broadcast_to(g, x.shape),),
    samples=normal_samples((2, 3, 4), shape=(3, 1)),
)
def sum_to(m, x, *, shape):
    """x summed over the axes along which `shape` would have to be broadcast to x's shape.

    >>> sum_to([[1.0, 2.0], [3.0, 4.0]], shape=(2,))
    array([4., 6.])
    """
    lead = len(m.shape(x)) - len(shape)
    ones = tuple(i + lead for i, n in enumerate(shape) if n == 1 and m.shape(x)[i + lead] != 1)
    return m.reshape(m.sum(x, axis=tuple(range(lead)) + ones), shape)


# Joining -----------------------------------------------------------------------------------------


def _piece(i):
    def rule(g, y, *xs, axis):
        start = sum(x.shape[axis] for x in xs[:i])
        walks = [(0, n, 1) for n in y.shape]
        walks[axis] = (start, xs[i].shape[axis], 1)
        return slice_walks(g, walks=tuple(walks))

    return rule


@gate(pullback=_piece, samples=normal_samples((2, 3), (2, 0), (2, 2), axis=1))
def _concatenate(m, *xs, axis):
    return m.concatenate(xs, axis=axis)


@_concatenate.gate.public
def concatenate(xs: Any, axis: int | None = 0) -> Any:
    """The arrays or wires `xs` joined along an axis that they have; None joins all their elements.

    >>> concatenate([[1.0], [2.0, 3.0]])
    array([1., 2., 3.])
    """
    if len(xs) == 0:
        raise CircuitError("concatenate needs at least one wire")
    if axis is None:
        return concatenate([reshape(x, -1) for x in xs])
    return _concatenate(*xs, axis=axes_of(xs[0], axis, "concatenate")[0])


def _layer(i):
    def rule(g, y, *xs, axis):
        walks = [(0, n, 1) for n in y.shape]
        walks[axis] = (i, 1, 1)
        return reshape(slice_walks(g, walks=tuple(walks)), xs[i].shape)

    return rule


@gate(pullback=_layer, samples=normal_samples((2, 3), (2, 3), axis=1))
def _stack(m, *xs, axis):
    return m.stack(xs, axis=axis)


@_stack.gate.public
def stack(xs: Any, axis: int = 0) -> Any:
    """Arrays or wires of one shape, joined along a new axis.

    >>> stack([1.0, 2.0])
    array([1., 2.])
    """
    if len(xs) == 0:
        raise CircuitError("stack needs at least one wire")
    ndim = len(input_shape(xs[0], "stack")) + 1
    if not -ndim <= axis < ndim:
        raise CircuitError(f"stack along axis {axis}, but the result has {ndim} axes")
    return _stack(*xs, axis=axis % ndim)


# Slicing and embedding ---------------------------------------------------------------------------


@gate(
    name="slice",
    pullback=(lambda g, y, x, *, walks: _embed(g, shape=x.shape, walks=walks),),
    samples=normal_samples((4, 5), walks=((3, 2, -2), (1, 3, 1))),
    view=True,
)
def slice_walks(m, x, *, walks):
    """The elements of x at the walks (start, count, step) along its axes.

    >>> slice_walks([1.0, 2.0, 3.0], walks=((2, 2, -2),))
    array([3., 1.])
    """
    return m.slice(x, walks)


@gate(
    pullback=(lambda g, y, x, *, shape, walks: slice_walks(g, walks=walks),),
    samples=normal_samples((2, 3), shape=(4, 5), walks=((3, 2, -2), (1, 3, 1))),
)
def _embed(m, x, *, shape, walks):
    return m.embed(x, shape, walks)


@_embed.gate.public
def embed(x: Any, shape: Shape, walks: tuple[Walk, ...]) -> Any:
    """Zeros of `shape` with x put at the walks (start, count, step) along its axes.

    >>> embed([1.0, 2.0], (5,), ((1, 2, 2),))
    array([0., 1., 0., 2., 0.])
    """
    return _embed(x, shape=tuple(shape), walks=tuple(walks))


def pad(x: Any, pad_width: Any, constant_values: float = 0.0) -> Any:
    """x with a border of a constant: `pad_width` is (before, after), for all axes or for each.

    >>> pad([1.0, 2.0], (1, 2))
    array([0., 1., 2., 0., 0.])
    """
    shape = input_shape(x, "pad")
    try:
        widths = np.broadcast_to(np.asarray(pad_width, int), (len(shape), 2)).tolist()
    except ValueError:
        raise CircuitError(f"pad_width {pad_width} does not fit a wire of shape {shape}") from None
    if any(n < 0 for pair in widths for n in pair):
        raise CircuitError(f"pad_width {pad_width} is negative; slice the wire to shrink it")
    full = tuple(n + a + b for n, (a, b) in zip(shape, widths, strict=True))
    walks = tuple((a, n, 1) for n, (a, _) in zip(shape, widths, strict=True))
    padded = embed(x, full, walks)
    if constant_values == 0.0:
        return padded
    border = np.full(full, constant_values, padded.dtype)
    border[tuple(slice(a, a + n) for a, n, _ in walks)] = 0.0
    return padded + border


def expand_dims(x: Any, axis: int) -> Any:
    """x with a new axis of size 1.

    >>> expand_dims([1.0, 2.0], 0).shape
    (1, 2)
    """
    shape = input_shape(x, "expand_dims")
    if not isinstance(axis, int | np.integer):
        raise CircuitError(f"expand_dims adds one axis, at a whole number, got {axis!r}")
    if not -len(shape) - 1 <= axis <= len(shape):
        raise CircuitError(f"expand_dims at axis {axis} of a wire of shape {shape}")
    at = axis % (len(shape) + 1)
    return reshape(x, (*shape[:at], 1, *shape[at:]))


def squeeze(x: Any, axis: int | Shape | None = None) -> Any:
    """x without axes of size 1: all of them, or those named.

    >>> squeeze([[1.0, 2.0]]).shape
    (2,)
    """
    shape = input_shape(x, "squeeze")
    ones = tuple(i for i, n in enumerate(shape) if n == 1)
    gone = ones if axis is None else axes_of(x, axis, "squeeze")
    if any(a not in ones for a in gone):
        raise CircuitError(f"cannot squeeze axis {axis} of shape {shape}: its size is not 1")
    return reshape(x, tuple(n for i, n in enumerate(shape) if i not in gone))
