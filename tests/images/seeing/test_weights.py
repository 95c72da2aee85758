"""Filters as pictures are the weights of a convolution."""

from __future__ import annotations

import numpy as np
import pytest
from tests.images.seeing.models import classifier

import pullback as pb
from pullback.images.seeing import filter_pictures


def built(shape, *layers):
    model = pb.Sequential(*layers)
    model(np.zeros((1, *shape)))
    return model


def test_a_filter_is_a_picture_of_the_channels_that_it_sees():
    model = built((9, 9, 3), pb.Conv2d(5, (2, 4)), pb.ReLU(), pb.Conv2d(6, 3))
    found = filter_pictures(model)
    assert found.shape == (5, 2, 4, 3)
    for k in range(5):
        np.testing.assert_array_equal(found[k], model["conv2d1"].weight.value[..., k])
    assert filter_pictures(model, "conv2d2").shape == (6, 3, 3, 5)
    assert filter_pictures(model, model["conv2d2"]).shape == (6, 3, 3, 5)


def test_layers_inside_layers_are_found_by_their_path():
    model = built((9, 9, 2), pb.Residual(pb.Conv2d(2, 3, padding="same"), pb.ReLU()), pb.ReLU())
    assert filter_pictures(model).shape == (2, 3, 3, 2)
    assert filter_pictures(model, "residual1.conv2d1").shape == (2, 3, 3, 2)
    with pytest.raises(pb.CircuitError, match=r"'conv2d1'; there are: residual1, residual1.conv2d"):
        filter_pictures(model, "conv2d1")


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (pb.DepthwiseConv2d(3, 2), (8, 3, 3, 1)),
        (pb.Conv2d(6, 3, groups=2), (6, 3, 3, 2)),
        (pb.ConvTranspose2d(3, 5, stride=2), (4, 5, 5, 3)),
        (pb.Conv2d(1, 1), (1, 1, 1, 4)),
    ],
)
def test_every_kind_of_convolution_has_filters(layer, shape):
    assert filter_pictures(built((9, 9, 4), layer)).shape == shape


def test_a_model_that_is_one_convolution():
    layer = pb.Conv2d(2, 3)
    layer(np.zeros((1, 5, 5, 1)))
    assert filter_pictures(layer).shape == filter_pictures(layer, "conv2d").shape == (2, 3, 3, 1)


def test_what_has_no_filters_is_refused():
    model = built((4, 4, 1), pb.Flatten(), pb.Dense(2))
    with pytest.raises(pb.CircuitError, match="no convolution, whose filters could be seen"):
        filter_pictures(model)
    with pytest.raises(pb.CircuitError, match="'dense1' is a Dense, which has no filters; no lay"):
        filter_pictures(model, "dense1")
    with pytest.raises(pb.CircuitError, match=r"'relu1' is a ReLU.*; these have: conv2d1"):
        filter_pictures(classifier(), "relu1")


def test_a_layer_that_took_no_part_is_refused():
    def forward(layers, x, training):
        return layers.used(x, training=training)

    model = pb.Model(forward, idle=pb.Conv2d(2, 3), used=pb.Conv2d(3, 3))
    model(np.zeros((1, 8, 7, 1)))
    assert filter_pictures(model).shape[0] == 3
    with pytest.raises(pb.CircuitError, match="'idle' has made no weights yet"):
        filter_pictures(model, "idle")
