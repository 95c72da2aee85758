"""Values and gradients of gates are those of JAX's functions, in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy import special
from tests.gates.cases import ELEMENTWISE, STRUCTURAL, generator, smooth_cases

import pullback as pb
from pullback.inspect.check_local import as_one

REDUCED = {
    "max": jnp.max,
    "mean": jnp.mean,
    "min": jnp.min,
    "norm": jnp.linalg.norm,
    "prod": jnp.prod,
    "sum": jnp.sum,
    "var": jnp.var,
}


def _reduce(function):
    return lambda x, *, axis, keepdims: function(x, axis=axis, keepdims=keepdims)


def _walked(x, walks):
    for axis, (start, count, step) in enumerate(walks):
        x = jnp.take(x, start + step * np.arange(count), axis=axis)
    return x


def _embed(x, *, shape, walks):
    grid = np.ix_(*(start + step * np.arange(count) for start, count, step in walks))
    return jnp.zeros(shape).at[grid].set(x)


def _sum_to(x, *, shape):
    _, transposed = jax.vjp(lambda small: jnp.broadcast_to(small, x.shape), jnp.zeros(shape))
    return transposed(x)[0]


def _scatter_add(x, indices, updates, *, axis):
    return x.at[(slice(None),) * axis + (indices,)].add(updates)


def _loop(*inputs, body, length, reverse):
    n, s = len(body.carries), len(body.elements)

    def step(carries, elements):
        made = dict(zip(body.carries, carries, strict=True))
        made.update(zip(body.elements, elements, strict=True))
        made.update(zip(body.parameters, inputs[n + s :], strict=True))
        for unit in body.wires:
            if unit not in made:
                xs = [made[x] for x in unit.inputs]
                made[unit] = THEIRS[unit.gate.name](*xs, **unit.static) if xs else unit.value
        nexts = tuple(made[unit] for unit in body.nexts)
        return nexts, (*nexts, *(made[unit] for unit in body.outputs))

    _, stacks = jax.lax.scan(step, inputs[:n], inputs[n : n + s], length, reverse)
    rows = [(first[None], stacks[k]) for k, first in enumerate(inputs[:n])]
    return *(jnp.concatenate(pair[::-1] if reverse else pair) for pair in rows), *stacks[n:]


THEIRS = {
    **{
        name: getattr(jnp, name)
        for name in (
            *("abs", "add", "clip", "cos", "divide", "exp", "expm1", "log", "log1p", "maximum"),
            *("minimum", "multiply", "negative", "power", "sin", "sqrt", "subtract", "tanh"),
            *("matmul", "where", "arccos", "arcsin", "arctan", "arctan2", "cosh", "sinh", "square"),
            *("log2", "log10", "mod"),
        )
    },
    **{name: _reduce(function) for name, function in REDUCED.items()},
    "astype": lambda x, *, dtype: x.astype(dtype),
    "broadcast_to": lambda x, *, shape: jnp.broadcast_to(x, shape),
    "centre": lambda x, *, axis: x - jnp.mean(x, axis, keepdims=True),
    "cholesky": jnp.linalg.cholesky,
    "cumsum": lambda x, *, axis, reverse: jax.lax.cumsum(x, axis, reverse=reverse),
    "det": jnp.linalg.det,
    "concatenate": lambda *xs, axis: jnp.concatenate(xs, axis),
    "einsum": lambda *xs, subscripts: jnp.einsum(subscripts, *xs),
    "embed": _embed,
    "erf": special.erf,
    "loop": _loop,
    "log_softmax": lambda x, *, axis: jax.nn.log_softmax(x, axis),
    "logsumexp": _reduce(special.logsumexp),
    "relu": jax.nn.relu,
    "reshape": lambda x, *, shape: jnp.reshape(x, shape),
    "scatter_add": _scatter_add,
    "sigmoid": jax.nn.sigmoid,
    "slogdet": lambda a: jnp.stack(jnp.linalg.slogdet(a), -1),
    "solve": jnp.linalg.solve,
    "slice": lambda x, *, walks: _walked(x, walks),
    "softmax": lambda x, *, axis: jax.nn.softmax(x, axis),
    "softplus": jax.nn.softplus,
    "stack": lambda *xs, axis: jnp.stack(xs, axis),
    "sum_to": _sum_to,
    "take": lambda x, indices, *, axis: jnp.take(x, indices, axis),
    "transpose": lambda x, *, axes: jnp.transpose(x, axes),
}
# Without a rule there is nothing to compare but the value, which test_values.py does.
WITHOUT_RULE = {
    *(
        "argmax",
        "argmin",
        "argsort",
        "equal",
        "floor",
        "greater",
        "greater_equal",
        "less",
        "less_equal",
    ),
    *("logical_and", "logical_not", "logical_or", "not_equal", "random", "sign"),
    "stop_gradient",
}

# Compared with JAX in tests of their own.
ELSEWHERE = {
    *("convolve", "convolve_input", "convolve_weights", "loop"),
    *("max_pool", "max_pool_pick", "max_pool_spread", "sum_pool", "sum_pool_spread"),
}


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def test_every_gate_with_a_rule_is_compared():
    assert set(THEIRS) | WITHOUT_RULE | ELSEWHERE == set(ELEMENTWISE) | set(STRUCTURAL)


def largest(name):
    """All structural samples; of an elementwise gate the case with most elements."""
    found = smooth_cases(name)
    if name in STRUCTURAL:
        return found
    return [max(found, key=lambda case: sum(np.size(x) for x in case[0]))]


@pytest.mark.parametrize("name", sorted(THEIRS))
def test_value_and_gradient_are_jax_s(name):
    rng = generator(name)
    for inputs, static in largest(name):
        xs = [pb.Unit(x) for x in inputs]
        y = as_one(pb.GATES[name](*xs, **static))
        pull = rng.normal(size=y.shape).astype(y.dtype)
        y.backward(pull)
        chosen = tuple(i for i, x in enumerate(xs) if x.dtype.kind == "f")

        def theirs(*values, static=static):
            made = THEIRS[name](*values, **static)
            return jnp.concatenate([*map(jnp.ravel, made)]) if isinstance(made, tuple) else made

        def pulled(*values, pull=pull, theirs=theirs):
            made = theirs(*values)
            return jnp.sum(made * pull), made

        slopes = jax.jit(jax.grad(pulled, argnums=chosen, has_aux=True))
        grads, value = slopes(*(jnp.asarray(x) for x in inputs))
        np.testing.assert_allclose(y.value, value, rtol=1e-12, atol=1e-13)
        for i, grad in zip(chosen, grads, strict=True):
            assert xs[i].grad.dtype == grad.dtype
            np.testing.assert_allclose(xs[i].grad, grad, rtol=1e-10, atol=1e-12)
