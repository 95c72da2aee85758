"""What weights start from: the moments that each initializer promises."""

import numpy as np
import pytest

from pullback.layers import INITIALIZERS

N_IN, N_OUT = 300, 200
VARIANCES = {
    "he": 2 / N_IN,
    "he_uniform": 2 / N_IN,
    "glorot": 2 / (N_IN + N_OUT),
    "glorot_normal": 2 / (N_IN + N_OUT),
    "lecun": 1 / N_IN,
    "normal": 0.02**2,
    "orthogonal": 1 / N_IN,
    "uniform": 1 / 12,
    "zeros": 0.0,
}
KURTOSIS = {"normal": 3.0, "uniform": 1.8}
FAMILY = {
    **dict.fromkeys(("he", "glorot_normal", "lecun", "normal", "orthogonal"), "normal"),
    **dict.fromkeys(("he_uniform", "glorot", "uniform"), "uniform"),
}


def test_every_initializer_is_tested():
    assert set(VARIANCES) == set(INITIALIZERS)


@pytest.mark.parametrize("name", sorted(VARIANCES))
def test_mean_variance_and_family(name):
    drawn = INITIALIZERS[name]((N_IN, N_OUT), np.random.default_rng(0))
    spread = VARIANCES[name] ** 0.5
    assert drawn.mean() == pytest.approx(0.0, abs=0.02 * spread + 1e-300)
    assert drawn.var() == pytest.approx(VARIANCES[name], rel=0.03)
    if spread:
        kurtosis = np.mean((drawn / spread) ** 4)
        assert kurtosis == pytest.approx(KURTOSIS[FAMILY[name]], rel=0.05)


@pytest.mark.parametrize("name", ["he", "he_uniform", "lecun"])
def test_kernels_count_all_inputs_that_an_output_sums(name):
    drawn = INITIALIZERS[name]((3, 3, 40, 60), np.random.default_rng(0))
    assert drawn.var() == pytest.approx((1 if name == "lecun" else 2) / 360, rel=0.03)


@pytest.mark.parametrize("shape", [(7, 7), (7, 3), (3, 7), (1, 5), (2, 3, 4, 5), (0, 3)])
def test_orthogonal_matrices(shape):
    w = INITIALIZERS["orthogonal"](shape, np.random.default_rng(0))
    assert w.shape == shape
    w = w.reshape(-1, shape[-1])
    short = w if len(w) <= shape[-1] else w.T
    np.testing.assert_allclose(short @ short.T, np.eye(len(short)), atol=1e-12)


def test_orthogonal_matrices_are_turned_in_every_direction():
    rng = np.random.default_rng(0)
    drawn = np.array([INITIALIZERS["orthogonal"]((2, 2), rng) for _ in range(2000)])
    np.testing.assert_allclose(drawn.mean(axis=0), 0.0, atol=0.06)
    assert np.mean(np.linalg.det(drawn)) == pytest.approx(0.0, abs=0.1)  # turns and mirrors alike


@pytest.mark.parametrize("name", sorted(VARIANCES))
@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (1, 1)])
def test_edge_sizes(name, shape):
    assert INITIALIZERS[name](shape, np.random.default_rng(0)).shape == shape
