"""Sums behind each other are found by what the circuit makes, in layers and in functions."""

import numpy as np
import pytest
from tests.diagnosis.small import X, Y, findings, patient

import pullback as pb

NAME = "missing nonlinearity"
RING = ((X[:, :2] ** 2).sum(axis=1) > 1.4).astype(int)
PICTURES = np.random.default_rng(0).normal(size=(60, 6, 6, 1)).astype(np.float32)
BRIGHT = (PICTURES.mean(axis=(1, 2, 3)) > 0.0).astype(int)


def found(model, x=X, y=RING):
    return findings(NAME, patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05), x, y))


def test_a_linear_net_is_found_and_an_activation_helps():
    model = pb.Sequential(pb.Dense(16), pb.BatchNorm(), pb.Dropout(0.1), pb.Dense(16), pb.Dense(2))
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05), X, RING, epochs=12)
    (one,) = findings(NAME, sick)
    assert one.numbers == {"pairs": 2, "linear": 1.0}
    assert one.severity == "severe"
    cured = one.cure.change(sick)
    assert not findings(NAME, cured)
    before, after = (x.train(monitor=False).final("loss") for x in (sick, cured))
    assert after < 0.8 * before


@pytest.mark.parametrize(
    "between", [(), (pb.AveragePool2d(2),), (pb.BatchNorm(),)], ids=["nothing", "mean", "norm"]
)
def test_convolutions_behind_each_other_are_found(between):
    model = pb.Sequential(
        *(pb.Conv2d(3, 3), *between, pb.Conv2d(3, 2), pb.ReLU(), pb.Flatten(), pb.Dense(2))
    )
    (one,) = found(model, PICTURES, BRIGHT)
    assert one.where == "conv2d2"
    assert one.severity == "mild"


def test_a_function_of_bare_gates_is_looked_into():
    class Net:
        def __init__(self):
            rng = np.random.default_rng(0)
            a, b = (rng.normal(size=shape).astype(np.float32) for shape in ((4, 8), (8, 2)))
            self.parameters = self.weights = {"a": pb.Unit(a, "a"), "b": pb.Unit(b, "b")}

        def __call__(self, x, training=None):
            return x @ self.parameters["a"] @ self.parameters["b"]

    (one,) = found(Net())
    assert one.cure.change is None


@pytest.mark.parametrize(
    "model",
    [
        pb.Sequential(pb.Dense(2)),
        pb.Sequential(pb.Dense(8), pb.SiLU(), pb.Dense(8), pb.PReLU(), pb.Dense(2)),
        pb.Sequential(pb.Dense(2, bias=False), pb.Dense(8), pb.Tanh(), pb.Dense(2)),
        pb.Sequential(pb.Dense(8), pb.LayerNorm(), pb.Dense(2)),
        pb.Sequential(pb.Dense(8), pb.Residual(pb.Dense(8), pb.ReLU()), pb.Dense(2)),
        pb.Sequential(
            *(pb.Dense(8), pb.Residual(pb.ReLU(), pb.Dense(8, initializer="zeros")), pb.Dense(2))
        ),
        pb.Sequential(pb.Maxout(8), pb.Dense(2)),
        pb.Sequential(
            *(layer for _ in range(8) for layer in (pb.Dense(8), pb.Sigmoid())), pb.Dense(2)
        ),
    ],
    ids=["one", "bends", "narrow", "norm", "residual", "zeros", "maxout", "deep"],
)
def test_what_bends_somewhere_or_is_needed_beside_is_well(model):
    assert not found(model)


@pytest.mark.parametrize(
    "line",
    [
        (pb.Conv2d(4, 3), pb.MaxPool2d(2), pb.Conv2d(4, 2)),
        (pb.DepthwiseConv2d(3), pb.Conv2d(4, 1)),
    ],
    ids=["maximum", "separable"],
)
def test_convolutions_that_are_meant_so_are_well(line):
    model = pb.Sequential(*line, pb.ReLU(), pb.Flatten(), pb.Dense(2))
    assert not found(model, PICTURES, BRIGHT)


def test_sums_of_a_sequence_are_seen_past_its_layers():
    x = np.random.default_rng(0).normal(size=(30, 6, 3)).astype(np.float32)
    y = Y[:30]
    assert not found(pb.Sequential(pb.Dense(8), pb.GRU(8, last=True), pb.Dense(2)), x, y)
    model = pb.Sequential(pb.Dense(8), pb.TransformerBlock(2, 8), pb.MeanOverSteps(), pb.Dense(2))
    assert not found(model, x, y)
