"""The three strategies climb, count what they use, and leave the circuit alone."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.inspect.strategies import (
    analytic_gradient_ascent,
    compare_strategies,
    numerical_gradient,
    numerical_gradient_ascent,
    random_local_search,
)

ALL = [random_local_search, numerical_gradient_ascent, analytic_gradient_ascent]


def product():
    x, y = pb.units(x=-2.0, y=3.0)
    return x, y, x * y


def arrays():
    x = pb.Unit(np.array([[1.0, -2.0, 0.5]], "float32"), "x")
    w = pb.Unit(np.array([[0.3], [0.1], [-0.2]], "float32"), "w")
    return x, w, pb.sum(pb.tanh(x @ w))


def test_the_guides_numbers():
    x, y, f = product()
    assert numerical_gradient(f) == pytest.approx([3.0, -2.0], abs=1e-9)
    assert numerical_gradient(f, y) == pytest.approx(-2.0, abs=1e-9)
    assert numerical_gradient(f, [y, x], eps=1e-3) == pytest.approx([-2.0, 3.0], abs=1e-9)
    a, b, c = pb.units(x=-2.0, y=5.0, z=-4.0)
    assert numerical_gradient((a + b) * c) == pytest.approx([-4.0, -4.0, 3.0], abs=1e-8)
    for climb in (numerical_gradient_ascent, analytic_gradient_ascent):
        result = climb(f)
        assert result.path == pytest.approx((-6.0, -5.8706))
        assert result.values == pytest.approx({"x": -1.97, "y": 2.98})
    assert random_local_search(f).after > -6.0


def test_evaluations_are_counted():
    _, _, f = product()
    search = random_local_search(f, steps=3, tries=7)
    assert (search.evaluations, search.backward_passes) == (1 + 3 * 7, 0)
    numerical = numerical_gradient_ascent(f, steps=3)
    assert (numerical.evaluations, numerical.backward_passes) == (1 + 3 * (2 * 2 + 1), 0)
    analytic = analytic_gradient_ascent(f, steps=3)
    assert (analytic.evaluations, analytic.backward_passes) == (1 + 3, 3)
    assert [len(r.path) for r in (search, numerical, analytic)] == [4, 4, 4]


@pytest.mark.parametrize("strategy", ALL)
@pytest.mark.parametrize("lower", [False, True])
def test_every_step_goes_the_right_way(strategy, lower):
    for f in (product()[2], arrays()[2]):
        path = np.array(strategy(f, steps=5, lower=lower).path)
        assert np.all(np.diff(path) < 0) if lower else np.all(np.diff(path) > 0)


@pytest.mark.parametrize("strategy", ALL)
def test_the_circuit_is_left_as_it_was_unless_kept(strategy):
    x, w, f = arrays()
    f.backward()
    kept = [(u, u.value, u.grad, u.time) for u in pb.Circuit(f).wires]
    result = strategy(f, steps=2)
    assert all(u.value is v and u.grad is g and u.time == t for u, v, g, t in kept)
    again = strategy(f, steps=2, keep=True)
    np.testing.assert_array_equal(x.value, result.values["x"])
    np.testing.assert_array_equal(w.value, again.values["w"])
    assert x.value.dtype == np.float32
    assert float(f.value) == pytest.approx(again.after, rel=1e-5)
    assert f.forward() == f.value


def test_one_analytic_step_is_the_gradient_times_the_step():
    x, w, f = arrays()
    result = analytic_gradient_ascent(f, step_size=0.5)
    z = float((x.value @ w.value).item())
    slope = 1.0 - np.tanh(z) ** 2
    np.testing.assert_allclose(result.values["w"], w.value + 0.5 * slope * x.value.T, rtol=1e-6)
    np.testing.assert_allclose(result.values["x"], x.value + 0.5 * slope * w.value.T, rtol=1e-6)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (5,), (2, 3)])
def test_numerical_gradients_of_arrays(shape):
    x = pb.Unit(np.random.default_rng(0).normal(size=shape), "x")
    slope = numerical_gradient(pb.sum(pb.sin(x)), x)
    assert np.shape(slope) == shape
    np.testing.assert_allclose(slope, np.cos(x.value), atol=1e-7)


def test_float32_is_measured_in_double_precision():
    x = pb.Unit(np.array([1.0], "float32"), "x")
    y = pb.astype(x, "float32") ** 3
    np.testing.assert_allclose(numerical_gradient(pb.sum(y), x, eps=1e-6), [3.0], rtol=1e-7)


def test_random_search_is_the_same_for_the_same_seed_and_stays_where_nothing_is_better():
    _, _, f = product()
    first, second = random_local_search(f, seed=3), random_local_search(f, seed=3)
    assert first.values == second.values
    assert first.values != random_local_search(f, seed=4).values
    x = pb.Unit(0.0, "x")
    top = random_local_search(-(x * x), steps=2)
    assert top.path == (0.0, 0.0, 0.0)
    assert top.values == {"x": 0.0}


def test_the_comparison_starts_all_from_one_point():
    x, _, f = product()
    comparison = compare_strategies(f, steps=4, tries=20, seed=1)
    assert {result.before for result in comparison.results} == {-6.0}
    assert comparison.numerical.after == pytest.approx(comparison.analytic.after)
    assert comparison.analytic.after > comparison.random.after > -6.0
    lines = str(comparison).splitlines()
    assert lines[0].startswith("strategy             evaluations  backward passes  output before")
    assert [line.split()[0] for line in lines[1:]] == ["random", "numerical", "analytic"]
    assert lines[2].split()[2:4] == ["21", "0"]
    assert x.value == -2.0


def test_a_result_reads_well():
    _, _, f = product()
    text = str(analytic_gradient_ascent(f))
    assert text.splitlines()[0] == (
        "analytic gradient: -6 → -5.871 in 1 step, 2 evaluations and 1 backward pass"
    )
    assert text.splitlines()[1] == "  x = -1.97"


def test_labels_and_masks_hold_still():
    x, i = pb.Unit([1.0, 2.0], "x"), pb.Unit(np.array([1, 1]), "i")
    result = analytic_gradient_ascent(pb.sum(pb.take(x, i)))
    assert list(result.values) == ["x"]
    np.testing.assert_allclose(result.values["x"], [1.0, 2.02])


@pytest.mark.parametrize("strategy", [*ALL, numerical_gradient, compare_strategies])
def test_bad_input_is_refused(strategy):
    x = pb.Unit([1.0, 2.0], "x")
    with pytest.raises(CircuitError, match=r"shape \(2,\), and only one number can be raised"):
        strategy(x * x)
    with pytest.raises(CircuitError, match="depends on no source"):
        strategy(pb.constant(3.0))
    with pytest.raises(CircuitError, match="a Unit, got float"):
        strategy(3.0)
    with pytest.raises(CircuitError, match="is nan already"):
        strategy(pb.sum(pb.sqrt(-x)))


def test_bad_settings_are_refused():
    x, _, f = product()
    with pytest.raises(CircuitError, match="steps must be a whole number"):
        analytic_gradient_ascent(f, steps=0)
    with pytest.raises(CircuitError, match="tries must be a whole number"):
        random_local_search(f, tries=0)
    with pytest.raises(CircuitError, match="eps must be a finite number above 0"):
        numerical_gradient(f, eps=0.0)
    with pytest.raises(CircuitError, match="is not a source of numbers"):
        numerical_gradient(f, pb.Unit(1.0, "stranger"))
    with pytest.raises(CircuitError, match="take a smaller step_size"):
        analytic_gradient_ascent(pb.exp(x * x), steps=3, step_size=10.0)
    assert x.value == -2.0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("strategy", [*ALL, compare_strategies])
def test_step_sizes_that_lead_nowhere_are_refused_alike(strategy):
    for f in (product()[2], arrays()[2]):
        for size in (np.nan, np.inf, -0.1, 0.0, "a", None, [0.1]):
            with pytest.raises(CircuitError, match="step_size must be a finite number above 0"):
                strategy(f, step_size=size)
    x = pb.Unit([2.0, 3.0], "x")
    with pytest.raises(CircuitError, match=r"to (inf|nan); take a smaller step_size"):
        strategy(pb.sum(x * x * x), step_size=1e308)
    assert strategy(product()[2], step_size=np.float32(0.01))
