"""The gradient check finds every planted fault, and raises no false alarm."""

from __future__ import annotations

import inspect as python_inspect

import numpy as np
import pytest
from tests.inspect.faults import WRONG, elementwise, relu_of_slope, takes

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.inspect.check import check_gradients
from pullback.inspect.report import GradientError


def deep(planted, x, w):
    """A circuit of a hundred gates with the planted gate in its middle, twice."""
    h = x
    for _ in range(12):
        h = pb.tanh(h @ w + 0.1)
    h = h + np.linspace(-2.0, 2.0, 9).reshape(3, 3)  # of both signs
    h = planted(*[h, h * 0.5 + 1.0][: takes(planted)])
    h = pb.broadcast_to(h, (3, 3)) if h.shape != (3, 3) else h
    for _ in range(12):
        h = pb.tanh(h @ w - 0.1)
    return pb.sum(planted(*[h, h][: takes(planted)]))


@pytest.mark.parametrize("fault", WRONG)
def test_a_planted_fault_deep_in_a_circuit_is_found_with_its_line(fault):
    rng = np.random.default_rng(1)
    x, w = pb.Unit(rng.normal(size=(3, 3)), "x"), pb.Unit(rng.normal(size=(3, 3)), "w")
    with pytest.raises(GradientError) as caught:
        check_gradients(deep(WRONG[fault], x, w))
    first = caught.value.report.failures[0]
    lines, start = python_inspect.getsourcelines(deep)
    line = start + next(k for k, text in enumerate(lines) if "planted(*" in text)
    assert first.gate == "planted"
    assert first.where == f"{__file__}:{line}"
    assert first.kind == "wrong rule"
    message = str(caught.value)
    for part in ("planted", first.where, "analytic", "numerical", "cure", "wrong rule"):
        assert part in message


SCALAR_FAULTS = [
    "sign flipped", "factor 2", "factor 1.01", "None", "one input None",
    "inputs exchanged", "nan", "infinite", "raises",
]  # fmt: skip


@pytest.mark.parametrize("fault", SCALAR_FAULTS)
@pytest.mark.parametrize("scale", [1e6, 1.0, 1e-6])
def test_a_fault_is_found_at_any_scale_of_numbers(fault, scale):
    planted = WRONG[fault]
    values = [-0.7 * scale, 0.3 * scale][: takes(planted)]
    xs = [pb.Unit(value, f"x{k}") for k, value in enumerate(values)]
    report = check_gradients(planted(*xs), on_failure="report")
    assert not report.ok
    assert report.failures[0].gate == "planted"


def test_a_fault_for_negative_numbers_alone_is_found_among_many_positive_ones():
    values = np.linspace(0.1, 2.0, 500)
    values[137] = -1.0
    report = check_gradients(pb.sum(WRONG["wrong below 0"](pb.Unit(values))), on_failure="report")
    assert report.failures[0].element == (137,)
    assert report.failures[0].analytic == pytest.approx(-3.0)
    assert report.failures[0].numerical == pytest.approx(3.0)
    assert "sign is flipped" in str(report.failures[0])


def test_a_rule_without_a_number_is_wrong_beside_a_finite_slope():
    report = check_gradients(
        WRONG["infinite below 0"](pb.Unit([1.0, 2.0, -1.0], "x")), on_failure="report"
    )
    assert report.failures[0].element == (2,)
    assert report.failures[0].numerical == pytest.approx(3.0)
    assert "answers inf where the slope is finite" in str(report)
    edge = elementwise(
        lambda m, x: m.multiply(x, m.sqrt(x)), lambda y, x: 1.5 * pb.sqrt(x) + np.inf
    )
    assert not check_gradients(edge(pb.Unit(0.0)), on_failure="report")
    lost = check_gradients(pb.sqrt(pb.Unit(0.0, "x") ** 2), on_failure="report")
    assert "an infinite slope on the way meets a zero" in str(lost.failures[0])


