"""How the estimators train, and how they get on in scikit-learn's company."""

import copy
import inspect
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_classification
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.estimators.small import ALL, CLASSIFIERS, IRIS, NETWORKS, outcome, small

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.estimators import LinearSVM, NetworkClassifier, NetworkRegressor
from pullback.layers.activations import ACTIVATIONS

# How training goes -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL)
def test_the_same_random_state_gives_the_same_bits(kind):
    told = {"dropout": 0.3} if kind in NETWORKS else {}
    first, again = (small(kind, **told).fit(*IRIS) for _ in range(2))
    assert (outcome(first) == outcome(again)).all()
    other = small(kind, **{**told, "random_state": 1}).fit(*IRIS)
    assert (outcome(first) != outcome(other)).any()


def test_native_code_learns_the_same_and_repeats_itself():
    told = {"hidden": (), "batch_size": 50, "epochs": 5}
    first, again = (small(NetworkClassifier, **told, engine="native").fit(*IRIS) for _ in range(2))
    assert (outcome(first) == outcome(again)).all()
    eager = small(NetworkClassifier, **told).fit(*IRIS)
    np.testing.assert_allclose(outcome(first), outcome(eager), atol=1e-4)
    assert len(first._trainer._runs.ready) == 1  # the step is all that was compiled


def test_random_states_of_all_kinds():
    drawn = [
        small(NetworkClassifier, random_state=np.random.RandomState(5)).fit(*IRIS) for _ in range(2)
    ]
    assert (outcome(drawn[0]) == outcome(drawn[1])).all()
    one, other = (small(NetworkClassifier, random_state=None).fit(*IRIS) for _ in range(2))
    assert (outcome(one) != outcome(other)).any()


@pytest.mark.parametrize("kind", ALL)
def test_a_row_is_predicted_alike_alone_and_among_others(kind):
    model = small(kind).fit(*IRIS)
    alone = np.concatenate([outcome(model, IRIS[0][k : k + 1]) for k in range(150)])
    assert (alone == outcome(model)).all()


def test_training_stops_when_the_loss_does_not_improve():
    model = small(NetworkClassifier, epochs=500, learning_rate=0.1, tol=1e-2, patience=3)
    model.fit(*IRIS)
    losses = model.loss_curve_
    assert model.n_iter_ == len(losses) < 500
    best, since, ended = np.inf, 0, None
    for epoch, loss in enumerate(losses, start=1):  # as MLPClassifier counts
        since = since + 1 if loss > best - 1e-2 else 0
        best = min(best, loss)
        if since > 3:
            ended = epoch
            break
    assert ended == model.n_iter_
    assert model.best_loss_ == best
    assert model.validation_scores_ is None
    assert "did not improve" in model.history_.ended


@pytest.mark.parametrize("kind", ALL)
def test_early_stopping_keeps_the_best_model(kind):
    X, y = make_classification(200, 5, flip_y=0.3, random_state=0)
    model = small(kind, epochs=300, early_stopping=True, patience=5, validation_fraction=0.3)
    model.fit(X, y, sample_weight=np.linspace(0, 1, 200))
    assert len(model.validation_scores_) == model.n_iter_ < 300
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.history_["validation_score"] == model.validation_scores_
    best = int(np.argmax(model.validation_scores_))
    shorter = small(kind, **{**model.get_params(), "epochs": best + 1})
    shorter.fit(X, y, sample_weight=np.linspace(0, 1, 200))
    assert (outcome(shorter, X) == outcome(model, X)).all()


def test_early_stopping_needs_rows():
    with pytest.raises(CircuitError, match="holds out 1 of 5 rows"):
        small(NetworkRegressor, early_stopping=True).fit(IRIS[0][:5], IRIS[1][:5])


@pytest.mark.parametrize("kind", ALL)
def test_partial_fit_goes_on(kind):
    told = {} if kind is NetworkRegressor else {"classes": [0, 1, 2]}
    model = small(kind)
    model.partial_fit(IRIS[0][50:], IRIS[1][50:], **told)
    for _ in range(60):
        model.partial_fit(*IRIS)
    assert model.n_iter_ == len(model.loss_curve_) == 61
    assert model.loss_curve_[-1] < 0.5 * model.loss_curve_[0]
    assert model.score(*IRIS) > 0.85


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_partial_fit_refuses_other_classes(kind):
    model = small(kind).partial_fit(IRIS[0], IRIS[1], classes=[0, 1, 2, 5])
    assert model.classes_.tolist() == [0, 1, 2, 5]
    with pytest.raises(CircuitError, match="classes are not those of the first call"):
        model.partial_fit(*IRIS, classes=[0, 1, 2])
    with pytest.raises(CircuitError, match=r"label .*4.* \(row 149\) is none of the classes"):
        model.partial_fit(IRIS[0], np.where(np.arange(150) < 149, IRIS[1], 4))
    with pytest.raises(CircuitError, match="needs all labels at once"):
        small(kind, class_weight="balanced").partial_fit(*IRIS)


