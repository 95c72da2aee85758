"""Training: it learns, it repeats itself, it can be stopped, and it refuses bad data."""

import itertools
import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest

import pullback as pb
from pullback.engines.prepare import ENGINES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(101, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def make(rate=0.1, engine="eager", **kwargs):
    model = pb.Sequential(pb.Dense(16), pb.ReLU(), pb.Dense(2), rng=1)
    return pb.Trainer(
        model, pb.SoftmaxCrossEntropy(), pb.SGD(rate, momentum=0.9), engine=engine, **kwargs
    )


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
        (X, Y, {"epochs": 1.5}, "whole number of at least 1, got 1.5"),
        (X, Y, {"batch_size": 2.5}, "whole number of at least 1, got 2.5"),
        (X, Y, {"validation": "20%"}, "a share of the rows, or a tuple"),
        (X, Y, {"callbacks": ["x"]}, "a callback is a function of an Event"),
        (np.where(X > 2, 1e300, X), Y, {}, "too large for float32"),
        (X, Y, {"batch_size": 0}, "at least 1"),
        (X, Y, {"validation": 1.5}, "between 0 and 1"),
        (X, Y, {"validation": 0.001}, "leaves no rows"),
        (X, Y, {"validation": (X[:0], Y[:0])}, "no validation rows"),
        (X, Y, {"validation": 0.1, "weights": np.eye(101)[0]}, "drawn for validation are 0"),
        (X, Y, {"validation": 0.99, "weights": np.eye(101)[0]}, "drawn for training are 0"),
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


def test_history_draws_what_was_measured():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    history = make().fit(X, Y, epochs=3, validation=0.2)
    ax = history.plot("loss")
    assert [line.get_label() for line in ax.lines] == ["loss", "validation loss"]
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), history["validation_loss"])
    with pytest.raises(pb.CircuitError, match="no 'speed' was measured"):
        history.plot("speed")
    pyplot.close("all")


def test_what_a_trainer_is_made_of_is_fixed():
    trainer = make()
    with pytest.raises(AttributeError, match="a Trainer's optimizer is fixed"):
        trainer.optimizer = pb.SGD(1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, pb.Hinge(), pb.SGD(0.1)), "needs a model"),
        ((pb.Sequential(pb.Dense(1)), pb.Hinge, pb.SGD(0.1)), "needs a Loss"),
        ((pb.Sequential(pb.Dense(1)), pb.Hinge(), 0.1), "needs an Optimizer"),
    ],
)
def test_a_trainer_of_other_things_is_refused(arguments, message):
    with pytest.raises(pb.CircuitError, match=message):
        pb.Trainer(*arguments)


def test_prediction_compiles_for_few_sizes():
    trainer = make(engine="native")
    whole = make().predict(X)
    for n in (1, 2, 7, 16, 17, 101):
        np.testing.assert_allclose(trainer.predict(X[:n]), whole[:n], rtol=1e-5)
    assert len(trainer._judge.predictor._runs) == 2


def test_every_engine_learns_the_same():
    runs = [make(engine=engine).fit(X, Y, epochs=2, batch_size=32) for engine in ENGINES]
    for run in runs[1:]:
        np.testing.assert_allclose(run["loss"], runs[0]["loss"], rtol=1e-5)
    with pytest.raises(pb.CircuitError, match="there is no engine 'cuda'"):
        make(engine="cuda")


# Data ------------------------------------------------------------------------------------------


def test_tables_of_pandas_are_data():
    table = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": range(101)})
    one = make(rate=1e-3).fit(table, pd.Series(Y, index=range(7, 108)), epochs=2)
    other = make(rate=1e-3).fit(table.to_numpy(), Y, epochs=2)
    assert one["loss"] == other["loss"]
    with pytest.raises(pb.CircuitError, match=r"must be numbers.*encode text"):
        make().fit(table.assign(d="x"), Y)


@pytest.mark.parametrize(
    ("loss", "size"),
    [
        (pb.SquaredError(), 1e30),
        (pb.AbsoluteError(), 1e300),
        (pb.Huber(), 1e300),
        (pb.Poisson(), 1e300),
        (pb.Quantile(0.5), 1e39),
    ],
)
def test_a_label_whose_cost_is_no_number_is_refused_before_work(loss, size):
    trainer = pb.Trainer(pb.Sequential(pb.Dense(1)), loss, pb.SGD(1e-3), engine="eager")
    labels = np.abs(X[:, 0])
    labels[7] = size
    message = rf"label .* \(row 7\) is too large: {type(loss).__name__} of it overflows float32"
    for use in (
        lambda: trainer.fit(X, labels),
        lambda: trainer.evaluate(X, labels),
        lambda: trainer.fit(X, np.abs(X[:, 0]), validation=(X, labels)),
        lambda: trainer.fit([(X, labels)]),
    ):
        with pytest.raises(pb.CircuitError, match=message):
            use()
    double = pb.Sequential(pb.Dense(1, dtype="float64"))
    trainer = pb.Trainer(double, loss, pb.SGD(1e-300), engine="eager")
    labels[7] = 1e39
    assert np.isfinite(trainer.evaluate(X, labels)["loss"])


