"""In: a Program. Out: the same Program as one XLA computation, from the very same gates.

Every gate's value is written in a NumPy-like namespace; here that namespace is `jax.numpy`, with
the few functions that it lacks. Dtypes follow NumPy, which has other rules than JAX: a gate's
inputs are brought to the dtype in which NumPy would compute, and Python's floats bend to the arrays
they meet. Double precision is switched on around the Program's own calls and nowhere else.

JAX is an optional package and is imported when the first Program is made. Unlike the other engines
it cannot refuse an index that is out of bounds: `take` then gives nan, `scatter_add` adds nothing;
nor a matrix that is singular.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from pullback.core.convolution import Padding, Pair
from pullback.core.unit import Unit
from pullback.core.values import (
    Value,
    Walks,
    _slices,
    arrays,
    dtype_of,
    is_number,
    promoting,
    read_only,
)
from pullback.engines.engine import ALL, Epoch, Looks, Seen, step_by_step
from pullback.program.program import Program
from pullback.program.simplify import not_compiled, refuse_eager


class Jax:
    """Runs a Program on whatever device JAX has: a processor, a GPU, a TPU.

    Raises `ImportError` where JAX is not installed.

    >>> x, w = Unit(3.0, "x"), Unit(1.0, "w")
    >>> step = Jax(Program({"x": x}, {"y": w * x}, {w: w + 0.5 * x}))
    >>> step(x=2.0), w.value
    ({'y': 2.0}, 2.0)
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        wires = program.wires
        self._gates = {
            asked: [unit for unit in of if unit.inputs]
            for asked, of in ((True, wires), (False, program.always))
        }
        self._sources = [unit for unit in wires if unit.gate is None]
        # Arrays that never change are arguments, so that XLA does not spell them out.
        self._constants = [unit for unit in wires if unit.is_constant]
        with _precision():
            self._given = [_jax().device_put(np.asarray(unit.value)) for unit in self._constants]
        self._run = _jax().jit(self._step, static_argnums=0)

    def __call__(self, **inputs: Any) -> dict[str, Value]:
        """Set the inputs, run the step, update the state, and return the outputs."""
        return self.run(inputs)

    def run(self, inputs: Mapping[str, Any], asked: bool = True) -> dict[str, Value]:
        """The same, where seldom outputs are asked for or not."""
        self.program.set(inputs)
        with _precision():
            given = [np.asarray(unit.value) for unit in self._sources]
            results, news = self._run(asked, given, self._given)
        outputs = self.program.wanted(asked)
        read = {name: _read(results[name], unit._value) for name, unit in outputs.items()}
        with self.program.changing():
            for state, new in zip(self.program.updates, news, strict=True):
                state._value = read_only(_read(new, state._value))
        return read

    def __reduce__(self) -> Any:  # it is compiled again
        return Jax, (self.program,)

    def epoch(
        self,
        data: Mapping[str, np.ndarray],
        order: np.ndarray,
        stop: Callable[[], bool],
        seen: Seen | None = None,
        looks: Looks = ALL,
    ) -> Epoch:
        """Run a step on each whole batch of the rows in `order`, until `stop` says so."""
        return step_by_step(self, data, order, stop, seen, looks)

    def _step(
        self, asked: bool, sources: Sequence[Any], constants: Sequence[Any]
    ) -> tuple[Any, Any]:
        """What the step computes, as a function that JAX can follow."""
        carried: dict[Unit, Any] = dict(zip(self._sources, sources, strict=True))
        carried |= zip(self._constants, constants, strict=True)
        m = _namespace()
        for unit in self._gates[asked]:
            gate = unit.gate
            assert gate is not None
            refuse_eager(unit)
            xs = [carried[x] for x in unit.inputs]
            if gate.elementwise:
                xs = _promoted(m, unit, xs)
            try:
                value = gate.value(m, *xs, **unit.static)
            except Exception as error:
                if gate.is_built_in:
                    raise
                raise not_compiled(unit, f"{type(error).__name__}: {error}") from error
            carried[unit] = (
                tuple(m.astype(y, dtype_of(old)) for y, old in zip(value, unit._value, strict=True))
                if gate.several
                else m.astype(value, unit.dtype)
            )
        results = {name: carried[unit] for name, unit in self.program.wanted(asked).items()}
        return results, [carried[new] for new in self.program.updates.values()]


