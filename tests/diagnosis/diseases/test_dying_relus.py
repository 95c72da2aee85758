"""ReLUs that are 0 for all rows are found in layers and functions; sparse ones are not."""

import numpy as np
from tests.diagnosis.small import X, findings, patient

import pullback as pb
from pullback.diagnosis.examination import Clock, Examination

NAME = "dying ReLUs"
LARGE = np.abs(X)
FAR = (LARGE[:, 0] > 0.7).astype(int)


def negative(shape, rng):
    return -np.abs(rng.normal(0.0, 0.5, shape))


def test_units_that_are_never_on_are_found_and_a_leak_helps():
    model = pb.Sequential(pb.Dense(8, initializer=negative), pb.ReLU(), pb.Dense(2))
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05), LARGE, FAR, epochs=10)
    (found,) = findings(NAME, sick)
    assert found.severity == "severe"
    assert found.where == "relu1"
    cured = found.cure.change(sick).train(monitor=False).final("validation_loss")
    assert cured < 0.9 * sick.train(monitor=False).final("validation_loss")


def test_a_function_is_looked_into_and_dropout_behind_hides_nothing():
    def forward(layers, x, training):
        h = pb.relu(layers.a(x, training=training))
        return layers.b(layers.drop(h, training=training), training=training)

    layers = {"a": pb.Dense(8, initializer=negative), "drop": pb.Dropout(0.2), "b": pb.Dense(2)}
    sick = patient(pb.Model(forward, **layers), pb.SoftmaxCrossEntropy(), pb.Adam(0.01), LARGE, FAR)
    (found,) = findings(NAME, sick)
    assert found.cure.change is None
    assert "function" in found.cure.untried


def test_a_loss_that_is_0_for_rows_that_are_answered_well_is_no_unit():
    model = pb.Sequential(pb.Dense(1, rng=0))
    signs = np.where(X[:, :1] > 0.0, 1.0, -1.0)
    for loss in (pb.SquaredHinge(), pb.Hinge()):
        well = patient(model, loss, pb.Adam(0.1), 5.0 * X, signs, epochs=60)
        flow = Examination(well, Clock(60.0)).flow_at_end
        assert not list(flow.bends(["relu"]))


def test_units_that_are_on_for_some_rows_are_well():
    model = pb.Sequential(pb.Dense(64), pb.ReLU(), pb.Dense(2))
    assert not findings(NAME, patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.01)))


def test_channels_that_are_on_at_some_place_are_well():
    x = np.random.default_rng(0).normal(size=(60, 6, 6, 1)).astype(np.float32)
    y = (x[:, 0, 0, 0] > 0.0).astype(int)
    model = pb.Sequential(pb.Conv2d(4, 3), pb.ReLU(), pb.Flatten(), pb.Dense(2))
    assert not findings(NAME, patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.01), x, y))
