"""Fast parameters and slow ones; that the numbers are Optax's: see test_optimizers.py."""

import numpy as np
import pytest

import pullback as pb

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype("f4")
Y = RNG.integers(0, 2, 24)


def trainer_of(optimizer):
    model = pb.Sequential(pb.Dense(4), pb.Tanh(), pb.Dense(2), rng=0)
    return pb.Trainer(model, pb.SoftmaxCrossEntropy(), optimizer, engine="eager")


def numbers(trainer):
    return {name: p.value for name, p in trainer.model.parameters.items()}


def slow_of(trainer):
    wires = {unit.name: unit for unit in trainer._step.memory.wires}
    return {name: wires[f"{name}.slow"].value for name in trainer.model.parameters}


def test_it_runs_ahead_and_meets_the_slow_ones_at_every_so_many_steps():
    trainer = trainer_of(pb.Lookahead(pb.SGD(0.1), steps=3, alpha=0.25))
    plain = trainer_of(pb.SGD(0.1))
    for one in (trainer, plain):
        one.model(X)
    start = numbers(plain)
    for one in (trainer, plain):
        one.fit(X, Y, epochs=1, batch_size=12, progress=False)  # two steps
    for name, value in numbers(trainer).items():
        np.testing.assert_array_equal(value, numbers(plain)[name])
        np.testing.assert_array_equal(slow_of(trainer)[name], start[name])
    for one in (trainer, plain):
        one.fit(X, Y, epochs=1, batch_size=24, progress=False)
    for name, value in numbers(trainer).items():
        met = start[name] + 0.25 * (numbers(plain)[name] - start[name])
        np.testing.assert_allclose(value, met, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(slow_of(trainer)[name], value)


def test_what_rested_goes_on_from_where_it_is():
    trainer = trainer_of(pb.Lookahead(pb.Adam(0.1), steps=2))
    trainer.fit(X, Y, epochs=1, batch_size=12, progress=False)
    trainer.model["dense1"].freeze()
    before = trainer.model["dense1"].weight.value.copy()
    trainer.fit(X, Y, epochs=2, batch_size=12, progress=False)
    np.testing.assert_array_equal(trainer.model["dense1"].weight.value, before)
    trainer.model["dense1"].unfreeze()
    np.testing.assert_array_equal(slow_of(trainer)["dense1.weight"], before)
    trainer.fit(X, Y, epochs=1, batch_size=12, progress=False)
    after = trainer.model["dense1"].weight.value
    assert (after != before).any()
    np.testing.assert_array_equal(slow_of(trainer)["dense1.weight"], after)


def test_slow_parameters_have_memory_of_their_own():
    p = pb.Unit(np.ones(3, "f4"), "p")
    _, slow = pb.Lookahead(pb.SGD(0.1)).init([p])
    assert not np.shares_memory(slow.value, p.value)
    assert [type(unit.value) for unit in pb.Lookahead(pb.SGD(0.1)).init([pb.Unit(2.0)])] == [
        float,
        float,
    ]


@pytest.mark.parametrize("alpha", [0.0, -0.5, 1.5, float("nan"), "0.5"])
def test_an_alpha_that_leads_nowhere_is_refused(alpha):
    with pytest.raises(pb.CircuitError, match="alpha must be"):
        pb.Lookahead(pb.SGD(0.1), alpha=alpha)


def test_it_needs_an_optimizer():
    with pytest.raises(pb.CircuitError, match="Lookahead goes around an Optimizer"):
        pb.Lookahead(pb.SGD)
