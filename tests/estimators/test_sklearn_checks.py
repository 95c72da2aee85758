"""scikit-learn's own checks of what an estimator must do, over all of ours."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from pullback.estimators import LinearSVM, NetworkClassifier, NetworkRegressor

SMALL = {"epochs": 40, "learning_rate": 0.02, "engine": "eager"}
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "the check asks for 7 equal digits, more than sums of float32 have in another order; "
        "test_estimators asks for 2e-6"
    )
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        NetworkClassifier((16,), **SMALL),
        NetworkRegressor((16,), **SMALL),
        LinearSVM(**SMALL),
        NetworkClassifier((8,), solver="lbfgs", epochs=40, engine="eager"),
        NetworkRegressor((8,), solver="lbfgs", epochs=40, engine="eager"),
    ],
    expected_failed_checks=lambda estimator: {} if estimator.solver == "lbfgs" else EXPECTED,
)
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)
