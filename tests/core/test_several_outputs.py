"""Gates of several outputs: a wire for each, one rule for all inputs, on every way of running."""

import copy
import pickle

import numpy as np
import pytest

import pullback as pb
from pullback.core.walk import order
from pullback.engines.eager import Eager
from pullback.engines.jax import Jax
from pullback.engines.native.engine import Native
from pullback.program.simplify import simplify

calls = []


def rule(gs, ys, a, b):
    """Of a * b and a + sin(b): a gradient for each input, from the pulls that there are."""
    calls.append([g is not None for g in gs])
    by_product, by_sum = (0.0 if g is None else g for g in gs)
    return by_product * b + by_sum, by_product * a + by_sum * pb.cos(b)


@pb.gate(
    pullback=rule,
    several=True,
    samples=lambda rng: [((rng.normal(size=3), rng.normal(size=3)), {})],
)
def both(m, a, b):
    return a * b, a + m.sin(b)


@pytest.fixture(autouse=True)
def fresh_calls():
    calls.clear()


def wires(dtype=np.float64):
    return [
        pb.Unit(np.array(x, dtype), n) for n, x in (("a", [1.0, 2.0, 3.0]), ("b", [0.5, -1.0, 2.0]))
    ]


def test_numbers_give_a_tuple_and_wires_a_wire_for_each_output():
    assert both(2.0, 0.0) == (0.0, 2.0)
    assert [type(x) for x in both(2.0, 0.0)] == [float, float]
    a, b = wires()
    product, total = both(a, b)
    np.testing.assert_array_equal(product.value, a.value * b.value)
    np.testing.assert_array_equal(total.value, a.value + np.sin(b.value))
    assert product.inputs == total.inputs
    assert product.inputs[0].inputs == (a, b)
    p, s = both(pb.constant(2.0), pb.constant(0.0))
    assert p.is_constant
    assert s.value == 2.0


def test_a_circuit_of_it_runs_again():
    a, b = wires()
    product, total = both(a, b)
    y = pb.sum(product * total)
    a.value = a.value * 2.0
    y.forward()
    np.testing.assert_allclose(y.value, np.sum(a.value * b.value * (a.value + np.sin(b.value))))


def test_one_rule_answers_all_inputs_at_once():
    a, b = wires()
    product, total = both(a, b)
    y = pb.sum(product * total)
    y.backward()
    assert calls == [[True, True]]
    p, s = product.value, total.value
    np.testing.assert_allclose(a.grad, s * b.value + p)
    np.testing.assert_allclose(b.grad, s * a.value + p * np.cos(b.value))
    np.testing.assert_array_equal(product.grad, s)
    assert product.inputs[0].grad is None
    for g, x in zip(pb.gradient(y, [a, b]), (a, b), strict=True):
        np.testing.assert_allclose(g.value, x.grad)


def test_an_output_that_nobody_pulls_gives_none():
    a, b = wires()
    product, total = both(a, b)
    pb.sum(total).backward()
    pb.gradient(pb.sum(product), a)
    assert calls == [[False, True], [True, False]]
    np.testing.assert_array_equal(a.grad, np.ones(3))


def test_python_floats_get_python_floats():
    a, b = pb.units(a=2.0, b=0.5)
    product, total = both(a, b)
    (product * total).backward()
    assert type(product.value) is type(a.grad) is type(b.grad) is float
    np.testing.assert_allclose(a.grad, total.value * 0.5 + product.value)


def test_its_rule_is_checked_to_second_order():
    assert pb.check_gate(both)
    a, b = wires()
    product, total = both(a, b)
    assert pb.check_gradients(pb.sum(product * pb.sin(total))).gates == 4

    @pb.gate(
        pullback=lambda gs, ys, x: (sum(g for g in gs if g is not None),),
        several=True,
        samples=lambda rng: [((rng.normal(size=3),), {})],
    )
    def untrue(m, x):
        return x * 2.0, x

    with pytest.raises(pb.GradientError, match="untrue"):
        pb.check_gate(untrue)


@pytest.mark.parametrize("engine", [Eager, Native, Jax])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_engine_runs_it_with_its_gradients(engine, dtype):
    a, b = wires(dtype)
    product, total = both(a, b)
    y = pb.sum(product * pb.sin(total))
    firsts = pb.gradient(y, [a, b])
    second = pb.gradient(sum(pb.sum(g * g) for g in firsts), a)
    outputs = {"total": total, "a": firsts[0], "b": firsts[1], "second": second}
    results = engine(pb.Program({"a": a}, outputs, {}))()
    for name, unit in outputs.items():
        assert results[name].dtype == dtype
        np.testing.assert_allclose(results[name], unit.value, rtol=2e-5)


