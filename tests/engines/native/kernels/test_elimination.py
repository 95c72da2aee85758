import numpy as np
import pytest
from tests.engines.native.calling import kind, run_kernel

from pullback.engines.native.kernels.elimination import Matrices

SIZES = [(1, 1, 1), (3, 2, 5), (2, 7, 1), (1, 8, 8), (4, 13, 3), (0, 3, 2), (2, 0, 2), (2, 3, 0)]
"""How many matrices, their rows, and the columns of the right-hand sides."""


def exchanged(count, n):
    """Matrices whose diagonals are small, so that rows must be exchanged."""
    rng = np.random.default_rng(n)
    return rng.normal(size=(count, n, n)) / 4.0 + 2.0 * np.roll(np.eye(n), 1, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_systems_and_determinants_are_numpys(size, dtype):
    count, n, m = size
    a = exchanged(count, n).astype(dtype)
    b = np.random.default_rng(1).normal(size=(count, n, m)).astype(dtype)
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    for threads in (1, 3):
        y = np.full_like(b, 7)
        assert run_kernel("solve", Matrices(kind(dtype), *size, 5), y, a, b, threads=threads) == 0
        wanted = np.linalg.solve(a.astype(float), b) if n else b
        np.testing.assert_allclose(y, wanted, rtol=tolerance, atol=tolerance)
        numbers, pairs = np.full(count, 7, dtype), np.full((count, 2), 7, dtype)
        sizes = Matrices(kind(dtype), count, n)
        run_kernel("det", sizes, numbers, a, threads=threads)
        run_kernel("slogdet", sizes, pairs, a, threads=threads)
        np.testing.assert_allclose(numbers, np.linalg.det(a.astype(float)), rtol=tolerance)
        sign, logarithm = np.linalg.slogdet(a.astype(float))
        np.testing.assert_array_equal(pairs[:, 0], sign)
        np.testing.assert_allclose(pairs[:, 1], logarithm, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_factors_are_numpys(size, dtype):
    count, n, _ = size
    root = exchanged(count, n)
    a = (root @ np.swapaxes(root, 1, 2) + 0.1 * np.eye(n)).astype(dtype)
    for threads in (1, 3):
        y = np.full_like(a, 7)
        sizes = Matrices(kind(dtype), count, n, 0, 5)
        assert run_kernel("cholesky", sizes, y, a, threads=threads) == 0
        wanted = np.linalg.cholesky(a.astype(float)) if n else a
        np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-4 if dtype == "float32" else 1e-12)


def test_what_has_no_answer_is_told_and_the_others_have_theirs():
    good, singular = np.eye(3), np.ones((3, 3))
    b, y = np.ones((2, 3, 1)), np.zeros((2, 3, 1))
    sizes = Matrices("f8", 2, 3, 1, 5)
    assert run_kernel("solve", sizes, y, np.stack([singular, good]), b) == 5
    np.testing.assert_array_equal(y[1], b[1])
    factors = np.zeros((2, 3, 3))
    sizes = Matrices("f8", 2, 3, 0, 7)
    assert run_kernel("cholesky", sizes, factors, np.stack([-good, good])) == 7
    np.testing.assert_array_equal(factors[1], good)


def test_nan_is_no_refusal_and_is_seen():
    a = np.full((1, 2, 2), np.nan)
    for name in ("solve", "cholesky", "det", "slogdet"):
        y = np.zeros((1, 2, 2) if name in ("solve", "cholesky") else (1, 2))
        given = (a, np.ones((1, 2, 2))) if name == "solve" else (a,)
        sizes = Matrices("f8", 1, 2, 2 if name == "solve" else 0, 5)
        assert run_kernel(name, sizes, y, *given) == 0
        assert np.isnan(y).any(), name
