import numpy as np
import pytest
from tests.engines.native.calling import kind, run_kernel
from tests.engines.native.kernels.test_indexing import DTYPES, SHAPES, some

from pullback.engines.native.kernels.lanes import Running, Sorting


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_so_far_are_numpys(shape, dtype, reverse):
    x = some(np.random.default_rng(0), shape, dtype)
    turned = np.flip(x, 1) if reverse else x
    wanted = np.cumsum(turned, 1)
    wanted = np.flip(wanted, 1) if reverse else wanted
    for threads in (1, 3):
        y = np.full_like(x, 7)
        run_kernel("cumsum", Running(kind(dtype), *shape, reverse), y, x, threads=threads)
        np.testing.assert_array_equal(y, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("shape", [*SHAPES, (2, 100, 1), (1, 33, 3), (2, 2, 1)], ids=str)
def test_like_elements_stay_in_their_order(shape, dtype, descending):
    outer, n, inner = shape
    x = (some(np.random.default_rng(1), shape, "int64") % 4).astype(dtype)
    if dtype.startswith("float"):
        x[:, n // 2 :: 5] = np.nan
    ranked = np.where(np.isnan(x), np.inf, x) if dtype.startswith("float") else x.astype(int)
    wanted = np.argsort(-ranked if descending else ranked, axis=1, kind="stable")
    for threads in (1, 3):
        y = np.full(shape, -1)
        sizes = Sorting(kind(dtype), outer, n, inner, descending)
        run_kernel("argsort", sizes, y, x, threads=threads)
        np.testing.assert_array_equal(y, wanted)
