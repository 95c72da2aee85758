"""In: anything a user may put on a wire. Out: a `float` or an array, and the mathematics for it.

A gate's `value` and its rules are written once, in functions of a NumPy-like namespace `m`. Here
is the one for arrays, which is NumPy with the few functions it lacks; the one for Python's floats
is in `floats`. Both follow IEEE arithmetic: a division by zero is infinity, not an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from pullback.core.abstract import Abstract
from pullback.core.convolution import convolve, convolve_input, convolve_weights
from pullback.core.errors import CircuitError
from pullback.core.floats import scalars
from pullback.core.matrices import cholesky, slogdet, solve

Value = Any  # float | bool | np.ndarray | np.generic; `as_value` is what lets values in. What a
# gate of several outputs makes is a tuple of them. `Abstract` may stand in place of each.


def as_value(x: Any, what: str = "a value") -> Value:
    """A number or array-like as wires carry it: numbers become floats, lists arrays of doubles.

    Integer and boolean NumPy arrays stay as they are: they carry indices, labels and masks, and
    no gradient flows into them. Arrays of another byte order are copied into the processor's own.

    >>> as_value(3), as_value([1, 2])
    (3.0, array([1., 2.]))
    >>> as_value("3")
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: a value must be a real number or an array of them, got str
    """
    if type(x) in (float, bool) or type(x) is np.ndarray or isinstance(x, np.generic):
        value = x
    elif isinstance(x, np.ndarray):
        value = plain_array(x, what)
    elif isinstance(x, int | float):
        try:
            return float(x)
        except OverflowError:
            raise CircuitError(f"{what} is an integer too large for a float") from None
    elif isinstance(x, list | tuple | range):
        try:
            value = np.asarray(x)
        except ValueError:
            raise CircuitError(f"{what} is a ragged list; rows must have equal lengths") from None
        except TypeError:
            joined = "join them with pb.stack or pb.concatenate"
            raise CircuitError(f"{what} is a list of wires; {joined}") from None
        if value.dtype.kind in "iu":
            value = value.astype(float)
    elif hasattr(x, "__array__") and not hasattr(x, "backward"):  # a wire is no value
        value = np.asarray(x)
    else:
        kind = type(x).__name__
        raise CircuitError(f"{what} must be a real number or an array of them, got {kind}")
    if type(value) in (float, bool):
        return value
    if value.dtype.kind in "fiub":
        return value if value.dtype.isnative else value.astype(value.dtype.newbyteorder("="))
    raise CircuitError(f"{what} must hold real numbers, got an array of {value.dtype}")


def plain_array(x: Any, what: str) -> np.ndarray:
    """What NumPy makes an array of, as one of no other kind: a matrix would multiply otherwise.

    Raises `CircuitError` for an array with masked elements, as what stands there would count.

    >>> plain_array(np.ma.array([1.0, 2.0]), "x")
    array([1., 2.])
    """
    odd = isinstance(x, np.ndarray) and type(x) is not np.ndarray  # `np.ma` takes long to import
    if odd and isinstance(x, np.ma.MaskedArray) and np.ma.getmaskarray(x).any():
        raise CircuitError(
            f"masked elements among {what}: the numbers under the mask would count; fill them with "
            "x.filled(...), or leave such rows out"
        )
    return np.asarray(x)


def as_array(value: Value, dtype: np.dtype | None = None) -> Any:
    """A number as an array without axes, and any value in another dtype, if one is given.

    What is abstract stays abstract.
    """
    if type(value) is Abstract:
        return Abstract(value.shape, dtype or value.dtype)
    return np.asarray(value, dtype)


def distinct(value: np.ndarray) -> np.ndarray:
    """The elements of an array without those that only repeat others, as `broadcast_to` does.

    >>> distinct(np.broadcast_to(1.0, (1000, 1000))).shape
    (1, 1)
    """
    if 0 not in value.strides:
        return value
    return value[tuple(slice(1 if step == 0 else None) for step in value.strides)]


def copied(value: np.ndarray) -> np.ndarray:
    """A copy that nobody writes into; what is broadcast stays so."""
    return read_only(np.broadcast_to(distinct(value).copy(), value.shape))


def read_only(value: Value) -> Value:
    """The same value; if it is an array, nobody writes into it any more."""
    if isinstance(value, np.ndarray):
        # By its name, as write=False, it would take three times as long.
        value.setflags(False)  # pyright: ignore[reportCallIssue]
    return value


def is_differentiable(value: Value) -> bool:
    """Whether a gradient can flow into this value: floats yes, truth values and integers no.

    Nor into several values, which are no wire's but that of a gate: see `core.gate.outputs_of`.
    """
    return type(value) is float or (type(value) not in (bool, tuple) and value.dtype.kind == "f")


def shape_of(value: Value) -> tuple[int, ...]:
    """The shape of a value, () for a number and for several values together."""
    return () if type(value) in (float, bool, tuple) else value.shape


def dtype_of(value: Value) -> np.dtype:
    """The NumPy dtype of a value; a Python float counts as double precision.

    That of several values is a record of theirs.
    """
    if type(value) is tuple:
        return np.dtype([("", dtype_of(x)) for x in value])
    return np.dtype(type(value)) if type(value) in (float, bool) else value.dtype


def kind_of(value: Value) -> tuple[Any, ...]:
    """What two values must have in common to stand in for each other; of several, for each."""
    if type(value) is np.ndarray:
        return False, value.shape, value.dtype
    if type(value) is tuple:
        return tuple(map(kind_of, value))
    return is_float(value), shape_of(value), dtype_of(value)


def is_float(value: Value) -> bool:
    """Whether a value is a float of Python, or stands for one."""
    return is_number(value) and dtype_of(value).kind == "f"


def is_hashable(value: Any) -> bool:
    """Whether it can be remembered by, as what does not change can: a tuple of numbers, no list.

    >>> is_hashable((1, 2)), is_hashable([1, 2])
    (True, False)
    """
    try:
        hash(value)
    except TypeError:
        return False
    return True


def is_number(value: Value) -> bool:
    """Whether a value is a number of Python, or stands for one."""
    return type(value) in (float, bool) or (type(value) is Abstract and value.weak)


def promoting(value: Value) -> Any:
    """What `np.result_type` needs to know of a value: a number of Python, or the dtype."""
    if type(value) is Abstract and value.weak:
        return value.number
    return value if type(value) in (float, bool) else value.dtype


def zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Zeros that nobody writes into, and that take no memory: one of them is all."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def zeros_like(value: Value) -> Value:
    """A gradient of zero for this value, of its shape and dtype; abstract for what is."""
    if type(value) is Abstract:
        return value
    return 0.0 if type(value) is float else np.zeros_like(value)


def namespace(values: Sequence[Value]) -> SimpleNamespace:
    """`scalars` where every value is a Python float, else `arrays`; none is abstract."""
    for value in values:
        if type(value) is not float:
            return arrays
    return scalars


# NumPy arrays ---------------------------------------------------------------------------------


Walks = tuple[tuple[int, int, int], ...]  # (start, count, step) for every axis


def _slices(walks: Walks) -> tuple[slice, ...]:
    """The walks as slices; one that ends before index 0 ends at None."""
    stops = [(start, start + count * step, step) for start, count, step in walks]
    return tuple(slice(a, b if b >= 0 else None, step) for a, b, step in stops)


def _slice(x: np.ndarray, walks: Walks) -> np.ndarray:
    return np.asarray(x)[_slices(walks)]


def _embed(x: Value, shape: tuple[int, ...], walks: Walks) -> Value:
    whole = np.zeros(shape, dtype_of(x))
    whole[_slices(walks)] = x
    return whole


def _scatter_add(x: np.ndarray, indices: np.ndarray, updates: np.ndarray, axis: int) -> np.ndarray:
    y = np.array(x, dtype=np.result_type(x, updates))
    where = (slice(None),) * axis + (indices,)
    np.add.at(y, where, updates)  # pyright: ignore[reportArgumentType]
    return y


def _scan(
    step: Callable[[tuple, tuple], tuple[tuple, tuple]],
    carry: tuple[Value, ...],
    sequences: tuple[np.ndarray, ...],
    length: int,
    reverse: bool,
) -> tuple[tuple[Value, ...], tuple[np.ndarray, ...]]:
    """The last carry, and what the steps made: row t is of `step(carry, elements at t)`.

    A step answers the next carry and what it made. `reverse` runs from the last index to the first.
    """
    stacks: tuple[np.ndarray, ...] = ()
    for t in range(length - 1, -1, -1) if reverse else range(length):
        carry, made = step(carry, tuple(x[t] for x in sequences))
        if not stacks:
            stacks = tuple(np.empty((length, *shape_of(y)), dtype_of(y)) for y in made)
        for stack, y in zip(stacks, made, strict=True):
            stack[t] = y
    return carry, stacks


def _cumsum(x: np.ndarray, axis: int, reverse: bool) -> np.ndarray:
    if not reverse:
        return np.cumsum(x, axis)
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis)


def _argsort(x: np.ndarray, axis: int, descending: bool) -> np.ndarray:
    """Positions in order, like ones as they come; NaN is the largest."""
    if not descending:
        return np.argsort(x, axis, kind="stable")
    last = np.asarray(x).shape[axis] - 1  # the least comes first of the array from its end on
    return np.flip(last - np.argsort(np.flip(x, axis), axis, kind="stable"), axis)


def _erf(x: Value) -> Value:
    from scipy import special  # half of the library's import time, and few circuits need it

    return special.erf(x)


def _of_doubles(function: Callable[[Value], Value]) -> Callable[[Value], Value]:
    """`function`, to which whole numbers and truth values are doubles: NumPy's would be halves."""

    def widened(x: Value) -> Value:
        return function(x if is_differentiable(x) else np.asarray(x, np.float64)[()])

    return widened


