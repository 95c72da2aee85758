"""The estimators trained by L-BFGS, beside scikit-learn's own."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.estimators.small import ALL, IRIS, NETWORKS, outcome, small

from pullback.core.errors import CircuitError
from pullback.estimators import LinearSVM, NetworkClassifier, NetworkRegressor

X, Y = IRIS
WEIGHTS = np.random.default_rng(0).integers(1, 4, size=len(X)).astype(float)


def full(kind=NetworkClassifier, **told):
    return small(kind, **{"solver": "lbfgs", "epochs": 100, **told})


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_without_hidden_layers_it_is_logistic_regression(weights):
    ours = full(hidden=(), l2=1.0, tol=1e-6, epochs=1000, scale=False).fit(X, Y, weights)
    peer = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(X, Y, weights)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), atol=2e-5)


def test_without_hidden_layers_it_is_ridge_regression():
    x, y = load_diabetes(return_X_y=True)
    ours = full(NetworkRegressor, hidden=(), l2=2.0, tol=1e-6).fit(x, y)
    peer = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(x, (y - y.mean()) / y.std())
    np.testing.assert_allclose((ours.predict(x) - y.mean()) / y.std(), peer.predict(x), atol=1e-4)


@pytest.mark.parametrize("kind", ALL)
def test_it_ends_by_itself_with_a_lower_loss_than_minibatches(kind):
    told = {"loss": "MulticlassHinge"} if kind is LinearSVM else {}
    ours, batches = full(kind, **told).fit(X, Y), small(kind, **told).fit(X, Y)
    assert ours.best_loss_ < batches.best_loss_
    assert ours.n_iter_ == len(ours.loss_curve_) == len(ours.history_) <= 100
    assert ours.validation_scores_ is None
    assert ours.score(X, Y) >= batches.score(X, Y) - 0.01


def test_tol_is_the_largest_slope_that_may_be_left():
    loose, strict = (full(tol=tol, l2=0.1, activation="tanh").fit(X, Y) for tol in (0.1, 1e-3))
    assert loose.n_iter_ < strict.n_iter_
    assert loose.history_.ended == "converged: no part of the slope is above 0.1"


def test_epochs_are_the_most_steps():
    network = full(epochs=3, tol=0.0).fit(X, Y)
    assert network.n_iter_ == 3
    assert network.history_.ended == "completed"


def test_a_weight_is_how_often_a_row_counts():
    told = {"tol": 1e-6, "l2": 1.0, "hidden": (), "epochs": 1000}
    weighed = full(**told).fit(X, Y, WEIGHTS)
    repeated = full(**told).fit(*(np.repeat(a, WEIGHTS.astype(int), axis=0) for a in (X, Y)))
    np.testing.assert_allclose(outcome(weighed), outcome(repeated), atol=2e-5)
    balanced = full(**told, class_weight={0: 1.0, 1: 5.0, 2: 1.0}).fit(X, Y)
    assert balanced.predict_proba(X)[:, 1].mean() > weighed.predict_proba(X)[:, 1].mean()


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_warm_start_goes_on(kind):
    network = full(kind, epochs=5, warm_start=True, tol=0.0).fit(X, Y)
    first = network.history_.rows[-1]["cost"]
    network.fit(X, Y)
    assert network.n_iter_ == 10
    assert network.history_.rows[-1]["cost"] < first
    for again in (copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))):
        assert (
            outcome(again(network).fit(X, Y)) == outcome(copy.deepcopy(network).fit(X, Y))
        ).all()


def test_a_warm_start_may_change_the_solver():
    network = small(NetworkClassifier, epochs=3, warm_start=True).fit(X, Y)
    network.set_params(solver="lbfgs", learning_rate=0.5, tol=1e-3).fit(X, Y)
    assert network.n_iter_ > 3
    losses = network.loss_curve_
    assert losses[-1] < losses[2]
    network.set_params(solver="minibatch", learning_rate=0.01).fit(X, Y)


@pytest.mark.parametrize("kind", NETWORKS)
def test_early_stopping_keeps_the_best(kind):
    network = full(kind, early_stopping=True, patience=3, l2=0.0, tol=1e-9).fit(X, Y)
    assert len(network.validation_scores_) == network.n_iter_
    assert network.best_validation_score_ == max(network.validation_scores_)


@pytest.mark.parametrize("kind", ALL)
def test_there_is_no_partial_fit(kind):
    network = full(kind)
    assert not hasattr(network, "partial_fit")
    assert hasattr(clone(network).set_params(solver="minibatch"), "partial_fit")
    with pytest.raises(AttributeError, match="no attribute 'partial_fit'") as raised:
        network.partial_fit(X, Y)
    assert "needs all rows at once" in str(raised.value.__cause__)


def test_what_it_cannot_be_trained_with_is_refused():
    with pytest.raises(CircuitError, match="dropout draws anew"):
        full(dropout=0.2).fit(X, Y)
    with pytest.raises(CircuitError, match="solver is 'minibatch' or 'lbfgs', got 'newton'"):
        full(solver="newton").fit(X, Y)


def test_a_search_may_choose_the_solver():
    search = GridSearchCV(
        small(NetworkClassifier, epochs=5), {"solver": ["minibatch", "lbfgs"]}, cv=2
    )
    assert search.fit(X, Y).best_params_ == {"solver": "lbfgs"}
