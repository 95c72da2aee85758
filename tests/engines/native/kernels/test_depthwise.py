"""Convolution of each channel with a filter of its own: forward and both gradients."""

import numpy as np
import pytest
from tests.engines.native.kernels.test_convolution import (
    arrays,
    assert_right,
    assert_same_bits,
    random_case,
    run,
)

from pullback.engines.native import target

CASES = [
    # n, H, W, C, O, KH, KW, steps, border, output, groups, dilation
    (2, 5, 6, 3, 3, 3, 3, (1, 1), (1, 1), (5, 6), 3, (1, 1)),
    (1, 1, 1, 2, 2, 1, 1, (1, 1), (0, 0), (1, 1), 2, (1, 1)),
    (3, 7, 17, 16, 16, 3, 3, (1, 1), (1, 1), (7, 17), 16, (1, 1)),
    (2, 6, 41, 35, 35, 2, 3, (1, 1), (0, 1), (5, 41), 35, (1, 1)),
    (2, 9, 10, 17, 17, 5, 4, (2, 2), (2, 1), (5, 5), 17, (1, 1)),
    (1, 20, 23, 8, 8, 3, 3, (3, 2), (0, 0), (6, 11), 8, (1, 1)),  # a row that no window sees
    (2, 4, 3, 5, 5, 1, 1, (3, 2), (0, 0), (2, 2), 5, (1, 1)),  # pixels between the windows
    (2, 9, 20, 4, 4, 3, 3, (1, 1), (2, 2), (9, 20), 4, (2, 2)),
    (2, 13, 12, 6, 6, 3, 3, (2, 3), (1, 2), (5, 3), 6, (2, 3)),
    (1, 13, 9, 3, 3, 3, 3, (4, 2), (3, 0), (3, 2), 3, (6, 3)),  # stride and dilation share 2
    (2, 6, 5, 3, 3, 3, 3, (1, 1), (3, 4), (10, 11), 3, (1, 1)),  # a border wider than the window
    (1, 2, 3, 2, 2, 7, 9, (1, 1), (3, 4), (2, 3), 2, (1, 1)),  # no window lies inside
    (0, 4, 4, 3, 3, 3, 3, (1, 1), (1, 1), (4, 4), 3, (1, 1)),
    (2, 64, 65, 40, 40, 3, 3, (1, 1), (1, 1), (64, 65), 40, (1, 1)),  # larger than a cache
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_forward_and_both_gradients_are_right(case, dtype):
    assert arrays(case, dtype)[0].depthwise
    assert_right(case, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_threads_share_the_work_and_give_the_same_bits(case, dtype):
    assert_same_bits(case, dtype)


@pytest.mark.parametrize("seed", range(12))
def test_sizes_at_random_are_right(seed):
    rng = np.random.default_rng(seed)
    case, dtype = random_case(rng, depthwise=True), rng.choice([np.float32, np.float64])
    assert_right(case, dtype)
    assert_same_bits(case, dtype)


def test_no_workspace_is_asked_for():
    assert arrays(CASES[0], np.float32)[0].workspace(target.host()) == 0


def test_a_nan_stays_in_its_channel_and_its_windows():
    case = CASES[2]
    sizes, (x, w, dy), made = arrays(case, np.float32)
    x[1, 0, 0, 5] = dy[1, 0, 0, 5] = np.nan
    run(sizes, (x, w, dy), made)
    for found in made[:2]:  # the windows of a corner, and the pixels of its window
        wrong = np.argwhere(np.isnan(found))
        np.testing.assert_array_equal(wrong, [(1, i, j, 5) for i in (0, 1) for j in (0, 1)])
    assert np.isnan(made[2][1:, 1:, 0, 5]).all()
    assert not np.isnan(np.delete(made[2], 5, 3)).any()
