"""Wires that carry an abstract value: what they say of themselves, and what they refuse."""

import copy
import pickle
import re

import numpy as np
import pytest

import pullback as pb
from pullback.core.abstract import Abstract, abstract_of
from pullback.core.errors import AbstractError
from pullback.core.values import kind_of

F4 = np.dtype("f4")


def circuit():
    x, w = pb.Unit(Abstract((5, 3), F4), "x"), pb.Unit(np.ones((3, 2), "f4"), "w")
    return x, w, pb.tanh(x @ w).sum().named("y")


@pytest.mark.parametrize("value", [1.0, True, np.ones(3), np.float32(2.0), np.array(3), np.eye(2)])
def test_an_abstract_value_is_of_the_kind_of_the_value(value):
    assert kind_of(abstract_of(value)) == kind_of(value)
    wire = pb.Unit(abstract_of(value))
    assert (wire.shape, wire.dtype) == (np.shape(value), np.asarray(value).dtype)


def test_what_is_made_of_an_abstract_value_is_abstract_and_the_rest_is_not():
    _, w, y = circuit()
    assert type(y._value) is Abstract
    assert (y.shape, y.dtype) == ((), F4)
    np.testing.assert_array_equal((w * 2.0).value, 2.0)


@pytest.mark.parametrize(
    "ask",
    [
        lambda y: y.value,
        lambda y: f"{y:.3f}",
        lambda y: y.backward(),
        lambda y: y.backward(2.0),
    ],
)
def test_its_numbers_are_refused(ask):
    _, _, y = circuit()
    with pytest.raises(AbstractError, match=r"'y' was recorded for its shape \(\) and float32 alo"):
        ask(y)


def test_forward_names_the_source_that_has_no_value_and_runs_when_it_has():
    x, w, y = circuit()
    with pytest.raises(AbstractError, match=r"'x' was recorded .*; give it a value"):
        y.forward()
    x.value = np.full((5, 3), 0.1)
    assert x.value.dtype == F4
    assert y.forward() == pytest.approx(10 * np.tanh(0.3), rel=1e-6)
    y.backward()
    assert w.grad.shape == (3, 2)


def test_a_source_takes_a_value_of_its_shape_alone():
    x, _, _ = circuit()
    with pytest.raises(pb.CircuitError, match=r"'x' has shape \(5, 3\), got \(3,\)"):
        x.value = np.ones(3)
    whole = pb.Unit(Abstract((2,), np.dtype("i8")), "n")
    with pytest.raises(pb.CircuitError, match="would not survive"):
        whole.value = [0.5, 1.0]
    number = pb.Unit(abstract_of(1.0), "a")
    number.value = np.float32(2.0)
    assert type(number.value) is float


def test_its_gradient_is_a_circuit_of_the_right_kinds():
    x, w, y = circuit()
    dx, dw = pb.gradient(y, [x, w])
    assert [(d.shape, d.dtype) for d in (dx, dw)] == [((5, 3), F4), ((3, 2), F4)]
    x.value = np.ones((5, 3))
    dx.forward()
    y.forward()
    y.backward()
    np.testing.assert_allclose(dx.value, x.grad, rtol=1e-6)


def test_it_is_read_by_its_shape():
    x, _, y = circuit()
    assert repr(x) == "Unit('x', value=Abstract((5, 3), float32))"
    assert str(y.label) == "'y'"
    assert re.search(r"x .*= \(5, 3\)", str(pb.Circuit(y)))
    assert "x @ w" in pb.Circuit(y).source()
    assert "(5, 3)" in pb.draw(y, gradients=False).svg


@pytest.mark.parametrize("way", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_it_is_copied_with_its_wire(way):
    _, _, y = circuit()
    twin = way(y)
    assert twin is not y
    assert kind_of(twin._value) == kind_of(y._value)
    twin.inputs[0].inputs[0].inputs[0].value = np.ones((5, 3))
    assert twin.forward() > 0.0
    with pytest.raises(AbstractError):
        y.forward()


def test_operators_and_ufuncs_make_abstract_values_and_all_else_is_refused():
    x = Abstract((2, 1), F4)
    for y, dtype in ((x + 1.0, "f4"), (np.ones(3) * x, "f8"), (np.sqrt(x), "f4"), (x == 0, "?")):
        assert (y.shape, y.dtype) == (np.broadcast_shapes(np.shape(y), (2, 1)), np.dtype(dtype))
    asks = (bool, float, len, np.asarray, np.sort, iter, lambda x: x[0], lambda x: x.mean())
    for ask in (*asks, np.add.reduce, lambda x: np.add(x, x, out=np.zeros((2, 1)))):
        with pytest.raises(AbstractError, match="only shape and dtype are known"):
            ask(x)


def test_a_gate_of_ones_own_is_evaluated_where_it_is_elementwise():
    @pb.gate(partials=(lambda y, x: 3 * x * x,))
    def cubed(m, x):
        return np.where(np.isnan(x), 0.0, x * x * x)  # functions of NumPy, on small arrays

    @pb.gate(pullback=(lambda g, y, x: g,))
    def sorted_(m, x):
        return np.sort(x)

    x = pb.Unit(Abstract((10**6, 10**6), F4))
    assert cubed(x).shape == x.shape
    with pytest.raises(AbstractError, match="gate 'sorted' makes is known of numbers alone"):
        sorted_(x)


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
def test_an_engine_asks_for_the_value_that_an_input_lacks(engine):
    x, _, y = circuit()
    run = pb.prepare(engine, pb.Program({"x": x}, {"y": y}, {}))
    with pytest.raises(AbstractError, match=r"'x' was recorded .*; give it a value"):
        run()
    assert run(x=np.zeros((5, 3)))["y"] == 0.0
    assert run(x=np.ones((5, 3)))["y"] == run()["y"] == pytest.approx(10 * np.tanh(3.0))
