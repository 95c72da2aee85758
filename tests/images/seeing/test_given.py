"""Pictures and classes as people have them are taken, or refused by a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from tests.images.seeing.models import CLASSES, classifier, picture

import pullback as pb
from pullback.images.seeing import (
    activation_maps,
    excite,
    filter_pictures,
    gradient_maps,
    mistakes,
    occlusion_map,
    saliency_map,
)

SEEN = {
    "activation_maps": activation_maps,
    "gradient_maps": lambda model, x: gradient_maps(model, x, 0),
    "saliency_map": lambda model, x: saliency_map(model, x, engine="eager"),
    "occlusion_map": lambda model, x: occlusion_map(model, x, engine="eager"),
}
seen = pytest.mark.parametrize("name", SEEN)


@seen
def test_a_model_that_has_not_been_called_is_refused(name):
    model = pb.Sequential(pb.Conv2d(2, 3), pb.Flatten(), pb.Dense(2))
    with pytest.raises(pb.CircuitError, match="made no weights yet; train it first"):
        SEEN[name](model, picture())


@seen
def test_what_is_no_model_is_refused(name):
    with pytest.raises(pb.CircuitError, match="a model, such as a Sequential"):
        SEEN[name](lambda x: x, picture())


@seen
def test_a_model_of_rows_is_refused(name):
    model = pb.Sequential(pb.Dense(2))
    model(np.zeros((1, 5)))
    with pytest.raises(pb.CircuitError, match=r"inputs of shape \(1, 5\); pictures are"):
        SEEN[name](model, picture())


@seen
def test_a_model_that_is_not_finite_is_refused(name):
    model = classifier()
    weight = model["conv2d1"].weight
    weight.value = np.full(weight.shape, np.nan)
    with pytest.raises(pb.CircuitError, match=r"not finite: 'conv2d1.weight'"):
        SEEN[name](model, picture())


@seen
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((8, 7, 3)), r"\(8, 7\)"),
        (np.zeros((5, 8, 7)), "several"),
        (np.zeros((1, 8, 7, 1)), r"give pictures\[0\]"),
        (np.zeros(8), r"pictures of shape \(8, 7\), got \(8,\)"),
        (0.5, r"pictures of shape \(8, 7\)"),
        (np.zeros((0, 7)), r"got \(0, 7, 1\)"),
        (np.full((8, 7), np.nan), "nan or infinity"),
        (np.zeros((8, 7), int), r"are bytes \(uint8\)"),
        (np.zeros((6, 7)), r"built for pictures of shape \(8, 7, 1\), does not take \(6, 7, 1\)"),
    ],
)
def test_what_is_no_picture_for_the_model_is_refused(name, given, said):
    with pytest.raises(pb.CircuitError, match=said):
        SEEN[name](classifier(), given)


def test_pictures_in_colour_need_their_channels():
    model = classifier((8, 7, 3))
    with pytest.raises(pb.CircuitError, match=r"shape \(8, 7, 3\), got \(8, 7\)"):
        activation_maps(model, picture((8, 7)))


def test_bytes_are_divided_by_255():
    model = classifier()
    given = np.random.default_rng(0).integers(0, 256, (8, 7)).astype(np.uint8)
    a = activation_maps(model, given, "conv2d1")["conv2d1"]
    b = activation_maps(model, given[..., None] / 255.0, "conv2d1")["conv2d1"]
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_model_without_a_size_takes_pictures_of_any():
    model = pb.Sequential(pb.Conv2d(2, 3), pb.GlobalAveragePool(), pb.Dense(3))
    model(np.zeros((1, 8, 8, 1)))
    assert activation_maps(model, picture((13, 5)))["conv2d1"].shape == (11, 3, 2)
    assert occlusion_map(model, picture((13, 5)), engine="eager").heat.shape == (13, 5)


@pytest.mark.parametrize("layer", ["conv2d9", pb.ReLU(), 3])
def test_an_unknown_layer_is_refused_with_those_that_there_are(layer):
    known = "there are: conv2d1, tanh1, averagepool2d1, flatten1, dense1"
    model = classifier(smooth=True)
    for see in (activation_maps, lambda m, x, y: gradient_maps(m, x, 0, y)):
        with pytest.raises(pb.CircuitError, match=known):
            see(model, picture(), layer)
    with pytest.raises(pb.CircuitError, match=known):
        filter_pictures(model, layer)
    with pytest.raises(pb.CircuitError, match=known):
        excite(model, 0, layer, engine="eager")


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (3, "no class 3; the model tells 0 to 2 apart"),
        (-1, "no class -1"),
        (0.5, "a class is a number"),
        ("cow", "no class named 'cow'; there are: cat, dog, owl"),
    ],
)
def test_a_class_that_is_not_there_is_refused(label, said):
    model, x = classifier(), picture()
    for see in (saliency_map, occlusion_map, gradient_maps):
        with pytest.raises(pb.CircuitError, match=said):
            see(model, x, label, classes=CLASSES)
    with pytest.raises(pb.CircuitError, match=said):
        mistakes(np.zeros((1, 3)), None, [label], CLASSES)


def test_a_class_is_named_where_names_are_given():
    model, x = classifier(), picture()
    a = saliency_map(model, x, "owl", classes=CLASSES, engine="eager")
    assert a.label == 2
    with pytest.raises(pb.CircuitError, match="no names were given"):
        saliency_map(model, x, "owl", engine="eager")


def test_names_are_as_many_as_classes():
    for names in (["cat", "dog"], "cat"):
        with pytest.raises(pb.CircuitError, match="3 classes apart, which need names"):
            mistakes(np.zeros((1, 3)), None, [0], names)


def test_a_model_of_several_outputs_is_refused():
    model = pb.Model(
        lambda layers, x, training: (layers.a(x, training=training), x), a=pb.Conv2d(2, 3)
    )
    model(np.zeros((1, 8, 7, 1)))
    with pytest.raises(pb.CircuitError, match="2 outputs"):
        activation_maps(model, picture())


def test_what_gives_no_scores_has_no_saliency():
    model = pb.Sequential(pb.Conv2d(2, 3))
    model(np.zeros((1, 8, 7, 1)))
    with pytest.raises(pb.CircuitError, match="not a score for each class"):
        saliency_map(model, picture(), 0, engine="eager")


def test_an_unknown_engine_is_refused():
    model, x = classifier(), picture()
    for see in (saliency_map, occlusion_map, excite):
        with pytest.raises(pb.CircuitError, match="no engine 'fast'"):
            see(model, x if see is not excite else 0, engine="fast")
