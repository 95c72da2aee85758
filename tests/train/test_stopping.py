"""Training ends once it gets no better, by either rule, and goes back to its best."""

import numpy as np
import pytest

import pullback as pb
from pullback.train.stopping import Stopping, better, creeping

X, Y = np.eye(4), np.array([0, 1, 1, 0])


def make():
    model = pb.Sequential(pb.Dense(4), pb.Tanh(), pb.Dense(2), rng=1)
    return pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1, momentum=0.9), engine="eager")


def parameters(trainer):
    return [unit.value for unit in trainer.model.parameters.values()]


def fitted(values, stop):
    """A Trainer of as many epochs at most as there are values of "watched", the epochs' first
    parameters, and the history."""
    values, kept, trainer = iter(values), [], make()

    def measured(event):
        if event.kind == "epoch":
            event.measured["watched"] = next(values)
            kept.append(parameters(event.trainer)[0].copy())

    return trainer, kept, trainer.fit(X, Y, epochs=6, callbacks=[measured, stop])


def test_early_stopping_keeps_the_best():
    stop = pb.early_stopping("watched", patience=3, minimum_change=0.1)
    trainer, kept, history = fitted([5.0, 3.0, 4.0, 3.0, 2.9999, 9.0], stop)
    assert history.ended == "stopped early: watched was best in epoch 2, 3 epochs ago"
    np.testing.assert_array_equal(parameters(trainer)[0], kept[1])
    assert not np.array_equal(kept[1], kept[-1])


def test_early_stopping_of_what_is_not_measured():
    with pytest.raises(pb.CircuitError, match="'validation_loss', which is not measured"):
        make().fit(X, Y, callbacks=[pb.early_stopping()])
    with pytest.raises(pb.CircuitError, match="Give fit a `validation`"):
        make().fit(X, Y, callbacks=[pb.early_stopping("val_loss")])
    with pytest.raises(pb.CircuitError, match=r"did you mean 'validation_loss'\?$"):
        make().fit(X, Y, validation=0.5, callbacks=[pb.early_stopping("val_loss")])
    with pytest.raises(pb.CircuitError, match="patience of at least 1"):
        pb.early_stopping(patience=0)


def test_one_early_stopping_serves_several_fits():
    stop = pb.early_stopping("loss", patience=2, minimum_change=1.0)
    lengths = {len(make().fit(X, Y, epochs=50, callbacks=stop)) for _ in range(3)}
    assert len(lengths) == 1


def test_what_is_larger_may_be_better():
    stop = pb.early_stopping("watched", patience=2, larger_is_better=True)
    trainer, kept, history = fitted([1.0, 3.0, 2.0, 2.0, 9.0, 9.0], stop)
    assert history.ended == "stopped early: watched was best in epoch 2, 2 epochs ago"
    np.testing.assert_array_equal(parameters(trainer)[0], kept[1])


CREEPING = [5.0, 4.99, 4.98, 4.97, 4.0, 3.0]


def test_small_steps_are_no_progress_and_yet_the_best_by_the_creeping_rule():
    stop = Stopping("watched", 3, 0.1, larger=False, keep=True, judge=creeping)
    trainer, kept, history = fitted(CREEPING, stop)
    assert history.ended == "stopped early: watched did not improve by 0.1 for 3 epochs"
    assert len(history) == 4
    np.testing.assert_array_equal(parameters(trainer)[0], kept[3])


def test_small_steps_are_neither_by_the_other():
    stop = Stopping("watched", 3, 0.1, larger=False, keep=True, judge=better)
    trainer, kept, history = fitted(CREEPING, stop)
    assert history.ended == "stopped early: watched was best in epoch 1, 3 epochs ago"
    np.testing.assert_array_equal(parameters(trainer)[0], kept[0])


def test_nothing_is_kept_that_is_not_asked_for():
    stop = Stopping("watched", 3, 0.1, larger=False, keep=False)
    trainer, kept, _ = fitted(CREEPING, stop)
    assert not stop.kept
    np.testing.assert_array_equal(parameters(trainer)[0], kept[-1])


def stopped(patience=3):
    """Early stopping after some epochs, and its Trainer."""
    stop, trainer = pb.early_stopping("loss", patience=patience), make()
    trainer.fit(X, Y, epochs=3, callbacks=stop)
    return stop, trainer


def test_what_it_remembers_is_told_and_gone_on_with():
    stop, trainer = stopped()
    again = pb.early_stopping("loss", patience=np.int64(3))
    again.restore(stop.state(), trainer)
    assert again.state().keys() == stop.state().keys()
    assert (again.best, again.best_epoch, again.since) == (stop.best, 3, 0)
    np.testing.assert_array_equal(again.kept["dense1.weight"], stop.kept["dense1.weight"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patience": 4}, "the patience of early stopping was 4, and is now 3"),
        ({"patience": np.zeros(2)}, "the patience of early stopping was array"),
        ({"monitor": None}, "the monitor of early stopping was None, and is now 'loss'"),
        ({"best": 1}, "damaged"),
        ({"best_epoch": 1.0}, "damaged"),
        ({"since": True}, "damaged"),
        ({"kept": []}, "damaged"),
        ({"kept": {"x": np.zeros(1)}}, "damaged"),
        ({"kept": {"dense1.bias": np.zeros(4)}}, "damaged"),
        ({"kept": {"dense1.bias": 0.0}}, "damaged"),
        ({"more": 0}, "damaged"),
    ],
)
def test_what_another_one_remembered_is_refused(change, message):
    stop, trainer = stopped()
    with pytest.raises(pb.CircuitError, match=message):
        stop.restore({**stop.state(), **change}, trainer)