def sprung(dtype, **loss):
    """A network with a spring, in a precision."""
    model = pb.Sequential(pb.Dense(8, dtype=dtype), pb.Tanh(), pb.Dense(2, dtype=dtype), rng=1)
    return pb.Trainer(
        model,
        pb.SoftmaxCrossEntropy(**loss),
        pb.SGD(0.5, momentum=0.9),
        penalties=[pb.L2(0.01)],
        engine="eager",
    )


@pytest.mark.parametrize("loss", [{}, {"class_weights": [1.0, 5.0]}])
@pytest.mark.parametrize(("dtype", "near"), [("float32", 2e-6), ("float64", 1e-12)])
def test_weights_are_repeated_rows(dtype, near, loss):
    weights = RNG.integers(0, 4, size=101)
    one, other = sprung(dtype, **loss), sprung(dtype, **loss)
    rows = np.repeat(np.arange(101), weights)
    told = one.fit(X, Y, weights=weights, epochs=10, batch_size=101)
    same = other.fit(X[rows], Y[rows], epochs=10, batch_size=len(rows))
    for a, b in zip(parameters(one), parameters(other), strict=True):
        np.testing.assert_allclose(a, b, atol=near)
    for name in "loss", "accuracy":
        np.testing.assert_allclose(told[name], same[name], atol=near)
    left = one.evaluate(X, Y, weights=weights)
    assert left == pytest.approx(one.evaluate(X[rows], Y[rows]), abs=near)


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_a_batch_of_one_row_is_pulled_by_its_weight(engine):
    weights = RNG.integers(0, 4, size=11)
    model = pb.Sequential(pb.Dense(1, dtype="float64"), rng=1)
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.01), engine=engine)
    model(X[:1])
    w, b = (np.copy(p) for p in parameters(trainer))
    y = X[:11, 0]
    history = trainer.fit(X[:11], y, weights=weights, epochs=1, batch_size=1)
    shares, costs = weights / weights.mean(), []
    for k in np.random.default_rng([0, 1]).permutation(11):
        error = X[k] @ w[:, 0] + b[0] - y[k]
        costs.append(shares[k] * error**2)
        w -= 0.01 * shares[k] * 2.0 * error * X[k][:, None]
        b -= 0.01 * shares[k] * 2.0 * error
    np.testing.assert_allclose(
        np.r_[parameters(trainer)[0][:, 0], parameters(trainer)[1]], np.r_[w[:, 0], b], rtol=1e-12
    )
    assert history["loss"][0] == pytest.approx(np.mean(costs), rel=1e-12)


def test_class_weights_count_in_batches_of_any_size():
    by_row = np.where(Y == 1, 5.0, 1.0)
    for size in 1, 7, 101:
        own, given = sprung("float64", class_weights=[1.0, 5.0]), sprung("float64")
        own.fit(X, Y, epochs=2, batch_size=size)
        given.fit(X, Y, weights=by_row, epochs=2, batch_size=size)
        for a, b in zip(parameters(own), parameters(given), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)


def test_metrics_of_an_epoch_are_weighted_over_all_of_its_batches():
    weights = RNG.random(101)
    trainer = make(rate=1e-30)  # the model stays as it is
    for size in 1, 10, 101:
        row = trainer.fit(X, Y, weights=weights, epochs=1, batch_size=size).rows[0]
        still = trainer.evaluate(X, Y, weights=weights)
        assert {name: row[name] for name in still} == pytest.approx(still, rel=1e-5)


def test_only_the_proportions_of_weights_count():
    weights = RNG.random(101)
    runs = []
    for factor in 1.0, 1e-200, 1e200:  # float32 has neither of these
        trainer = make()
        runs.append(trainer.fit(X, Y, weights=weights * factor, epochs=2)["loss"])
        runs[-1].append(trainer.evaluate(X, Y, weights=weights * factor)["loss"])
    np.testing.assert_allclose(runs, [runs[0]] * 3, rtol=1e-6)


