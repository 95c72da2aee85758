"""Weights from which training cannot begin are found; zeros that do no harm are not."""

import numpy as np
import pytest
from tests.diagnosis.small import X, Y, findings, patient

import pullback as pb

ZERO, EQUAL = "zero initialization", "equal initialization"
SCALE = "badly scaled initialization"
RING = ((X[:, :2] ** 2).sum(axis=1) > 1.4).astype(int)


def nothing(shape, rng):
    return np.zeros(shape)


def net(bend, first, last="he"):
    return pb.Sequential(
        pb.Dense(8, initializer=first), bend(), pb.Dense(2, initializer=last), name="net"
    )


@pytest.mark.parametrize("bend", [pb.ReLU, pb.Tanh, pb.Sigmoid])
@pytest.mark.parametrize("start", ["zeros", nothing])
def test_zeros_throughout_are_found_and_chance_helps(bend, start):
    sick = patient(net(bend, start, start), pb.SoftmaxCrossEntropy(), pb.Adam(0.1), X, Y)
    (found,) = findings(ZERO, sick)
    assert found.certain
    cured = found.cure.change(sick)
    assert not findings(ZERO, cured)
    before = sick.train(monitor=False).final("loss")
    assert cured.train(monitor=False).final("loss") < before


def test_zeros_of_a_function_are_drawn_anew_too():
    def forward(layers, x, training):
        return layers.b(pb.relu(layers.a(x, training=training)), training=training)

    model = pb.Model(forward, a=pb.Dense(8, initializer="zeros"), b=pb.Dense(2))
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.1))
    (found,) = findings(ZERO, sick)
    assert not findings(ZERO, found.cure.change(sick))


def test_units_that_start_alike_and_stay_so_are_found():
    start = {"name": "constant", "value": 0.1}
    sick = patient(net(pb.Tanh, start, start), pb.SoftmaxCrossEntropy(), pb.Adam(0.1), X, RING)
    (found,) = findings(EQUAL, sick)
    assert not findings(ZERO, sick)
    assert not findings(EQUAL, found.cure.change(sick))


def test_zeros_that_training_leaves_are_well():
    last = pb.Sequential(pb.Dense(8), pb.ReLU(), pb.Dense(2, initializer="zeros"))
    only = pb.Sequential(pb.Dense(2, initializer="zeros"))
    inside = pb.Residual(pb.Dense(8), pb.ReLU(), pb.Dense(8, initializer="zeros"))
    around = pb.Sequential(pb.Dense(8), inside, pb.Dense(2, initializer="zeros"))
    for model in (last, only, around):
        well = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.1))
        assert not findings(ZERO, well)
        assert not findings(EQUAL, well)
        assert not findings(SCALE, well)


@pytest.mark.parametrize("std", [0.01, 3.0])
def test_what_shrinks_or_grows_from_layer_to_layer_is_found(std):
    start = {"name": "normal", "std": std}
    inside = [x for _ in range(4) for x in (pb.Dense(12, initializer=start), pb.ReLU())]
    model = pb.Sequential(*inside, pb.Dense(2, initializer=start))
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.01), X, RING)
    (found,) = findings(SCALE, sick)
    for cure in found.cures:
        assert not findings(SCALE, cure.change(sick))


def test_first_answers_that_are_far_too_large_are_found():
    wild = {"name": "normal", "std": 30.0}
    sick = patient(net(pb.Tanh, "glorot", wild), pb.SoftmaxCrossEntropy(), pb.SGD(0.01))
    assert findings(SCALE, sick)
    q = X[:, :1]
    sick = patient(
        pb.Sequential(pb.Dense(1, initializer=wild)), pb.SquaredError(), pb.SGD(0.01), X, q
    )
    assert findings(SCALE, sick)


def test_a_normalization_between_takes_care_of_the_scale():
    wild = {"name": "normal", "std": 5.0}
    inside = [
        x for _ in range(4) for x in (pb.Dense(12, initializer=wild), pb.BatchNorm(), pb.ReLU())
    ]
    well = patient(
        pb.Sequential(*inside, pb.Dense(2)), pb.SoftmaxCrossEntropy(), pb.Adam(0.01), X, Y
    )
    assert not findings(SCALE, well)


def test_large_labels_are_no_fault_of_the_weights():
    q = 100.0 * X[:, :1] + 500.0
    model = pb.Sequential(pb.Dense(8), pb.ReLU(), pb.Dense(1))
    assert not findings(SCALE, patient(model, pb.SquaredError(), pb.Adam(0.01), X, q))
