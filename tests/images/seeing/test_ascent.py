"""The picture that excites a unit: it rises, as a plain loop in NumPy says, on every engine."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from tests.images.seeing.models import CLASSES, classifier, score

import pullback as pb
from pullback.images.seeing import excite

PLAIN = {"decay": 0.0, "blur": 0.0, "jitter": 0, "total_variation": 0.0}


def slope(model, x, label):
    unit = pb.Unit(x[None])
    return np.array(pb.gradient(model(unit)[0, label], unit).value[0])


def test_the_plain_ascent_is_a_loop_of_steps_along_the_gradient():
    model = classifier(smooth=True)
    found = excite(model, 1, steps=12, seed=5, rate=0.03, engine="eager", **PLAIN)
    x = 0.5 + 0.1 * (np.random.default_rng(5).random((8, 7, 1)) - 0.5)
    for t in range(12):
        assert found.activations[t, 0] == pytest.approx(score(model, x, 1), rel=1e-9)
        g = slope(model, x, 1)
        g[((x <= 0) & (g < 0)) | ((x >= 1) & (g > 0))] = 0.0
        x = np.clip(x + 0.03 * g / np.sqrt(np.mean(g**2)), 0.0, 1.0)
    np.testing.assert_allclose(found.pictures[0], x, atol=1e-9)
    assert found.activations[12, 0] == pytest.approx(score(model, x, 1), rel=1e-9)


def test_blur_and_decay_and_neighbours_are_what_they_are_said_to_be():
    model = classifier((9, 9, 2), smooth=True)
    how = {"blur": 0.8, "decay": 0.1, "total_variation": 0.4, "jitter": 0, "rate": 0.02}
    how |= {"low": -1.0, "high": 3.0, "start": 0.5, "noise": 0.2}
    found = excite(model, 2, steps=1, engine="eager", **how)
    x = 0.5 + 0.8 * (np.random.default_rng(0).random((9, 9, 2)) - 0.5)
    g = slope(model, x, 2)
    g = gaussian_filter(g, 0.8, mode="constant", axes=(0, 1), radius=3)
    near = 8 * 0.02 * 0.4 * 4.0

    def variation(x):
        steps = (np.diff(x, axis=0), np.diff(x, axis=1))
        return sum(np.sqrt(d**2 + near**2).sum() for d in steps)

    t = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = 1e-6
        t[i] = (variation(x + e) - variation(x - e)) / 2e-6
    move = g / np.sqrt(np.mean(g**2)) - 0.4 * t
    expected = 0.5 + 0.9 * (x - 0.5) + 0.02 * 4.0 * move
    np.testing.assert_allclose(found.pictures[0], expected, atol=1e-7)


@pytest.mark.parametrize("engine", ["native", "jax"])
def test_engines_agree(engine):
    model = classifier(smooth=True)
    a = excite(model, None, steps=15, engine="eager")
    b = excite(model, None, steps=15, engine=engine)
    np.testing.assert_allclose(a.pictures, b.pictures, atol=1e-6)
    np.testing.assert_allclose(a.activations, b.activations, atol=1e-5)


@pytest.mark.parametrize("layer", ["conv2d1", "tanh1", "averagepool2d1", "dense1", None])
def test_every_unit_rises_and_pixels_stay_in_their_range(layer):
    model = classifier((12, 12, 3), smooth=True)
    found = excite(model, range(3), layer, steps=40, low=-0.5, high=0.75)
    assert found.pictures.shape == (3, 12, 12, 3)
    assert found.pictures.min() >= -0.5
    assert found.pictures.max() <= 0.75
    assert (found.activations[-1] > found.activations[0]).all()


def test_a_channel_is_the_mean_of_its_places_and_a_place_is_itself():
    model = classifier()
    found = excite(model, [(2, 5, 1), 1], "conv2d1", steps=5, **PLAIN)
    assert found.names == ("(2, 5, 1)", "1")
    made = model["conv2d1"](found.pictures).value
    assert found.activations[-1, 0] == pytest.approx(made[0, 2, 5, 1])
    assert found.activations[-1, 1] == pytest.approx(made[1, :, :, 1].mean())
    alone = excite(model, (2, 5, 1), "conv2d1", steps=5, **PLAIN)
    moved = alone.pictures[0, 1:4, 4:7]
    assert np.ptp(alone.pictures[0, 5:]) < 0.11  # where the unit does not look, the noise stays
    assert np.ptp(moved) > 0.2


def test_pictures_of_one_ascent_do_not_know_of_each_other():
    model = classifier()
    many = excite(model, [0, 1], steps=10, engine="eager", noise=0.0)
    one = excite(model, [1], steps=10, engine="eager", noise=0.0)
    np.testing.assert_allclose(many.pictures[1], one.pictures[0], atol=1e-12)


def test_the_same_seed_gives_the_same_picture_and_another_one_another():
    model = classifier()
    a, b, c = (excite(model, 0, steps=5, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.pictures, b.pictures)
    assert not np.array_equal(a.pictures, c.pictures)


def test_a_unit_that_does_not_answer_leaves_the_picture_as_it_was():
    model = pb.Sequential(pb.Conv2d(1, 3, dtype="float64"), pb.ReLU())
    model(np.zeros((1, 6, 6, 1)))
    weight = model["conv2d1"].weight
    weight.value = np.full(weight.shape, -1.0)
    found = excite(model, 0, steps=10, **PLAIN)
    start = 0.5 + 0.1 * (np.random.default_rng(0).random((1, 6, 6, 1)) - 0.5)
    np.testing.assert_array_equal(found.pictures, start)
    assert not found.activations.any()


def test_gradients_far_below_one_still_move_the_picture():
    model = pb.Sequential(pb.Conv2d(1, 3))
    model(np.zeros((1, 6, 6, 1), np.float32))
    weight = model["conv2d1"].weight
    weight.value = np.full(weight.shape, 1e-25, np.float32)
    assert excite(model, 0, steps=30, **PLAIN).pictures.mean() > 0.9


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 1), (3, 1, 2)])
def test_pictures_of_one_pixel_a_side(shape):
    model = pb.Sequential(pb.Conv2d(2, 1, dtype="float64"), pb.Flatten(), pb.Dense(2))
    model(np.zeros((1, *shape)))
    found = excite(model, [0, 1], steps=10, jitter=3)
    assert found.pictures.shape == (2, *shape)
    plain = excite(model, [0, 1], steps=10, **PLAIN)
    assert (plain.activations[-1] > plain.activations[0]).all()


def test_the_last_layer_may_be_made_of_layers():
    inner = pb.Sequential(pb.Flatten(), pb.Dense(3, dtype="float64"))
    around = pb.Residual(pb.Dense(3, dtype="float64"), pb.Tanh())
    model = pb.Sequential(inner, around)
    model(np.zeros((1, 4, 4, 1)))
    found = excite(model, 0, steps=3)
    assert found.layer == "residual1"
    assert found.activations[-1, 0] == pytest.approx(model(found.pictures).value[0, 0])
    assert excite(model, 0, "sequential1", steps=3).layer == "sequential1"


def test_the_model_is_left_as_it_was():
    model = classifier()
    before = {name: unit.value.copy() for name, unit in model.parameters.items()}
    excite(model, 0, steps=5)
    for name, unit in model.parameters.items():
        np.testing.assert_array_equal(unit.value, before[name])


def test_units_have_the_names_of_classes():
    found = excite(classifier(), [2, 0], steps=2, classes=CLASSES)
    assert found.names == ("owl", "cat")
    assert repr(found).startswith("Excitation of dense1 in 2 steps: owl: ")


@pytest.mark.parametrize(
    ("unit", "layer", "said"),
    [
        (3, None, r"'dense1' has no unit 3: it makes \(3,\) of a picture, so units are 0 to 2"),
        (-1, None, "no unit -1"),
        (4, "relu1", r"no unit 4.*, or places below \(8, 7, 4\)"),
        ((8, 0, 0), "relu1", "no unit"),
        ((0, 0), "relu1", "no unit"),
        (0.5, None, "a unit is a number"),
        ([], None, "1 to 64 units, got 0"),
        (range(65), None, "1 to 64 units, got 65"),
    ],
)
def test_a_unit_that_is_not_there_is_refused(unit, layer, said):
    with pytest.raises(pb.CircuitError, match=said):
        excite(classifier(), unit, layer)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"steps": 0}, "steps must be a whole number"),
        ({"rate": 0.0}, "rate must be"),
        ({"decay": 1.0}, "decay is a share"),
        ({"decay": -0.1}, "decay must be"),
        ({"blur": -1.0}, "blur must be"),
        ({"jitter": 0.5}, "jitter is a whole number"),
        ({"total_variation": float("nan")}, "total_variation must be"),
        ({"low": 1.0}, "low below high"),
        ({"high": float("inf")}, "low below high"),
        ({"start": 2.0}, "start is a number from 0 to 1"),
        ({"classes": ["one"]}, "need names"),
    ],
)
def test_options_out_of_range_are_refused(option, said):
    with pytest.raises(pb.CircuitError, match=said):
        excite(classifier(), 0, **option)
