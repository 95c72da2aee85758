"""Loops in the native engine: their rows, their gradients, and loops inside loops."""

import numpy as np
import pytest
from tests.program.test_simplify import assert_same

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.native.engine import Native


def recurrent(hidden, steps, batch, dtype="f8"):
    """A training step of a recurrent network whose gates are those of an LSTM."""
    rng = np.random.default_rng(0)

    def state(name, *shape):
        return pb.Unit((rng.normal(size=shape) * 0.3).astype(dtype), name)

    x = state("x", steps, batch, 5)
    w, u, b = state("w", 5, 4 * hidden), state("u", hidden, 4 * hidden), state("b", 4 * hidden)
    zero = pb.constant(np.zeros((batch, hidden), dtype))

    def step(h, c, x):
        z = x @ w + h @ u + b
        i, f, o = (pb.sigmoid(z[:, k * hidden : (k + 1) * hidden]) for k in range(3))
        c = f * c + i * pb.tanh(z[:, 3 * hidden :])
        return o * pb.tanh(c), c

    hs, cs = pb.loop(step, (zero, zero), x)
    loss = pb.mean(hs**2.0) + pb.mean(cs[-1])
    parameters = [w, u, b]
    gradients = pb.gradient(loss, parameters)
    updates = {p: p - 0.1 * g for p, g in zip(parameters, gradients, strict=True)}
    return pb.Program({"x": x}, {"loss": loss, "last": hs[-1]}, updates)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_recurrent_network_trains_as_eager_does_it(threads):
    ours, theirs = recurrent(4, 6, 3), recurrent(4, 6, 3)
    native, eager = Native(ours, threads=threads), Eager(theirs)
    for _ in range(3):
        assert_same(eager(), native())
        for state, twin in zip(ours.updates, theirs.updates, strict=True):
            np.testing.assert_allclose(state.value, twin.value, rtol=1e-10)


x = pb.Unit(np.arange(12.0).reshape(4, 3) / 10.0, "x")
table, rows = (
    pb.Unit(np.arange(10.0).reshape(5, 2) / 10.0, "table"),
    pb.Unit(np.array([[0, 4], [2, -1]])),
)
scale = pb.Unit(np.array([0.5, -1.0, 2.0]), "scale")


def around(total, row):
    """A step that runs a loop over its row."""
    (inner,) = pb.loop(lambda s, e: s * 0.5 + e * total, 0.1, row * scale)
    return total + inner[-1], inner


def in_part(total, row):
    """A step that runs a loop of which it does not read every output."""
    inner, _ = pb.loop(lambda s, e: (s * 0.5 + e * total, pb.exp(e)), 0.1, row * scale)
    return total + inner[-1]


def pair(a, b, row):
    """Carries that change places, an output twice, one that is an element, and a constant."""
    return b, a * row, row, row, np.ones(2)


LOOPS = {
    "inside another": lambda: pb.loop(around, 1.0, x),
    "inside another that reads it in part": lambda: pb.loop(in_part, 1.0, x),
    "that changes places": lambda: pb.loop(pair, (x[0], x[1]), x, reverse=True),
    "over a transposed sequence": lambda: pb.loop(lambda h, e: pb.tanh(h + e[0]), 0.1, x.T),
    "over one turned round": lambda: pb.loop(lambda h, e: pb.tanh(h * e), x[0], x[::-1]),
    "over one repeated": lambda: pb.loop(
        lambda h, e: pb.tanh(h * e), x[0], pb.broadcast_to(scale, (3, 3))
    ),
    "with a parameter that is a view": lambda: pb.loop(
        lambda h, e: pb.tanh(h @ pb.transpose(x[:3] * 1.0).T + h @ x[:3].T + e), x[0], x
    ),
    "that looks up rows": lambda: pb.loop(
        lambda h, e: h + pb.sum(pb.take(table, e), axis=0), table[0], rows
    ),
    "without a carry": lambda: pb.loop(lambda e: (pb.exp(e), pb.sum(e)), (), x),
    "of no steps": lambda: pb.loop(lambda h, e: h * e, x[0], x[:0]),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop(name):
    stacks = LOOPS[name]()
    total = sum((pb.sum(pb.sin(stack)) for stack in stacks), pb.constant(0.0))
    sources = [u for u in (x, table, scale) if u in set(pb.Circuit(total).wires)]
    outputs = {f"stack {k}": stack for k, stack in enumerate(stacks)}
    outputs |= {f"d{u.name}": g for u, g in zip(sources, pb.gradient(total, sources), strict=True)}
    program = pb.Program({}, outputs, {})
    native = Native(program)
    for _ in range(2):
        assert_same(Eager(program)(), native())


def test_state_becomes_what_a_loop_makes():
    """Written over the state, where the loop comes after all that reads it, or copied there."""

    def make():
        before, read = (pb.Unit(x.value + k, f"s{k}") for k in range(2))
        (first,) = pb.loop(lambda e: pb.tanh(e * 2.0), (), pb.sin(before))
        carried, second = pb.loop(lambda h, e: (h * e, h + e), x[0], read)
        total = pb.sum(first) + pb.sum(carried)
        return pb.Program({}, {"total": total}, {before: first, read: second})

    ours, theirs = make(), make()
    native, eager = Native(ours), Eager(theirs)
    assert [s.name for s in native.compiled.memory.in_place.values()] == ["s0"]
    for _ in range(3):
        assert_same(eager(), native())
        for state, twin in zip(ours.updates, theirs.updates, strict=True):
            np.testing.assert_allclose(state.value, twin.value, rtol=1e-12)
