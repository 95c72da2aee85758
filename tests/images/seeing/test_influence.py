"""Saliency against numerical gradients, SmoothGrad by hand, and the completeness of a path."""

from __future__ import annotations

import numpy as np
import pytest
from tests.images.seeing.models import classifier, picture, score, softmax

import pullback as pb
from pullback.images.seeing import saliency_map


def slope(model, x, label, step=1e-6):
    g = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[i] = step
        g[i] = (score(model, x + e, label) - score(model, x - e, label)) / (2.0 * step)
    return g


@pytest.mark.parametrize(
    ("shape", "engine"),
    [((8, 7, 1), "eager"), ((5, 6, 3), "native"), ((2, 2, 2), "native"), ((4, 3, 2), "jax")],
)
def test_the_gradient_is_the_slope_by_differences(shape, engine):
    model, x = classifier(shape, smooth=True), picture(shape)
    for label in range(3):
        found = saliency_map(model, x, label, engine=engine)
        expected = slope(model, x, label)
        np.testing.assert_allclose(found.values, expected, atol=1e-7)
        times = saliency_map(model, x, label, "gradient*input", engine=engine)
        np.testing.assert_allclose(times.values, expected * x, atol=1e-7)


def test_the_class_that_wins_is_the_default():
    model, x = classifier(), picture()
    scores = model(x[None]).value[0]
    found = saliency_map(model, x, engine="eager")
    assert found.label == scores.argmax()
    np.testing.assert_allclose(found.probabilities, softmax(scores), rtol=1e-12)


@pytest.mark.parametrize("samples", [1, 5, 32, 33, 70])
def test_smooth_is_the_mean_of_gradients_under_noise(samples):
    model, x = classifier(smooth=True), picture()
    found = saliency_map(model, x, 1, "smooth", samples=samples, noise=0.2, seed=7)
    noise = np.random.default_rng(7).normal(size=(samples, *x.shape)) * 0.2 * np.ptp(x)
    each = [saliency_map(model, x + added, 1, engine="eager").values for added in noise]
    np.testing.assert_allclose(found.values, np.mean(each, axis=0), atol=1e-10)


def test_smooth_is_seeded():
    model, x = classifier(), picture()
    a, b, c = (saliency_map(model, x, 0, "smooth", seed=seed).values for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize(
    ("baseline", "engine"),
    [
        (0.0, "eager"),
        (0.5, "native"),
        (picture(seed=3), "jax"),
        (picture(seed=4)[..., 0], "native"),
    ],
)
def test_integrated_gradients_add_up_to_the_rise_of_the_score(baseline, engine):
    model, x = classifier(smooth=True), picture()
    found = saliency_map(model, x, 2, "integrated", baseline=baseline, engine=engine)
    start = np.broadcast_to(np.reshape(baseline, (*np.shape(baseline)[:2], 1)), x.shape)
    rise = score(model, x, 2) - score(model, start, 2)
    assert found.rise == pytest.approx(rise, abs=1e-12)
    assert found.values.sum() == pytest.approx(rise, abs=1e-4)
    assert found.heat.sum() == pytest.approx(rise, abs=1e-4)


def test_more_steps_come_nearer():
    model, x = classifier(), picture()
    gaps = []
    for steps in (4, 64, 1024):
        found = saliency_map(model, x, 0, "integrated", steps=steps)
        gaps.append(abs(found.values.sum() - found.rise))
    assert gaps[2] < gaps[1] < gaps[0]
    assert gaps[2] < 1e-3 * abs(found.rise)


def test_of_a_linear_model_all_that_multiply_are_the_same():
    model = pb.Sequential(pb.Flatten(), pb.Dense(2, dtype="float64"))
    x = picture()
    model(x[None])
    weights = model["dense1"].weight.value[:, 1].reshape(x.shape)
    for method in ("gradient*input", "integrated"):
        found = saliency_map(model, x, 1, method)
        np.testing.assert_allclose(found.values, weights * x, atol=1e-12)
    np.testing.assert_allclose(saliency_map(model, x, 1, "smooth").values, weights, atol=1e-12)


def test_heat_is_one_number_a_pixel():
    model, x = classifier((5, 6, 3)), picture((5, 6, 3))
    found = saliency_map(model, x, 0)
    assert found.heat.shape == (5, 6)
    np.testing.assert_array_equal(np.abs(found.heat), np.abs(found.values).max(axis=2))
    assert (found.heat[..., None] == found.values).any(axis=2).all()
    times = saliency_map(model, x, 0, "gradient*input")
    np.testing.assert_allclose(times.heat, times.values.sum(axis=2))


def test_a_single_score_is_the_lead_of_the_second_class():
    model, x = classifier(outputs=1), picture()
    no, yes = (saliency_map(model, x, k) for k in (0, 1))
    np.testing.assert_allclose(yes.values, -no.values)
    lead = score(model, x, 0)
    np.testing.assert_allclose(yes.probabilities[1], 1.0 / (1.0 + np.exp(-lead)), rtol=1e-12)
    assert saliency_map(model, x).label == int(lead > 0.0)


def test_probabilities_that_a_model_answers_are_left_as_they_are():
    model = classifier()
    soft = pb.Sequential(*model, pb.Softmax())
    x = picture()
    soft(x[None])
    np.testing.assert_allclose(
        saliency_map(soft, x).probabilities, softmax(model(x[None]).value[0]), rtol=1e-12
    )


def test_pictures_of_one_pixel():
    model = pb.Sequential(pb.Conv2d(1, 1), pb.Flatten(), pb.Dense(2))
    model(np.zeros((1, 1, 1, 1), np.float32))
    for method in ("gradient", "gradient*input", "smooth", "integrated"):
        assert saliency_map(model, np.array([[200]], np.uint8), 0, method).heat.shape == (1, 1)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"method": "guided"}, "method is one of 'gradient'"),
        ({"samples": 0}, "samples must be"),
        ({"steps": 0}, "steps must be"),
        ({"noise": -1.0}, "noise must be"),
        ({"method": "integrated", "baseline": np.zeros((3, 3))}, r"got \(3, 3\)"),
        ({"method": "integrated", "baseline": float("nan")}, "a finite number.*got nan"),
    ],
)
def test_options_out_of_range_are_refused(option, said):
    with pytest.raises(pb.CircuitError, match=said):
        saliency_map(classifier(), picture(), 0, **option)
