"""Schedules against those of PyTorch and Optax, step by step, at their ends and beyond them."""

import math

import jax
import numpy as np
import optax
import pytest

import pullback as pb
import pullback.optim as po

STEPS = 130


def rates(schedule):
    return [float(schedule(pb.constant(float(k))).value) for k in range(STEPS)]


BY_OPTAX = {
    po.CosineDecay(0.3, 100, end=0.03): optax.cosine_decay_schedule(0.3, 100, alpha=0.1),
    po.PolynomialDecay(0.3, 100, power=3, end=0.1): optax.polynomial_schedule(0.3, 0.1, 3, 100),
    po.StepDecay(0.3, 0.5, 20): optax.exponential_decay(0.3, 20, 0.5, staircase=True),
    po.ExponentialDecay(0.3, 0.5, 20): optax.exponential_decay(0.3, 20, 0.5),
    po.PiecewiseConstant((0.3, 0.03, 0.015), at=(20, 70)): (
        optax.piecewise_constant_schedule(0.3, {20: 0.1, 70: 0.5})
    ),
    po.CosineRestarts(0.3, steps=20, growth=2): optax.sgdr_schedule(
        [
            {"init_value": 0.3, "peak_value": 0.3, "decay_steps": n, "warmup_steps": 0}
            for n in (20, 40, 80)
        ]
    ),
}


@pytest.mark.parametrize("schedule", BY_OPTAX, ids=repr)
def test_optax_makes_the_same(schedule):
    with jax.enable_x64(True):
        theirs = np.asarray(BY_OPTAX[schedule](np.arange(STEPS)))
    np.testing.assert_allclose(rates(schedule), theirs, rtol=1e-12, atol=1e-16)


# Of each the PyTorch scheduler, for an optimizer of that rate, and the steps it is defined for.
BY_TORCH = {
    po.StepDecay(0.3, 0.5, 20): ("StepLR", {"step_size": 20, "gamma": 0.5}, STEPS),
    po.ExponentialDecay(0.3, 0.97): ("ExponentialLR", {"gamma": 0.97}, STEPS),
    po.PiecewiseConstant((0.3, 0.03, 0.003), at=(20, 70)): (
        "MultiStepLR",
        {"milestones": [20, 70]},
        STEPS,
    ),
    po.PolynomialDecay(0.3, 100, power=2): (
        "PolynomialLR",
        {"total_iters": 100, "power": 2.0},
        STEPS,
    ),
    po.LinearWarmup(0.3, 10): ("LinearLR", {"start_factor": 0.1, "total_iters": 9}, STEPS),
    po.CosineDecay(0.3, 100, end=0.01): (  # which goes up again, beyond them
        "CosineAnnealingLR",
        {"T_max": 100, "eta_min": 0.01},
        101,
    ),
    po.CosineRestarts(0.3, 5, growth=2, end=0.01): (
        "CosineAnnealingWarmRestarts",
        {"T_0": 5, "T_mult": 2, "eta_min": 0.01},
        STEPS,
    ),
    po.CosineRestarts(0.3, 7): ("CosineAnnealingWarmRestarts", {"T_0": 7}, STEPS),
    po.Triangular(0.3, steps=7, low=0.1): (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 7, "cycle_momentum": False},
        STEPS,
    ),
    po.Triangular(0.3, steps=7, down=12, low=0.1, factor=0.5): (
        "CyclicLR",
        {
            "base_lr": 0.1,
            "max_lr": 0.3,
            "step_size_up": 7,
            "step_size_down": 12,
            "mode": "triangular2",
            "cycle_momentum": False,
        },
        STEPS,
    ),
}


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is not installed: see the extra `bench`")


def stepped(torch, name, told, steps):
    """The rates and momenta of an optimizer of PyTorch, step by step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.3, momentum=0.9)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **told)
    found = []
    for k in range(steps):
        found.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        if k + 1 < steps:
            scheduler.step()
    return np.array(found).T


@pytest.mark.parametrize("schedule", BY_TORCH, ids=repr)
def test_pytorch_makes_the_same(torch, schedule):
    name, told, steps = BY_TORCH[schedule]
    theirs, _ = stepped(torch, name, told, steps)
    np.testing.assert_allclose(rates(schedule)[:steps], theirs, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("three_phases", [False, True])
@pytest.mark.parametrize(("shape", "theirs"), [("cosine", "cos"), ("linear", "linear")])
@pytest.mark.parametrize(("steps", "warmup"), [(100, 0.3), (117, 0.25), (7, 0.4), (10, 0.45)])
def test_one_cycle_is_pytorchs(torch, steps, warmup, shape, theirs, three_phases):
    cycle = po.OneCycle(
        0.3, steps, warmup, first=20, last=50, shape=shape, three_phases=three_phases
    )
    told = {
        "max_lr": 0.3,
        "total_steps": steps,
        "pct_start": warmup,
        "anneal_strategy": theirs,
        "div_factor": 20,
        "final_div_factor": 50,
        "three_phase": three_phases,
    }
    rate, momentum = stepped(torch, "OneCycleLR", told, steps)
    np.testing.assert_allclose(rates(cycle)[:steps], rate, rtol=1e-11)
    np.testing.assert_allclose(rates(cycle.momentum())[:steps], momentum, rtol=1e-11)
    end = rates(cycle)[min(steps, STEPS) - 1]
    assert rates(cycle)[-1] == pytest.approx(end) == pytest.approx(0.3 / 1000)
    assert math.isclose(rates(cycle.momentum())[-1], 0.95)
