"""L-BFGS: it comes to known minima, can be stopped, and refuses what it cannot lower."""

import copy
import os
import pickle
import signal
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.train import lbfgs as lbfgs_module
from pullback.train.lbfgs import _turned
from pullback.train.objective import Point

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
SPRING = 0.01
WEIGHTS = np.random.default_rng(0).uniform(0.0, 2.0, len(X))
TWIST = np.sin(X[:, 0]) * X[:, 1]


def line(dtype="float64", outputs=3):
    return pb.Sequential(pb.Dense(outputs, dtype=dtype), rng=0)


def network(dtype="float64", outputs=3):
    layers = pb.Dense(8, dtype=dtype), pb.Tanh(), pb.Dense(outputs, dtype=dtype)
    return pb.Sequential(*layers, rng=0)


def make(model=None, loss=None, **told):
    told = {"engine": "eager", "penalties": pb.L2(SPRING), **told}
    return pb.LBFGS(model or line(), loss or pb.SoftmaxCrossEntropy(), **told)


def values(model):
    return [unit.value for unit in model.parameters.values()]


# Where it comes to -------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("engine", ["eager", "native"])
def test_logistic_regression_comes_to_the_minimum_of_scikit_learn(engine, weights):
    lbfgs = make(gtol=1e-8, ftol=0.0, engine=engine)
    history = lbfgs.fit(X, Y, weights=weights, chunk_size=64)
    total = len(X) if weights is None else weights.sum()
    peer = LogisticRegression(C=1.0 / (2.0 * SPRING * total), tol=1e-10, max_iter=10_000)
    peer.fit(X, Y, weights)
    weight, _ = values(lbfgs.model)
    np.testing.assert_allclose(weight, peer.coef_.T, atol=1e-5)
    probabilities = pb.softmax(lbfgs.predict(X), axis=1)
    np.testing.assert_allclose(probabilities, peer.predict_proba(X), atol=1e-5)
    assert history.ended == "converged: no part of the slope is above 1e-08"


def test_float32_comes_as_near_as_its_digits_say():
    single, double = (make(line(kind), gtol=1e-8, ftol=0.0) for kind in ("float32", "float64"))
    first, second = (lbfgs.fit(X.astype(np.float32), Y) for lbfgs in (single, double))
    assert len(first) == len(second)
    assert values(single.model)[0].dtype == np.float32
    np.testing.assert_allclose(values(single.model)[0], values(double.model)[0], atol=1e-6)


