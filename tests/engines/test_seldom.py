"""Outputs that an epoch asks for now and then: what they are, when, and what other steps cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback.engines.engine import Looks
from pullback.engines.native.compile import compile
from pullback.engines.native.engine import Native
from pullback.engines.native.ir import When
from pullback.engines.native.target import host
from pullback.engines.prepare import prepare
from pullback.program.fingerprint import fingerprint
from pullback.program.program import Program

ENGINES = ("eager", "eager-native", "jax", "native")


def never() -> bool:
    return False


def network(sizes=(5, 7, 3), rows=4, momentum=True, seed=0):
    """A step of a net of two layers, and what it moves each matrix by, seldom."""
    rng = np.random.default_rng(seed)
    a, b, c = sizes
    x, y = pb.Unit(np.zeros((rows, a)), "x"), pb.Unit(np.zeros((rows, c)), "y")
    w1, w2 = pb.Unit(rng.normal(size=(a, b)), "w1"), pb.Unit(rng.normal(size=(b, c)), "w2")
    bias = pb.Unit(np.zeros(b), "bias")
    h = pb.maximum(x @ w1 + bias, 0.0)
    error = h @ w2 - y
    loss = pb.mean(error * error)
    ws = [w1, w2, bias]
    updates, outputs = {}, {"loss": loss}
    for w, g in zip(ws, pb.gradient(loss, ws), strict=True):
        step = g
        if momentum:
            v = pb.Unit(np.zeros(w.shape), f"{w.name}.velocity")
            step = updates[v] = 0.9 * v + g
        new = updates[w] = w - 0.1 * step
        moved = new - w
        outputs[f"ratio {w.name}"] = pb.sqrt((moved * moved).sum()) / (w * w).sum()
    outputs["zeros"] = pb.mean(pb.astype(pb.equal(h, 0.0), np.float64), axis=0)
    seldom = {name for name in outputs if name != "loss"}
    return Program({"x": x, "y": y}, outputs, updates, seldom), [*updates]


def data(rows, sizes, seed=1):
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(rows, sizes[0])), "y": rng.normal(size=(rows, sizes[2]))}


def apart(program):
    """The same Program, all of whose outputs are made at every step."""
    return Program(program.inputs, program.outputs, program.updates)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("every", "passed"), [(1, 0), (3, 0), (3, 1), (3, 2), (10, 9), (50, 3)])
def test_an_epoch_makes_seldom_outputs_of_the_steps_that_are_asked(engine, every, passed):
    sizes = 5, 7, 3
    rows, order = data(40, sizes), np.random.default_rng(2).permutation(40)
    program, _ = network(sizes)
    looks = Looks(every, passed)
    found = prepare(engine, program).epoch(rows, order, never, looks=looks)
    every_step = network(sizes)[0]
    step = prepare("eager", apart(every_step))
    expected = [
        step(**{k: x[order[4 * n : 4 * n + 4]] for k, x in rows.items()}) for n in range(10)
    ]
    asked = [n for n in range(10) if (n + passed) % every == 0]
    assert found.steps == 10
    assert looks.before(10) == len(asked)
    assert set(found.numbers) == {"loss"}
    np.testing.assert_allclose(found.numbers["loss"], [x["loss"] for x in expected], rtol=1e-9)
    for name, made in found.seldom.items():
        wanted = np.array([expected[n][name] for n in asked]).reshape(
            -1, *np.shape(expected[0][name])
        )
        assert made.shape == wanted.shape
        np.testing.assert_allclose(made, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("momentum", [True, False])
def test_what_is_learned_is_the_same_to_the_bit(threads, momentum):
    """Steps that are asked and those that are not, against a Program that knows none of it."""
    sizes = 33, 65, 17
    rows, order = data(96, sizes), np.arange(96)
    watched, sources = network(sizes, 8, momentum)
    plain, others = network(sizes, 8, momentum)
    plain = Program(plain.inputs, {"loss": plain.outputs["loss"]}, plain.updates)
    Native(watched, threads=threads).epoch(rows, order, never, looks=Looks(5))
    Native(plain, threads=threads).epoch(rows, order, never)
    for ours, theirs in zip(sources, others, strict=True):
        np.testing.assert_array_equal(ours.value, theirs.value)


def test_what_is_seldom_needed_costs_other_steps_nothing():
    """The other steps have the same loops, and write over their state as before."""
    watched, plain = network((33, 65, 17), 8)[0], network((33, 65, 17), 8)[0]
    plain = Program(plain.inputs, {"loss": plain.outputs["loss"]}, plain.updates)
    ours, theirs = compile(watched, host()), compile(plain, host())
    assert not ours.memory.moves
    usual = [str(part) for part in ours.parts if not part.seldom]
    assert usual == [str(part) for part in theirs.parts]
    assert sum(isinstance(x, When) for x in ours.step.body) >= 1
    assert ours.layout.work == theirs.layout.work


@pytest.mark.parametrize("engine", ENGINES)
def test_a_call_asks_for_all_and_run_need_not(engine):
    program, state = network()
    step, one = prepare(engine, program), data(4, (5, 7, 3))
    assert set(step(**one)) == set(program.outputs)
    assert set(step.run(one, False)) == {"loss"}
    step.epoch(data(8, (5, 7, 3)), np.arange(8), never, looks=Looks(10, 1))  # asks for none
    w1, bias = (np.copy(unit.value) for unit in state if unit.name in ("w1", "bias"))
    expected = np.mean(one["x"] @ w1 + bias <= 0.0, axis=0)
    np.testing.assert_allclose(step(**one)["zeros"], expected)


def test_an_epoch_that_is_stopped_has_the_looks_until_then():
    program, _ = network()
    rows = data(400, (5, 7, 3))
    calls = iter([False, True])
    found = Native(program).epoch(rows, np.arange(400), lambda: next(calls), looks=Looks(1))
    assert found.steps == 1
    assert all(len(x) == 1 for x in found.seldom.values())


def test_numbers_in_registers_are_asked_for_too():
    w, x = pb.Unit(1.0, "w"), pb.Unit(np.zeros((1, 1)), "x")
    moved = 0.5 * w * pb.reshape(x, ())
    program = Program({"x": x}, {"w": w + 0.0, "by": moved}, {w: w - moved}, {"by"})
    rows = np.arange(1.0, 7.0)[:, None] / 10.0
    found = Native(program).epoch({"x": rows}, np.arange(6), never, looks=Looks(2, 1))
    weights = [1.0]
    for k in rows[:, 0]:
        weights.append(weights[-1] * (1.0 - 0.5 * k))
    np.testing.assert_allclose(found.numbers["w"], weights[:-1])
    np.testing.assert_allclose(
        found.seldom["by"], [0.5 * weights[k] * rows[k, 0] for k in (1, 3, 5)]
    )


def test_a_fingerprint_tells_what_is_seldom():
    program, _ = network()
    assert fingerprint(program) != fingerprint(apart(program))


@settings(deadline=None, max_examples=25)
@given(every=st.integers(1, 9), passed=st.integers(0, 20), steps=st.integers(0, 30))
def test_looks_count_those_that_are_asked(every, passed, steps):
    looks = Looks(every, passed)
    assert looks.before(steps) == sum(looks.asked(step) for step in range(steps))