def test_a_rule_that_is_absurdly_large_is_not_excused_by_rounding():
    for factor in (1e10, 1e15, 1e20, 1e100):
        absurd = elementwise(lambda m, x: m.sin(x), lambda y, x, k=factor: k * pb.cos(x))
        assert not check_gradients(absurd(pb.Unit(0.5)), on_failure="report")
    assert not check_gradients(WRONG["factor 1.01"](pb.Unit(1e15)), on_failure="report")


@pytest.mark.parametrize("size", [3, 8, 20])
def test_a_fault_in_a_large_structural_gate_is_found(size):
    rng = np.random.default_rng(size)
    a, b = pb.Unit(rng.normal(size=(size, size))), pb.Unit(rng.normal(size=(size, size)))
    for fault in ("transposed left", "transposed right", "matmul without its right"):
        assert not check_gradients(WRONG[fault](a, b), on_failure="report")


def test_the_first_wrong_gate_in_running_order_is_named():
    x = pb.Unit(0.5, "x")
    first = WRONG["factor 2"](x).named("first")
    later = WRONG["sign flipped"](first).named("later")
    report = check_gradients(later, on_failure="report")
    assert [failure.wire for failure in report.failures] == ["'first'", "'later'"]


def test_a_wrong_input_is_named_among_several():
    x, w = pb.Unit(np.ones((2, 2)) * [1.0, 2.0], "x"), pb.Unit(np.eye(2) + 1.0, "w")
    report = check_gradients(WRONG["matmul without its right"](x, w), on_failure="report")
    assert [failure.input for failure in report.failures] == ["input 2 of 2, 'w'"]


# No false alarms -----------------------------------------------------------------------------


def network(x, w1, b1, w2):
    hidden = pb.relu(x @ w1 + b1)
    pooled = pb.maximum(hidden @ w2, 0.1)
    return -pb.mean(pb.log_softmax(pooled, axis=1)[:, 0]) + 0.01 * pb.sum(w1**2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(5))
def test_a_right_network_passes_in_either_precision(dtype, seed):
    rng = np.random.default_rng(seed)
    shapes = [(5, 7), (7, 9), (9,), (9, 3)]
    arrays = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    report = check_gradients(network, *arrays)
    assert report.ok
    assert [row.name for row in report.rows] == ["x", "w1", "b1", "w2"]
    assert report.rows[0].analytic.shape == (5, 7)
    assert max(row.error for row in report.rows) < 1e-4


@pytest.mark.parametrize("scale", [1e6, 1e3, 1e-3, 1e-6])
@pytest.mark.parametrize("seed", range(3))
def test_large_and_small_values_raise_no_alarm(scale, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape) * scale for shape in [(4, 3), (3, 5), (5,), (5, 2)]]
    assert check_gradients(network, *arrays).ok
    x, y = pb.Unit(scale * 1.3), pb.Unit(1.0 / scale)
    assert check_gradients(pb.tanh(x * y) + x / y + (x + y) ** 2.0 + pb.sqrt(x) * pb.log(y)).ok
    assert check_gradients(pb.sigmoid(x) + pb.softplus(-x) + pb.cos(y)).ok


def test_zeros_and_ties_raise_no_alarm():
    zeros = pb.Unit(np.zeros((3, 4)), "zeros")
    ties = pb.Unit(np.ones((3, 4)), "ties")
    for f in (
        pb.relu(zeros) + pb.abs(zeros) + pb.maximum(zeros, 0.0),
        pb.relu(zeros) - pb.relu(-zeros),
        pb.max(ties, axis=1),
        pb.max(pb.relu(zeros), axis=1),
        pb.min(ties, axis=0) * pb.max(ties, axis=0),
        pb.minimum(zeros, zeros) + pb.clip(ties, -1.0, 1.0),
        pb.where(pb.greater(zeros, 0.0), zeros, ties),
        pb.sqrt(ties - 1.0 + zeros * zeros + 1e-3),
    ):
        assert check_gradients(f).ok


