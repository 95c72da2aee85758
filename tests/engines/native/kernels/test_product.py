import numpy as np
import pytest
from tests.engines.native.calling import kind, run_kernel

from pullback.engines.native.kernels.product import Product, Products

SIZES = [
    (1, 150, 40), (2, 131, 9), (4, 300, 70),
    *[(m, n, k) for m in (0, 1, 5) for n in (0, 1, 9) for k in (0, 1, 7)],
    (6, 64, 3), (13, 17, 19), (31, 67, 300), (64, 10, 128), (50, 131, 257), (8, 24, 5),
]  # fmt: skip
FEW = [size for size in SIZES if 0 not in size]
DTYPES = [np.float32, np.float64]


def strided(array, transposed):
    """The same values in a larger buffer, by rows or by columns; the rest of it is NaN."""
    m, n = array.shape
    buffer = np.full((n + 2, m + 3) if transposed else (m + 2, n + 3), np.nan, array.dtype)
    view = buffer.T[:m, :n] if transposed else buffer[:m, :n]
    view[...] = array
    return view


def strides(array):
    """Elements from one row to the next, and from one column."""
    row, column = (by // array.itemsize for by in array.strides)
    return row, column


def product(c, a, b, start=None, rectified=False, packed=False, **options):
    """c = start + a b, and then what is below zero becomes zero."""
    (m, k), n = a.shape, b.shape[1]
    step = None if start is None else 0 if start.ndim == 1 else strides(start)[0]
    strides_of = strides(a), strides(b)
    sizes = Product(kind(c.dtype), m, n, k, *strides_of, step, rectified, packed)
    starts = () if start is None else (start,)
    assert run_kernel("product", sizes, c, a, b, *starts, **options) == 0


def assert_close(c, a, b, before=0.0, floor=-np.inf):
    """c is before + a b, and not below the floor, as exactly as its sums can be."""
    a, b = a.astype(float), b.astype(float)
    tolerance = 40 * np.finfo(c.dtype).eps * (1 + abs(a) @ abs(b) + abs(before))
    assert np.all(abs(c - np.maximum(before + a @ b, floor)) <= tolerance), (c.shape, a.shape)


def operands(m, n, k, dtype, turned=""):
    rng = np.random.default_rng(0)
    a = strided(rng.normal(size=(m, k)).astype(dtype), "a" in turned)
    b = strided(rng.normal(size=(k, n)).astype(dtype), "b" in turned)
    return np.full((m, n), np.nan, dtype), a, b


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("turned", ["", "a", "b", "ab"])
def test_product_is_right_for_any_size_and_order(dtype, turned):
    for m, n, k in SIZES:
        c, a, b = operands(m, n, k, dtype, turned)
        product(c, a, b)
        assert_close(c, a, b)


WALKS = {
    "every other": (np.s_[::2, ::2], np.s_[::2, ::2]),
    "backwards": (np.s_[::-1], np.s_[::-1]),
    "columns backwards": (np.s_[:, ::-1], np.s_[:, ::-1]),
    "by columns, backwards": (np.s_[::-1, ::-1], np.s_[::-1, ::-1]),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("turned", ["", "ab"])
def test_product_walks_its_factors_by_any_strides(dtype, walk, turned):
    for m, n, k in [(5, 9, 7), (31, 67, 40), (3, 131, 9)]:
        c, a, b = operands(2 * m, 2 * n, 2 * k, dtype, turned)
        a, b = (array[way] for array, way in zip((a, b), WALKS[walk], strict=True))
        c = np.full((len(a), b.shape[1]), np.nan, dtype)
        product(c, a, b)
        assert_close(c, a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1])
def test_a_row_or_a_column_may_stand_for_all(dtype, axis):
    for m, n, k in [(5, 9, 7), (31, 67, 40), (3, 131, 9)]:
        c, a, b = operands(m, n, k, dtype)
        part = np.s_[:1] if axis == 0 else np.s_[:, :1]
        a, b = (np.broadcast_to(array[part], array.shape) for array in (a, b))
        product(c, a, b)
        assert_close(c, a, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_copy_of_the_panels_changes_no_bit(dtype):
    for m, n, k in (*SIZES, (7, 130, 1500), (64, 65, 2100)):
        c, a, b = operands(m, n, k, dtype)
        product(c, a, b)
        assert_close(c, a, b)
        copied = np.full_like(c, np.nan)
        product(copied, a, b, packed=True)
        np.testing.assert_array_equal(copied, c)


@pytest.mark.parametrize("dtype", DTYPES)
def test_bias_and_rectifier_are_part_of_the_product(dtype):
    for m, n, k in SIZES:
        c, a, b = operands(m, n, k, dtype)
        bias = np.random.default_rng(1).normal(size=n).astype(dtype)
        product(c, a, b, bias, rectified=True)
        assert_close(c, a, b, bias, floor=0.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_matrix_is_where_a_product_starts(dtype):
    """Beside it or in its place, its rows apart or close together."""
    for m, n, k in FEW:
        c, a, b = operands(m, n, k, dtype)
        start = strided(np.random.default_rng(1).normal(size=(m, n)).astype(dtype), False)
        product(c, a, b, start)
        assert_close(c, a, b, start)
        c[...] = start
        product(c, a, b, c)
        assert_close(c, a, b, start)


@pytest.mark.parametrize(("m", "n"), [(1, 20), (2, 20), (13, 70)])
@pytest.mark.parametrize("turned", ["", "b"])
def test_a_nan_is_not_lost_in_a_rectifier(m, n, turned):
    c, a, b = operands(m, n, 1, np.float32, turned)
    a[...], b[...] = 1.0, 1.0
    a[0] = np.nan
    product(c, a, b, np.zeros(n, "f4"), rectified=True)
    assert np.all(np.isnan(c[0]))
    assert np.all(c[1:] == 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("m", "n", "k"), [(1, 1, 70), (3, 200, 70), (200, 3, 70), (130, 131, 300), (0, 4, 9)]
)
@pytest.mark.parametrize("turned", ["", "b"])
def test_threads_share_a_product_and_give_the_same_bits(m, n, k, dtype, turned):
    c, a, b = operands(m, n, k, dtype, turned)
    product(c, a, b)
    assert_close(c, a, b)
    for threads in (2, 3, 5):
        together = np.full_like(c, np.nan)
        product(together, a, b, threads=threads)
        np.testing.assert_array_equal(together, c)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_several_products_lie_as_far_apart_as_is_said(dtype, threads, count):
    rng = np.random.default_rng(0)
    m, n, k = 5, 19, 7
    a, b = rng.normal(size=(count, m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
    c = np.full((count, m, n), np.nan, dtype)
    one = Product(kind(dtype), m, n, k, (k, 1), (n, 1))
    sizes = Products(one, (count,), ((m * n,), (m * k,), (0,)))  # one b for all
    run_kernel("products", sizes, c, a, b, threads=threads)
    for y, x in zip(c, a, strict=True):
        assert_close(y, x, b)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("counts", [(2, 3), (1, 5), (3, 0), (2, 2, 3), ()])
def test_a_stack_of_products_is_walked_along_each_of_its_axes(threads, counts):
    """As heads lie side by side in features: (rows, steps, heads, size), times what lies so."""
    rng = np.random.default_rng(0)
    m, n, k = 5, 9, 7
    inner = len(counts)
    a = rng.normal(size=(m, *counts, k)).astype(np.float32)
    b = rng.normal(size=(n, *counts, k)).astype(np.float32)
    c = np.full((*counts, m, n), np.nan, np.float32)
    (row, *of_a, _), (column, *of_b, _) = ([by // 4 for by in x.strides] for x in (a, b))
    of_c = [by // 4 for by in c.strides[:inner]]
    one = Product("f4", m, n, k, (row, 1), (1, column))
    sizes = Products(one, counts, (tuple(of_c), tuple(of_a), tuple(of_b)))
    run_kernel("products", sizes, c, a, b, threads=threads)
    for index in np.ndindex(counts):
        where = (slice(None), *index)
        assert_close(c[index], a[where], b[where].T)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m", [256, 257, 384, 512, 1024])
def test_a_tall_factor_upside_down_is_multiplied_in_parts(dtype, m):
    """Its columns are so far apart that cache lines would take each other's places."""
    c, a, b = operands(m, 3, 700, dtype)
    turned = np.ascontiguousarray(a.T)
    product(c[:40], turned.T[:40], b)
    assert_close(c[:40], a[:40], b)
