"""The learning rate falls where a measurement rests, after the same epochs as PyTorch's."""

import copy
import math
import pickle

import numpy as np
import pytest

import pullback as pb
from pullback.train.plateau import Plateau, reduce_on_plateau

X, Y = np.eye(4), np.array([0, 1, 1, 0])
RNG = np.random.default_rng(0)
SEQUENCES = {
    "falling, then at rest": [*np.linspace(3.0, 1.0, 30), *[1.0] * 40],
    "noise": list(RNG.normal(1.0, 0.3, 80)),
    "creeping": list(1.0 - 1e-5 * np.arange(80)),
    "below zero": list(-np.abs(RNG.normal(1.0, 0.3, 80))),
    "with nan": [1.0, math.nan, 0.5, *[math.nan] * 20],
}
TOLD = [
    {"patience": 3},
    {"patience": 0, "factor": 0.5, "cooldown": 2},
    {"patience": 4, "threshold": 0.05, "relative": False, "minimum": 2e-3},
    {"patience": 2, "threshold": 0.1, "larger_is_better": True, "cooldown": 1},
    {"patience": 1, "factor": 0.9, "threshold": 0.0},
]


def make(optimizer=None):
    model = pb.Sequential(pb.Dense(4), pb.Tanh(), pb.Dense(2), rng=1)
    return pb.Trainer(model, pb.SoftmaxCrossEntropy(), optimizer or pb.SGD(0.1), engine="eager")


def rates_of(callback, values):
    """The learning rate after each of these values of "watched"."""
    trainer, found = make(), []

    class Event:
        kind = "epoch"

        def __init__(self, value):
            self.trainer, self.measured = trainer, {"watched": value}
            self.history = pb.History([{}])

    for value in values:
        callback(Event(value))
        found.append(trainer.learning_rate)
    return found


@pytest.mark.parametrize("told", TOLD, ids=repr)
@pytest.mark.parametrize("name", SEQUENCES)
def test_it_is_pytorchs(name, told):
    torch = pytest.importorskip("torch", reason="torch is not installed: see the extra `bench`")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode="max" if told.get("larger_is_better") else "min",
        factor=told.get("factor", 0.1),
        patience=told["patience"],
        threshold=told.get("threshold", 1e-4),
        threshold_mode="rel" if told.get("relative", True) else "abs",
        cooldown=told.get("cooldown", 0),
        min_lr=told.get("minimum", 0.0),
    )
    theirs = []
    for value in SEQUENCES[name]:
        scheduler.step(value)
        theirs.append(optimizer.param_groups[0]["lr"])
    ours = rates_of(reduce_on_plateau("watched", **told), SEQUENCES[name])
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_the_rate_falls_after_more_than_patience_epochs_without_progress():
    values = [3.0, 2.0, 2.0, 2.5, 1.0, 1.0, 1.0, 1.0]
    found = rates_of(reduce_on_plateau("watched", patience=1, factor=0.5), values)
    np.testing.assert_allclose(found, [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025])


def test_training_goes_on_at_the_lower_rate_which_the_history_tells():
    trainer = make()
    reduce = reduce_on_plateau("loss", patience=0, threshold=1.0, factor=0.5, minimum=0.03)
    history = trainer.fit(X, Y, epochs=5, callbacks=reduce, progress=False)
    np.testing.assert_allclose(history["learning_rate"], [0.1, 0.05, 0.03, 0.03, 0.03])
    assert trainer.learning_rate == 0.03
    assert len(trainer.fit(X, Y, epochs=2, callbacks=reduce, progress=False)) == 2


def test_an_accuracy_is_better_when_it_is_larger():
    callback = reduce_on_plateau("validation_accuracy")
    assert isinstance(callback, Plateau)
    assert callback.larger
    assert not reduce_on_plateau("loss").larger


@pytest.mark.parametrize("way", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_it_is_copied_with_what_it_counted(way):
    callback = reduce_on_plateau("watched", patience=1)
    rates_of(callback, [1.0, 1.0])
    assert vars(way(callback)) == vars(callback)
    assert rates_of(way(callback), [1.0])[0] < 0.1


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"factor": 1.0}, "factor must be at least 0 and less than 1"),
        ({"factor": 0}, "factor must be above 0"),
        ({"patience": 1.5}, "patience must be a whole number"),
        ({"patience": -1}, "patience must be positive"),
        ({"threshold": -1.0}, "threshold must be at least 0"),
        ({"minimum": math.nan}, "minimum must be a finite number"),
        ({"cooldown": "long"}, "cooldown must be a finite number"),
    ],
)
def test_what_makes_no_sense_is_refused(told, message):
    with pytest.raises(pb.CircuitError, match=message):
        reduce_on_plateau(**told)


def test_a_schedule_of_ones_own_and_what_is_not_measured_are_refused():
    with pytest.raises(pb.CircuitError, match="makes it itself, at every step"):
        make(pb.SGD(pb.CosineDecay(0.1, 10))).fit(X, Y, callbacks=reduce_on_plateau("loss"))
    with pytest.raises(pb.CircuitError, match="reduce_on_plateau watches 'validation_loss', which"):
        make().fit(X, Y, callbacks=reduce_on_plateau())