def test_a_kink_is_noted_and_a_rule_outside_its_two_slopes_is_wrong():
    for slope in (0.0, 0.3, 1.0):
        assert check_gradients(relu_of_slope(slope)(pb.Unit(0.0))).ok
    note = check_gradients(pb.relu(pb.Unit(0.0, "x"))).notes[0]
    assert (note.kind, note.gate, note.analytic) == ("kink nearby", "relu", 0.0)
    assert note.numerical == pytest.approx(0.5)
    for slope in (-0.1, 1.1, 2.0):
        assert not check_gradients(relu_of_slope(slope)(pb.Unit(0.0)), on_failure="report")


@pytest.mark.parametrize("x", [0.0, 1e-12, -1e-9, 1e-7])
def test_an_undeclared_kink_is_recognised(x):
    undeclared = elementwise(lambda m, x: m.abs(x), lambda y, x: pb.greater(x, 0.0) * 2.0 - 1.0)
    report = check_gradients(pb.sum(undeclared(pb.Unit([x, 1.0, -1.0]))))
    assert report.ok
    flipped = elementwise(lambda m, x: m.abs(x), lambda y, x: 1.0 - pb.greater(x, 0.0) * 2.0)
    assert not check_gradients(pb.sum(flipped(pb.Unit([x, 1.0]))), on_failure="report")


def test_a_slope_that_drowns_in_rounding_is_a_note():
    drowned = elementwise(
        lambda m, x: m.subtract(m.add(m.sin(x), 1e16), 1e16), lambda y, x: pb.cos(x)
    )
    report = check_gradients(drowned(pb.Unit(0.5)), on_failure="report")
    assert report.ok or report.failures[0].gate == "planted"
    x = pb.Unit(1e-3, "x")
    assert check_gradients(pb.sin(x) + 1e13 * pb.constant(1.0)).ok


def test_a_slope_that_is_infinite_is_no_fault():
    root = elementwise(lambda m, x: m.sqrt(m.abs(x)), lambda y, x: 0.5 * pb.sign(x) / y + np.inf)
    for f in (pb.sqrt(pb.Unit([0.0, 1.0])), root(pb.Unit(0.0)), pb.log(pb.Unit(1e-310))):
        report = check_gradients(f)
        assert report.rows[0].note == "kink nearby"
        assert "the slope is infinite here" in str(report)


@pytest.mark.parametrize("x", [1e6, 1e10, -1e13, 1.6e14, -1e15, 1e16, 1e18, 1e30, 1e300])
def test_waves_shorter_than_the_numbers_are_large_raise_no_alarm(x):
    for f in (pb.sin, pb.cos):
        assert check_gradients(f(pb.Unit(x) * 3.0)).ok
        assert check_gradients(pb.sum(f(pb.Unit([x, 1.0, 2.0 * x])))).ok
    flipped = elementwise(lambda m, x: m.sin(x), lambda y, x: -pb.cos(x))
    assert not check_gradients(flipped(pb.Unit(1e6)), on_failure="report")


def test_what_stops_the_gradient_on_purpose_is_no_fault():
    x = pb.Unit([0.3, -0.4], "x")
    straight_through = x + pb.stop_gradient(pb.sign(x) - x)
    assert check_gradients(pb.sum(straight_through * x)).ok
    a, b = pb.units(a=2.0, b=np.ones(3))
    stopped, free = check_gradients(pb.stop_gradient(a) * b).rows
    assert stopped.analytic == stopped.numerical == 0.0
    assert np.all(free.analytic != 0.0)
    assert check_gradients(pb.stop_gradient(a)).ok


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e200, 1e308, 1e-200, 1e-308])
def test_extreme_values_are_judged_without_warnings(scale):
    x, y = pb.Unit(np.array([[scale, 0.0], [0.5 * scale, scale]]), "x"), pb.Unit(np.eye(2), "y")
    assert check_gradients(x @ y).ok
    assert check_gradients(pb.log(pb.Unit(scale)) + pb.max(x * 0.5)).ok
    for fault in ("infinite", "nan"):
        assert not check_gradients(WRONG[fault](pb.Unit([1e100, 1.0])), on_failure="report")


