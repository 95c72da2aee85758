"""Schedules against their formulas, inside and outside of a step."""

import math

import numpy as np
import pytest

import pullback as pb
import pullback.optim as po
from pullback.engines.prepare import prepare


def cosine(k):
    return 0.01 + 0.29 * (1 + math.cos(math.pi * min(k, 7) / 7)) / 2


def pieces(k):
    return 0.3 if k < 2 else 0.1 if k < 5 else 0.2


# Each with its own formula of the step's number; a schedule without one fails the tests.
FORMULAS = {
    po.Constant(0.3): lambda k: 0.3,
    po.ExponentialDecay(0.3, 0.5, steps=4): lambda k: 0.3 * 2 ** (-k / 4),
    po.ExponentialDecay(0.3, 1.1): lambda k: 0.3 * 1.1**k,
    po.CosineDecay(0.3, steps=7, end=0.01): cosine,
    po.PiecewiseConstant((0.3, 0.1, 0.2), at=(2, 5)): pieces,
    po.PiecewiseConstant((0.3,), at=()): lambda k: 0.3,
    po.LinearWarmup(0.3, steps=5): lambda k: 0.3 * min((k + 1) / 5, 1),
    po.LinearWarmup(0.3, steps=1): lambda k: 0.3,
    po.LinearWarmup(po.CosineDecay(0.3, steps=7, end=0.01), steps=3): lambda k: (
        0.3 * (k + 1) / 3 if k < 3 else cosine(k - 3)
    ),
}
EACH = pytest.mark.parametrize(("schedule", "formula"), FORMULAS.items(), ids=map(repr, FORMULAS))


def descent(rate, engine="eager", dtype=np.float32):
    """A step of SGD with a gradient of 1, so that the parameter falls by the learning rate."""
    p, g = pb.Unit(np.zeros(3, dtype), "p"), pb.Unit(np.ones(3, dtype), "g")
    optimizer = pb.SGD(rate)
    memory = optimizer.init([p])
    moved, news = optimizer.update([g], memory, [p], optimizer.rate())
    updates = dict(zip([p, *memory], [*moved, *news], strict=True))
    return p, prepare(engine, pb.Program({}, {}, updates)), moved


def test_every_schedule_has_a_formula():
    assert {type(schedule).__name__ for schedule in FORMULAS} == set(po.SCHEDULES)


@EACH
def test_it_follows_its_formula(schedule, formula):
    step = pb.Unit(0.0, "step")
    rate = schedule(step)
    for k in range(20):
        step.value = k
        assert rate.forward() == pytest.approx(formula(k), rel=1e-14, abs=1e-17)
        assert type(rate.value) is float
        assert schedule(pb.constant(k)).value == rate.value


@EACH
def test_it_drives_the_steps(schedule, formula):
    p, step, moved = descent(schedule)
    sum_ = 0.0
    for k in range(12):
        step()
        sum_ += formula(k)
        np.testing.assert_allclose(p.value, -sum_, rtol=1e-6)
    assert p.dtype == moved[0].dtype == np.float32


@pytest.mark.parametrize("engine", ["jax", "native"])
def test_other_engines_follow_it_too(engine):
    schedule = po.LinearWarmup(po.CosineDecay(0.3, steps=7, end=0.01), steps=3)
    p, step, _ = descent(schedule, engine)
    for _ in range(12):
        step()
    np.testing.assert_allclose(p.value, -sum(map(FORMULAS[schedule], range(12))), rtol=1e-6)


@pytest.mark.parametrize(
    "schedule",
    [
        lambda step: 0.1,
        lambda step: np.float64(0.1),
        lambda step: pb.take(np.array([0.1, 0.1]), pb.astype(step * 0.0, "int64")),
        lambda step: 0.1 + 0.0 * step,
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_function_of_the_step_is_a_schedule(schedule, dtype):
    p, step, moved = descent(schedule, dtype=dtype)
    step()
    assert p.dtype == moved[0].dtype == dtype
    np.testing.assert_allclose(p.value, -0.1, rtol=1e-6)


def test_the_rate_of_a_schedule_has_its_name():
    _, _, (moved,) = descent(po.ExponentialDecay(0.3, 0.5))
    assert moved.inputs[1].inputs[0].name == "learning_rate"


def test_schedules_print_what_they_were_told():
    schedule = po.LinearWarmup(po.PiecewiseConstant([1, 0.5], at=[10.0]), steps=3)
    inner = "PiecewiseConstant(rates=(1.0, 0.5), at=(10,))"
    assert repr(schedule) == f"LinearWarmup(then={inner}, steps=3)"
    assert eval(repr(schedule), vars(po)) == schedule


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: po.Constant(0.0), "rate must be positive"),
        (lambda: po.ExponentialDecay(float("inf"), 0.5), "rate must be a finite number"),
        (lambda: po.ExponentialDecay(0.1, -0.5), "factor must be positive"),
        (lambda: po.ExponentialDecay(0.1, 0.5, steps=0), "steps must be positive"),
        (lambda: po.CosineDecay(0.1, steps=2.5), "steps must be a whole number"),
        (lambda: po.CosineDecay(0.1, steps=2, end=-1.0), "end must be at least 0"),
        (lambda: po.PiecewiseConstant((0.1, 0.2), at=()), "need 1 rates, got 2"),
        (lambda: po.PiecewiseConstant((0.1, 0.2, 0.3), at=(5, 5)), "must increase"),
        (lambda: po.PiecewiseConstant((0.1, -0.2), at=(5,)), "each rate must be positive"),
        (lambda: po.LinearWarmup("fast", steps=2), "then must be a finite number"),
        (lambda: po.LinearWarmup(0.1, steps=True), "steps must be a finite number"),
        (lambda: descent(lambda step: step * np.ones(2)), r"one number, got shape \(2,\)"),
    ],
)
def test_what_is_no_schedule_is_refused(make, message):
    with pytest.raises(pb.CircuitError, match=message):
        make()
