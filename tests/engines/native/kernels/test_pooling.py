from functools import cache

import numpy as np
import pytest
from tests.engines.native.calling import kind, run_kernel
from tests.gates.reference import REFERENCES

from pullback.engines.native.kernels.windows import Pooling

NONE = ((0, 0), (0, 0))
CASES = [
    # images (N, H, W, C), window, stride, padding
    ((2, 6, 8, 16), (2, 2), (2, 2), NONE),
    ((3, 7, 5, 8), (2, 2), (2, 2), NONE),  # a row and a column unread
    ((2, 9, 37, 1), (2, 2), (2, 2), NONE),  # many pixels in one vector
    ((2, 8, 38, 3), (3, 3), (2, 2), NONE),  # that overlap
    ((1, 7, 40, 1), (3, 2), (2, 1), NONE),
    ((2, 7, 23, 4), (1, 3), (2, 1), NONE),  # each pixel in three windows
    ((2, 9, 9, 16), (3, 3), (2, 2), NONE),
    ((2, 9, 7, 17), (3, 3), (1, 2), ((1, 0), (0, 2))),
    ((1, 10, 11, 5), (3, 3), (2, 2), ((1, 1), (1, 1))),
    ((2, 8, 8, 67), (3, 2), (2, 2), ((0, 2), (1, 0))),
    ((1, 9, 20, 2), (2, 1), (3, 4), NONE),  # gaps between windows
    ((1, 7, 30, 1), (2, 2), (3, 5), NONE),
    ((1, 11, 11, 2), (7, 7), (2, 2), ((3, 3), (3, 3))),  # a window too large to be unrolled
    ((2, 6, 6, 33), (6, 6), (6, 6), NONE),
    ((1, 1, 1, 1), (1, 1), (1, 1), NONE),
    ((1, 2, 2, 3), (2, 2), (1, 1), ((1, 1), (1, 1))),
    ((1, 1, 5, 2), (2, 2), (2, 2), ((1, 0), (0, 1))),
    ((0, 4, 4, 2), (2, 2), (2, 2), NONE),
    ((2, 4, 4, 0), (2, 2), (2, 2), NONE),
]
DTYPES = [np.float32, np.float64]


def arrays(case, dtype, seed=0):
    """Images with ties, infinities and nan, numbers of their shape, and pulls on the outputs."""
    shape, size, stride, padding = case
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, shape).astype(dtype)
    for odd in (-np.inf, np.inf, np.nan):
        x[rng.random(shape) < rng.choice([0.0, 0.1])] = odd
    counts = [
        (n + sum(pads) - k) // step + 1
        for n, k, step, pads in zip(shape[1:3], size, stride, padding, strict=True)
    ]
    h, g = rng.normal(size=shape), rng.normal(size=(shape[0], *counts, shape[3]))
    return x, h.astype(dtype), g.astype(dtype)


def run(case, x, h, g, **options):
    """What each kernel makes, by its gate's name."""
    shape, size, stride, padding = case
    windows = (*size, *stride, padding[0][0], padding[1][0])
    sizes = Pooling(kind(h.dtype), kind(x.dtype), *shape, *g.shape[1:3], *windows)
    given = {
        "max_pool_pick": (g, h, x),
        "max_pool_spread": (x, g, x),
        "sum_pool": (g, h),
        "sum_pool_spread": (x, g),
    }
    if x.dtype == h.dtype:
        given["max_pool"] = (g, x)
    placed = options.get("placed", lambda array: array)
    made = {}
    for name, (like, *xs) in given.items():
        made[name] = placed(np.full(like.shape, np.nan, h.dtype))
        run_kernel(name, sizes, made[name], *xs, **options)
    return made


def exact(case, x, h, g):
    """The same by enumeration, in double precision."""
    _, size, stride, padding = case
    x, h, g = (array.astype(np.float64) for array in (x, h, g))
    windows = {"size": size, "stride": stride, "padding": padding}
    given = {
        "max_pool": (x,),
        "max_pool_pick": (h, x),
        "max_pool_spread": (g, x),
        "sum_pool": (h,),
        "sum_pool_spread": (g,),
    }
    for name, xs in given.items():
        told = {"image": x.shape[1:3]} if name == "sum_pool_spread" else {}
        yield name, REFERENCES[name](*xs, **windows, **told)