def test_a_row_that_comes_in_a_batch_counts_by_its_weight_beside_one():
    def given(weight):
        return [(X[k : k + 1], Y[k : k + 1], np.full(1, weight)) for k in range(20)]

    weighted, faster = make(rate=0.01), make(rate=0.03)
    told = weighted.fit(given(3.0), epochs=2)
    same = faster.fit(given(1.0), epochs=2)
    for a, b in zip(parameters(weighted), parameters(faster), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(told["loss"], np.multiply(3.0, same["loss"]), rtol=1e-5)
    assert told["accuracy"] == pytest.approx(same["accuracy"])


def test_rows_of_weight_zero_do_not_count():
    trainer = make()
    trainer.fit(X, Y, epochs=5)
    weights = np.r_[np.ones(40), np.zeros(61)]
    weighed, alone = trainer.evaluate(X, Y, weights=weights), trainer.evaluate(X[:40], Y[:40])
    assert weighed == pytest.approx(alone, rel=1e-6)


def batches():
    for start in range(0, 101, 20):
        yield X[start : start + 20], Y[start : start + 20]


def test_batches_of_a_function_or_a_list_are_data():
    runs = [make().fit(source, epochs=3) for source in (batches, list(batches()))]
    assert runs[0]["loss"] == runs[1]["loss"]
    assert runs[0]["loss"][-1] < runs[0]["loss"][0]
    assert len(make().fit(batches(), epochs=1)) == 1


def test_batches_see_validation_data_and_weights():
    def weighted():
        return ((x, y, np.ones(len(x))) for x, y in batches())

    run = make().fit(weighted, epochs=2, validation=(X, Y))
    assert run["loss"] == pytest.approx(make().fit(batches, epochs=2)["loss"], rel=1e-6)
    assert len(run["validation_accuracy"]) == 2


@pytest.mark.parametrize(
    ("source", "kwargs", "message"),
    [
        (batches(), {"epochs": 2}, "gone through once"),
        (lambda: iter(()), {}, "no training batches"),
        (lambda: [X], {}, "a batch is"),
        (batches, {"validation": 0.2}, "no rows to hold out"),
        (X, {}, "needs labels"),
        ((X, X[:5]), {"labels": Y}, "as many rows each"),
    ],
)
def test_odd_batches_are_refused(source, kwargs, message):
    with pytest.raises(pb.CircuitError, match=message):
        make().fit(source, **kwargs)


class Two(pb.Layer):
    """A model of two inputs and two outputs."""

    takes = 2

    def __init__(self):
        super().__init__()
        self.layers = (pb.Dense(2, name="a"), pb.Dense(1, name="b"))

    def build(self, *shapes, rng):
        pass

    def apply(self, x, z, *, training):
        a, b = self.layers
        return a(x, training=training), b(z, training=training)


def test_several_inputs_and_outputs():
    losses = (pb.SoftmaxCrossEntropy(), pb.SquaredError())
    trainer = pb.Trainer(Two(), losses, pb.SGD(0.05), engine="eager")
    labels = (Y, X.sum(axis=1))
    history = trainer.fit((X, X), labels, epochs=30, validation=0.1)
    assert history["loss_2"][-1] < 0.05 * history["loss_2"][0]
    measured = trainer.evaluate((X, X), labels)
    assert measured["loss"] == pytest.approx(measured["loss_1"] + measured["loss_2"])
    assert {"accuracy_1", "mean_absolute_error_2"} <= set(measured)
    assert [y.shape for y in trainer.predict((X, X))] == [(101, 2), (101, 1)]
    with pytest.raises(pb.CircuitError, match="2 outputs; they need as many losses and labels"):
        trainer.fit((X, X), Y)


def test_words_go_to_an_embedding_as_numbers():
    words = RNG.integers(0, 5, size=(60, 2))
    model = pb.Sequential(pb.Embedding(5, 3), pb.Flatten(), pb.Dense(2), rng=0)
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.5), engine="eager")
    history = trainer.fit(words, words[:, 0] % 2, epochs=40)
    assert history["accuracy"][-1] == 1.0


def test_a_layer_of_ones_own_takes_integers_where_it_says_so():
    class Remainder(pb.Layer):
        takes_integers = True

        def build(self, shape, *, rng):
            assert self.rng is rng

        def apply(self, x, *, training):
            kinds.append(x.dtype.kind)
            return pb.astype(x, "float32") * 0.5

    kinds = []
    model = pb.Sequential(Remainder(), pb.Dense(1), rng=0)
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.1), engine="eager")
    trainer.fit([[1], [2]], [1.0, 2.0], epochs=1)
    assert set(kinds) == {"i"}