def test_random_gates_and_casts_are_run_again_with_the_same_numbers():
    x = pb.Unit(np.linspace(-1, 1, 6, dtype="float32"), "x")
    keep = pb.random((6,), seed=3, dtype="float32") > 0.5
    noise = pb.random((6,), seed=pb.Unit(np.array(5)), kind="normal", dtype="float32")
    y = pb.astype(pb.astype(x, "float32") * pb.astype(keep, "float32"), "float32") * noise
    assert check_gradients(pb.sum(y * y)).ok


# What may be checked -------------------------------------------------------------------------


def test_the_circuit_is_left_as_it_was():
    x = pb.Unit(np.array([1.0, 2.0], "float32"), "x")
    y = pb.sum(x * x)
    y.backward(3.0)
    kept = (x.value, x.grad, y.value, y.grad, x.time, y.time)
    check_gradients(y)
    now = (x.value, x.grad, y.value, y.grad, x.time, y.time)
    assert all(a is b for a, b in zip(kept, now, strict=True))
    assert x.dtype == np.float32


def test_the_same_gradients_as_by_hand_are_reported():
    x, y, z = pb.units(x=-2.0, y=5.0, z=-4.0)
    report = check_gradients(pb.Circuit((x + y) * z))
    assert bool(report) is report.ok is True
    assert [float(row.analytic) for row in report.rows] == [-4.0, -4.0, 3.0]
    assert [float(row.numerical) for row in report.rows] == pytest.approx([-4.0, -4.0, 3.0])
    assert report.gates == 2


def test_wires_functions_and_models_are_taken():
    class Doubled:
        def __init__(self):
            self.w = pb.Unit(np.full((2, 3), 0.5, "float32"), "w")
            self.parameters = [self.w]

        def __call__(self, x):
            return pb.relu(x @ self.w)

    assert [row.name for row in check_gradients(Doubled(), [[1.0, 2.0]]).rows] == ["w", "x"]
    x = pb.Unit(2.0, "x")
    assert check_gradients([x * x, pb.exp(x)]).ok
    assert check_gradients(lambda a, *rest: {"y": a * rest[0]}, 2.0, np.ones(3)).ok
    assert check_gradients(lambda x, i: pb.take(x, i), [1.0, 2.0], np.array([0, 0, 1])).ok


@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (0, 3), (65,), (11, 13)])
def test_sources_of_any_size(shape):
    x = pb.Unit(np.random.default_rng(0).normal(size=shape), "x")
    report = check_gradients(pb.sum(pb.tanh(x) * x))
    row = report.rows[0]
    assert row.directions == (np.prod(shape) > 64)
    if not row.directions:
        t = np.tanh(x.value)
        np.testing.assert_allclose(row.analytic, (1 - t * t) * x.value + t, rtol=1e-6)
        np.testing.assert_allclose(row.numerical, row.analytic, rtol=1e-5)


def test_a_big_circuit_is_sampled_in_reasonable_time():
    wires = [pb.Unit(float(k % 7) - 3.1) for k in range(2000)]
    y = wires[0]
    for x in wires[1:]:
        y = pb.tanh(y + x)
    assert check_gradients(y).ok


