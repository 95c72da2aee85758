"""The colours of classes are apart for every eye; beyond twenty classes that is said."""

from itertools import combinations

import numpy as np
import pytest

from pullback.maps.colours import GREY, PALETTE, about_colours, bounds, class_colours
from pullback.maps.labels import Classes, Quantities

# How those without the first, second and third kind of cones see linear RGB, at full severity.
# Source: Machado, Oliveira and Fernandes (2009).
EYES = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
TO_LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


def seen(colours, eye):
    """Colours as an eye sees them, in OKLab, in which distances are how different they look."""
    shares = np.array([[int(c[k : k + 2], 16) / 255 for k in (1, 3, 5)] for c in colours])
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    cones = np.clip(linear @ np.transpose(EYES[eye]), 0.0, 1.0) @ np.transpose(TO_CONES)
    return np.cbrt(cones) @ np.transpose(TO_LAB)


@pytest.mark.parametrize(("count", "usual", "others"), [(10, 0.17, 0.095), (20, 0.1, 0.057)])
def test_any_two_colours_are_apart_for_every_eye(count, usual, others):
    """For scale: of matplotlib's ten, two are 0.02 apart as deuteranopia shows them."""
    for eye in EYES:
        colours = seen(PALETTE[:count], eye)
        nearest = min(np.linalg.norm(a - b) for a, b in combinations(colours, 2))
        assert nearest > (usual if eye == "usual" else others), eye


def test_colours_are_seen_on_white_and_on_black():
    lightness = seen([*PALETTE, GREY], "usual")[:, 0]
    assert lightness.min() > 0.4
    assert lightness.max() < 0.86


def test_the_largest_classes_have_the_colours():
    names = tuple(map(str, range(23)))
    codes = np.repeat(np.arange(23), [1, 2, 1, *[3] * 20])
    colours = class_colours(Classes(names, codes))
    assert [k for k, colour in enumerate(colours) if colour is None] == [0, 1, 2]
    assert colours[3:] == list(PALETTE)
    assert "3 others are grey" in about_colours(Classes(names, codes))


def test_few_that_are_far_off_do_not_set_the_bar():
    usual = np.linspace(0.0, 1.0, 500)
    assert bounds(Quantities(usual)) == (0.0, 1.0)
    low, high = bounds(Quantities(np.append(usual, [1e6, np.nan])))
    assert -0.1 < low < high < 1.1
    assert bounds(Quantities(np.array([2.0, 2.0]))) == (2.0, 2.0)
