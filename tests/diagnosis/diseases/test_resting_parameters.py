"""What training does not move is found, by whether it is frozen, unknown or out of reach."""

import numpy as np
from tests.diagnosis.small import X, findings, patient

import pullback as pb

FROZEN, DISCONNECTED = "frozen parameters", "disconnected parameters"
RING = ((X[:, :2] ** 2).sum(axis=1) > 1.4).astype(int)


def test_layers_that_are_frozen_are_found_and_are_thawed():
    model = pb.Sequential(pb.Dense(3).freeze(), pb.ReLU(), pb.Dense(2))
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05), X, RING, epochs=10)
    (found,) = findings(FROZEN, sick)
    assert "dense1.weight" in found.evidence
    assert not found.certain
    cured = found.cure.change(sick)
    assert not findings(FROZEN, cured)
    before, after = (x.train(monitor=False).final("loss") for x in (sick, cured))
    assert after < before
    assert not model[0].trainable


def test_a_change_of_another_kind_leaves_layers_frozen():
    model = pb.Sequential(pb.Dense(3, rng=5).freeze(), pb.Dense(8), pb.Dense(2))
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05), X, RING)
    (found,) = findings("missing nonlinearity", sick)
    cured = found.cure.change(sick).parts.model
    assert not cured["dense1"].trainable
    assert cured["dense1"].rng == 5


def test_a_wire_that_the_model_does_not_tell_of_is_noted():
    class Net:
        def __init__(self):
            self.a = pb.Unit(np.ones((4, 2), np.float32), "a")
            self.b = pb.Unit(np.ones(2, np.float32), "b")

        def __call__(self, x, training=None):
            return x @ self.a + self.b

        @property
        def parameters(self):
            return {"a": self.a}

        weights = parameters

    (found,) = findings(FROZEN, patient(Net(), pb.SoftmaxCrossEntropy(), pb.Adam(0.05)))
    assert found.severity == "note"
    assert "'b'" in found.evidence


def test_what_no_gradient_reaches_is_found():
    def forward(layers, x, training):
        layers.beside(x, training=training)
        h = pb.stop_gradient(layers.behind(x, training=training))
        return layers.last(h, training=training)

    parts = {name: pb.Dense(8) for name in ("beside", "behind", "never")}
    model = pb.Model(forward, **parts, last=pb.Dense(2))
    (found,) = findings(DISCONNECTED, patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05)))
    assert found.severity == "severe"
    assert found.numbers["parameters"] == 5  # two weights, two biases and a layer
    assert "beside.weight" in found.evidence


def test_ordinary_layers_learn():
    models = [
        pb.Sequential(pb.Dense(8), pb.BatchNorm(), pb.ReLU(), pb.Dense(2)),
        pb.Sequential(pb.Residual(pb.Dense(4), pb.ReLU()), pb.Dense(2)),
    ]
    for model in models:
        well = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05))
        assert not findings(FROZEN, well)
        assert not findings(DISCONNECTED, well)


def test_sequences_of_classes_or_codes_are_looked_at_too():
    x = np.random.default_rng(0).integers(0, 9, size=(30, 7))
    y = (x[:, 0] > 4).astype(int)
    model = pb.Sequential(pb.Embedding(9, 4), pb.LSTM(4, last=True), pb.Dense(2))
    assert not findings(DISCONNECTED, patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05), x, y))
