"""Training: it learns, it repeats itself, it can be stopped, and it refuses bad data."""

import os
import signal
import threading

import numpy as np
import pytest

import pullback as pb
from pullback.engines.engine import ENGINES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(101, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def make(rate=0.1, **kwargs):
    model = pb.Sequential(pb.Dense(16), pb.ReLU(), pb.Dense(2), rng=1)
    return pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(rate, momentum=0.9), **kwargs)


def parameters(trainer):
    return [unit.value for unit in trainer.model.parameters.values()]


def test_it_learns_what_a_line_cannot():
    trainer = make()
    history = trainer.fit(X, Y, epochs=60, batch_size=16)
    assert history["loss"][-1] < 0.2 < history["loss"][0]
    assert trainer.evaluate(X, Y)["accuracy"] > 0.95
    assert len(history) == len(history.table) == 60
    assert history.ended == "completed"


def test_one_epoch_is_plain_sgd_written_by_hand():
    trainer = make()
    trainer.model(X[:1].astype(np.float32))
    w1, b1, w2, b2 = (v.astype(float) for v in parameters(trainer))
    velocity = [0 * p for p in (w1, b1, w2, b2)]
    trainer.fit(X, Y, epochs=1, batch_size=101, progress=False)
    h = np.maximum(X @ w1 + b1, 0)
    s = h @ w2 + b2
    p = np.exp(s - s.max(1, keepdims=True))
    d = (p / p.sum(1, keepdims=True) - np.eye(2)[Y]) / 101
    dh = (d @ w2.T) * (h > 0)
    gradients = [X.T @ dh, dh.sum(0), h.T @ d, d.sum(0)]
    for new, old, v, g in zip(
        parameters(trainer), (w1, b1, w2, b2), velocity, gradients, strict=True
    ):
        np.testing.assert_allclose(new, old - 0.1 * (0.9 * v + g), rtol=2e-5, atol=2e-6)


def test_the_same_seed_is_the_same_run_bit_for_bit():
    runs = []
    for seed in (3, 3, 4):
        trainer = make(seed=seed)
        history = trainer.fit(X, Y, epochs=3, batch_size=7, validation=0.2)
        runs.append((history["loss"], history["validation_loss"], parameters(trainer)))
    assert runs[0][:2] == runs[1][:2]
    for a, b in zip(runs[0][2], runs[1][2], strict=True):
        np.testing.assert_array_equal(a, b)
    assert runs[0][0] != runs[2][0]


@pytest.mark.parametrize("size", [1, 7, 100, 101, 1000])
def test_any_batch_size_sees_every_row(size):
    history = make(rate=1e-30).fit(X, Y, epochs=1, batch_size=size)
    trainer = make(rate=1e-30)
    trainer.fit(X, Y, epochs=1)
    assert history["loss"][0] == pytest.approx(trainer.evaluate(X, Y)["loss"], rel=1e-5)


def test_a_penalty_shrinks_the_weights_and_leaves_the_biases():
    plain, sprung = make(), make(penalties=[pb.L2(0.1)])
    for trainer in (plain, sprung):
        trainer.fit(X, Y, epochs=20)
    norms = [sum((w.value**2).sum() for w in t.model.weights.values()) for t in (plain, sprung)]
    assert norms[1] < 0.5 * norms[0]


def test_training_goes_on_where_it_was():
    once, twice = make(), make()
    whole = once.fit(X, Y, epochs=3, batch_size=8)
    first = twice.fit(X, Y, epochs=1, batch_size=8)
    rest = twice.fit(X, Y, epochs=2, batch_size=8)
    assert first["loss"] + rest["loss"] == whole["loss"]
    assert first["epoch"] + rest["epoch"] == [1, 2, 3]
    for a, b in zip(parameters(once), parameters(twice), strict=True):
        np.testing.assert_array_equal(a, b)


