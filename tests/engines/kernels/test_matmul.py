import numpy as np
import pytest
from numba import njit

from pullback.engines.native.kernels.matmul import (
    matmul_add_into,
    matmul_into,
    matmul_into_by_threads,
    thread_workspace_size,
    workspace_size,
)

SIZES = [
    (1, 150, 40), (2, 131, 9), (4, 300, 70),
    *[(m, n, k) for m in (0, 1, 5) for n in (0, 1, 9) for k in (0, 1, 7)],
    (6, 64, 3), (13, 17, 19), (31, 67, 300), (64, 10, 128), (50, 131, 257), (8, 24, 5),
]  # fmt: skip


@njit
def product(c, a, b, workspace):
    matmul_into(c, a, b, workspace)


@njit
def sum_of_products(c, a, b, workspace):
    matmul_add_into(c, a, b, workspace)


@njit
def layer(c, a, b, workspace, bias, floor):
    matmul_into(c, a, b, workspace, bias, floor)


def strided(array, transposed):
    """The same values in a larger buffer, by rows or by columns; the rest of it is NaN."""
    m, n = array.shape
    buffer = np.full((n + 2, m + 3) if transposed else (m + 2, n + 3), np.nan, array.dtype)
    view = buffer.T[:m, :n] if transposed else buffer[:m, :n]
    view[...] = array
    return view


def space(m, n, k, dtype):
    return np.empty(workspace_size(max(m, n), n, k, np.dtype(dtype).itemsize), np.uint8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("turned", ["", "a", "b", "ab", "c"])
def test_product_is_right_for_any_size_and_order(dtype, turned):
    rng = np.random.default_rng(0)
    for m, n, k in SIZES:
        a = strided(rng.normal(size=(m, k)).astype(dtype), "a" in turned)
        b = strided(rng.normal(size=(k, n)).astype(dtype), "b" in turned)
        c = strided(rng.normal(size=(m, n)).astype(dtype), "c" in turned)
        outside = np.isnan(c.base).sum()
        exact = a.astype(np.float64) @ b.astype(np.float64)
        tolerance = 40 * np.finfo(dtype).eps * (1 + abs(a.astype(float)) @ abs(b.astype(float)))
        before = c.copy()
        workspace = space(m, n, k, dtype)
        sum_of_products(c, a, b, workspace)
        assert np.all(abs(c - (before + exact)) <= tolerance + 1e-6), (m, n, k)
        product(c, a, b, workspace)
        assert np.all(abs(c - exact) <= tolerance), (m, n, k)
        assert np.isnan(c.base).sum() == outside, "nothing beside c is written"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bias_and_floor_are_part_of_the_product(dtype):
    rng = np.random.default_rng(1)
    for m, n, k in SIZES:
        a, b, bias = (rng.normal(size=s).astype(dtype) for s in ((m, k), (k, n), n))
        c = np.empty((m, n), dtype)
        layer(c, a, b, space(m, n, k, dtype), bias, dtype(0))
        np.testing.assert_allclose(c, np.maximum(a @ b + bias, 0), rtol=1e-3, atol=1e-4)


def test_a_nan_is_not_lost_in_a_floor():
    a = np.array([[np.nan], [1.0]], np.float32)
    c = np.empty((2, 20), np.float32)
    layer(c, a, np.ones((1, 20), "f4"), space(2, 20, 1, "f4"), np.zeros(20, "f4"), np.float32(0))
    assert np.all(np.isnan(c[0]))
    assert np.all(c[1] == 1)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (3, 200), (200, 3), (130, 131), (0, 4)])
def test_threads_share_one_product(m, n):
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(m, 70)).astype("f4"), rng.normal(size=(70, n)).astype("f4")
    c = np.full((m, n), np.nan, "f4")
    workspace = np.empty(thread_workspace_size(m, n, 70, 4, 2), np.uint8)
    matmul_into_by_threads(c, a, b, workspace, 2)
    np.testing.assert_allclose(c, a @ b, rtol=1e-3, atol=1e-4)