def _of_numbers(function: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    """`function`, which makes a Python float of two: NumPy's would no longer yield to float32."""

    def weak(a: Value, b: Value) -> Value:
        y = function(a, b)
        return y.item() if type(a) is type(b) is float else y  # pyright: ignore

    return weak


_ELEMENTARY = (
    *("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tanh"),
    *("arcsin", "arccos", "arctan", "sinh", "cosh"),
)

arrays = SimpleNamespace(
    **{name: getattr(np, name) for name in vars(scalars) if hasattr(np, name)}
    | {name: _of_doubles(getattr(np, name)) for name in _ELEMENTARY}
    | {name: _of_numbers(getattr(np, name)) for name in ("maximum", "minimum")},
    erf=_of_doubles(_erf),
    sum=np.sum,
    prod=np.prod,
    cumsum=_cumsum,
    max=np.max,
    min=np.min,
    argmax=np.argmax,
    argmin=np.argmin,
    argsort=_argsort,
    shape=np.shape,
    reshape=np.reshape,
    transpose=np.transpose,
    broadcast_to=np.broadcast_to,
    concatenate=np.concatenate,
    stack=np.stack,
    matmul=np.matmul,
    einsum=np.einsum,
    solve=solve,
    det=np.linalg.det,
    slogdet=slogdet,
    cholesky=cholesky,
    take=np.take,
    arange=np.arange,
    uint32=np.uint32,
    astype=lambda x, dtype: np.asarray(x).astype(dtype),
    slice=_slice,
    embed=_embed,
    scatter_add=_scatter_add,
    convolve=convolve,
    convolve_input=convolve_input,
    convolve_weights=convolve_weights,
    scan=_scan,
)
