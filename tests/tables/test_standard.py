"""What a preparation learns of a quantity is what scikit-learn's transformers would."""

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from pullback.tables.standard import centre_and_scale, median

rng = np.random.default_rng(0)
QUANTITIES = {
    "normal": rng.normal(size=101),
    "far from zero": 1e9 + rng.normal(size=50),
    "one": np.array([3.0]),
    "two": np.array([-1.0, 4.0]),
    "the same": np.full(1000, 0.1),
    "the same but for rounding": 0.1 * 3 + np.array([0.0, 0.0, 5e-17] * 40),
    "nearly the same": 1.0 + 1e-9 * rng.normal(size=200),
    "zeros": np.zeros(7),
    "tiny": 1e-200 * rng.normal(size=9),
    "huge": 1e100 * rng.normal(size=9),
    "whole": np.arange(1000.0),
}


@pytest.mark.parametrize("which", QUANTITIES)
def test_centre_and_scale_are_those_of_the_standard_scaler(which):
    x = QUANTITIES[which]
    learned = StandardScaler().fit(x.reshape(-1, 1))
    wanted = learned.mean_[0], learned.scale_[0]
    np.testing.assert_allclose(centre_and_scale(x), wanted, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("gaps", [0, 1, 4, 9])
def test_the_median_is_that_of_the_simple_imputer(gaps):
    x = rng.normal(size=9)
    x[rng.permutation(9)[:gaps]] = np.nan
    learned = SimpleImputer(strategy="median", keep_empty_features=True).fit(x.reshape(-1, 1))
    assert median(x) == learned.statistics_[0]
