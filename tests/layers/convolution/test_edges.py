"""Layers of images at their edges: no images, one pixel, whole numbers, infinities."""

import numpy as np
import pytest

import pullback as pb
from pullback.layers import Residual

IMAGES = np.random.default_rng(0).normal(size=(2, 8, 8, 3))
EVERY = {
    "conv": lambda: pb.Conv2d(4, 3, padding="same"),
    "grouped": lambda: pb.Conv2d(3, 1, groups=3),
    "strided": lambda: pb.Conv2d(2, 5, stride=3, padding="same"),
    "depthwise": lambda: pb.DepthwiseConv2d(3, 2, padding=1),
    "transposed": lambda: pb.ConvTranspose2d(4, 3, stride=2, extra=1),
    "transposed same": lambda: pb.ConvTranspose2d(4, 3, stride=2, padding="same"),
    "largest": lambda: pb.MaxPool2d(3, 2, "same"),
    "average": lambda: pb.AveragePool2d(3, 2, "same"),
    "nearest": lambda: pb.Upsample2d(2),
    "bilinear": lambda: pb.Upsample2d((3, 2), "bilinear"),
    "group norm": lambda: pb.GroupNorm(3),
    "layer norm": lambda: pb.LayerNorm(axes=3),
    "batch norm": lambda: pb.BatchNorm(),
    "response": lambda: pb.LocalResponseNorm(4),
    "dropout": lambda: pb.SpatialDropout(),
    "maxout": lambda: pb.Maxout(pieces=3),
    "global average": lambda: pb.GlobalAveragePool(),
    "global max": lambda: pb.GlobalMaxPool(),
    "residual": lambda: Residual(pb.Conv2d(4, 3, padding="same"), around=pb.Conv2d(4, 1)),
}
every = pytest.mark.parametrize("name", EVERY)


@every
def test_no_images_are_predicted_and_pulled(name):
    layer = EVERY[name]()
    whole = layer(IMAGES)
    x = pb.Unit(IMAGES[:0], "x")
    y = layer(x)
    assert y.shape == (0, *whole.shape[1:])
    assert y.dtype == whole.dtype
    assert pb.gradient(y, x).shape == x.shape
    assert layer.predict(IMAGES[:0]).shape == y.shape


@every
def test_images_of_one_pixel(name):
    layer = EVERY[name]()
    x = pb.Unit(IMAGES[:, :1, :1], "x")
    y = layer(x)
    assert np.isfinite(y.value).all()
    assert np.isfinite(pb.gradient(y, x).value).all()


@every
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "bool", "float64"])
def test_whole_numbers_are_what_they_are_as_floats(name, dtype):
    x = (40.0 * IMAGES + 100).astype(dtype)
    layer = EVERY[name]()
    y = layer(x)
    np.testing.assert_allclose(y.value, layer(x.astype(float)).value, rtol=1e-4, atol=1e-4)


def test_an_infinite_channel_spoils_none_that_do_not_see_it():
    x = np.array([[np.inf, 1.0, 1.0, 1.0, 1.0]])
    y = pb.LocalResponseNorm(3)(x).value
    assert np.isnan(y[0, 0])
    np.testing.assert_array_equal(np.isfinite(y[0, 1:]), [True] * 4)
    assert y[0, 1] == 0.0


def test_a_window_of_more_channels_than_there_are():
    x = IMAGES.reshape(-1, 3)
    y = pb.LocalResponseNorm(10**9, alpha=1e9, beta=0.5, k=0.0)(x).value
    np.testing.assert_allclose(y, x / np.linalg.norm(x, axis=1, keepdims=True))


def test_spatial_dropout_drops_whole_channels_as_often_as_it_says():
    x = np.ones((200, 3, 2, 50))
    y = pb.SpatialDropout(0.3)(x, training=pb.Training(seed=5)).value
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    assert set(np.unique(y)) == {0.0, np.float64(1.0 / 0.7)}
    assert np.mean(y == 0.0) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(
    "make",
    [
        lambda: pb.Conv2d(64, 3, groups=4),
        lambda: pb.DepthwiseConv2d(3, 16),
        lambda: pb.ConvTranspose2d(64, 3, groups=4),
        lambda: pb.ConvTranspose2d(64, 3),
    ],
)
def test_he_keeps_the_mean_square_of_what_a_rectifier_passes_on(make):
    x = np.maximum(np.random.default_rng(1).normal(size=(8, 12, 12, 64)), 0.0)
    y = make()(x).value[:, 2:-2, 2:-2]
    assert np.mean(y**2) == pytest.approx(2.0 * np.mean(x**2), rel=0.15)
