import numpy as np
import pytest
from numba import njit

from pullback.engines.native.kernels.convolution import (
    convolution_workspace_size,
    convolve,
    convolve_input,
    convolve_weights,
)
from pullback.engines.native.kernels.lower import address


@njit
def forward(y, x, w, bias, steps, border, workspace, floor):
    n, H, W, C = x.shape
    _, OH, OW, O = y.shape
    middle = n // 2
    for first, last in ((0, middle), (middle, n)):
        convolve(
            address(y), address(x), address(w), address(bias), first, last, H, W, C, OH, OW, O,
            w.shape[0], w.shape[1], steps[0], steps[1], border[0], border[1], address(workspace),
            floor,
        )  # fmt: skip


@njit
def backward(dx, dw, x, w, dy, steps, border, workspace, like):
    n, H, W, C = x.shape
    _, OH, OW, O = dy.shape
    KH, KW = w.shape[:2]
    convolve_input(
        address(dx), address(dy), address(w), 0, n, H, W, C, OH, OW, O, KH, KW,
        steps[0], steps[1], border[0], border[1], address(workspace), like,
    )  # fmt: skip
    rows = KH * KW * C
    for first, last in ((0, rows // 3), (rows // 3, rows)):
        convolve_weights(
            address(dw), address(x), address(dy), first, last, n, H, W, C, OH, OW, O, KH, KW,
            steps[0], steps[1], border[0], border[1], address(workspace), like,
        )  # fmt: skip


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolution_and_its_gradients_are_right(case, dtype):
    run(case, dtype, lambda array: array)


def run(case, dtype, placed):
    """The kernels on arrays that lie where `placed` puts them, and what is right."""
    n, H, W, C, O, KH, KW, steps, border, (OH, OW) = case
    rng = np.random.default_rng(0)
    x, w, dy, bias = (
        placed(rng.normal(size=shape).astype(dtype))
        for shape in ((n, H, W, C), (KH, KW, C, O), (n, OH, OW, O), O)
    )
    y, dx, dw = (placed(np.full_like(array, np.nan)) for array in (dy, x, w))
    bytes_needed = convolution_workspace_size(
        H, W, C, OH, OW, O, KH, KW, *steps, np.dtype(dtype).itemsize
    )
    workspace = np.full(bytes_needed + 64, 255, np.uint8)
    space = workspace[:bytes_needed]
    expected_y, expected_dx, expected_dw = exact(x, w, dy, steps, border, (OH, OW))
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == np.float32 else {"rtol": 1e-12}
    tolerance = {"atol": 1e-12, **tolerance}
    forward(y, x, w, bias, steps, border, space, dtype(-np.inf))
    np.testing.assert_allclose(y, expected_y + bias, **tolerance)
    forward(y, x, w, bias, steps, border, space, dtype(0))
    np.testing.assert_allclose(y, np.maximum(expected_y + bias, 0), **tolerance)
    backward(dx, dw, x, w, dy, steps, border, space, dtype(0))
    np.testing.assert_allclose(dx, expected_dx, **tolerance)
    np.testing.assert_allclose(dw, expected_dw, **tolerance)
    assert np.all(workspace[bytes_needed:] == 255), "the workspace is as large as was said"