@cache  # for all places where arrays may lie
def right(case, dtype, seed):
    """The same of the arrays of a case."""
    return dict(exact(case, *arrays(case, dtype, seed)))


def assert_right(case, dtype, placed=lambda array: array, seed=0):
    """The kernels on arrays that lie where `placed` puts them give what is right."""
    given = [placed(array) for array in arrays(case, dtype, seed)]
    made = run(case, *given, placed=placed)
    tolerance = {"rtol": 1e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-12}
    for name, expected in right(case, dtype, seed).items():
        err = {"err_msg": name, "atol": 1e-12, **tolerance}
        np.testing.assert_allclose(made[name], expected, **err)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_pooling_is_what_enumeration_finds(case, dtype):
    for seed in range(3):
        assert_right(case, dtype, seed=seed)


def some_case(rng):
    while True:
        shape = (rng.integers(1, 3), *rng.integers(1, 12, 2), rng.choice([1, 2, 3, 4, 7, 8, 17]))
        size, stride = (tuple(map(int, rng.integers(1, 5, 2))) for _ in range(2))
        padding = NONE
        if rng.integers(2):
            padding = tuple((int(rng.integers(k)), int(rng.integers(k))) for k in size)
        if all(n + sum(p) >= k for n, k, p in zip(shape[1:3], size, padding, strict=True)):
            return tuple(map(int, shape)), size, stride, padding


@pytest.mark.parametrize("seed", range(20))
def test_pooling_of_random_windows(seed):
    case = some_case(np.random.default_rng(seed))
    assert_right(case, DTYPES[seed % 2], seed=seed)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_threads_share_the_images_and_give_the_same_bits(case, dtype):
    given = arrays(case, dtype)
    alone = run(case, *given)
    for threads in (2, 3, 5):
        for name, found in run(case, *given, threads=threads).items():
            np.testing.assert_array_equal(found.view(np.uint8), alone[name].view(np.uint8))


@pytest.mark.parametrize("case", [CASES[0], CASES[3], CASES[8]], ids=str)
@pytest.mark.parametrize(("dtype", "compared"), [("f4", "f8"), ("f8", "f4"), ("f4", "i4")])
def test_what_is_compared_may_be_of_another_dtype(case, dtype, compared):
    x, h, g = arrays(case, np.float64)
    x = np.nan_to_num(x, posinf=9, neginf=-9).astype(compared)
    given = x, h.astype(dtype), g.astype(dtype)
    made = run(case, *given)
    for name, right in exact(case, *given):
        if name in made:
            np.testing.assert_allclose(made[name], right, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("case", [CASES[1], CASES[3], CASES[8]], ids=str)
def test_the_largest_of_whole_numbers(case, dtype):
    shape, size, stride, padding = case
    x = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 250, shape).astype(dtype)
    right = REFERENCES["max_pool"](x, size=size, stride=stride, padding=padding)
    y = np.zeros(right.shape, dtype)
    windows = (*size, *stride, padding[0][0], padding[1][0])
    sizes = Pooling(kind(dtype), kind(dtype), *shape, *right.shape[1:3], *windows)
    run_kernel("max_pool", sizes, y, x)
    np.testing.assert_array_equal(y, right)


@pytest.mark.parametrize("shape", [(2, 5, 6, 3), (1, 1, 1, 16), (2, 4, 9, 1)], ids=str)
def test_windows_of_padding_alone_sum_to_zero(shape):
    windows = {"size": (2, 3), "stride": (2, 1), "padding": ((5, 4), (3, 7))}
    h = np.random.default_rng(0).normal(size=shape)
    y = REFERENCES["sum_pool"](h, **windows)
    g = np.random.default_rng(1).normal(size=y.shape)
    sizes = Pooling("f8", "f8", *shape, *y.shape[1:3], 2, 3, 2, 1, 5, 3)
    found, spread = np.full(y.shape, np.nan), np.full(shape, np.nan)
    run_kernel("sum_pool", sizes, found, h)
    run_kernel("sum_pool_spread", sizes, spread, g)
    np.testing.assert_allclose(found, y, rtol=1e-12, atol=1e-12)
    right = REFERENCES["sum_pool_spread"](g, image=shape[1:3], **windows)
    np.testing.assert_allclose(spread, right, rtol=1e-12, atol=1e-12)
