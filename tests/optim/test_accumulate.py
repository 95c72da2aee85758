"""One update for several batches is that for one batch as large as all of them."""

import numpy as np
import pytest

import pullback as pb
import pullback.optim as po

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 3))
Y = RNG.integers(0, 2, 48)
F8 = {"dtype": "float64"}
OPTIMIZERS = {
    "Adam": lambda rate: pb.Adam(rate, clip_norm=0.1),
    "SGD": lambda rate: pb.SGD(rate, momentum=0.9, nesterov=True),
    "Lookahead": lambda rate: pb.Lookahead(pb.NAdam(rate), 3),
    "Groups": lambda rate: pb.Groups(pb.AdamW(rate), {"dense2.*": pb.SGD(pb.CosineDecay(0.1, 7))}),
    "Muon": lambda rate: pb.Muon(rate),
}


def ended(optimizer, size, engine="eager", epochs=3, rows=48, **how):
    """The parameters after training on batches of this size, in the order of the data."""
    model = pb.Sequential(pb.Dense(4, **F8), pb.Tanh(), pb.Dense(2, **F8), rng=0)
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), optimizer, engine=engine, **how)
    parts = [(X[k : k + size], Y[k : k + size]) for k in range(0, rows, size)]
    trainer.fit(parts, epochs=epochs, progress=False)
    return trainer, [p.value for p in model.parameters.values()]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("rate", [0.05, po.ExponentialDecay(0.05, 0.5, steps=4)])
def test_four_batches_are_one_that_is_four_times_as_large(name, rate):
    make, springs = OPTIMIZERS[name], pb.L2(0.01)
    _, whole = ended(make(rate), 16, penalties=springs)
    _, parts = ended(pb.Accumulate(make(rate), 4), 4, penalties=springs)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_they_are_so_in_machine_code():
    _, whole = ended(pb.Adam(0.05), 16, "native")
    _, parts = ended(pb.Accumulate(pb.Adam(0.05)), 4, "native")
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_in_between_nothing_moves_but_the_sum_and_a_schedule_counts_updates():
    optimizer = pb.Accumulate(pb.Adam(pb.CosineDecay(0.1, steps=9)), 5)
    trainer, start = ended(optimizer, 16, epochs=1)  # 3 batches
    memory = {unit.name: unit for unit in trainer._step.memory.wires}
    assert memory["accumulate.batches"].value == 3.0
    assert memory["learning_rate.step"].value == memory["adam.step"].value == 0.0
    assert not memory["dense1.weight.mean"].value.any()
    assert memory["dense1.weight.gradient"].value.any()
    fresh = pb.Sequential(pb.Dense(4, **F8), pb.Tanh(), pb.Dense(2, **F8), rng=0)
    fresh(X)
    for a, b in zip(start, fresh.parameters.values(), strict=True):
        np.testing.assert_array_equal(a, b.value)


def test_a_sum_goes_on_in_the_next_epoch():
    """Three batches an epoch, an update at every second one: three in two epochs."""
    _, two = ended(pb.Accumulate(pb.SGD(pb.Constant(0.1)), 2), 16, epochs=2)
    trainer, _ = ended(pb.Accumulate(pb.SGD(pb.Constant(0.1)), 2), 16, epochs=1)
    parts = [(X[k : k + 16], Y[k : k + 16]) for k in (0, 16, 32)]
    trainer.fit(parts, epochs=1, progress=False)
    for a, b in zip(two, trainer.model.parameters.values(), strict=True):
        np.testing.assert_array_equal(a, b.value)
    counts = {unit.name: unit.value for unit in trainer._step.memory.wires}
    assert (counts["learning_rate.step"], counts["accumulate.batches"]) == (3.0, 0.0)


def test_a_learning_rate_set_between_epochs_counts():
    trainer, before = ended(pb.Accumulate(pb.SGD(0.1), 2), 8)
    trainer.learning_rate = 1e-30
    trainer.fit(X, Y, epochs=2, batch_size=8, progress=False)
    for a, b in zip(before, trainer.model.parameters.values(), strict=True):
        np.testing.assert_allclose(a, b.value, rtol=0, atol=1e-28)


def test_of_one_batch_it_is_the_optimizer_itself():
    _, plain = ended(pb.Adam(0.05), 16)
    _, ones = ended(pb.Accumulate(pb.Adam(0.05), 1), 16)
    for a, b in zip(plain, ones, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("steps", [0, -1, 1.5, "4", float("inf"), None, True])
def test_steps_that_are_no_number_of_batches_are_refused(steps):
    for make in (pb.Accumulate, pb.Lookahead):
        with pytest.raises(pb.CircuitError, match="steps must be"):
            make(pb.SGD(0.1), steps)
