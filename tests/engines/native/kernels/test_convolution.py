import numpy as np
import pytest
from tests.engines.native.calling import kind, run_kernel

from pullback.engines.native.kernels.convolution import Convolution


def exact(x, w, dy, steps, border, shape):
    """Forward and both gradients in double precision, one place of the window at a time."""
    x, w, dy = (array.astype(np.float64) for array in (x, w, dy))
    n, H, W, C = x.shape
    KH, KW, _, O = w.shape
    OH, OW = shape
    rows, columns = (OH - 1) * steps[0] + KH, (OW - 1) * steps[1] + KW
    image = np.zeros((n, max(rows, H + border[0]), max(columns, W + border[1]), C))
    image[:, border[0] : border[0] + H, border[1] : border[1] + W] = x
    y, dimage, dw = np.zeros((n, OH, OW, O)), np.zeros_like(image), np.zeros_like(w)
    for a in range(KH):
        for b in range(KW):
            place = np.s_[:, a : a + (OH - 1) * steps[0] + 1 : steps[0],
                          b : b + (OW - 1) * steps[1] + 1 : steps[1]]  # fmt: skip
            y += image[place] @ w[a, b]
            dimage[place] += dy @ w[a, b].T
            dw[a, b] = np.tensordot(image[place], dy, ((0, 1, 2), (0, 1, 2)))
    dx = dimage[:, border[0] : border[0] + H, border[1] : border[1] + W]
    return y, dx, dw


CASES = [
    # n, H, W, C, O, KH, KW, steps, border, output
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
]


def arrays(case, dtype):
    """The sizes of a case; images, window and pull; and room for what the three kernels make."""
    n, H, W, C, O, KH, KW, steps, border, (OH, OW) = case
    rng = np.random.default_rng(0)
    shapes = (n, H, W, C), (KH, KW, C, O), (n, OH, OW, O)
    x, w, dy = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    sizes = Convolution(kind(dtype), n, H, W, C, OH, OW, O, KH, KW, *steps, *border)
    return sizes, (x, w, dy), [np.full_like(array, np.nan) for array in (dy, x, w)]


def run(sizes, given, made, **options):
    """Forward, and both gradients."""
    (x, w, dy), (y, dx, dw) = given, made
    run_kernel("convolve", sizes, y, x, w, **options)
    run_kernel("convolve_input", sizes, dx, dy, w, **options)
    run_kernel("convolve_weights", sizes, dw, x, dy, **options)


def assert_right(case, dtype, placed=lambda array: array):
    """The kernels on arrays that lie where `placed` puts them give what is right."""
    steps, border, shape = case[-3:]
    sizes, given, made = arrays(case, dtype)
    given, made = [placed(x) for x in given], [placed(y) for y in made]
    run(sizes, given, made, placed=placed)
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == np.float32 else {"rtol": 1e-12}
    for found, right in zip(made, exact(*given, steps, border, shape), strict=True):
        np.testing.assert_allclose(found, right, **{"atol": 1e-12, **tolerance})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolution_and_its_gradients_are_right(case, dtype):
    assert_right(case, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_threads_share_a_convolution_and_give_the_same_bits(case, dtype):
    sizes, given, alone = arrays(case, dtype)
    run(sizes, given, alone)
    for threads in (2, 3, 5):
        made = [np.full_like(array, np.nan) for array in alone]
        run(sizes, given, made, threads=threads)
        for found, expected in zip(made, alone, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("case", [CASES[1], CASES[5]], ids=str)
def test_a_nan_reaches_what_its_windows_make_and_nothing_else(case):
    sizes, (x, w, dy), made = arrays(case, np.float32)
    x[0, 0, 0, 0] = dy[0, 0, 0, 0] = np.nan
    run(sizes, (x, w, dy), made)
    with np.errstate(invalid="ignore"):
        right = exact(x, w, dy, *case[-3:])
    for found, expected in zip(made, right, strict=True):
        assert np.isnan(found).any()
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
