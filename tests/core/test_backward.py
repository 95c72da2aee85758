"""The numeric backward pass: what it writes to `.grad`, when, and what it refuses."""

import numpy as np
import pytest

import pullback as pb


def test_gradients_reach_every_wire():
    x, y, z = pb.units(x=-2.0, y=5.0, z=-4.0)
    q = x + y
    f = q * z
    assert all(unit.grad is None for unit in (x, y, z, q, f))
    f.backward()
    assert (x.grad, y.grad, z.grad, q.grad, f.grad) == (-4.0, -4.0, 3.0, -4.0, 1.0)
    assert all(type(unit.grad) is float for unit in (x, y, z, q, f))


def test_branches_add_and_calls_do_not():
    x = pb.Unit(3.0)
    y = x * x + x * x + x
    for _ in range(3):
        y.backward()
        assert x.grad == 13.0
    a = pb.Unit([1.0, 2.0])
    b = a * a + pb.sum(a)
    b.backward()
    first = a.grad.copy()
    b.backward()
    np.testing.assert_array_equal(a.grad, first)
    np.testing.assert_array_equal(first, [4.0, 6.0])


def test_a_wire_used_twice_by_one_gate_is_pulled_twice():
    x = pb.Unit(3.0)
    (x * x).backward()
    assert x.grad == 6.0
    (x + x).backward()
    assert x.grad == 2.0
    (x - x).backward()
    assert x.grad == 0.0


def test_a_wire_no_gradient_reaches_gets_zeros_of_its_shape():
    x, w = pb.units(x=1.0, w=np.ones((2, 3), np.float32))
    hidden = w * 2.0
    y = x + pb.stop_gradient(pb.sum(hidden))
    y.backward()
    assert x.grad == 1.0
    for unit in (w, hidden):
        assert unit.grad.dtype == np.float32
        np.testing.assert_array_equal(unit.grad, np.zeros((2, 3)))


def test_a_wire_outside_the_circuit_keeps_its_gradient():
    x, other = pb.units(x=1.0, other=2.0)
    (other * 3.0).backward()
    (x * 2.0).backward()
    assert other.grad == 3.0


def test_a_gradient_of_an_earlier_pull_is_forgotten():
    a, b = pb.units(a=2.0, b=3.0)
    c = a * b
    (c * 10.0).backward()
    assert (a.grad, c.grad) == (30.0, 10.0)
    c.backward()
    assert (a.grad, c.grad) == (3.0, 1.0)


def test_integers_and_truth_values_have_no_gradient():
    table = pb.Unit(np.ones((4, 2)))
    rows = pb.Unit(np.array([1, 1]))
    mask = pb.Unit(np.array([[True], [False]]))
    chosen = pb.where(mask, pb.take(table, rows), 0.0)
    compared = chosen > 0.5
    y = pb.sum(chosen * compared)
    y.backward()
    assert rows.grad is None
    assert mask.grad is None
    assert compared.grad is None
    np.testing.assert_array_equal(table.grad, [[0, 0], [1, 1], [0, 0], [0, 0]])


@pytest.mark.parametrize("pull", [1, 2.5, -3, 0.0, np.float32(2.0), np.array(4.0), True, 1e300])
def test_pulls_of_any_force(pull):
    x, y = pb.units(x=-2.0, y=3.0)
    (x * y).backward(pull)
    assert x.grad == 3.0 * float(pull)
    assert y.grad == -2.0 * float(pull)
    assert type(x.grad) is float


