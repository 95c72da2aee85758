"""The restricted Boltzmann machine: its free energy, its samples, and that it learns."""

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from sklearn.metrics import roc_auc_score

import pullback as pb
from pullback.datasets import load_dataset
from pullback.models import rbm
from pullback.models.energy.energy_model import Energy
from pullback.models.rbm import block_gibbs


def bits(count):
    return np.array(list(itertools.product([0.0, 1.0], repeat=count)))


def small(hidden=3, visible=4):
    """A machine whose numbers are not small."""
    model, rng = rbm(hidden), np.random.default_rng(2)
    model(np.zeros((1, visible), np.float32))
    for unit in model.parameters.values():
        unit.value = rng.normal(size=unit.shape).astype(np.float32)
    return model


def test_the_free_energy_sums_up_all_hidden_units():
    model, v, h = small(), bits(4), bits(3)
    w, b, c = (unit.value.astype(np.float64) for unit in model.parameters.values())
    joint = (v @ b)[:, None] + h @ c + v @ w @ h.T
    np.testing.assert_allclose(model["energy"](v).value, -logsumexp(joint, axis=1), rtol=1e-6)


def test_samples_are_distributed_by_the_free_energy():
    model = small()
    wanted = softmax(-model["energy"](bits(4)).value)
    v = pb.Unit(np.zeros((20_000, 4), np.float32))
    for step in range(30):
        v = pb.Unit(block_gibbs(Energy(model["energy"], None), (v,), pb.Training(0, step)).value)
    found = np.bincount((v.value @ [8, 4, 2, 1]).astype(int), minlength=16) / 20_000
    np.testing.assert_allclose(found, wanted, atol=4 * np.sqrt(0.25 / 20_000))


def likelihood(model, rows):
    """The exact mean log-likelihood, by all that can be seen."""
    every = -model["energy"](bits(rows.shape[1]).astype(np.float32)).value.astype(np.float64)
    return float((-model["energy"](rows).value - logsumexp(every)).mean())


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_contrastive_divergence_raises_the_exact_likelihood(engine):
    rng = np.random.default_rng(0)
    on = rng.random((400, 2, 1)) < 0.5
    rows = np.broadcast_to(on, (400, 2, 3)).reshape(400, 6)  # two triples, each all on or all off
    rows = (rows ^ (rng.random((400, 6)) < 0.02)).astype(np.float32)
    model = rbm(4)
    trainer = pb.Trainer(model, pb.EnergyGap(), pb.SGD(0.5), engine=engine)
    trainer.fit(rows, rows, epochs=1)
    before = likelihood(model, rows)
    trainer.fit(rows, rows, epochs=120)
    _, counts = np.unique(rows, axis=0, return_counts=True)
    best = float((counts / 400 * np.log(counts / 400)).sum())  # of rows as often as they are seen
    assert before < best - 2.0
    assert best - 0.2 < likelihood(model, rows) <= best


def test_free_energy_tells_digits_from_noise_of_the_same_pixels():
    train, test = load_dataset("digits").split(0.8, 0.2)
    seen, other = ((np.asarray(x.inputs) > 0.5).astype(np.float32) for x in (train, test))
    model = rbm(32)
    trainer = pb.Trainer(model, pb.EnergyGap(), pb.SGD(0.1))
    trainer.fit(seen, seen, epochs=20)
    noise = np.random.default_rng(0).permuted(other, axis=0)  # each pixel as often as in digits
    free = model["energy"]
    energies = np.concatenate([free(other).value, free(noise).value])
    assert energies[: len(other)].mean() < energies[len(other) :].mean() - 5.0
    assert roc_auc_score(np.repeat([1, 0], len(other)), -energies) > 0.85
    reconstructed = model(other).value
    assert np.isfinite(reconstructed).all()