def test_linear_regression_comes_to_the_closed_form():
    lbfgs = make(line(outputs=1), pb.SquaredError(), gtol=1e-10, ftol=0.0)
    lbfgs.fit(X, TWIST[:, None])
    peer = Ridge(alpha=SPRING * len(X)).fit(X, TWIST)
    weight, bias = values(lbfgs.model)
    np.testing.assert_allclose(weight[:, 0], peer.coef_, atol=1e-8)
    np.testing.assert_allclose(bias[0], peer.intercept_, atol=1e-8)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_network_is_no_worse_than_scikit_learns(task):
    """From the same start, by the same cost, for as many steps."""
    classify = task == "classification"
    kind = MLPClassifier if classify else MLPRegressor
    labels = Y if classify else TWIST
    told = {"activation": "tanh", "alpha": 0.1, "random_state": 0}
    peer = kind(hidden_layer_sizes=(8,), solver="lbfgs", max_iter=100, tol=1e-5, **told)
    start = kind(hidden_layer_sizes=(8,), solver="lbfgs", max_iter=1, **told)
    model = network(outputs=3 if classify else 1)
    loss = pb.SoftmaxCrossEntropy() if classify else pb.SquaredError()
    # scikit-learn's squared error is half of ours, and so is its alpha
    scale = 0.5 if classify else 1.0
    lbfgs = make(model, loss, penalties=pb.L2(scale * 0.1 / len(X)), gtol=1e-5)
    model(X[:1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer.fit(X, labels)
        start.fit(X, labels)
    for unit, value in zip(
        model.parameters.values(),
        [a for pair in zip(start.coefs_, start.intercepts_, strict=True) for a in pair],
        strict=True,
    ):
        unit.value = value
    history = lbfgs.fit(X, labels if classify else labels[:, None], epochs=99)
    theirs = peer.loss_ if classify else 2.0 * peer.loss_
    assert history["cost"][-1] <= theirs * 1.02 + 1e-6


def test_several_outputs_have_several_losses():
    def two(layers, x, training):
        return layers.a(x), layers.b(x)

    model = pb.Model(two, a=pb.Dense(3, dtype="float64"), b=pb.Dense(1, dtype="float64"))
    losses = (pb.SoftmaxCrossEntropy(), pb.SquaredError())
    lbfgs = make(model, losses, gtol=1e-9, ftol=0.0)
    lbfgs.fit(X, (Y, TWIST[:, None]), chunk_size=40)
    alone = make(gtol=1e-9, ftol=0.0)
    alone.fit(X, Y)
    np.testing.assert_allclose(values(model)[0], values(alone.model)[0], atol=1e-5)


# How it goes -------------------------------------------------------------------------------------


def test_the_cost_falls_with_every_step_and_the_history_says_what_the_model_does():
    lbfgs = make(network())
    history = lbfgs.fit(X, Y, epochs=30, validation=(X[::2], Y[::2]))
    assert (np.diff(history["cost"]) < 0.0).all()
    assert history["loss"][-1] == pytest.approx(lbfgs.evaluate(X, Y)["loss"], rel=1e-12)
    assert history["accuracy"][-1] == lbfgs.evaluate(X, Y)["accuracy"]
    held_out = lbfgs.evaluate(X[::2], Y[::2])
    assert history["validation_loss"][-1] == pytest.approx(held_out["loss"], rel=1e-12)
    assert history["epoch"] == list(range(1, 31))
    assert min(history["evaluations"]) >= 1
    assert history.ended == "completed"
    assert set(history.table.columns) >= {"loss", "cost", "evaluations", "seconds"}


def test_without_penalties_the_cost_is_the_loss():
    history = make(penalties=()).fit(X, Y, epochs=3)
    assert "cost" not in history.rows[0]


def test_a_second_fit_goes_on_from_where_the_first_ended():
    lbfgs = make()
    first = lbfgs.fit(X, Y, epochs=3)
    second = lbfgs.fit(X, Y, epochs=3)
    assert second["cost"][0] < first["cost"][-1]
    assert second["epoch"] == [4, 5, 6]


def test_at_a_minimum_there_is_nothing_to_do():
    lbfgs = make(gtol=1e-8, ftol=0.0)
    lbfgs.fit(X, Y)
    lbfgs.gtol = 1e-6
    before = [v.copy() for v in values(lbfgs.model)]
    history = lbfgs.fit(X, Y)
    assert len(history) == 0
    assert history.ended.startswith("converged")
    for a, b in zip(before, values(lbfgs.model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_step_too_small_to_matter_ends_it():
    history = make(gtol=0.0, ftol=1e-3).fit(X, Y)
    assert history.ended == "converged: a step lowered the cost by less than 0.001 of it"


def test_the_same_data_in_batches_are_the_same_data():
    whole, cut = make(gtol=1e-8), make(gtol=1e-8)
    whole.fit(X, Y, weights=WEIGHTS)
    pieces = [(X[a:b], Y[a:b], WEIGHTS[a:b]) for a, b in ((0, 10), (10, 99), (99, 150))]
    cut.fit(lambda: iter(pieces))
    np.testing.assert_allclose(values(cut.model)[0], values(whole.model)[0], atol=1e-7)


def test_batches_that_change_are_refused():
    turns = iter([[(X[:50], Y[:50])], [(X[:50], Y[:50])], [(X[:40], Y[:40])] * 2])
    with pytest.raises(CircuitError, match="had 50 rows and have 80 now"):
        make().fit(lambda: next(turns))


def test_one_row_and_many_chunks():
    history = make().fit(X[:1], Y[:1], epochs=5)
    assert history["loss"][-1] < history["loss"][0]
    history = make(line("float32")).fit(np.tile(X, (14, 1))[:2003], np.tile(Y, 14)[:2003], epochs=4)
    assert (np.diff(history["cost"]) < 0.0).all()


# How it ends before ------------------------------------------------------------------------------


def test_ctrl_c_keeps_the_lowest_cost_so_far():
    seen = []

    def press(event):
        if event.kind == "epoch":
            seen.append((event.measured["cost"], [v.copy() for v in values(event.trainer.model)]))
            if event.epoch == 4:
                os.kill(os.getpid(), signal.SIGINT)

    lbfgs = make(network())
    history = lbfgs.fit(X, Y, callbacks=press)
    assert history.ended == "interrupted in epoch 5"
    assert len(history) == 4
    for a, b in zip(values(lbfgs.model), seen[-1][1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_the_parameters_cannot_hold_is_said_in_the_end():
    """Of y = 1e6 x the weight is beyond the largest number of float16, 65,504."""
    lbfgs = make(line("float16", outputs=1), pb.SquaredError(), penalties=(), gtol=1e-8)
    with pytest.warns(UserWarning, match="when 'dense1.weight' became infinite or nan; scale"):
        history = lbfgs.fit(1e-5 * X[:, :1], 10.0 * X[:, :1])
    assert history.diverged


def test_a_validation_loss_that_is_not_finite_ends_it():
    lbfgs = make(line(outputs=1), pb.SquaredError())
    far = 1e200 * X[:9], TWIST[:9, None]
    with np.errstate(over="ignore"), pytest.warns(UserWarning, match="validation loss became inf"):
        history = lbfgs.fit(X, TWIST[:, None], validation=far)
    assert history.diverged
    assert len(history) == 1


def test_early_stopping_keeps_the_best_model():
    lbfgs = make(network(), penalties=())
    stop = pb.early_stopping("validation_loss", patience=5)
    history = lbfgs.fit(X[::3], Y[::3], validation=(X[1::3], Y[1::3]), callbacks=[stop])
    assert "stopped early" in history.ended
    best = min(history["validation_loss"])
    assert lbfgs.evaluate(X[1::3], Y[1::3])["loss"] == pytest.approx(best, rel=1e-12)
    assert best < history["validation_loss"][-1]


def test_an_error_in_a_callback_leaves_the_lowest_point():
    def fail(event):
        if event.epoch == 2:
            raise RuntimeError("mine")

    lbfgs = make()
    with pytest.raises(RuntimeError, match="mine"):
        lbfgs.fit(X, Y, callbacks=fail)
    twin = make()
    twin.fit(X, Y, epochs=2)
    np.testing.assert_array_equal(values(lbfgs.model)[0], values(twin.model)[0])


def test_a_step_to_where_the_cost_is_infinite_is_made_shorter(monkeypatch):
    """exp(300 x * weight) overflows at a step of length 1, the first that is tried."""
    met = []
    monkeypatch.setattr(lbfgs_module, "_turned", lambda *a: met.append(a) or _turned(*a))
    model = pb.Model(
        lambda layers, x, training: pb.exp(layers.dense(x)),
        dense=pb.Dense(1, dtype="float64", initializer="zeros"),
    )
    x = np.abs(X[:, :1])
    lbfgs = make(model, pb.SquaredError(), penalties=(), ftol=0.0, gtol=1e-7)
    history = lbfgs.fit(300.0 * x, np.exp(2.0 * x), epochs=200)
    assert len(met) > 0
    assert np.isfinite(history["loss"]).all()
    assert (np.diff(history["loss"]) <= 0.0).all()
    np.testing.assert_allclose(values(model)[0], 2.0 / 300.0, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 1.0, 1e200])
def test_the_way_back_is_a_parabola_whose_lowest_point_is_a_tenth_of_the_step(scale):
    here = Point(np.array([1.0, 2.0]), 5.0, scale * np.array([-1.0, -3.0]), {})
    step = np.array([2.0, 2.0])
    cost, slope = _turned(here, here.x + step)
    fall = scale * 8.0
    along = float(slope @ step)
    assert cost > here.cost or scale < 1e-15
    curvature = along + fall  # the slope changes by so much over the step
    assert fall / curvature == pytest.approx(0.1)
    assert cost == pytest.approx(5.0 - fall + 0.5 * curvature)


# What is refused ---------------------------------------------------------------------------------


def test_a_start_that_is_not_finite_is_refused():
    lbfgs = make(line(outputs=1), pb.SquaredError(), penalties=())
    with pytest.raises(CircuitError, match="the cost to begin with is inf"):
        lbfgs.fit(1e200 * X, TWIST[:, None])


@pytest.mark.parametrize("penalty", [pb.L1(0.1), pb.L2(0.1, proximal=True), pb.GroupLasso(0.1)])
def test_a_penalty_with_a_kink_is_refused_when_it_is_made(penalty):
    with pytest.raises(CircuitError, match="has a kink or is a step of its own"):
        make(penalties=[pb.L2(0.1), penalty])


def test_a_force_is_no_cost():
    force = pb.Force(lambda scores, labels: labels - scores)
    with pytest.raises(CircuitError, match="is a force, and its value is no cost"):
        make(loss=force)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"memory_size": 0}, "at least one step to remember"),
        ({"gtol": -1.0}, "gtol must be at least 0"),
        ({"ftol": float("nan")}, "ftol must be a finite number"),
        ({"engine": "abacus"}, "no engine 'abacus'"),
        ({"penalties": [3]}, "a Penalty"),
        ({"loss": "hinge"}, "a Loss"),
    ],
)
def test_parts_that_are_none_are_refused(told, words):
    with pytest.raises(CircuitError, match=words):
        make(**told)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"epochs": 0}, "epochs is a whole number of at least 1"),
        ({"chunk_size": 0}, "chunk_size is a whole number of at least 1"),
        ({"chunk_size": 2.5}, "chunk_size is a whole number"),
        ({"weights": [1.0]}, "150 rows need weights"),
        ({"validation": "some"}, "validation is a share"),
    ],
)
def test_bad_arguments_are_refused(told, words):
    with pytest.raises(CircuitError, match=words):
        make().fit(X, Y, **told)


def test_bad_data_are_refused():
    wrong = X.copy()
    wrong[7, 1] = np.nan
    for x, y, words in (
        (wrong, Y, "row 7"),
        (X, Y[:3], "150 training inputs need as many labels, got 3"),
        (X[:0], Y[:0], "no training rows"),
    ):
        with pytest.raises(CircuitError, match=words):
            make().fit(x, y)


def test_there_is_no_learning_rate_to_set():
    lbfgs = make()
    with pytest.raises(CircuitError, match="no learning rate"):
        lbfgs.learning_rate = 0.1
    with pytest.raises(CircuitError, match="no learning rate"):
        _ = lbfgs.learning_rate


# Copies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_goes_on_as_the_original_does(again):
    lbfgs = make()
    lbfgs.fit(X, Y, epochs=2)
    other = again(lbfgs)
    assert lbfgs.fit(X, Y, epochs=3)["cost"] == other.fit(X, Y, epochs=3)["cost"]
    np.testing.assert_array_equal(values(lbfgs.model)[0], values(other.model)[0])