def test_bad_input_is_refused_with_one_clear_error():
    x = pb.Unit(1.0, "x")
    with pytest.raises(CircuitError, match="no output carries floats"):
        check_gradients(x > 0.0)
    with pytest.raises(CircuitError, match="depends on no float source"):
        check_gradients(pb.constant(1.0))
    with pytest.raises(CircuitError, match=r"must return a Unit.*got float"):
        check_gradients(lambda x: 1.0, 2.0)
    with pytest.raises(CircuitError, match="inputs are given to a function"):
        check_gradients(x * x, 2.0)
    for settings in ({"eps": "a"}, {"eps": np.inf}, {"eps": -1.0}, {"rtol": "a"}, {"atol": np.nan}):
        with pytest.raises(CircuitError, match="must be a finite number"):
            check_gradients(x * x, **settings)
    with pytest.raises(CircuitError, match="on_failure"):
        check_gradients(x * x, on_failure="ignore")
    with pytest.raises(CircuitError, match="takes a wire"):
        check_gradients("x")
    with pytest.raises(CircuitError, match="matmul cannot take"):
        check_gradients(lambda a, b: a @ b, np.ones((2, 3)), np.ones((2, 3)))
    root = pb.sqrt(pb.Unit(-1.0, "below")).named("root")
    with pytest.raises(CircuitError, match="'root' is nan, the first wire"):
        check_gradients(root * x + 1.0)
    with pytest.raises(CircuitError, match="'bad' is infinite"):
        check_gradients(pb.Unit([np.inf, 1.0], "bad") * x)


def test_the_report_reads_well():
    x = pb.Unit(2.0, "x")
    text = str(check_gradients(WRONG["factor 2"](x), on_failure="report"))
    assert "1 gate checked: 1 wrong" in text
    assert "here it answers 2 times the slope" in text
    assert "random forces" not in text
    many = str(check_gradients(pb.Unit([1.0, 2.0], "x") ** 2))
    assert "random forces pulled on the outputs" in many


@pytest.mark.parametrize(
    ("f", "note"),
    [
        (pb.erf(pb.Unit(6.0)), "both about zero"),
        (pb.softmax(pb.Unit([100.0, 0.0, -100.0])), "both about zero"),
        (pb.relu(pb.Unit(0.0)), "kink nearby"),
        (pb.sum(pb.relu(pb.Unit([0.0, 1.0])) * 3.0), "kink nearby"),
        (pb.sin(pb.Unit(1e15)), "rounding"),
        (pb.sin(pb.Unit(1.0)), "below 1e-6"),
        (pb.log(pb.Unit(1e-320)), "rounding"),  # 1 / x overflows, and no step is short enough
        (pb.sqrt(pb.Unit(1e-320)), "rounding"),
        (pb.log(pb.Unit(1e-160) * 1e-160), "rounding"),
        (pb.sum(pb.log(pb.Unit([1e-320, 1.0]))), "rounding"),
        (0.0 ** pb.Unit(0.0), "kink nearby"),  # 0**-h is infinite
    ],
)
def test_a_difference_that_is_no_fault_says_why(f, note):
    lines = str(check_gradients(f)).splitlines()
    row = lines[lines.index(next(x for x in lines if x.startswith("source"))) + 1]
    assert row.endswith(note)


def test_a_slope_that_cannot_be_measured_is_no_slope_of_about_zero():
    text = str(check_gradients(pb.Unit(0.0, "x") ** pb.Unit(0.0, "y")))
    assert "all gradients are right" in text
    assert "steps from here lead to -inf, so there is no slope to measure" in text
    assert "about zero" not in text
    assert "the slope overflows, as the rule says" in str(check_gradients(pb.log(pb.Unit(1e-320))))


@pytest.mark.parametrize("size", [1e-320, 1e-300, 1.0, 1e300])
def test_a_wrong_rule_is_found_at_any_size_that_can_be_measured(size):
    wrong = elementwise(lambda m, x: m.multiply(x, 2.0), lambda y, x: 3.0)
    report = check_gradients(wrong(pb.Unit(size)), on_failure="report")
    assert report.ok == (size < 1e-308)
