"""A tug's prediction is the derivative along the step, and its verdict is true."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.inspect.tug import tug


def neuron():
    a, b, c, x, y = pb.units(a=1.0, b=2.0, c=-3.0, x=-1.0, y=3.0)
    return pb.sigmoid(a * x + b * y + c)


def test_the_guides_two_gates_give_along_the_pull():
    x, y, z = pb.units(x=-2.0, y=5.0, z=-4.0)
    f = (x + y) * z
    answer = tug(f, force=1.0, step=0.01)
    assert f.value == pytest.approx(-11.5924)
    assert (x.value, y.value, z.value) == pytest.approx((-2.04, 4.96, -3.97))
    assert answer.predicted == pytest.approx(0.41)  # 0.01 * (16 + 16 + 9)
    assert answer.real == pytest.approx(0.4076)
    assert answer.small_enough
    assert not answer.disagreeing
    last = str(answer).splitlines()[-1]
    assert last == "the step is small enough: the output rose by 0.4076, 0.41 was predicted"


def test_the_guides_neuron_rises():
    s = neuron()
    assert round(s.value, 4) == 0.8808
    answer = tug(s)
    assert s.value == pytest.approx(0.8825, abs=1e-4)
    assert answer.small_enough


def test_undo_restores_every_value():
    s = neuron()
    wires = pb.Circuit(s).wires
    before = [unit.value for unit in wires]
    answer = tug(s, step=0.5)
    assert s.value != before[-1]
    answer.undo()
    assert [unit.value for unit in wires] == before
    s.backward()  # and the circuit is not stale
    assert s.forward() == before[-1]


def test_a_negative_force_lowers():
    x = pb.Unit(3.0, "x")
    answer = tug(x * x, force=-1.0)
    assert x.value == pytest.approx(3.0 - 0.06)
    assert "fell by 0.3564, 0.36 was predicted" in str(answer)


def circuits():
    rng = np.random.default_rng(4)
    x, w = pb.Unit(rng.normal(size=(4, 3)), "x"), pb.Unit(rng.normal(size=(3, 5)), "w")
    b = pb.Unit(rng.normal(size=5), "b")
    h = pb.relu(x @ w + b)
    yield pb.sum(pb.log_softmax(h, axis=1)[:, 1])
    yield pb.max(pb.tanh(h), axis=0)
    yield pb.concatenate([pb.reshape(h, (-1,)), pb.take(b, np.array([0, 0, 4]))])
    yield pb.einsum("ij,jk->", x, pb.exp(w)) / pb.mean(b * b)
    yield pb.sum(pb.where(x > 0.0, x * x, x)) + pb.sum(pb.logsumexp(b))


@pytest.mark.parametrize("which", range(5))
def test_predictions_are_the_derivative_along_the_step_for_every_wire(which):
    f = list(circuits())[which]
    wires = pb.Circuit(f).wires
    rng = np.random.default_rng(0)
    force = rng.normal(size=f.shape)
    answer = tug(f, force, step=1e-7)
    starts = {unit: answer._before[unit] for unit in wires}
    assert len(answer.rows) == sum(
        not unit.is_constant and np.asarray(unit.value).dtype.kind == "f" for unit in wires
    )
    for row in answer.rows:
        moved = np.asarray(row.wire.value) - starts[row.wire]
        np.testing.assert_allclose(row.predicted, moved, rtol=1e-3, atol=1e-12)
        assert np.shape(row.predicted) == row.wire.shape
    assert answer.small_enough


def test_constants_and_whole_numbers_hold_still():
    x, i = pb.Unit([1.0, 2.0, 3.0], "x"), pb.Unit(np.array([2, 0]), "i")
    answer = tug(pb.sum(pb.take(x, i) * 2.0), step=0.5)
    np.testing.assert_array_equal(x.value, [2.0, 2.0, 4.0])
    np.testing.assert_array_equal(i.value, [2, 0])
    assert "i" not in [row.text for row in answer.rows]


def test_a_step_too_big_is_told_and_where_it_shows_first():
    x = pb.Unit(1.0, "x")
    q = (x * x).named("q")
    answer = tug(pb.exp(q), step=1.0)
    assert not answer.small_enough
    assert answer.disagreeing[0] is q
    text = str(answer)
    assert text.count("← not as predicted") == 2
    assert text.splitlines()[-1].startswith("the step is too big: the output rose by")
    assert text.splitlines()[-1].endswith("the first wire to differ is q = x * x")


def test_a_fall_where_a_rise_was_predicted_is_told():
    x = pb.Unit(1.0, "x")
    answer = tug(pb.sin(x * 3.0), force=-1.0, step=0.55)
    assert not answer.small_enough
    assert answer.predicted == pytest.approx(-0.55 * 9.0 * math.cos(3.0) ** 2)
    assert answer.real > 0.0
    assert "the output rose by" in str(answer)
    assert "but a fall of 4.851 was predicted" in str(answer)


def test_a_step_out_of_the_finite_is_told_and_can_be_undone():
    x = pb.Unit(np.array([3.0], "float32"), "x")
    answer = tug(pb.exp(x * x), step=1e3)
    assert not answer.small_enough
    assert "not finite any more" in str(answer)
    answer.undo()
    assert x.value[0] == 3.0


@pytest.mark.filterwarnings("error")
def test_extreme_values_give_no_warnings_and_no_signed_nan():
    x = pb.Unit(np.full(2, 1e308), "x")
    text = str(tug(pb.sum(x), step=1e308))
    assert "+inf" in text
    assert "nan" in text
    assert "+nan" not in text
    big = pb.Unit(np.full((2, 2), 1e200), "x")
    assert tug(pb.sum(big @ np.eye(2))).small_enough


def test_the_flat_bottom_of_a_side_branch_is_no_alarm():
    x = pb.Unit(0.0, "x")
    answer = tug(x + 0.1 * pb.cos(x), step=0.01)
    assert answer.small_enough


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,)])
def test_float32_sources_of_any_size(shape):
    x = pb.Unit(np.full(shape, 0.7, "float32"), "x")
    answer = tug(pb.tanh(x) * x)
    assert answer.small_enough
    assert x.value.dtype == np.float32
    assert x.shape == shape


def test_a_circuit_of_several_outputs_is_pulled_at_all():
    x = pb.Unit(2.0, "x")
    answer = tug(pb.Circuit([x * 3.0, x * 4.0]), step=0.1)
    assert x.value == pytest.approx(2.7)
    assert answer.real == pytest.approx(4.9)
    assert "the outputs' sum rose by 4.9" in str(answer)


def test_stale_values_are_computed_first():
    x = pb.Unit(1.0, "x")
    y = x * 2.0
    x.value = 5.0
    assert tug(y, step=1.0).rows[-1].before == 10.0


def test_a_long_circuit_prints_in_part():
    y = x = pb.Unit(0.1, "x")
    for _ in range(200):
        y = y + 0.001
    assert len(str(tug(y * x)).splitlines()) < 75


def test_bad_input_is_refused():
    x = pb.Unit(1.0, "x")
    with pytest.raises(CircuitError, match="no source of numbers"):
        tug(pb.constant(1.0))
    with pytest.raises(CircuitError, match="a Unit or a Circuit, got float"):
        tug(1.0)
    with pytest.raises(CircuitError, match="no force can pull"):
        tug(x > 0.0)
    for step in (math.nan, math.inf, -0.1, 0.0, "a", None):
        with pytest.raises(CircuitError, match="step must be a finite number above 0"):
            tug(x * x, step=step)
    with pytest.raises(CircuitError, match="does not fit"):
        tug(x * x, force=[1.0, 2.0])
    with pytest.raises(CircuitError, match="pull on 'zero' is not finite"):
        tug(pb.sqrt(pb.Unit(0.0, "zero")))
    assert x.value == 1.0