# State and chance ------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
def test_dropout_draws_anew_and_batch_norm_learns(engine):
    def run(seed):
        layers = pb.Dense(8), pb.BatchNorm(), pb.ReLU(), pb.Dropout(0.5), pb.Dense(2)
        model = pb.Sequential(*layers, rng=0)
        loss, step = pb.SoftmaxCrossEntropy(), pb.SGD(1e-30)
        trainer = pb.Trainer(model, loss, step, engine=engine, seed=seed)
        return trainer, trainer.fit(X, Y, epochs=3, batch_size=101)["loss"]

    trainer, losses = run(3)
    assert len(set(losses)) == 3  # the same rows and parameters, and other masks
    assert run(3)[1] == losses
    assert run(4)[1] != losses
    h = X.astype("f4") @ trainer.model.parameters["dense1.weight"].value
    moved = trainer.model.state["batchnorm1.mean"].value
    np.testing.assert_allclose(moved, (1 - 0.9**3) * h.mean(axis=0), rtol=1e-4, atol=1e-6)


def test_a_single_last_row_does_not_stop_batch_norm():
    model = pb.Sequential(pb.Dense(4), pb.BatchNorm(), pb.Dense(2))
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), engine="eager")
    assert len(trainer.fit(X, Y, epochs=2, batch_size=50)) == 2


# Callbacks -------------------------------------------------------------------------------------


def test_a_single_row_in_a_batch_of_its_own_does_not_stop_batch_norm():
    x = np.random.default_rng(0).normal(size=(7, 2))
    ends = [0, 3, 6, 7]

    def batches():
        return ((x[a:b], x[a:b, 0]) for a, b in itertools.pairwise(ends))

    def trained(source):
        model = pb.Sequential(pb.BatchNorm(), pb.Dense(1), rng=0)
        trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.1), engine="eager")
        return trainer.fit(source, epochs=2), model.state["batchnorm1.mean"].value

    history, mean = trained(batches)
    without, same = trained(list(batches())[:2])
    assert history["loss"] == without["loss"]
    np.testing.assert_array_equal(mean, same)


def test_pictures_one_at_a_time_are_all_learned_from():
    x = np.random.default_rng(0).normal(size=(4, 3, 3, 2))
    model = pb.Sequential(pb.BatchNorm(momentum=0.0), pb.Flatten(), pb.Dense(1), rng=0)
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.1), engine="eager")
    trainer.fit([(x[k : k + 1], x[k : k + 1, 0, 0, 0]) for k in range(4)], epochs=1)
    mean = model.state["batchnorm1.mean"].value
    np.testing.assert_allclose(mean, x[3].mean(axis=(0, 1)), rtol=1e-5)


def test_callbacks_see_every_event():
    seen = []
    make().fit(X, Y, epochs=2, callbacks=[lambda event: seen.append((event.kind, event.epoch))])
    assert seen == [("begin", 0), ("epoch", 1), ("epoch", 2), ("end", 2)]


def test_a_callback_ends_training():
    history = make().fit(X, Y, epochs=50, callbacks=[lambda event: event.stop("enough")])
    assert (len(history), history.ended) == (0, "enough")

    def at_three(event):
        if event.epoch == 3:
            event.stop("enough")

    assert len(make().fit(X, Y, epochs=50, callbacks=[at_three])) == 3


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_a_callback_sets_the_learning_rate(engine):
    def freeze(event):
        event.trainer.learning_rate = 1e-30

    trainer = make(engine=engine)
    history = trainer.fit(X, Y, epochs=3, callbacks=[freeze])
    assert history["loss"][1] == pytest.approx(history["loss"][2], rel=1e-5)
    with pytest.raises(pb.CircuitError, match="must be positive"):
        trainer.learning_rate = 0.0


def test_inputs_as_many_as_the_model_takes():
    trainer = pb.Trainer(Two(), (pb.SoftmaxCrossEntropy(), pb.SquaredError()), pb.SGD(0.05))
    trainer.model(X, X)
    with pytest.raises(pb.CircuitError, match="takes 2 inputs, as a tuple; got 1"):
        trainer.predict(X)
    with pytest.raises(pb.CircuitError, match="they need rows"):
        trainer.predict((X[0], X[0]))
    validated = make().fit(X, Y, epochs=1, validation=[X, Y])
    assert "validation_loss" in validated.rows[0]


