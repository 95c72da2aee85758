"""Places along an axis, and round marks on it, at every size and at nothing."""

import math

import numpy as np
import pytest

from pullback.diagnosis.scale import Scale


def test_places_are_between_the_ends():
    scale = Scale.over([2.0, math.nan, 10.0, math.inf, 4.0])
    assert (scale.low, scale.high, scale.logarithmic) == (2.0, 10.0, False)
    assert [scale.share(x) for x in (2.0, 4.0, 10.0, 99.0, -1.0)] == [0.0, 0.25, 1.0, 1.0, 0.0]
    assert math.isnan(scale.share(math.nan))


def test_what_is_far_apart_is_logarithmic_unless_it_is_told():
    far = [0.01, 1.0, 100.0]
    assert Scale.over(far).share(1.0) == pytest.approx(0.5)
    assert Scale.over(far, False).share(1.0) == pytest.approx(0.0099, abs=1e-4)
    below = Scale.over([0.0, 1.0, 100.0], True)
    assert below.low == 1.0, "0 has no logarithm"
    assert below.share(0.0) == 0.0
    assert not Scale.over([0.0, -3.0], True).logarithmic
    assert not Scale.over([-1.0, 1e9]).logarithmic


@pytest.mark.parametrize("values", [[3.0], [0.0, 0.0], [1e300, 1e300, math.nan]])
def test_one_number_is_in_the_middle_and_marked(values):
    scale = Scale.over(values)
    assert scale.share(values[0]) == 0.5
    assert scale.marks(5) == values[:1]


@pytest.mark.parametrize("values", [[], [math.nan]])
def test_nothing_has_an_axis_all_the_same(values):
    assert Scale.over(values) == Scale(0.0, 1.0)


@pytest.mark.parametrize("seed", range(40))
def test_marks_are_round_few_and_inside(seed):
    rng = np.random.default_rng(seed)
    size = 10.0 ** rng.uniform(-6, 6)
    values = size * rng.normal(size=2) + size * rng.uniform(-5, 5)
    scale = Scale.over(values)
    marks = scale.marks(5)
    assert 2 <= len(marks) <= 7
    assert marks == sorted(set(marks))
    slack = 1e-6 * (scale.high - scale.low)
    assert scale.low - slack <= marks[0] < marks[-1] <= scale.high + slack


def test_powers_of_ten_mark_what_is_logarithmic():
    assert Scale(1e-4, 1e2, True).marks(7) == pytest.approx([1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100])
    assert Scale(1e-9, 1.0, True).marks(5) == pytest.approx([1e-9, 1e-7, 1e-5, 1e-3, 1e-1])
    assert Scale(1.5, 30.0, True).marks(5) == pytest.approx([2, 5, 10, 20])
