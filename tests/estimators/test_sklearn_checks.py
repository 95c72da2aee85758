"""scikit-learn's own checks of what an estimator must do, over all of ours."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from pullback.estimators import LinearSVM, NetworkClassifier, NetworkRegressor

SMALL = {"epochs": 40, "learning_rate": 0.02, "engine": "eager"}
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a weight of 2 is as good as the row twice but for the rounding of float32 sums, which the "
        "check, made for float64, does not allow; test_estimators compares more loosely"
    )
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        NetworkClassifier((16,), **SMALL),
        NetworkRegressor((16,), **SMALL),
        LinearSVM(**SMALL),
    ],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)