def test_pulls_of_arrays():
    x = pb.Unit([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    y = x * x
    y.backward()
    np.testing.assert_array_equal(x.grad, 2.0 * x.value)
    y.backward(0.5)
    np.testing.assert_array_equal(x.grad, x.value)
    y.backward([[1.0], [0.0]])
    np.testing.assert_array_equal(x.grad, [[2.0, 4.0, 6.0], [0.0, 0.0, 0.0]])
    pull = np.arange(6.0).reshape(2, 3)
    y.backward(pull)
    np.testing.assert_array_equal(x.grad, 2.0 * x.value * pull)
    np.testing.assert_array_equal(pull, np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(y.grad, pull)


def test_pulls_of_a_wrong_shape_or_kind_are_refused():
    x = pb.Unit([1.0, 2.0, 3.0])
    y = (x * 2.0).named("y")
    with pytest.raises(pb.CircuitError, match=r"a pull of shape \(2,\) does not fit 'y' of shape"):
        y.backward([1.0, 2.0])
    with pytest.raises(pb.CircuitError, match=r"shape \(1, 3\) does not fit"):
        y.backward([[1.0, 2.0, 3.0]])
    with pytest.raises(pb.CircuitError, match="a pull must be a real number"):
        y.backward("hard")
    s = (pb.sum(x) * 1.0).named("s")
    with pytest.raises(pb.CircuitError, match=r"shape \(3,\) does not fit 's' of shape \(\)"):
        s.backward([1.0, 2.0, 3.0])
    assert x.grad is None
    assert s.grad is None


def test_truth_values_and_integers_cannot_be_pulled():
    x = pb.Unit([1.0, 2.0])
    with pytest.raises(pb.CircuitError, match="'b' carries bool values, on which no force can"):
        (x > 1.0).named("b").backward()
    with pytest.raises(pb.CircuitError, match="carries int64 values"):
        pb.argmax(x).backward()


def test_a_source_pulls_on_itself():
    x = pb.Unit(3.0)
    x.backward(2.0)
    assert x.grad == 2.0


def test_broadcast_inputs_get_gradients_of_their_own_shape():
    shapes = [(), (1,), (3,), (1, 1), (2, 1), (1, 3), (2, 3), (4, 1, 3), (4, 2, 3)]
    for shape in shapes:
        a, b = pb.Unit(np.full(shape, 2.0)), pb.Unit(np.full((4, 2, 3), 5.0))
        (a * b).backward()
        assert a.grad.shape == shape
        np.testing.assert_array_equal(a.grad, np.full(shape, 5.0 * 24 / max(1, a.size)))
        np.testing.assert_array_equal(b.grad, np.full((4, 2, 3), 2.0))


def test_a_python_float_among_arrays_gets_a_python_float():
    w = pb.Unit(2.0)
    y = w * np.ones((3, 2), np.float32)
    y.backward()
    assert w.grad == 6.0
    assert type(w.grad) is float


# After a source has changed ----------------------------------------------------------------------


def test_a_changed_source_must_run_forward_first():
    x, y = pb.units(x=2.0, y=3.0)
    f = x * y
    x.value = 5.0
    with pytest.raises(pb.StaleError, match=r"'x' was given a new value.*forward\(\) before"):
        f.backward()
    assert x.grad is None
    assert f.value == 6.0
    assert f.forward() == 15.0
    f.backward()
    assert (x.grad, y.grad) == (3.0, 5.0)
    assert issubclass(pb.StaleError, pb.CircuitError)
    assert issubclass(pb.CircuitError, ValueError)


def test_a_source_outside_the_circuit_may_change():
    x, other = pb.units(x=2.0, other=3.0)
    f = x * x
    _ = x * other
    other.value = 5.0
    f.backward()
    assert x.grad == 4.0


def test_a_gate_on_top_of_a_stale_wire_is_stale_too():
    x = pb.Unit(2.0, "x")
    q = x * x
    x.value = 3.0
    f = q + x  # 4 + 3: two moments in one circuit
    with pytest.raises(pb.StaleError, match="'x' was given a new value after the wire from 'mult"):
        f.backward()
    assert f.forward() == 12.0
    f.backward()
    assert x.grad == 7.0


def test_running_a_part_does_not_make_the_whole_fresh():
    x, y = pb.units(x=2.0, y=3.0)
    q = x * y
    f = (q + 1.0).named("f")
    x.value = 4.0
    q.forward()
    with pytest.raises(pb.StaleError, match="after 'f' was last computed"):
        f.backward()
    q.backward()
    assert y.grad == 4.0


def test_running_a_part_again_without_a_change_leaves_the_whole_fresh():
    x = pb.Unit(2.0)
    q = x * x
    f = q + 1.0
    q.forward()
    f.backward()
    assert x.grad == 4.0


def test_sources_that_are_outputs_or_made_later_are_not_stale():
    x = pb.Unit(2.0)
    y = x * x
    w = pb.Unit(3.0)
    z = y * w
    pb.Circuit([y, z]).backward()
    assert (x.grad, w.grad) == (16.0, 4.0)
    pb.Circuit([x, z]).backward()
    assert x.grad == 13.0
    x.value = 1.0
    x.backward()
    assert x.grad == 1.0


def test_setting_the_value_it_had_still_asks_for_forward():
    x = pb.Unit(2.0, "x")
    y = x * x
    x.value = 2.0
    with pytest.raises(pb.StaleError):
        y.backward()


def test_forward_recomputes_every_wire():
    x, y, z = pb.units(x=-2.0, y=5.0, z=-4.0)
    q = x + y
    f = q * z
    x.value = 1.0
    assert (q.value, f.value) == (3.0, -12.0)
    assert f.forward() == -24.0
    assert q.value == 6.0


# The order of things ----------------------------------------------------------------------------


def test_order_does_not_depend_on_the_order_of_building():
    """A wire made early and used late; an output that is an input of another output."""
    a = pb.Unit(2.0)
    late = pb.exp(a)
    b = a * a
    c = b + late
    d = c * b
    circuit = pb.Circuit([b, d])
    circuit.backward([1.0, 1.0])
    e = np.exp(2.0)
    np.testing.assert_allclose(a.grad, 4.0 + (4.0 + e) * 4.0 + 4.0 * (4.0 + e))
    assert b.grad == pytest.approx(1.0 + c.value + b.value)


def test_infinite_and_nan_gradients_flow_and_do_not_raise():
    x = pb.Unit(0.0)
    pb.sqrt(x).backward()
    assert x.grad == np.inf
    pb.log(x).backward()
    assert x.grad == np.inf
    (1.0 / x).backward()
    assert x.grad == -np.inf
    y = pb.Unit([0.0, -1.0])
    pb.log(y).backward()
    np.testing.assert_array_equal(y.grad, [np.inf, -1.0])
    z = pb.Unit(np.nan)
    (z * z).backward()
    assert np.isnan(z.grad)