def test_ctrl_c_keeps_what_was_learned():
    trainer = make()
    trainer.fit(X, Y, epochs=1)
    before = parameters(trainer)
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    history = trainer.fit(X, Y, epochs=1_000_000, batch_size=8)
    timer.join()
    assert history.ended.startswith("interrupted in epoch")
    assert len(history) > 0
    assert not np.array_equal(before[0], parameters(trainer)[0])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert np.isfinite(trainer.evaluate(X, Y)["loss"])


def test_training_in_another_thread_works():
    trainer, histories = make(), []
    thread = threading.Thread(target=lambda: histories.append(trainer.fit(X, Y, epochs=2)))
    thread.start()
    thread.join()
    assert len(histories[0]) == 2


def test_a_loss_that_explodes_ends_training_and_says_why():
    with pytest.warns(UserWarning, match="smaller learning rate"):
        history = make(rate=1e30).fit(X, Y, epochs=50)
    assert "the loss became" in history.ended
    assert len(history) < 50


def test_one_row_and_one_feature():
    trainer = make()
    history = trainer.fit(np.ones((1, 1)), [1], epochs=2)
    assert history["accuracy"][-1] == 1.0


def test_whole_number_inputs_are_numbers():
    pixels = RNG.integers(0, 255, size=(20, 4), dtype=np.uint8)
    history = make(rate=1e-4).fit(pixels, np.arange(20) % 2, epochs=1)
    assert np.isfinite(history["loss"][0])


@pytest.mark.parametrize(
    ("x", "y", "kwargs", "message"),
    [
        (X[:0], Y[:0], {}, "no training rows"),
        (X, Y[:5], {}, "as many labels"),
        (np.where(X > 2, np.nan, X), Y, {}, r"contain nan \(row"),
        (np.where(X > 2, np.inf, X), Y, {}, r"contain inf \(row"),
        (X, Y + 1, {}, "label 2"),
        (np.array([["a"]]), [0], {}, "must be numbers"),
        (X, Y, {"epochs": 0}, "at least 1"),
        (X, Y, {"batch_size": 0}, "at least 1"),
        (X, Y, {"validation": 1.5}, "between 0 and 1"),
        (X, Y, {"validation": 0.001}, "leaves no rows"),
        (X, Y, {"validation": (X[:0], Y[:0])}, "no validation rows"),
    ],
)
def test_bad_data_are_refused_before_work(x, y, kwargs, message):
    trainer = make()
    with pytest.raises(pb.CircuitError, match=message):
        trainer.fit(x, y, **kwargs)


def test_a_width_that_changed_is_refused():
    trainer = make()
    trainer.fit(X, Y, epochs=1)
    with pytest.raises(pb.CircuitError, match="'dense1' expects"):
        trainer.evaluate(X[:, :2], Y)


def test_history_knows_its_columns():
    history = make().fit(X, Y, epochs=2)
    assert "accuracy" in str(history)
    with pytest.raises(KeyError, match="there are: epoch, loss, accuracy, seconds"):
        history["auc"]


def test_what_a_trainer_is_made_of_is_fixed():
    trainer = make()
    with pytest.raises(AttributeError, match="a Trainer's optimizer is fixed"):
        trainer.optimizer = pb.SGD(1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, pb.Hinge(), pb.SGD(0.1)), "needs a model"),
        ((pb.Sequential(pb.Dense(1)), pb.Hinge, pb.SGD(0.1)), "needs a Loss"),
        ((pb.Sequential(pb.Dense(1)), pb.Hinge(), 0.1), "needs a Optimizer"),
    ],
)
def test_a_trainer_of_other_things_is_refused(arguments, message):
    with pytest.raises(pb.CircuitError, match=message):
        pb.Trainer(*arguments)


def test_programs_that_measure_do_not_pile_up():
    trainer = make()
    for n in range(1, 40):
        trainer.evaluate(X[:n], Y[:n])
    assert len(trainer._runs) < 12


def test_every_engine_learns_the_same():
    losses = [make(engine=engine).fit(X, Y, epochs=2, batch_size=32)["loss"] for engine in ENGINES]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    np.testing.assert_allclose(losses[2], losses[0], rtol=1e-5)
    with pytest.raises(pb.CircuitError, match="there is no engine 'cuda'"):
        make(engine="cuda")
