import numpy as np
import pytest
from numba import njit

from pullback.engines.native.kernels.lower import address
from pullback.engines.native.kernels.pooling import (
    max_pool,
    max_pool_gradient,
    mean_pool,
    mean_pool_gradient,
)


@njit
def largest(y, dx, x, dy, window, steps, border, like):
    n, H, W, C = x.shape
    _, OH, OW, _ = y.shape
    max_pool(
        address(y), address(x), 0, n, H, W, C, OH, OW, window[0], window[1],
        steps[0], steps[1], border[0], border[1], like,
    )  # fmt: skip
    max_pool_gradient(
        address(dx), address(dy), address(y), address(x), 0, n, H, W, C, OH, OW, window[0],
        window[1], steps[0], steps[1], border[0], border[1], like,
    )  # fmt: skip


@njit
def mean(y, dx, x, dy, window, steps, border, like):
    n, H, W, C = x.shape
    _, OH, OW, _ = y.shape
    for first, last in ((0, n // 2), (n // 2, n)):
        mean_pool(
            address(y), address(x), first, last, H, W, C, OH, OW, window[0], window[1],
            steps[0], steps[1], border[0], border[1], like,
        )  # fmt: skip
        mean_pool_gradient(
            address(dx), address(dy), first, last, H, W, C, OH, OW, window[0], window[1],
            steps[0], steps[1], border[0], border[1], like,
        )  # fmt: skip


def windows(x, window, steps, border, shape):
    """Every output pixel, the slices of its window, and the window itself, flat over its places."""
    _, H, W, _ = x.shape
    for i in range(shape[0]):
        for j in range(shape[1]):
            a, b = i * steps[0] - border[0], j * steps[1] - border[1]
            place = np.s_[:, max(a, 0) : min(a + window[0], H), max(b, 0) : min(b + window[1], W)]
            yield i, j, place, x[place]


CASES = [
    # n, H, W, C, window, steps, border, output
    (2, 4, 6, 8, (2, 2), (2, 2), (0, 0), (2, 3)),
    (3, 7, 5, 3, (3, 3), (2, 2), (0, 0), (3, 2)),
    (1, 6, 6, 17, (3, 2), (1, 1), (1, 0), (6, 5)),
    (2, 1, 1, 1, (1, 1), (1, 1), (0, 0), (1, 1)),
    (0, 4, 4, 2, (2, 2), (2, 2), (0, 0), (2, 2)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_pooling_and_its_gradients_are_right(case, dtype):
    n, H, W, C, window, steps, border, (OH, OW) = case
    rng = np.random.default_rng(0)
    x = rng.integers(0, 5, (n, H, W, C)).astype(dtype)  # many ties: the first place wins
    dy = rng.normal(size=(n, OH, OW, C)).astype(dtype)
    y, dx = np.full_like(dy, np.nan), np.full_like(x, np.nan)

    largest(y, dx, x, dy, window, steps, border, dtype(0))
    gradient = np.zeros_like(x)
    for i, j, place, seen in windows(x, window, steps, border, (OH, OW)):
        flat = seen.reshape(n, seen.shape[1] * seen.shape[2], C)
        np.testing.assert_array_equal(y[:, i, j], flat.max(1))
        hit = np.arange(flat.shape[1])[None, :, None] == flat.argmax(1)[:, None]
        gradient[place] += (hit * dy[:, i, j][:, None]).reshape(seen.shape).astype(dtype)
    np.testing.assert_allclose(dx, gradient, rtol=1e-5, atol=1e-6)

    mean(y, dx, x, dy, window, steps, border, dtype(0))
    gradient = np.zeros_like(x)
    for i, j, place, seen in windows(x, window, steps, border, (OH, OW)):
        area = window[0] * window[1]
        np.testing.assert_allclose(y[:, i, j], seen.sum((1, 2)) / area, rtol=1e-5)
        gradient[place] += dy[:, i, j][:, None, None] / area
    np.testing.assert_allclose(dx, gradient, rtol=1e-5, atol=1e-6)


def test_a_nan_is_the_largest_and_gets_the_gradient():
    x = np.array([1, np.nan, 3, 2], np.float32).reshape(1, 2, 2, 1)
    y, dx, dy = np.zeros((1, 1, 1, 1), "f4"), np.zeros_like(x), np.ones((1, 1, 1, 1), "f4")
    largest(y, dx, x, dy, (2, 2), (2, 2), (0, 0), np.float32(0))
    assert np.isnan(y.item())
    assert dx.ravel().tolist() == [0, 1, 0, 0]
