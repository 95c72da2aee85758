"""Models of energy: each inference against what it means, by enumeration and by closed forms."""

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

import pullback as pb
from pullback.models import ContrastiveDivergence, Descent, EnergyModel, Enumeration
from pullback.models.energy import flip_bits
from pullback.models.energy.energy_model import Energy

F8 = {"dtype": "float64"}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3))
BITS = np.array(list(itertools.product([0.0, 1.0], repeat=3)))


def apart(layers, x, y, training):
    """How far y is from a linear map of x."""
    d = y - layers.dense(x, training=training)
    return 0.5 * (d * d).sum(axis=1)


def linear(units=3):
    return pb.Model(apart, dense=pb.Dense(units, rng=0, **F8))


def test_enumeration_is_the_exact_likelihood():
    model = EnergyModel(linear(), Enumeration(BITS))
    scores = model(X)
    w, b = (unit.value for unit in model.parameters.values())
    energies = 0.5 * ((BITS[None] - (X @ w + b)[:, None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(scores.value, -energies, rtol=1e-12)
    right = RNG.integers(8, size=6)
    loss = pb.SoftmaxCrossEntropy()(scores, right)
    wanted = (energies[np.arange(6), right] + logsumexp(-energies, axis=1)).mean()
    assert float(loss.value) == pytest.approx(wanted, rel=1e-12)
    assert pb.check_gradients(loss)


def test_enumeration_learns_which_values_belong_together():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 3))
    labels = (x > 0) @ [4, 2, 1]  # the number of the bits among BITS
    model = EnergyModel(pb.Model(apart, dense=pb.Dense(3, rng=0)), Enumeration(BITS))
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.1), engine="eager")
    assert trainer.fit(x, labels, epochs=60).rows[-1]["accuracy"] > 0.95


@pytest.mark.parametrize("unrolled", [False, True])
def test_descent_goes_the_way_that_its_slope_says(unrolled):
    model = EnergyModel(linear(), Descent(4, 0.3, unrolled))
    start = RNG.normal(size=X.shape)
    y = model(X, start)
    w, b = (unit.value for unit in model.parameters.values())
    goal = X @ w + b  # of this energy, each step leaves 0.7 of the way
    np.testing.assert_allclose(y.value, goal + 0.7**4 * (start - goal), rtol=1e-12)
    np.testing.assert_allclose(model(X).value, goal + 0.7**4 * (X - goal), rtol=1e-12)


def bumpy(layers, x, y, training):
    u = pb.tanh(layers.dense(y, training=training))
    return (0.5 * (y - x) * (y - x)).sum(axis=1) + (u * u).sum(axis=1)


def test_a_loop_of_steps_is_the_steps_and_trains_through_them():
    made = []
    for unrolled in (False, True):
        model = EnergyModel(
            pb.Model(bumpy, dense=pb.Dense(4, rng=2, **F8)), Descent(3, 0.2, unrolled)
        )
        x = pb.Unit(X, "x")
        loss = pb.SquaredError()(model(x), np.cos(X))
        slopes = pb.gradient(loss, [x, *model.parameters.values()])
        made.append([loss.value, *(s.value for s in slopes)])
        assert pb.check_gradients(loss)
    for a, b in zip(*made, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("engine", ["native", "jax"])
def test_every_engine_goes_down_the_energy_of_a_convolution(engine):
    def energy(layers, x, y, training):
        u = layers.filters(y, training=training)
        return pb.log1p(u * u).sum(axis=(1, 2, 3)) + ((y - x) * (y - x)).sum(axis=(1, 2, 3))

    filters = pb.Conv2d(1, 3, padding="same", rng=0, **F8)
    model = EnergyModel(pb.Model(energy, filters=filters), Descent(3, 0.1))
    x = pb.Unit(np.random.default_rng(3).normal(size=(2, 5, 4, 1)), "x")
    loss = (model(x) * model(x)).sum()
    slopes = pb.gradient(loss, list(model.parameters.values()))
    outputs = {"loss": loss} | {str(k): slope for k, slope in enumerate(slopes)}
    program = pb.Program({}, outputs, {})
    wanted, got = (pb.prepare(name, program)() for name in ("eager", engine))
    for name, value in wanted.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-9, err_msg=name)


def pairs(layers, y, training):
    """A Boltzmann machine: what bits are worth, and what they are worth together."""
    return -(y * layers.dense(y, training=training)).sum(axis=1)


def test_flipped_bits_are_distributed_by_their_energy():
    model = pb.Model(pairs, dense=pb.Dense(3, rng=5, **F8))
    energies = model(BITS).value
    wanted = softmax(-energies)
    y = pb.Unit(np.zeros((20_000, 3)))
    for step in range(12):
        y = pb.Unit(flip_bits(Energy(model, None), (y,), pb.Training(1, step)).value)
    found = np.bincount((y.value @ [4, 2, 1]).astype(int), minlength=8) / len(y.value)
    np.testing.assert_allclose(found, wanted, atol=4 * np.sqrt(0.25 / 20_000))


def test_contrastive_divergence_pulls_on_two_energies_and_not_on_the_sample():
    energy = pb.Model(pairs, dense=pb.Dense(3, rng=5, **F8))
    model = EnergyModel(energy, ContrastiveDivergence(2))
    both = model(BITS, training=pb.Training(3, 4))
    np.testing.assert_allclose(both.value[:, 0], energy(BITS).value, rtol=1e-13)
    loss = pb.EnergyGap()(both, BITS)
    slope = pb.gradient(loss, energy.parameters["energy.dense.weight"]).value
    calls = []

    def watched(*given):
        made = flip_bits(*given)
        calls.append(made.value)
        return made

    EnergyModel(energy, ContrastiveDivergence(2, watched))(BITS, training=pb.Training(3, 4))
    made = calls[-1]
    assert set(np.unique(made)) <= {0.0, 1.0}
    np.testing.assert_allclose(both.value[:, 1], energy(made).value, rtol=1e-13)
    np.testing.assert_allclose(slope, (made.T @ made - BITS.T @ BITS) / 8, rtol=1e-12, atol=1e-14)


def test_what_cannot_be_is_refused():
    def of_tables(layers, y, training):
        return layers.dense(y, training=training).sum(axis=(1, 2))

    table = pb.Model(of_tables, dense=pb.Dense(2, **F8))
    for make, message in (
        (lambda: Enumeration(1.0), "needs all values of y"),
        (lambda: Enumeration([]), "needs all values of y"),
        (lambda: Descent(0), "steps are a whole number of at least 1, got 0"),
        (lambda: Descent(True), "steps are a whole number"),
        (lambda: Descent(1, 0.0), "rate of descent must be positive"),
        (lambda: ContrastiveDivergence(1.5), "steps are a whole number"),
        (lambda: EnergyModel(pb.Dense(2), "viterbi"), "needs an inference, got 'viterbi'"),
        (lambda: EnergyModel(pb.Dense(2), ContrastiveDivergence())(X), "one number a row"),
        (lambda: EnergyModel(table, ContrastiveDivergence())(X[None]), "flip_bits needs a y"),
    ):
        with pytest.raises(pb.CircuitError, match=message):
            make()
