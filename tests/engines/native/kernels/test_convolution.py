from functools import cache

import numpy as np
import pytest
from tests.engines.native.calling import kind, run_kernel

from pullback.engines.native.kernels.geometry import Convolution


def exact(x, w, dy, steps, border, shape, groups=1, dilation=(1, 1)):
    """Forward and both gradients in double precision, one place of the window at a time."""
    if groups > 1:
        parts = zip(*(np.split(array, groups, 3) for array in (x, w, dy)), strict=True)
        made = [exact(*part, steps, border, shape, 1, dilation) for part in parts]
        return tuple(np.concatenate(each, 3) for each in zip(*made, strict=True))
    x, w, dy = (array.astype(np.float64) for array in (x, w, dy))
    n, H, W, C = x.shape
    KH, KW, _, O = w.shape
    OH, OW = shape
    rows = (OH - 1) * steps[0] + (KH - 1) * dilation[0] + 1
    columns = (OW - 1) * steps[1] + (KW - 1) * dilation[1] + 1
    image = np.zeros((n, max(rows, H + border[0]), max(columns, W + border[1]), C))
    image[:, border[0] : border[0] + H, border[1] : border[1] + W] = x
    y, dimage, dw = np.zeros((n, OH, OW, O)), np.zeros_like(image), np.zeros_like(w)
    for a in range(KH):
        for b in range(KW):
            down, across = a * dilation[0], b * dilation[1]
            place = np.s_[:, down : down + (OH - 1) * steps[0] + 1 : steps[0],
                          across : across + (OW - 1) * steps[1] + 1 : steps[1]]  # fmt: skip
            y += image[place] @ w[a, b]
            dimage[place] += dy @ w[a, b].T
            dw[a, b] = np.tensordot(image[place], dy, ((0, 1, 2), (0, 1, 2)))
    dx = dimage[:, border[0] : border[0] + H, border[1] : border[1] + W]
    return y, dx, dw


CASES = [
    # n, H, W, C, O, KH, KW, steps, border, output, groups and dilation unless both are 1
    (2, 5, 6, 1, 8, 5, 5, (1, 1), (2, 2), (5, 6)),
    (3, 7, 7, 3, 16, 3, 3, (1, 1), (1, 1), (7, 7)),
    (1, 1, 1, 1, 1, 1, 1, (1, 1), (0, 0), (1, 1)),
    (2, 9, 8, 16, 24, 3, 3, (1, 1), (0, 0), (7, 6)),
    (2, 6, 6, 7, 13, 2, 3, (1, 1), (0, 1), (5, 6)),
    (2, 11, 9, 5, 11, 3, 3, (2, 2), (1, 1), (6, 5)),
    (1, 10, 10, 4, 9, 4, 4, (3, 2), (0, 0), (3, 4)),
    (1, 8, 8, 2, 131, 3, 3, (1, 1), (1, 1), (8, 8)),
    (1, 4, 4, 70, 3, 1, 1, (1, 1), (0, 0), (4, 4)),
    (2, 6, 5, 3, 4, 3, 3, (1, 1), (3, 4), (10, 11)),  # a border wider than the window
    (0, 4, 4, 2, 3, 3, 3, (1, 1), (1, 1), (4, 4)),
    (2, 7, 6, 6, 4, 3, 3, (1, 1), (1, 1), (7, 6), 2, (1, 1)),
    (3, 8, 7, 15, 51, 2, 3, (2, 1), (0, 1), (4, 7), 3, (1, 1)),  # panels in a group
    (1, 9, 9, 8, 8, 3, 3, (1, 1), (2, 2), (9, 9), 4, (2, 2)),
    (2, 11, 10, 5, 3, 3, 2, (1, 1), (2, 1), (11, 9), 1, (2, 3)),
    (2, 9, 12, 3, 5, 2, 3, (1, 1), (0, 0), (5, 10), 1, (4, 1)),  # rows of taps in one piece
    (2, 12, 11, 4, 6, 3, 3, (2, 3), (1, 2), (5, 3), 2, (2, 3)),  # stride and dilation share 2, 3
    (1, 13, 9, 2, 2, 3, 3, (4, 2), (3, 0), (3, 2), 1, (6, 3)),
    (1, 5, 4, 3, 7, 1, 1, (3, 2), (0, 0), (2, 2), 1, (5, 5)),  # a dilation of nothing
    (2, 5, 5, 3, 6, 3, 3, (1, 1), (1, 1), (5, 5), 3, (1, 1)),  # several filters of one channel
    (0, 4, 4, 4, 6, 3, 3, (1, 1), (1, 1), (4, 4), 2, (1, 1)),
    (1, 6, 600, 2, 2, 2, 2, (1, 1), (0, 100), (5, 600), 2, (1, 200)),  # too wide to write out
]


