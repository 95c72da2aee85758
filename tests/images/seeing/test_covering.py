"""Occlusion, against covering the picture by hand, place by place."""

from __future__ import annotations

import numpy as np
import pytest
from tests.images.seeing.models import classifier, picture, softmax

import pullback as pb
from pullback.images.seeing import occlusion_map


def by_hand(model, x, label, size, stride, fill):
    """The mean fall at each pixel, over all patches that cover it."""
    h, w, _ = x.shape
    whole = softmax(model(x[None]).value[0])[label]
    tops = sorted({*range(0, h - size[0] + 1, stride), h - size[0]})
    lefts = sorted({*range(0, w - size[1] + 1, stride), w - size[1]})
    falls = [[[] for _ in range(w)] for _ in range(h)]
    for top in tops:
        for left in lefts:
            covered = x.copy()
            covered[top : top + size[0], left : left + size[1]] = fill
            fall = whole - softmax(model(covered[None]).value[0])[label]
            for i in range(top, top + size[0]):
                for j in range(left, left + size[1]):
                    falls[i][j].append(fall)
    return np.array([[np.mean(cell) for cell in row] for row in falls])


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
@pytest.mark.parametrize(
    ("size", "stride"), [(1, 1), (2, 2), (3, 2), (3, 3), (4, 3), (7, 1), ((8, 7), 1), ((3, 5), 2)]
)
def test_the_map_is_that_of_covering_by_hand(size, stride, engine):
    model, x = classifier(), picture()
    found = occlusion_map(model, x, 1, size=size, stride=stride, fill=0.25, engine=engine)
    pair = (size, size) if isinstance(size, int) else size
    np.testing.assert_allclose(found.heat, by_hand(model, x, 1, pair, stride, 0.25), atol=1e-10)


def test_many_places_are_covered_in_batches():
    model, x = classifier((19, 17, 1)), picture((19, 17, 1))
    found = occlusion_map(model, x, 0, size=2, stride=1)
    assert found.drops.shape == (18, 16)
    expected = by_hand(model, x, 0, (2, 2), 1, x.mean())
    np.testing.assert_allclose(found.heat, expected, atol=1e-10)


def test_fill_is_the_mean_of_each_channel_or_a_colour():
    model, x = classifier((6, 6, 3)), picture((6, 6, 3))
    found = occlusion_map(model, x, 0, size=3)
    np.testing.assert_allclose(found.fill, x.mean(axis=(0, 1)))
    expected = by_hand(model, x, 0, (3, 3), 1, x.mean(axis=(0, 1)))
    np.testing.assert_allclose(found.heat, expected, atol=1e-10)
    red = occlusion_map(model, x, 0, size=3, fill=[1.0, 0.0, 0.0])
    expected = by_hand(model, x, 0, (3, 3), 1, [1.0, 0.0, 0.0])
    np.testing.assert_allclose(red.heat, expected, atol=1e-10)


def test_defaults():
    model, x = classifier((21, 20, 1)), picture((21, 20, 1))
    found = occlusion_map(model, x)
    assert found.size == (4, 4)
    assert found.tops.tolist() == [0, 2, 4, 6, 8, 10, 12, 14, 16, 17]
    assert found.lefts.tolist() == [0, 2, 4, 6, 8, 10, 12, 14, 16]
    assert found.label == model(x[None]).value[0].argmax()


def test_a_picture_of_one_pixel():
    model = pb.Sequential(pb.Flatten(), pb.Dense(2, dtype="float64"))
    model(np.zeros((1, 1, 1, 1)))
    found = occlusion_map(model, np.array([[1.0]]), 0, fill=0.0)
    expected = by_hand(model, np.ones((1, 1, 1)), 0, (1, 1), 1, 0.0)
    np.testing.assert_allclose(found.heat, expected)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"size": 9}, "a patch of 9 does not fit on a picture of 8 × 7"),
        ({"size": (8, 8)}, "does not fit"),
        ({"size": 0}, "does not fit"),
        ({"size": 2.5}, "size is a whole number"),
        ({"size": (1, 2, 3)}, "size is a whole number"),
        ({"size": 3, "stride": 4}, "stride is a whole number from 1 to the patch's 3"),
        ({"stride": 0}, "stride is"),
        ({"size": 3, "stride": 1.5}, "stride is"),
        ({"fill": [0.0, 1.0]}, "fill is a finite number, or 1 of them"),
        ({"fill": float("nan")}, "fill is a finite number"),
    ],
)
def test_options_out_of_range_are_refused(option, said):
    with pytest.raises(pb.CircuitError, match=said):
        occlusion_map(classifier(), picture(), 0, **option)