@pytest.mark.parametrize("kind", ALL)
def test_a_warm_start_goes_on_and_a_cold_one_does_not(kind):
    warm = small(kind, warm_start=True, tol=0.0).fit(*IRIS)
    first = outcome(warm)
    warm.fit(*IRIS)
    assert warm.n_iter_ == 40
    longer = small(kind, epochs=40, tol=0.0).fit(*IRIS)
    np.testing.assert_array_equal(outcome(warm), outcome(longer))
    cold = small(kind, tol=0.0).fit(*IRIS).fit(*IRIS)
    np.testing.assert_array_equal(outcome(cold), first)


# Company -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("optimizer", ["adam", pb.Adam(0.02, clip_norm=1.0)])
def test_a_copy_predicts_the_same_and_goes_on_learning_to_the_bit(kind, optimizer, tmp_path):
    def by_joblib(model):
        joblib.dump(model, tmp_path / "model")
        return joblib.load(tmp_path / "model")

    told = {"optimizer": optimizer, "epochs": 3, "warm_start": True, "early_stopping": True}
    for way in (lambda model: pickle.loads(pickle.dumps(model)), copy.deepcopy, by_joblib):
        model = way(small(kind, **told)).fit(*IRIS)
        twin = way(model)
        before = outcome(model)
        assert (outcome(twin) == before).all()
        assert twin.loss_curve_ == model.loss_curve_
        assert repr(twin.optimizer) == repr(model.optimizer)
        twin.fit(*IRIS).partial_fit(*IRIS)
        assert (outcome(model) == before).all()
        model.fit(*IRIS).partial_fit(*IRIS)
        assert (outcome(twin) == outcome(model)).all()
        assert (outcome(model) != before).any()
        assert twin.loss_curve_ == model.loss_curve_
        assert not hasattr(clone(model), "model_")


@pytest.mark.parametrize("kind", ALL)
def test_parameters_changed_between_calls_count(kind):
    model = small(kind, l2=0.0).partial_fit(*IRIS)
    before = outcome(model)
    model.set_params(learning_rate=1e-30).partial_fit(*IRIS)
    np.testing.assert_allclose(outcome(model), before, rtol=1e-5)
    model.set_params(optimizer="sgd", learning_rate=0.02).partial_fit(*IRIS)
    assert model._trainer.optimizer.name == "SGD"
    assert (outcome(model) != before).any()
    before = np.abs(model.model_[0].weight.value).max()
    model.set_params(optimizer="sgd", l2=1e3, learning_rate=1e-4 if kind is LinearSVM else 1e-2)
    for _ in range(20):
        model.partial_fit(*IRIS)
    assert np.abs(model.model_[0].weight.value).max() < 0.9 * before


@pytest.mark.parametrize("kind", ALL)
def test_jobs_are_threads_and_change_no_bit(kind):
    models = [small(kind, engine="native", epochs=2, n_jobs=n).fit(*IRIS) for n in (None, -1, 1, 3)]
    assert [model._trainer.threads for model in models] == [None, None, 1, 3]
    for model in models[1:]:
        np.testing.assert_array_equal(outcome(model), outcome(models[0]))


def test_a_grid_is_searched_by_several_processes():
    scaled = make_pipeline(StandardScaler(), small(NetworkClassifier, epochs=5))
    grid = {
        "networkclassifier__hidden": [(4,), (8, 4)],
        "networkclassifier__optimizer": [pb.Adam(0.05)],
    }
    search = GridSearchCV(scaled, grid, cv=2, n_jobs=2).fit(*IRIS)
    assert search.best_score_ > 0.5
    assert search.predict(IRIS[0]).shape == (150,)


def test_cross_validation_and_a_pipeline_in_pandas():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(IRIS[0], columns=list("abcd"))
    model = make_pipeline(StandardScaler(), small(LinearSVM)).set_output(transform="pandas")
    assert cross_val_score(model, X, IRIS[1], cv=3).min() > 0.8
    assert model.fit(X, IRIS[1])[-1].feature_names_in_.tolist() == list("abcd")


