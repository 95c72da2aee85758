"""Small estimators, and what they say: for the tests beside this file."""

from sklearn.datasets import load_iris

from pullback.estimators import LinearSVM, NetworkClassifier, NetworkRegressor

ALL = (NetworkClassifier, NetworkRegressor, LinearSVM)
CLASSIFIERS = (NetworkClassifier, LinearSVM)
NETWORKS = (NetworkClassifier, NetworkRegressor)
IRIS = load_iris(return_X_y=True)


def small(kind, **told):
    """One that trains in no time."""
    sized = {"hidden": (8,)} if kind in NETWORKS else {}
    usual = {"learning_rate": 0.02, "epochs": 20, "random_state": 0, "engine": "eager"}
    return kind(**{**sized, **usual, **told})


def outcome(estimator, X=IRIS[0]):
    """The numbers that it says, not the labels."""
    for method in ("predict_proba", "decision_function", "predict"):
        if hasattr(estimator, method):
            return getattr(estimator, method)(X)
    raise AssertionError
