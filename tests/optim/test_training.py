"""Optimizers in a Trainer: they learn, and the learning rate can change under way."""

import numpy as np
import pytest

import pullback as pb
import pullback.optim as po

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
RATES = {"SGD": 0.3, "Adadelta": 1.0, "AdaGrad": 0.1}


def make(optimizer):
    model = pb.Sequential(pb.Dense(16), pb.ReLU(), pb.Dense(2), rng=1)
    return pb.Trainer(model, pb.SoftmaxCrossEntropy(), optimizer)


@pytest.mark.parametrize("name", po.OPTIMIZERS)
def test_every_optimizer_learns(name):
    trainer = make(po.OPTIMIZERS[name](RATES.get(name, 0.01)))
    history = trainer.fit(X, Y, epochs=20, batch_size=10, progress=False)
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    assert {unit.dtype.name for unit in trainer.model.parameters.values()} == {"float32"}


def test_a_number_is_a_wire_that_can_change_between_epochs():
    """The steps for both sizes of batch stay as they were recorded, and follow it."""
    trainer = make(pb.SGD(np.float64(0.1)))
    trainer.fit(X, Y, epochs=1, batch_size=20, progress=False)
    recorded = dict(trainer._runs.ready)
    before = [unit.value.copy() for unit in trainer.model.parameters.values()]
    trainer._step.rate.value = np.float64(0.0)
    trainer.fit(X, Y, epochs=1, batch_size=20, progress=False)
    assert trainer._runs.ready == recorded
    for old, unit in zip(before, trainer.model.parameters.values(), strict=True):
        np.testing.assert_array_equal(unit.value, old)
        assert unit.dtype == np.float32


def test_a_schedule_counts_the_steps_of_all_sizes_of_batch():
    trainer = make(pb.SGD(po.PiecewiseConstant((0.1, 1e-30), at=(3,))))
    trainer.fit(X, Y, epochs=1, batch_size=20, progress=False)
    step, *_ = trainer._step.memory.of(trainer.model.parameters)
    assert (step.name, step.value) == ("learning_rate.step", 3.0)
    before = [unit.value.copy() for unit in trainer.model.parameters.values()]
    trainer.fit(X, Y, epochs=1, batch_size=20, progress=False)
    for old, unit in zip(before, trainer.model.parameters.values(), strict=True):
        np.testing.assert_array_equal(unit.value, old)


def test_memory_has_the_names_of_the_model():
    trainer = make(po.Adam())
    trainer.fit(X, Y, epochs=1, progress=False)
    names = [unit.name for unit in trainer._step.memory.of(trainer.model.parameters)]
    keys = list(trainer.model.parameters)
    assert names == [
        *("adam.step" for _ in keys),
        *(f"{key}.mean" for key in keys),
        *(f"{key}.mean_square" for key in keys),
    ]