@pytest.mark.parametrize("engine", [Native, Jax])
def test_it_may_stand_inside_a_loop(engine):
    a, b = wires()

    def step(h, x):
        product, total = both(h, x)
        return pb.tanh(product), total

    carried, totals = pb.loop(step, a[0], b)
    y = pb.sum(carried * pb.sin(totals))
    outputs = {"y": y, "a": pb.gradient(y, a), "b": pb.gradient(y, b)}
    assert pb.check_gradients(y)
    results = engine(pb.Program({}, outputs, {}))()
    for name, unit in outputs.items():
        np.testing.assert_allclose(results[name], unit.value, rtol=1e-12)


def test_it_is_lowered_to_what_its_value_makes_of_wires():
    a, b = wires()
    product, total = both(a, b)
    plain = simplify(pb.Program({}, {"y": product, "z": total}, {}))
    assert [u.gate.name for u in plain.wires if u.inputs] == ["multiply", "sin", "add"]
    text = pb.Circuit([product, total]).source()
    assert "    f1 = a * b\n    f2 = a + np.sin(b)\n" in text


def test_what_cannot_be_compiled_is_refused():
    @pb.gate(pullback=lambda gs, ys, x: (None,), several=True)
    def decided(m, x):
        return (x, x * 2.0) if np.sum(x) > 0 else (x, x)

    @pb.gate(pullback=lambda gs, ys, x: (None,), several=True)
    def fewer(m, x):
        return (x,) if isinstance(x, pb.Unit) else (x, x)

    for gate in decided, fewer:
        first, _ = gate(pb.Unit(np.ones(2), "x"))
        with pytest.raises(pb.CircuitError, match=f"{gate.__name__!r}, which cannot be compiled"):
            Native(pb.Program({}, {"y": first}, {}))


def test_declarations_and_answers_that_do_not_fit_are_refused():
    with pytest.raises(pb.CircuitError, match="several outputs, so its pullback must be one fun"):
        pb.gate(partials=(lambda y, x: x,), several=True)(lambda m, x: (x, x))
    with pytest.raises(pb.CircuitError, match="several outputs, so its pullback must be one fun"):
        pb.gate(pullback=(lambda g, y, x: x,), several=True)(lambda m, x: (x, x))
    single = pb.gate(pullback=lambda gs, ys, x: (x,), several=True, name="single")(lambda m, x: x)
    with pytest.raises(pb.CircuitError, match="it made a ndarray, not a tuple"):
        single(pb.Unit([1.0]))
    plain = pb.gate(partials=(None,), name="plain")(lambda m, x: (x, x))
    with pytest.raises(pb.CircuitError, match=r"made a tuple; .* declare several=True"):
        plain(pb.Unit([1.0]))
    short = pb.gate(pullback=lambda gs, ys, a, b: (a,), several=True, name="short")(
        lambda m, a, b: (a, b)
    )
    y, _ = short(*wires())
    for differentiate in (lambda: y.backward(), lambda: pb.gradient(y, y.inputs[0].inputs[0])):
        with pytest.raises(pb.CircuitError, match="rule of 'short' must answer a tuple of 2"):
            differentiate()
    numeric = pb.gate(pullback=lambda gs, ys, x: (np.cbrt(gs[0]),), several=True, name="numeric")(
        lambda m, x: (x, x)
    )
    x = pb.Unit([1.0])
    with pytest.raises(pb.CircuitError, match="the rule of 'numeric' cannot be run on wires"):
        pb.gradient(numeric(x)[0], x)


def test_it_is_copied_printed_drawn_and_tugged():
    a, b = wires()
    product, total = both(a, b)
    y = pb.sum(product * total)
    for twin in (copy.deepcopy(y), pickle.loads(pickle.dumps(pb.tanh(y))).inputs[0]):
        assert len(order([twin])) == len(order([y]))
        twin.forward()
        assert twin.value == y.value
    circuit = pb.Circuit(y)
    assert len(circuit) == 3
    assert "= both(a, b)[0]" in str(circuit)
    assert "= both(a, b)[1]" in str(circuit)
    assert "both" in pb.draw(y).svg
    answer = pb.tug(y, step=1e-4)
    assert answer.small_enough
    assert any("both(a, b)[1]" in row.text for row in answer.rows)
