"""What the estimators learn, against scikit-learn's own, and what they refuse."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, make_classification
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency
from tests.estimators.small import ALL, CLASSIFIERS, IRIS, outcome, small

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.estimators import LinearSVM, NetworkClassifier, NetworkRegressor
from pullback.estimators.arguments import RULES, refuse_parameters
from pullback.losses import Reading

# What is learned ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL)
def test_feature_names_are_checked_as_everywhere(kind):
    check_dataframe_column_names_consistency(kind.__name__, small(kind))


@pytest.mark.parametrize(
    "labels",
    [
        ["setosa", "versicolor", "virginica"],
        [-7, 0, 40],
        [1.0, 2.0, 3.0],
        np.array(["a", "bb", "c"], object),
    ],
)
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_labels_are_of_any_kind(kind, labels):
    y = np.asarray(labels)[IRIS[1]]
    model = small(kind, epochs=100).fit(IRIS[0], y)
    assert model.score(IRIS[0], y) > 0.9
    assert model.classes_.tolist() == sorted(labels)
    assert model.predict(IRIS[0]).dtype == y.dtype


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_labels_are_truth_values(kind):
    y = IRIS[1] == 0
    model = small(kind, epochs=100).fit(IRIS[0], y)
    assert model.predict(IRIS[0]).dtype == bool
    assert model.score(IRIS[0], y) > 0.95


def test_probabilities_add_up_and_logarithms_agree():
    for loss, y in ((None, IRIS[1]), ("BinaryCrossEntropy", IRIS[1] > 0)):
        model = small(NetworkClassifier, loss=loss).fit(IRIS[0], y)
        p = model.predict_proba(IRIS[0])
        assert p.shape == (150, len(np.unique(y)))
        np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-12)
        np.testing.assert_allclose(np.log(p), model.predict_log_proba(IRIS[0]), atol=1e-9)
        assert (model.classes_[p.argmax(axis=1)] == model.predict(IRIS[0])).all()


def test_a_hinge_gives_no_probabilities():
    model = small(NetworkClassifier, loss="MulticlassHinge", epochs=60).fit(*IRIS)
    assert not hasattr(model, "predict_proba")
    assert model.score(*IRIS) > 0.9


@pytest.mark.parametrize("loss", ["Hinge", "SquaredHinge", "BinaryCrossEntropy", pb.Hinge()])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_losses_of_one_score_tell_two_classes_apart(kind, loss):
    y = np.array(["no", "yes"])[(IRIS[1] == 0).astype(int)]
    model = small(kind, loss=loss, batch_size=10, early_stopping=True).fit(IRIS[0], y)
    assert model.score(IRIS[0], y) > 0.95
    assert model.best_validation_score_ > 0.9
    with pytest.raises(CircuitError, match="tells 2 classes apart, got 3"):
        small(kind, loss=loss).fit(*IRIS)


@pytest.mark.parametrize("pair", [(-1, 1), (0, 1)])
def test_a_loss_of_ones_own_is_read_as_it_declares(pair):
    class Nearness(pb.Loss):
        """The square of the distance to the label, one score for two classes."""

        reading = Reading("classification", pair=pair)

        def prepare(self, labels, shape):
            assert set(labels) == set(pair)
            return np.asarray(labels, np.float32)

        def cost(self, scores, labels):  # a score of 0 stands between the two
            return (pb.reshape(scores, labels.shape) - (labels - sum(pair) / 2)) ** 2

    y = np.array(["no", "yes"])[(IRIS[1] == 0).astype(int)]
    model = small(NetworkClassifier, loss=Nearness(), batch_size=10).fit(IRIS[0], y)
    assert model.score(IRIS[0], y) > 0.95
    assert max(model.history_["accuracy"]) > 0.95
    assert not hasattr(model, "predict_proba")
    with pytest.raises(CircuitError, match="is no loss of a NetworkRegressor"):
        small(NetworkRegressor, loss=Nearness()).fit(*IRIS)


def test_a_linear_svm_finds_the_plane_that_libraries_find():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)[:, :6]
    l2 = 0.01
    told = {"epochs": 1500, "batch_size": 569, "tol": 0.0, "patience": 1500, "l2": l2}
    ours = small(LinearSVM, **told).fit(X, y)
    theirs = LinearSVC(C=1 / (l2 * len(X)), loss="hinge", intercept_scaling=100, max_iter=10**6)
    theirs.fit(X, y)

    def objective(coef, intercept):
        margin = (2 * y - 1) * (X @ coef.ravel() + intercept)
        return np.maximum(0, 1 - margin).mean() + l2 / 2 * (coef**2).sum()

    best = objective(theirs.coef_, theirs.intercept_)
    assert objective(ours.coef_, ours.intercept_) < best * 1.01
    assert (ours.predict(X) == theirs.predict(X)).mean() > 0.98


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("loss", [None, "MulticlassHinge"])
def test_coefficients_are_for_rows_as_they_are(classes, scale, loss):
    keep = IRIS[1] < classes
    X, y = IRIS[0][keep] * [1, 10, 0.1, 1], IRIS[1][keep]
    model = small(LinearSVM, scale=scale, loss=loss).fit(X, y)
    scores = X @ model.coef_.T + model.intercept_
    expected = scores[:, 0] if classes == 2 else scores
    np.testing.assert_allclose(model.decision_function(X), expected, atol=1e-4)


def test_a_linear_svm_has_no_coefficients_before_fit():
    assert not hasattr(LinearSVM(), "coef_")


def test_a_regressor_comes_near_in_any_unit():
    X, y = load_diabetes(return_X_y=True)
    first = small(NetworkRegressor, epochs=60).fit(X, y)
    moved = small(NetworkRegressor, epochs=60).fit(X * 1e6 + 3e9, y * 1e-6 + 5)
    assert first.score(X, y) > 0.5
    np.testing.assert_allclose((moved.predict(X * 1e6 + 3e9) - 5) * 1e6, first.predict(X), rtol=0.1)


def test_targets_far_from_zero_keep_their_digits():
    X = np.linspace(-1, 1, 200)[:, None]
    y = 1.7e9 + 10 * X[:, 0]  # seconds since 1970: float32 would round to 128
    model = small(NetworkRegressor, epochs=200).fit(X, y)
    assert np.abs(model.predict(X) - y).max() < 3.0


def test_a_regressor_of_several_outputs():
    X = np.random.default_rng(0).normal(size=(120, 4))
    y = np.stack([X[:, 0] + 100, 1e3 * X[:, 1], X[:, 2] - X[:, 3]], axis=1)
    model = small(NetworkRegressor, hidden=(32,), epochs=200).fit(X, y)
    assert model.predict(X).shape == (120, 3)
    assert model.score(X, y) > 0.9
    with pytest.raises(CircuitError, match="another shape than in the first call"):
        model.partial_fit(X, y[:, 0])


def test_a_column_of_targets_stays_a_column():
    X = np.arange(20.0)[:, None]
    assert small(NetworkRegressor).fit(X, X).predict(X).shape == (20, 1)


def test_a_quantile_lies_below_most_labels():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 2)), rng.normal(size=400)
    model = small(NetworkRegressor, loss=pb.Quantile(0.1), epochs=100).fit(X, y)
    assert 0.02 < (y < model.predict(X)).mean() < 0.2


def test_a_loss_that_is_of_no_number_is_refused():
    with pytest.raises(CircuitError, match="Poisson is no loss of a NetworkRegressor; take one of"):
        small(NetworkRegressor, loss="Poisson").fit(*IRIS)


# Weights -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("l2", [0.0, 1e-4, 1.0, 30.0])
@pytest.mark.parametrize("kind", ALL)
def test_a_weight_is_as_good_as_repeating_the_row(kind, l2):
    weights = np.random.default_rng(0).integers(0, 4, 150)
    told = {"batch_size": 1000, "tol": 0.0, "l2": l2}
    weighted = small(kind, **told).fit(*IRIS, sample_weight=weights)
    repeated = small(kind, **told).fit(*(a.repeat(weights, axis=0) for a in IRIS))
    np.testing.assert_allclose(outcome(weighted), outcome(repeated), atol=2e-6)
    plain = outcome(small(kind, **told).fit(*IRIS))
    assert np.abs(outcome(weighted) - plain).max() > (1e-2 if l2 < 1 else 1e-5)


def test_a_class_weight_is_as_good_as_repeating_the_rows_of_the_class():
    told = {"batch_size": 1000, "tol": 0.0, "l2": 1.0}
    weighted = small(NetworkClassifier, **told, class_weight={1: 3.0}).fit(*IRIS)
    counts = np.where(IRIS[1] == 1, 3, 1)
    # The scale of the features knows the weights of rows, not of classes.
    rows = [a.repeat(counts, axis=0) for a in IRIS]
    repeated = small(NetworkClassifier, **told).fit(*rows)
    np.testing.assert_allclose(outcome(weighted), outcome(repeated), atol=2e-6)


@pytest.mark.parametrize("kind", ALL)
def test_weights_count_in_batches_of_one_row(kind):
    weights = np.where(IRIS[1] == 1, 20.0, 1.0)
    told = {"batch_size": 1, "epochs": 2, "optimizer": "sgd", "learning_rate": 0.001}
    plain = outcome(small(kind, **told).fit(*IRIS))
    weighted = outcome(small(kind, **told).fit(*IRIS, sample_weight=weights))
    assert np.abs(weighted - plain).max() > 0.01


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_class_weights_are_weights_of_rows(kind):
    y = np.array(["a", "b", "c"])[IRIS[1]]
    by_class = {"a": 1.0, "b": 5.0, "c": 0.5}
    given = small(kind, class_weight=by_class).fit(IRIS[0], y)
    same = small(kind).fit(IRIS[0], y, sample_weight=[by_class[label] for label in y])
    np.testing.assert_array_equal(outcome(given), outcome(same))


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_class_weights_may_name_classes_that_some_rows_are_not_of(kind):
    weighted = small(kind, class_weight={0: 2.0, 2: 3.0})
    keep = IRIS[1] < 2
    weighted.partial_fit(IRIS[0][keep], IRIS[1][keep], classes=[0, 1, 2])
    same = small(kind).partial_fit(
        IRIS[0][keep], IRIS[1][keep], [0, 1, 2], np.where(IRIS[1][keep] == 0, 2.0, 1.0)
    )
    assert (outcome(weighted) == outcome(same)).all()


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_balanced_weights_find_a_rare_class(kind):
    X, y = make_classification(1000, 5, weights=[0.97], class_sep=0.5, random_state=1)
    plain, balanced = (
        small(kind, class_weight=w, epochs=40).fit(X, y).predict(X) for w in (None, "balanced")
    )
    assert balanced[y == 1].mean() > plain[y == 1].mean() + 0.2


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ([-1.0] * 150, "weight -1.0 \\(row 0\\)"),
        ([0.0] * 150, "[Ww]eights"),
        ([1.0] * 149, "sample_weight"),
        ([np.nan] * 150, "sample_weight"),
    ],
)
def test_weights_that_are_none_are_refused(weights, told):
    with pytest.raises(ValueError, match=told):
        small(LinearSVM).fit(*IRIS, sample_weight=weights)


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL)
def test_prediction_needs_a_fit(kind):
    with pytest.raises(NotFittedError):
        small(kind).predict(IRIS[0])


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"hidden": (0,)}, "unit"),
        ({"hidden": "wide"}, "hidden"),
        ({"activation": "rleu"}, "did you mean 'ReLU'"),
        ({"activation": 3}, "an activation is a name"),
        ({"optimizer": "adma"}, "there is no optimizer 'adma'"),
        ({"optimizer": 3}, "an optimizer is a name"),
        ({"loss": "Hing"}, "did you mean 'Hinge'"),
        ({"loss": 3}, "a loss is a name"),
        ({"hidden": (4, 2.5)}, "hidden is the sizes of the hidden layers, at least one unit each"),
        ({"hidden": None}, "hidden is the sizes"),
        ({"learning_rate": 0.0}, "learning_rate is a number above 0, or 'find', got 0.0"),
        ({"learning_rate": np.nan}, "learning_rate is a number above 0, or 'find', got nan"),
        ({"dropout": 1.0}, "dropout is a rate from 0 to below 1, got 1.0"),
        ({"dropout": "some"}, "dropout is a rate"),
        ({"validation_fraction": 0, "early_stopping": True}, "validation_fraction is a share of"),
        ({"validation_fraction": 1.0}, "validation_fraction is a share of the rows, above 0 and"),
        ({"validation_fraction": 5}, "validation_fraction is a share of the rows, above 0 and"),
        ({"early_stopping": "no"}, "early_stopping is True or False, got 'no'"),
        ({"scale": None}, "scale is True or False, got None"),
        ({"warm_start": 2}, "warm_start is True or False, got 2"),
        ({"verbose": "no"}, "verbose is True or False, got 'no'"),
        ({"random_state": -1}, "random_state is no seed"),
        ({"class_weight": "even"}, "class_weight is None, 'balanced', or a mapping"),
        ({"class_weight": {0: -1.0}}, "class_weight is None, 'balanced', or a mapping"),
        ({"class_weight": {0: np.nan}}, "class_weight is None, 'balanced', or a mapping"),
        ({"l2": np.inf}, "l2 is a number of at least 0, got inf"),
        ({"l2": -1.0}, "l2 is a number of at least 0"),
        ({"tol": None}, "tol is a number of at least 0"),
        ({"epochs": 0}, "epochs is a whole number of at least 1"),
        ({"epochs": 1.5}, "epochs is a whole number of at least 1"),
        ({"batch_size": 0}, "batch_size is a whole number of at least 1"),
        ({"batch_size": "all"}, "batch_size is a whole number"),
        ({"patience": True}, "patience is a whole number"),
        ({"engine": "steam"}, "there is no engine 'steam'"),
        ({"n_jobs": 0}, "n_jobs is None, -1, or a whole number of at least 1, got 0"),
        ({"n_jobs": "all"}, "n_jobs is None, -1, or a whole number of at least 1, got 'all'"),
        ({"n_jobs": 2, "engine": "eager"}, "'eager' takes no number of threads"),
    ],
)
def test_parameters_that_cannot_be_are_refused(told, message):
    with pytest.raises(CircuitError, match=message):
        small(NetworkClassifier, **told).fit(*IRIS)


def test_every_number_among_the_parameters_has_a_rule():
    looked_up = {"activation", "loss", "optimizer", "random_state", "engine"}
    for kind in ALL:
        assert set(kind().get_params()) - looked_up <= set(RULES)
        refuse_parameters(kind().get_params())


@pytest.mark.parametrize("size", [1e200, 1e300])
def test_numbers_whose_squares_are_no_double_are_refused(size):
    X, y = IRIS[0].copy(), IRIS[1].astype(float)
    X[5, 1] = size
    for kind in ALL:
        with pytest.raises(CircuitError, match=r"X has a number too large to be scaled \(row 5\)"):
            small(kind).fit(X, IRIS[1])
    y[7] = size
    with pytest.raises(CircuitError, match=r"y has a number too large to be scaled \(row 7\)"):
        small(NetworkRegressor).fit(IRIS[0], y)
    with pytest.raises(CircuitError, match=r"labels contain .* float32 \(row 7\)"):
        small(NetworkRegressor, scale=False).fit(IRIS[0], y)
    y[7] = 1e30
    with pytest.raises(CircuitError, match=r"\(row 7\) is too large: SquaredError of it overflows"):
        small(NetworkRegressor, scale=False).fit(IRIS[0], y)


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("kind", ALL)
def test_numbers_beyond_float32_need_scaling(kind):
    X = IRIS[0] * 1e100
    assert small(kind).fit(X, IRIS[1]).score(X, IRIS[1]) > 0.6
    with pytest.raises(ValueError, match="too large for dtype"):
        small(kind, scale=False).fit(X, IRIS[1])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "b", None], "the label of row 2 is None"),
        (["a", 1, None], "row 0 has 'a', row 1 1"),
        ([2, None, 1], "the label of row 1 is None"),
    ],
)
def test_labels_that_are_missing_or_unlike_are_refused(labels, message):
    x = np.eye(3, dtype=np.float32)
    model = NetworkClassifier(engine="eager", epochs=1)
    for fit in (model.fit, model.partial_fit):
        with pytest.raises(pb.CircuitError, match=message):
            fit(x, labels)
    with pytest.raises(pb.CircuitError, match="the label of row 1 is None"):
        model.partial_fit(x, ["a", "b", "a"], classes=["a", None, "b"])


def test_an_unseen_label_is_shown_as_it_is():
    x = np.eye(3, dtype=np.float32)
    model = NetworkClassifier(engine="eager").partial_fit(x, ["a", "b", "a"])
    with pytest.raises(pb.CircuitError, match=r"label 'zz' \(row 1\) is none of the classes"):
        model.partial_fit(x, ["a", "zz", "b"])