def _promoted(m: SimpleNamespace, unit: Unit, xs: list[Any]) -> list[Any]:
    """A gate's inputs in the dtype in which NumPy computes; truth values stay what they are."""
    dtype = np.result_type(*(promoting(x._value) for x in unit.inputs))
    return [x if x.dtype in (dtype, np.bool_) else m.astype(x, dtype) for x in xs]


def _read(result: Any, like: Value) -> Value:
    """A result as wires carry it: a number of Python where `like` is one, else of NumPy."""
    value = np.array(result)
    return value.item() if is_number(like) else value[()]


def _jax() -> Any:
    """The package, which nothing else in this library needs."""
    try:
        import jax
    except ImportError as error:
        raise ImportError(
            "the engine 'jax' needs JAX, which is not installed: pip install 'pullback[jax]'"
        ) from error
    return jax


@contextmanager
def _precision() -> Iterator[None]:
    """Doubles stay doubles, and matrix products are not shortened to fewer bits on a GPU."""
    jax = _jax()
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        yield


@cache
def _namespace() -> SimpleNamespace:
    """The names of `core.values.arrays`, as JAX computes them."""
    jax = _jax()
    from jax.scipy.special import erf

    jnp, lax = jax.numpy, jax.lax

    def astype(x: Any, dtype: Any) -> Any:
        return jnp.asarray(x).astype(dtype)

    def embed(x: Any, shape: tuple[int, ...], walks: Walks) -> Any:
        return jnp.zeros(shape, x.dtype).at[_slices(walks)].set(x)

    def take(x: Any, indices: Any, axis: int) -> Any:  # jnp.take of nothing has another shape
        return x.at[(slice(None),) * axis + (indices,)].get(mode="fill")

    def scatter_add(x: Any, indices: Any, updates: Any, axis: int) -> Any:
        start = astype(x, jnp.result_type(x, updates))
        return start.at[(slice(None),) * axis + (indices,)].add(updates)

    def convolve(
        x: Any, w: Any, *, stride: Pair, padding: Padding, groups: int, dilation: Pair
    ) -> Any:
        dtype = jnp.result_type(x, w)
        return lax.conv_general_dilated(
            astype(x, dtype),
            astype(w, dtype),
            stride,
            padding,
            rhs_dilation=dilation,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups,
        )

    def convolve_input(y: Any, w: Any, *, size: Pair, **static: Any) -> Any:
        channels = w.shape[2] * static["groups"]
        like = jnp.zeros((y.shape[0], *size, channels), jnp.result_type(y, w))
        transposed = jax.linear_transpose(lambda x: convolve(x, w, **static), like)
        return transposed(astype(y, like.dtype))[0]

    def convolve_weights(x: Any, y: Any, *, size: Pair, **static: Any) -> Any:
        channels = x.shape[3] // static["groups"]
        like = jnp.zeros((*size, channels, y.shape[3]), jnp.result_type(x, y))
        transposed = jax.linear_transpose(lambda w: convolve(x, w, **static), like)
        return transposed(astype(y, like.dtype))[0]

    def scan(step: Any, carry: Any, sequences: Any, length: int, reverse: bool) -> Any:
        return lax.scan(step, carry, sequences, length, reverse)

    def cumsum(x: Any, axis: int, reverse: bool) -> Any:
        return (
            jnp.flip(jnp.cumsum(jnp.flip(x, axis), axis), axis) if reverse else jnp.cumsum(x, axis)
        )

    def argsort(x: Any, axis: int, descending: bool) -> Any:
        if not descending:
            return jnp.argsort(x, axis, stable=True)
        last = x.shape[axis] - 1
        return jnp.flip(last - jnp.argsort(jnp.flip(x, axis), axis, stable=True), axis)

    others = {
        "erf": erf,
        "astype": astype,
        "slice": lambda x, walks: x[_slices(walks)],
        "embed": embed,
        "take": take,
        "scatter_add": scatter_add,
        "convolve": convolve,
        "convolve_input": convolve_input,
        "convolve_weights": convolve_weights,
        "scan": scan,
        "cumsum": lambda x, axis, reverse: lax.cumsum(x, axis, reverse=reverse),
        "argsort": argsort,
        "solve": jnp.linalg.solve,
        "det": jnp.linalg.det,
        "slogdet": lambda a: jnp.stack(jnp.linalg.slogdet(a), -1),
        "cholesky": jnp.linalg.cholesky,  # of (a + aᵀ) / 2, as ours
    }
    same = {name: getattr(jnp, name) for name in vars(arrays) if name not in others}
    return SimpleNamespace(**same, **others)