def random_case(rng, depthwise):
    """Sizes of a convolution that are odd together."""
    groups = int(rng.choice([2, 3, 5, 16, 17, 33] if depthwise else [1, 1, 2, 3]))
    channels, filters = (1, 1) if depthwise else rng.choice([1, 2, 3, 5, 17], 2).tolist()
    sides = []
    for _ in range(2):
        size, stride, dilation, border = (int(rng.integers(1, 5)) for _ in range(4))
        behind, more = int(rng.integers(0, 3)), int(rng.choice([0, 1, 2, 5, 19]))
        span = (size - 1) * dilation + 1
        length = max(span - border - behind + more, 1)
        outputs = (length + border + behind - span) // stride + 1
        sides.append((length, size, stride, border, outputs, dilation))
    lengths, sizes, steps, border, outputs, dilation = zip(*sides, strict=True)
    n = int(rng.integers(0, 4))
    counts = groups * channels, groups * filters
    return n, *lengths, *counts, *sizes, steps, border, outputs, groups, dilation


def arrays(case, dtype):
    """The sizes of a case; images, window and pull; and room for what the three kernels make."""
    n, H, W, C, O, KH, KW, steps, border, (OH, OW), *others = case
    groups, dilation = others or (1, (1, 1))
    rng = np.random.default_rng(0)
    shapes = (n, H, W, C), (KH, KW, C // groups, O), (n, OH, OW, O)
    x, w, dy = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    sides = n, H, W, C, OH, OW, O, KH, KW, *steps, *border, groups, *dilation
    sizes = Convolution(kind(dtype), *sides)
    return sizes, (x, w, dy), [np.full_like(array, np.nan) for array in (dy, x, w)]


def run(sizes, given, made, **options):
    """Forward, and both gradients."""
    (x, w, dy), (y, dx, dw) = given, made
    name = "depthwise" if sizes.depthwise else "convolve"
    run_kernel(name, sizes, y, x, w, **options)
    run_kernel(f"{name}_input", sizes, dx, dy, w, **options)
    run_kernel(f"{name}_weights", sizes, dw, x, dy, **options)


@cache  # for all places where arrays may lie
def right(case, dtype):
    """What is exact for the arrays of a case."""
    _, given, _ = arrays(case, dtype)
    return exact(*given, *case[7:])


def assert_right(case, dtype, placed=lambda array: array):
    """The kernels on arrays that lie where `placed` puts them give what is right."""
    sizes, given, made = arrays(case, dtype)
    given, made = [placed(x) for x in given], [placed(y) for y in made]
    run(sizes, given, made, placed=placed)
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == np.float32 else {"rtol": 1e-12}
    for found, expected in zip(made, right(case, dtype), strict=True):
        np.testing.assert_allclose(found, expected, **{"atol": 1e-12, **tolerance})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolution_and_its_gradients_are_right(case, dtype):
    assert_right(case, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_threads_share_a_convolution_and_give_the_same_bits(case, dtype):
    assert_same_bits(case, dtype)


def assert_same_bits(case, dtype):
    """Any number of threads gives what one gives."""
    sizes, given, alone = arrays(case, dtype)
    run(sizes, given, alone)
    for threads in (2, 3, 5):
        made = [np.full_like(array, np.nan) for array in alone]
        run(sizes, given, made, threads=threads)
        for found, expected in zip(made, alone, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("seed", range(8))
def test_convolutions_at_random_are_right(seed):
    rng = np.random.default_rng(seed)
    case, dtype = random_case(rng, depthwise=False), rng.choice([np.float32, np.float64])
    assert_right(case, dtype)
    assert_same_bits(case, dtype)


@pytest.mark.parametrize("case", [CASES[1], CASES[5], CASES[13]], ids=str)
def test_a_nan_reaches_what_its_windows_make_and_nothing_else(case):
    sizes, (x, w, dy), made = arrays(case, np.float32)
    x[0, 0, 0, 0] = dy[0, 0, 0, 0] = np.nan
    run(sizes, (x, w, dy), made)
    with np.errstate(invalid="ignore"):
        right = exact(x, w, dy, *case[7:])
    for found, expected in zip(made, right, strict=True):
        assert np.isnan(found).any()
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
