"""scikit-learn's own checks of what a transformer must do."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from tests.maps.points import SMALL

from pullback.maps import TSNE

PLACED = "a point that is placed in a map need not lie where descent of all points left it"
EXPECTED = {"check_transformer_general": PLACED, "check_transformer_data_not_an_array": PLACED}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [TSNE(**{**SMALL, "perplexity": 2.0, "max_iter": 5, "early_exaggeration_iter": 3})],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)
