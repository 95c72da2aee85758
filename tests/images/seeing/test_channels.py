"""What layers make, and the pull on it, against the layers called one by one and by differences."""

from __future__ import annotations

import numpy as np
import pytest
from tests.images.seeing.models import CLASSES, classifier, picture, softmax

import pullback as pb
from pullback.images.seeing import activation_maps, gradient_maps


def test_each_layer_is_what_it_makes_by_itself():
    model, x = classifier(), picture()
    found = activation_maps(model, x)
    assert list(found) == ["conv2d1", "relu1", "averagepool2d1", "dense1"]  # flat tells no more
    flow = x[None]
    for layer in model:
        flow = layer(flow).value
        if layer.name in found:
            np.testing.assert_array_equal(found[layer.name], flow[0])
            np.testing.assert_array_equal(activation_maps(model, x, layer)[layer.name], flow[0])
    assert activation_maps(model, x, "flatten1")["flatten1"].shape == (4 * 3 * 4,)


def test_a_way_around_shows_its_sum_and_dropout_nothing_new():
    model = pb.Sequential(
        pb.Residual(pb.Conv2d(1, 3, padding="same", dtype="float64"), pb.Tanh()),
        pb.Dropout(0.5),
        pb.Sequential(pb.Flatten(), pb.Dense(2, dtype="float64")),
    )
    x = picture()
    model(x[None])
    found = activation_maps(model, x)
    paths = ["residual1.conv2d1", "residual1.tanh1", "residual1", "sequential1.dense1"]
    assert list(found) == paths
    np.testing.assert_allclose(found["residual1"], x + found["residual1.tanh1"])


def test_a_layer_that_is_called_twice_is_there_twice():
    relu = pb.ReLU()
    model = pb.Sequential(pb.Conv2d(2, 3), relu, pb.Conv2d(3, 3), relu)
    model(np.zeros((1, 8, 7, 1)))
    found = activation_maps(model, picture())
    assert list(found) == ["conv2d1", "relu1", "conv2d2", "relu1 (2)"]
    assert activation_maps(model, picture(), relu)["relu1"].shape == (6, 5, 2)
    assert activation_maps(model, picture(), "relu1 (2)")["relu1 (2)"].shape == (4, 3, 3)


def test_a_layer_that_took_no_part_is_refused():
    def forward(layers, x, training):
        return layers.used(x, training=training)

    model = pb.Model(forward, idle=pb.ReLU(), used=pb.Conv2d(3, 3))
    model(np.zeros((1, 8, 7, 1)))
    with pytest.raises(pb.CircuitError, match="'idle' has no part"):
        activation_maps(model, picture(), "idle")


def rest_of(model, name):
    """The layers after one, as a function of what it makes."""
    layers = list(model)
    after = layers[[x.name for x in layers].index(name) + 1 :]

    def run(made):
        flow = made[None]
        for layer in after:
            flow = layer(flow).value
        return flow[0]

    return run


def slope(f, x, step=1e-6):
    """The gradient of a number by central differences."""
    g = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        g[i] = (f(up) - f(down)) / (2.0 * step)
    return g


@pytest.mark.parametrize("name", ["conv2d1", "tanh1", "averagepool2d1", "flatten1", "dense1"])
@pytest.mark.parametrize("label", [0, 2])
def test_the_pull_is_the_slope_by_differences(name, label):
    model, x = classifier(smooth=True), picture()
    made = activation_maps(model, x, name)[name]
    rest = rest_of(model, name)
    found = gradient_maps(model, x, label, name)[name]
    np.testing.assert_allclose(found, slope(lambda a: rest(a)[label], made), atol=1e-7)
    loss = gradient_maps(model, x, label, name, loss=pb.SoftmaxCrossEntropy())[name]
    expected = slope(lambda a: -np.log(softmax(rest(a))[label]), made)
    np.testing.assert_allclose(loss, expected, atol=1e-7)


def test_all_layers_at_once_are_those_one_by_one():
    model, x = classifier(), picture()
    for path, values in gradient_maps(model, x, "dog", classes=CLASSES).items():
        np.testing.assert_array_equal(values, gradient_maps(model, x, 1, path)[path])


@pytest.mark.parametrize("loss", [pb.BinaryCrossEntropy(), pb.Hinge()])
def test_a_single_score_tells_two_classes_apart(loss):
    model, x = classifier(outputs=1), picture()
    first, second = (gradient_maps(model, x, k, "dense1")["dense1"] for k in (0, 1))
    assert (first, second) == ([-0.5], [0.5])
    labels = loss.reading.labels(np.array([0, 1]))
    for name, label in zip(["no", "yes"], labels, strict=True):
        a = gradient_maps(model, x, name, "conv2d1", loss=loss, classes=["no", "yes"])
        b = gradient_maps(model, x, int(label), "conv2d1", loss=loss)
        np.testing.assert_array_equal(a["conv2d1"], b["conv2d1"])


def test_wrong_losses_and_labels_are_refused():
    model, x = classifier(), picture()
    with pytest.raises(pb.CircuitError, match="a loss is a Loss"):
        gradient_maps(model, x, 0, loss="SoftmaxCrossEntropy")
    with pytest.raises(pb.CircuitError, match="not among the 3 classes"):
        gradient_maps(model, x, 3, loss=pb.SoftmaxCrossEntropy())