@pytest.mark.parametrize("kind", ALL)
def test_parameters_go_round(kind):
    told = small(kind, l2=0.5, optimizer=pb.SGD(0.1))
    twin = clone(told)
    same = {k: v for k, v in twin.get_params().items() if k != "optimizer"}
    assert same == {k: v for k, v in told.get_params().items() if k != "optimizer"}
    assert set(told.get_params()) == set(inspect.signature(kind).parameters)
    assert twin.set_params(l2=0.25).l2 == 0.25


def test_l2_is_the_strength_that_the_formula_says():
    X, y = load_diabetes(return_X_y=True)
    X, y = X * 20, (y - y.mean()) / 100
    told = {"hidden": (), "l2": 300.0, "batch_size": len(X), "scale": False}
    told |= {"epochs": 1500, "tol": 0.0, "patience": 1500}
    ours = small(NetworkRegressor, **told).fit(X, y)
    theirs = Ridge(alpha=300.0 / 2).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=2e-3)


def test_the_model_is_there_to_look_at():
    model = small(NetworkClassifier, dropout=0.2, hidden=(8, 4)).fit(*IRIS)
    kinds = [type(layer).__name__ for layer in model.model_.layers]
    assert kinds == ["Dense", "ReLU", "Dropout", "Dense", "ReLU", "Dropout", "Dense"]
    scores = model.model_.predict(model.scaler_.transform(IRIS[0]).astype(np.float32))
    assert (scores.argmax(axis=1) == model.predict(IRIS[0])).all()
    assert model.history_["loss"] == model.loss_curve_


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_learns(activation):
    told = {"activation": activation.lower(), "epochs": 100, "learning_rate": 0.05}
    assert small(NetworkClassifier, **told).fit(*IRIS).score(*IRIS) > 0.8


@pytest.mark.parametrize("name", sorted(pb.optim.OPTIMIZERS))
def test_every_optimizer_is_found_by_name(name):
    model = small(NetworkClassifier, optimizer=name.lower(), epochs=2).fit(*IRIS)
    assert model._trainer.optimizer.name == name


def test_no_hidden_layer_is_logistic_regression():
    model = small(NetworkClassifier, hidden=()).fit(*IRIS)
    assert len(model.model_.layers) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("hidden", (5,)), ("activation", "tanh"), ("dropout", 0.5), ("scale", False)],
)
def test_a_warm_start_refuses_what_would_need_another_model(name, value):
    model = small(NetworkClassifier, warm_start=True, epochs=2, scale=True).fit(*IRIS)
    model.set_params(**{name: value})
    with pytest.raises(ValueError, match=f"{name} was .* to go on, set it back"):
        model.fit(*IRIS)
    model.set_params(warm_start=False).fit(*IRIS)


@pytest.mark.parametrize("kind", [NetworkClassifier, LinearSVM])
def test_balanced_classes_are_balanced_by_weight(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = (X[:, 0] > 0.5).astype(int)
    weights = np.where(y == 0, 5, 1)
    weights[:7] = 0
    # Balanced classes pull a bias by exactly nothing at first; Adam would step by the rounding.
    told = {"class_weight": "balanced", "epochs": 60, "batch_size": 1000, "optimizer": "sgd"}
    weighed = small(kind, **told).fit(X, y, sample_weight=weights)
    rows = np.repeat(np.arange(60), weights)
    repeated = small(kind, **told).fit(X[rows], y[rows])
    np.testing.assert_allclose(outcome(weighed, X), outcome(repeated, X), atol=2e-5)


def test_the_size_of_weights_does_not_count():
    X, y = np.random.default_rng(0).normal(2000.0, 1.0, (60, 1)), np.arange(60) % 2
    told = {"epochs": 20, "scale": True}
    plain = small(NetworkClassifier, **told).fit(X, y)
    heavy = small(NetworkClassifier, **told).fit(X, y, sample_weight=np.full(60, 1e11))
    np.testing.assert_allclose(outcome(heavy, X), outcome(plain, X), atol=1e-5)


def test_a_learning_rate_is_found():
    model = small(NetworkClassifier, learning_rate="find").fit(*IRIS)
    found = model._trainer.learning_rate
    assert model.history_.notes == [f"learning rate {found:g}, found by trying"]
    assert model.score(*IRIS) > 0.9
    model.set_params(learning_rate=0.01).partial_fit(*IRIS)
    assert model._trainer.learning_rate == 0.01
