"""The eager engine: a step sets inputs, runs every gate, and updates all state at once."""

import numpy as np
import pytest

import pullback as pb
from pullback.engines.eager import Eager


def test_one_step():
    x, w = pb.units(x=3.0, w=1.0)
    y = w * x
    step = Eager(pb.Program({"x": x}, {"y": y}, {w: w + 0.5 * x}))
    assert step(x=2.0) == {"y": 2.0}
    assert w.value == 2.0
    assert step() == {"y": 4.0}
    assert w.value == 3.0
    assert step(x=1) == {"y": 3.0}
    assert y.value == 3.0


def test_descent_is_what_it_is_by_hand():
    w, x, label = pb.units(w=[0.0, 0.0], x=[1.0, 2.0], label=1.0)
    loss = (w @ x - label) ** 2
    step = Eager(
        pb.Program({"x": x, "label": label}, {"loss": loss}, {w: w - 0.1 * pb.gradient(loss, w)})
    )
    mine = np.zeros(2)
    for point, wanted in [([1.0, 2.0], 1.0), ([0.5, -1.0], -1.0), ([2.0, 0.0], 0.0)] * 5:
        error = mine @ point - wanted
        assert step(x=point, label=wanted)["loss"] == pytest.approx(error**2)
        mine = mine - 0.1 * 2.0 * error * np.array(point)
        np.testing.assert_allclose(w.value, mine)


def test_all_updates_happen_at_once():
    """The exchange of two states, and Fibonacci's numbers."""
    a, b = pb.units(a=1.0, b=2.0)
    swap = Eager(pb.Program({}, {"a": a}, {a: b, b: a}))
    assert swap() == {"a": 1.0}
    assert (a.value, b.value) == (2.0, 1.0)
    a, b = pb.units(a=0.0, b=1.0)
    step = Eager(pb.Program({}, {"now": a}, {a: b, b: a + b}))
    assert [step()["now"] for _ in range(10)] == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]


def test_outputs_are_from_before_the_update_and_stay_as_they_were():
    w = pb.Unit(np.ones(2), "w")
    step = Eager(pb.Program({}, {"w": w, "double": w * 2.0}, {w: w * 3.0}))
    first = step()
    second = step()
    np.testing.assert_array_equal(first["w"], [1.0, 1.0])
    np.testing.assert_array_equal(first["double"], [2.0, 2.0])
    np.testing.assert_array_equal(second["w"], [3.0, 3.0])


def test_every_wire_can_be_looked_at_after_a_step():
    x = pb.Unit([1.0, 2.0], "x")
    hidden = pb.exp(x)
    step = Eager(pb.Program({"x": x}, {"y": pb.sum(hidden)}, {}))
    step(x=[0.0, 0.0])
    np.testing.assert_array_equal(hidden.value, [1.0, 1.0])


def test_single_precision_state_stays_single():
    w = pb.Unit(np.ones(3, np.float32), "w")
    step = Eager(pb.Program({}, {}, {w: w - 0.1 * pb.gradient(pb.sum(w**2), w)}))
    for _ in range(3):
        step()
    assert w.dtype == np.float32
    np.testing.assert_allclose(w.value, np.full(3, 0.8**3), rtol=1e-6)


def test_random_numbers_follow_the_step():
    step_number = pb.Unit(0.0, "step")
    noise = pb.random((4,), seed=1, step=step_number)
    step = Eager(pb.Program({}, {"noise": noise}, {step_number: step_number + 1.0}))
    draws = [step()["noise"] for _ in range(3)]
    for k, draw in enumerate(draws):
        np.testing.assert_array_equal(draw, pb.random((4,), seed=1, step=k))


def test_inputs_of_a_wrong_shape_are_refused():
    x = pb.Unit([1.0, 2.0], "x")
    step = Eager(pb.Program({"x": x}, {"y": x * 2.0}, {}))
    with pytest.raises(pb.CircuitError, match=r"'x' has shape \(2,\), got \(3,\)"):
        step(x=[1.0, 2.0, 3.0])
    with pytest.raises((KeyError, pb.CircuitError), match="z"):
        step(z=1.0)
    np.testing.assert_array_equal(x.value, [1.0, 2.0])


def test_a_circuit_whose_state_moved_must_run_again_before_it_is_pulled():
    w = pb.Unit(2.0, "w")
    loss = w * w
    step = Eager(pb.Program({}, {"loss": loss}, {w: w - 0.1 * pb.gradient(loss, w)}))
    step()
    with pytest.raises(pb.StaleError, match="'w'"):
        loss.backward()
    loss.forward()
    loss.backward()
    assert w.grad == pytest.approx(3.2)
