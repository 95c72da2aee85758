"""Schedules against their formulas, inside and outside of a step."""

import math
import pickle
import re

import numpy as np
import pytest

import pullback as pb
import pullback.optim as po
from pullback.engines.prepare import prepare


def cosine(k):
    return 0.01 + 0.29 * (1 + math.cos(math.pi * min(k, 7) / 7)) / 2


def pieces(k):
    return 0.3 if k < 2 else 0.1 if k < 5 else 0.2


def restarted(k):
    """The descents one after another: 3 steps, then 6, then 12."""
    steps = 3
    while k >= steps:
        k, steps = k - steps, 2 * steps
    return 0.01 + 0.29 * (1 + math.cos(math.pi * k / steps)) / 2


def triangle(k):
    cycle, within = divmod(k, 7)
    height = within / 4 if within <= 4 else (7 - within) / 3
    return 0.1 + 0.2 * height * 0.5**cycle


def cycled(k, levels=(0.012, 0.3, 0.0012), ends=(3, 9)):
    """Along half cosines from level to level, each up to the step of its end."""
    start = 0
    for end, a, b in zip(ends, levels, levels[1:], strict=False):
        if k <= end:
            return b + (a - b) * (1 + math.cos(math.pi * (k - start) / (end - start))) / 2
        start = end
    return levels[-1]


# Each with its own formula of the step's number; a schedule without one fails the tests.
FORMULAS = {
    po.Constant(0.3): lambda k: 0.3,
    po.ExponentialDecay(0.3, 0.5, steps=4): lambda k: 0.3 * 2 ** (-k / 4),
    po.ExponentialDecay(0.3, 1.1): lambda k: 0.3 * 1.1**k,
    po.CosineDecay(0.3, steps=7, end=0.01): cosine,
    po.CosineRestarts(0.3, steps=3, growth=2, end=0.01): restarted,
    po.CosineRestarts(0.3, steps=7, end=0.01): lambda k: cosine(k % 7),
    po.StepDecay(0.3, 0.5, steps=3): lambda k: 0.3 * 0.5 ** (k // 3),
    po.PolynomialDecay(0.3, steps=7, power=2, end=0.1): lambda k: (
        0.1 + 0.2 * (1 - min(k, 7) / 7) ** 2
    ),
    po.PolynomialDecay(0.3, steps=1): lambda k: 0.3 if k == 0 else 0.0,
    po.InverseSquareRoot(0.3, steps=4): lambda k: 0.3 * min((k + 1) / 4, (4 / (k + 1)) ** 0.5),
    po.Triangular(0.3, steps=4, down=3, low=0.1, factor=0.5): triangle,
    po.Triangular(0.3, steps=1): lambda k: 0.3 * (k % 2),
    po.OneCycle(0.3, steps=10, warmup=0.4, last=10): cycled,
    po.OneCycle(0.3, steps=10, warmup=0.4, last=10, three_phases=True): lambda k: cycled(
        k, (0.012, 0.3, 0.012, 0.0012), (3, 6, 9)
    ),
    po.OneCycle(0.3, steps=3, warmup=1 / 3, first=2, last=3, shape="linear"): lambda k: (
        0.3,
        0.175,
        0.05,
    )[min(k, 2)],  # no step leads up: the first one is at the top
    po.OneCycle(0.3, steps=1): lambda k: 0.3 / 25e4,
    po.OneCycleMomentum(steps=10, low=0.2, high=0.3, warmup=0.4): lambda k: cycled(
        k, (0.3, 0.2, 0.3), (3, 9)
    ),
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


@EACH
def test_it_pickles(schedule, formula):
    assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_restarts_are_at_their_step_however_far():
    for growth in (2, 3, 10):
        schedule, start, steps = po.CosineRestarts(0.3, 7, growth), 7, 7
        while start < 1e12:
            assert schedule(pb.constant(float(start))).value == 0.3
            assert schedule(pb.constant(start - 1.0)).value < 0.1
            steps *= growth
            start += steps


def test_the_steps_of_epochs_are_those_that_a_trainer_takes():
    x = np.ones((41, 1))
    trainer = pb.Trainer(pb.Dense(1), pb.SquaredError(), pb.SGD(lambda k: 1e-9), engine="eager")
    trainer.fit(x, x, epochs=3, batch_size=8, validation=0.1, progress=False)
    (count,) = trainer._step.memory.wires
    assert count.value == po.steps_in(3, rows=37, batch_size=8) == 15


@pytest.mark.parametrize("engine", ["jax", "native"])
def test_other_engines_follow_it_too(engine):
    each = [s for s in FORMULAS if not isinstance(s, po.Constant)]
    step = pb.Unit(0.0, "step")
    run = prepare(engine, pb.Program({"k": step}, {repr(s): s(step) for s in each}, {}))
    for k in range(20):
        for schedule, rate in zip(each, run(k=k).values(), strict=True):
            assert float(rate) == pytest.approx(FORMULAS[schedule](k), rel=1e-6, abs=1e-9)


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
        (lambda: po.LinearWarmup("fast", steps=2), "then is a positive number or "),
        (lambda: po.LinearWarmup(0.1, steps=True), "steps must be a finite number"),
        (lambda: po.LinearWarmup(po.CosineDecay("find", 9), 3)(pb.Unit(0.0)), "still to be found"),
        (lambda: po.StepDecay("find it", 0.5, 3), "rate is a positive number or "),
        (lambda: po.SGD("fnid"), "the learning rate is a positive number or \"find\", got 'fnid'"),
        (lambda: po.CosineRestarts(0.1, 3, growth=1.5), "growth must be a whole number"),
        (lambda: po.PolynomialDecay(0.1, 3, power=0.0), "power must be positive"),
        (lambda: po.Triangular(0.1, 3, low=0.1), "low must be below the rate 0.1"),
        (lambda: po.OneCycle(0.1, 3, warmup=1.2), "a share of the steps from 0 to 1, got 1.2"),
        (lambda: po.OneCycle(0.1, 3, warmup=0.6, three_phases=True), "from 0 to 0.5"),
        (lambda: po.OneCycle(0.1, 3, shape="cos"), "one of ('cosine', 'linear'), got 'cos'"),
        (lambda: po.OneCycle(0.1, 3).momentum(high=1.0), "high must be at least 0 and less than 1"),
        (lambda: po.steps_in(0, rows=9), "epochs must be positive"),
        (lambda: po.steps_in(1, rows=0), "rows must be positive"),
        (lambda: descent(lambda step: step * np.ones(2)), "one number, got shape (2,)"),
    ],
)
def test_what_is_no_schedule_is_refused(make, message):
    with pytest.raises(pb.CircuitError, match=re.escape(message)):
        make()
