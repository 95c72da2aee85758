import numpy as np
import pytest
from tests.engines.native.calling import kind, run_kernel

from pullback.engines.native.kernels.indexing import Gather, Indexing, Position, Zeros

DTYPES = ["float32", "float64", "int64", "bool"]
SHAPES = [
    (1, 4, 1),
    (3, 5, 1),
    (1, 7, 16),
    (2, 3, 17),
    (4, 1, 31),
    (1, 6, 67),
    (3, 2, 0),
    (0, 2, 3),
]
"""outer, n, inner"""


def some(rng, shape, dtype):
    return np.asarray(rng.normal(size=shape) * 9).astype(dtype) if dtype != "bool" else (
        rng.normal(size=shape) > 0
    )  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_take_is_numpys(shape, dtype):
    rng, (outer, n, inner) = np.random.default_rng(0), shape
    x = some(rng, shape, dtype)
    for count in (0, 1, 5):
        indices = rng.integers(-n, n, count)
        for threads in (1, 2, 3):
            y = some(rng, (outer, count, inner), dtype)
            sizes = Indexing(kind(dtype), outer, n, inner, count, 3)
            assert run_kernel("take", sizes, y, x, indices, threads=threads) == 0
            np.testing.assert_array_equal(y, x[:, indices])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_is_scattered_adds_up_in_the_order_of_the_indices(shape, dtype):
    rng, (outer, n, inner) = np.random.default_rng(0), shape
    for count in (0, 1, 13):  # more than there are slices: some come again
        x, g = some(rng, shape, dtype), some(rng, (outer, count, inner), dtype)
        indices = rng.integers(-n, n, count)
        expected = x.copy()
        for j, row in enumerate(indices):
            expected[:, row] += g[:, j]
        sizes = Indexing(kind(dtype), outer, n, inner, count, 3)
        assert run_kernel("scatter_add", sizes, x, indices, g) == 0
        np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("index", [4, -5, 2**40, -(2**62)])
@pytest.mark.parametrize("threads", [1, 2])
def test_an_index_out_of_bounds_is_told_and_touches_nothing(index, dtype, threads):
    rng = np.random.default_rng(0)
    x, g = some(rng, (2, 4, 19), dtype), some(rng, (2, 3, 19), dtype)
    indices = np.array([1, index, -4])
    sizes = Indexing(kind(dtype), 2, 4, 19, 3, 7)
    y = some(rng, (2, 3, 19), dtype)
    assert run_kernel("take", sizes, y, x, indices, threads=threads) == 7
    np.testing.assert_array_equal(y[:, [0, 2]], x[:, [1, 0]])
    assert not y[:, 1].any()
    expected = x.copy()
    expected[:, [1, 0]] += g[:, [0, 2]]
    assert run_kernel("scatter_add", sizes, x, indices, g) == 7
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_first_of_several_extremes_is_found(shape, dtype, largest):
    outer, _, inner = shape
    x = some(np.random.default_rng(0), shape, "int64")  # many ties
    x = (x % 3).astype(dtype)
    y = np.full((outer, inner), -1)
    run_kernel("position", Position(kind(dtype), *shape, largest), y, x)
    np.testing.assert_array_equal(y, (np.argmax if largest else np.argmin)(x, axis=1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("largest", [True, False])
def test_the_first_nan_is_the_extreme(dtype, largest):
    nan, inf = np.nan, np.inf
    x = np.array([[1, nan, inf, nan], [nan, 3, -inf, 9], [-inf, inf, -inf, nan], [-0.0, 0, 0, 0]])
    x = x.astype(dtype)
    y = np.full(4, -1)
    run_kernel("position", Position(kind(dtype), 4, 4, 1, largest), y, x)
    np.testing.assert_array_equal(y, (np.argmax if largest else np.argmin)(x, axis=1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [0, 1, 67])
def test_zeros_are_so_many(dtype, count):
    y = np.ones(count + 3, dtype)
    run_kernel("zeros", Zeros(kind(dtype), count), y)
    assert not y[:count].any()
    assert y[count:].all()


GIVEN = ["f2", "f4", "f8", "b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", GIVEN)
def test_rows_of_data_of_any_kind_are_gathered(given, dtype):
    rng = np.random.default_rng(0)
    for rows, width in [(0, 3), (1, 1), (5, 16), (3, 19), (4, 37)]:
        if given == "b1":
            data = rng.normal(size=(11, width)) > 0
        elif given[0] == "f":
            data = rng.integers(-40, 40, (11, width)).astype(given) / np.asarray(4, given)
        else:
            ends = np.iinfo(given)
            data = rng.integers(ends.min, ends.max, (11, width), given, endpoint=True)
            data[::2] = 0
        order = rng.integers(11, size=rows)
        for threads in (1, 2, 3):
            y = np.full((rows, width), 1, dtype)
            sizes = Gather(kind(dtype), rows, width, given)
            run_kernel("gather", sizes, y, data, order, threads=threads)
            np.testing.assert_array_equal(y, data[order].astype(dtype))


def test_a_nan_in_data_is_gathered_as_numpy_does():
    data = np.array([[np.nan, np.inf, -0.0]])
    for dtype in ("float32", "float64", "bool"):
        y = np.zeros((1, 3), dtype)
        run_kernel("gather", Gather(kind(dtype), 1, 3, "f8"), y, data, np.zeros(1, int))
        np.testing.assert_array_equal(y, data.astype(dtype))