class Warm(pb.Layer):
    """A layer of a user's own, with a number that is neither a parameter nor an argument."""

    def build(self, shape, *, rng):
        self.factor = 1.0

    def apply(self, x, *, training):
        return x * self.factor


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_a_layer_that_is_set_otherwise_between_fits_is_heeded(engine):
    x, y = np.ones((8, 2), "f4"), np.zeros((8, 1))
    model = pb.Sequential(Warm(name="warm"), pb.Dense(1, name="last"), rng=0)
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.1), engine=engine)
    trainer.fit(x, y, epochs=1, batch_size=4)
    weight = model.parameters["last.weight"]
    before, answer = weight.value, trainer.predict(x)
    bias = model.parameters["last.bias"].value
    model.layers[0].factor = 0.0
    np.testing.assert_allclose(trainer.predict(x), np.broadcast_to(bias, (8, 1)))
    assert not np.array_equal(trainer.predict(x), answer)
    trainer.fit(x, y, epochs=1, batch_size=4)
    np.testing.assert_array_equal(weight.value, before)  # nothing reached it


def test_what_a_layer_was_told_is_fixed():
    model = pb.Sequential(pb.Dropout(0.5, name="drop"), pb.Dense(1))
    with pytest.raises(AttributeError, match="the rate of layer 'drop' is fixed"):
        model.layers[0].rate = 0.0
    assert model.layers[0].rate == 0.5


def test_a_row_left_over_counts_also_where_layers_are_frozen():
    x, y = np.arange(10.0).reshape(5, 2), np.arange(5.0)[:, None]

    def trained(freeze):
        model = pb.Sequential(pb.Dense(3), pb.Dense(1), rng=0)
        model(x[:1].astype("f4"))
        if freeze:
            model.layers[0].freeze()
        seen = []
        pb.Trainer(model, pb.SquaredError(), pb.SGD(1e-6), engine="eager").fit(
            x, y, epochs=1, batch_size=4, callbacks=lambda event: seen.append(event.measured)
        )
        return seen[-1]["loss"]

    assert trained(freeze=True) == pytest.approx(trained(freeze=False), rel=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "mse"}, r"training needs a Loss, such as SquaredError\(\), got 'mse'"),
        ({"optimizer": "sgd"}, r"training needs an Optimizer, such as Adam\(0.001\), got 'sgd'"),
        ({"penalties": [0.1]}, r"training needs a Penalty, such as L2\(0.0001\), got 0.1"),
    ],
)
def test_a_part_of_another_kind_is_named(change, message):
    parts = {"loss": pb.SquaredError(), "optimizer": pb.SGD(0.1), **change}
    with pytest.raises(pb.CircuitError, match=message):
        pb.Trainer(pb.Sequential(pb.Dense(1)), **parts)


def test_one_penalty_needs_no_list():
    trainer = pb.Trainer(
        pb.Sequential(pb.Dense(1)), pb.SquaredError(), pb.SGD(0.1), penalties=pb.L2(0.1)
    )
    assert trainer.penalties == (pb.L2(0.1),)
    with pytest.raises(pb.CircuitError, match="a callback is a function of an Event, got 3"):
        trainer.fit(np.ones((4, 2)), np.zeros((4, 1)), callbacks=3)


def test_masked_data_are_refused():
    x, y = np.ones((8, 2)), np.zeros((8, 1))
    trainer = pb.Trainer(pb.Sequential(pb.Dense(1)), pb.SquaredError(), pb.SGD(0.1), engine="eager")
    for given in ((np.ma.masked_less(x, 2.0), y), (x, np.ma.masked_less(y, 2.0))):
        with pytest.raises(pb.CircuitError, match="masked elements among"):
            trainer.fit(*given)


def test_a_trainer_says_in_a_line_what_it_trains():
    few = pb.Sequential(pb.Dense(2))
    trainer = pb.Trainer(few, pb.SquaredError(), pb.SGD(0.1), penalties=pb.L2(0.5))
    loss, spring = repr(pb.SquaredError()), repr(pb.L2(0.5))
    rule = repr(pb.SGD(0.1))
    assert repr(trainer) == f"Trainer({few!r}, {loss}, {rule}, penalties=[{spring}])"
    assert repr(pb.LBFGS(few, pb.SquaredError())) == f"LBFGS({few!r}, {loss})"
    many = pb.Sequential(*(pb.Dense(2) for _ in range(50)))
    assert repr(pb.Trainer(many, pb.Hinge(), pb.SGD(0.1))).startswith("Trainer(Sequential(…), ")
