"""At every declared kink a rule answers a value between the slopes on both sides."""

import numpy as np
import pytest

import pullback as pb

TIE = [(1.5, 1.5), (-0.5, -0.5), (0.0, 0.0)]
SQUARE = np.array([[1.0, 3.0, 3.0], [3.0, 2.0, 0.0]])
WINDOWS = {"size": (2, 2), "stride": (1, 1), "padding": ((0, 0), (1, 0))}
LANES = {"axis": (0, 1), "keepdims": False}
# For each gate that declares kinks: inputs that stand on one, and what else the gate is told.
AT_KINKS = {
    "abs": [((0.0,), {}), ((-0.0,), {})],
    "arctan2": [((0.0, -0.5), {}), ((0.0, 0.0), {})],
    "clip": [((-1.0, -1.0, 1.0), {}), ((1.0, -1.0, 1.0), {})],
    "floor": [((2.0,), {}), ((-1.0,), {})],
    "max": [((SQUARE,), LANES), ((np.ones((4, 2)),), {"axis": (0,), "keepdims": True})],
    "max_pool": [((np.ones((1, 2, 3, 1)),), WINDOWS)],
    "min": [((-SQUARE,), LANES), ((np.ones((4, 2)),), {"axis": (0,), "keepdims": True})],
    "mod": [((4.0, 2.0), {}), ((-3.0, 1.5), {})],
    "norm": [((np.zeros((2, 3)),), LANES)],
    "relu": [((0.0,), {}), ((-0.0,), {})],
    "sign": [((0.0,), {}), ((-0.0,), {})],
    **{
        name: [(tie, {}) for tie in TIE]
        for name in (
            *("equal", "greater", "greater_equal", "less", "less_equal", "not_equal"),
            *("maximum", "minimum"),
        )
    },
}


def test_every_gate_with_kinks_is_tested_on_them():
    assert set(AT_KINKS) == {name for name, gate in pb.GATES.items() if gate.kinks}


@pytest.mark.parametrize("name", sorted(AT_KINKS))
def test_declared_distance_is_zero_on_the_kink(name):
    for inputs, static in AT_KINKS[name]:
        assert np.all(np.asarray(pb.GATES[name].kinks(*inputs, **static)) == 0.0)


def one_sided(function, inputs, i, at, h):
    """The slope beyond the kink, on the side to which h points, by element `at` of input `i`."""
    ends = []
    for step in (h, 2.0 * h):
        moved = [np.array(x) for x in inputs]
        moved[i][at] += step
        ends.append(np.asarray(function(*moved), float))
    return (ends[1] - ends[0]) / h


@pytest.mark.parametrize("name", sorted(AT_KINKS))
def test_rule_lies_between_the_slopes_on_both_sides(name):
    for inputs, static in AT_KINKS[name]:
        xs = [pb.Unit(x) for x in inputs]
        y = pb.GATES[name](*xs, **static)
        pb.sum(y * 1.0).backward()
        for i, x in enumerate(xs):
            for at in np.ndindex(x.shape):
                sides = [
                    np.sum(
                        one_sided(lambda *v, s=static: pb.GATES[name](*v, **s), inputs, i, at, h)
                    )
                    for h in (-1e-6, 1e-6)
                ]
                grad = np.asarray(x.grad)[at]
                assert min(sides) - 1e-6 <= grad <= max(sides) + 1e-6, (name, i, at, sides, grad)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_a_tie_pulls_the_first_input_alone(name):
    a, b = pb.units(a=2.0, b=2.0)
    pb.GATES[name](a, b).backward(5.0)
    assert (a.grad, b.grad) == (5.0, 0.0)


@pytest.mark.parametrize(("function", "sign"), [(pb.max, 1.0), (pb.min, -1.0)])
def test_tied_elements_share_the_pull_in_equal_parts(function, sign):
    x = pb.Unit(sign * SQUARE)
    function(x).backward(6.0)
    np.testing.assert_array_equal(x.grad, [[0.0, 2.0, 2.0], [2.0, 0.0, 0.0]])


def test_the_slope_of_relu_and_abs_at_zero_is_zero():
    for function in (pb.relu, pb.abs):
        x = pb.Unit(0.0)
        function(x).backward()
        assert x.grad == 0.0


def test_clip_still_pulls_x_on_its_bounds_and_crossed_bounds_pull_the_upper():
    x = pb.Unit([-1.0, 1.0])
    pb.sum(pb.clip(x, -1.0, 1.0)).backward()
    np.testing.assert_array_equal(x.grad, [1.0, 1.0])
    x, low, high = pb.units(x=0.0, low=2.0, high=-2.0)
    y = pb.clip(x, low, high)
    y.backward()
    assert (y.value, x.grad, low.grad, high.grad) == (-2.0, 0.0, 0.0, 1.0)


def test_powers_at_zero_have_their_limits():
    for n, slope in [(0.0, 0.0), (1.0, 1.0), (2.0, 0.0), (3.0, 0.0)]:
        x = pb.Unit(0.0)
        y = x**n
        y.backward()
        assert x.grad == slope
        assert pb.gradient(y, x).value == slope
    x = pb.Unit(0.0)
    curvature = pb.gradient(pb.gradient(x**2, x), x)
    assert curvature.value == 2.0
