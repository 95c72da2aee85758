"""Estimators whose training diverges raise, as scikit-learn's do, and name the learning rate."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from tests.estimators.small import ALL, IRIS, outcome, small

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.estimators import NetworkClassifier, NetworkRegressor

pytestmark = pytest.mark.filterwarnings("ignore:training ended")
WILD = {"optimizer": "sgd", "learning_rate": 1e30, "batch_size": 20, "epochs": 9}


@pytest.mark.parametrize("kind", ALL)
def test_training_that_diverges_raises(kind):
    model = small(kind, **WILD)
    with pytest.raises(ValueError, match=r"training diverged: .* learning_rate than 1e\+30"):
        model.fit(*IRIS)
    for ask in (lambda: outcome(model), lambda: model.predict(IRIS[0]), lambda: model.score(*IRIS)):
        with pytest.raises(NotFittedError):  # a ValueError; what is left of the model is gone
            ask()


@pytest.mark.parametrize("kind", ALL)
def test_going_on_from_a_model_that_diverged_raises(kind):
    model = small(kind, **WILD)
    told = {} if kind is NetworkRegressor else {"classes": [0, 1, 2]}

    def go_on():
        for _ in range(9):
            model.partial_fit(*IRIS, **told)

    for _ in range(2):  # each begins anew
        with pytest.raises(ValueError, match="training diverged"):
            go_on()
    with pytest.raises(ValueError, match="training diverged"):
        model.set_params(warm_start=True).fit(*IRIS)
    calm = model.set_params(warm_start=False, learning_rate=0.01, epochs=2)
    assert np.isfinite(outcome(calm.fit(*IRIS))).all()


def test_a_rare_class_does_not_hide_a_model_that_diverged():
    X = np.random.default_rng(0).normal(size=(200, 4))
    y = np.where(np.arange(200) < 180, "common", "rare")
    with pytest.raises(ValueError, match="training diverged"):
        small(NetworkClassifier, activation="identity", **WILD).fit(X, y)


def test_a_regressor_that_stops_early_says_the_same():
    model = small(NetworkRegressor, activation="identity", early_stopping=True, **WILD)
    with pytest.raises(ValueError, match=r"training diverged: .* smaller learning_rate"):
        model.fit(*IRIS)


def test_early_stopping_goes_back_to_the_last_good_model():
    exploding = pb.SGD(lambda step: pb.where(step < 60.0, 0.1, 1e38))
    model = small(
        NetworkClassifier, early_stopping=True, epochs=50, optimizer=exploding, batch_size=20
    )
    with pytest.warns(UserWarning, match="training ended"):
        model.fit(*IRIS)
    assert 5 < model.n_iter_ < 20
    assert model.score(*IRIS) > 0.8


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_search_scores_what_diverged_as_nan():
    grid = {"learning_rate": [0.01, 1e30]}
    search = GridSearchCV(small(NetworkClassifier, optimizer="sgd"), grid, cv=2)
    search.fit(*IRIS)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]
    assert search.best_params_ == {"learning_rate": 0.01}


@pytest.mark.parametrize("kind", ALL)
def test_a_row_beyond_float32_is_named(kind):
    model = small(kind).fit(*IRIS)
    X = IRIS[0].copy()
    X[5] = 1e200
    with pytest.raises(CircuitError, match=r"features, once scaled, contain .* float32 \(row 5\)"):
        model.predict(X)


def test_a_model_that_is_left_finite_but_diverged_does_not_answer():
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60.0)
    model = NetworkRegressor(hidden=(8,), epochs=20, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="training diverged"):
        model.set_params(learning_rate=1e6, optimizer="sgd").fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
