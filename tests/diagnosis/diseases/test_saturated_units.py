"""Tanhs and sigmoids at their flat ends are found inside a net, not at its end."""

import numpy as np
import pytest
from tests.diagnosis.small import X, Y, findings, patient

import pullback as pb

NAME = "saturated units"
WILD = {"name": "normal", "std": 20.0}
RING = ((X[:, :2] ** 2).sum(axis=1) > 1.4).astype(int)


@pytest.mark.parametrize("bend", [pb.Tanh, pb.Sigmoid])
def test_units_at_their_ends_are_found_and_each_cure_takes_them_away(bend):
    model = pb.Sequential(
        pb.Dense(8, initializer=WILD), bend(), pb.Dense(8, initializer=WILD), bend(), pb.Dense(2)
    )
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.01), X, RING)
    (found,) = findings(NAME, sick)
    assert found.numbers["saturated"] > 0.5
    for cure in found.cures:
        assert not findings(NAME, cure.change(sick))


def test_a_recurrent_state_at_its_ends_is_found():
    x = np.random.default_rng(0).normal(size=(60, 9, 2)).astype(np.float32)
    y = (x[:, 0, 0] > 0.0).astype(int)
    model = pb.Sequential(pb.RNN(8, last=True, initializer=WILD), pb.Dense(2))
    (found,) = findings(NAME, patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.01), x, y))
    assert found.where == "rnn1.layer1"


def test_hard_bends_of_a_function_are_looked_at():
    def forward(layers, x, training):
        h = pb.clip(layers.a(x, training=training), -1.0, 1.0)
        return layers.b(h, training=training)

    model = pb.Model(forward, a=pb.Dense(8, initializer=WILD), b=pb.Dense(2))
    assert findings(NAME, patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.001), X, RING))


def test_an_answer_may_be_sure_and_a_gate_may_be_closed():
    label = Y[:, None].astype(np.float32)
    sure = pb.Sequential(pb.Dense(1, initializer=WILD), pb.Sigmoid())
    assert not findings(NAME, patient(sure, pb.SquaredError(), pb.Adam(0.01), X, label))

    def forward(layers, x, training):
        return layers.c(
            layers.a(x, training=training) * pb.sigmoid(layers.b(x, training=training)),
            training=training,
        )

    gated = pb.Model(forward, a=pb.Dense(8), b=pb.Dense(8, initializer=WILD), c=pb.Dense(2))
    assert not findings(NAME, patient(gated, pb.SoftmaxCrossEntropy(), pb.Adam(0.01), X, RING))


def test_ordinary_tanhs_are_well():
    model = pb.Sequential(pb.Dense(8, initializer="glorot"), pb.Tanh(), pb.Dense(2))
    assert not findings(NAME, patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.01)))
