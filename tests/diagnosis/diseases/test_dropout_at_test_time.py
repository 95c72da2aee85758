"""Predictions made by chance, or by the rows beside, are found, and dropout that leaves little."""

import numpy as np
import pytest
from tests.diagnosis.small import findings, patient

import pullback as pb

NAME = "dropout at test time"


def found(model, **layers):
    model = pb.Model(model, **layers) if layers else model
    return findings(NAME, patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.01)))


def test_a_function_that_always_drops_is_found():
    def forward(layers, x, training):
        return layers.b(layers.drop(layers.a(x, training=training), training=True))

    (one,) = found(forward, a=pb.Dense(8), drop=pb.Dropout(0.3), b=pb.Dense(2))
    assert "random" in one.evidence
    assert one.certain
    assert one.cure.untried


def test_chance_of_numpy_is_found_as_well():
    rng = np.random.default_rng(0)

    def forward(layers, x, training):
        return layers.a(x, training=training) * float(rng.uniform(0.5, 2.0))

    (one,) = found(forward, a=pb.Dense(2))
    assert "at each call" in one.evidence


def test_answers_that_depend_on_the_rows_beside_are_found():
    def forward(layers, x, training):
        y = layers.a(x, training=training)
        return y - y.mean(axis=0)

    (one,) = found(forward, a=pb.Dense(2))
    assert "other rows" in one.evidence


def test_dropout_that_leaves_little_is_found_and_less_of_it_helps():
    model = pb.Sequential(pb.Dense(8), pb.ReLU(), pb.Dropout(0.9), pb.Dense(2))
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05), epochs=8)
    (one,) = findings(NAME, sick)
    cured = one.cure.change(sick)
    assert not findings(NAME, cured)
    before, after = (x.train(monitor=False).final("validation_loss") for x in (sick, cured))
    assert after < before


@pytest.mark.parametrize(
    "model",
    [
        pb.Sequential(pb.Dense(8), pb.Dropout(0.5), pb.Dense(2)),
        pb.Sequential(pb.Dense(8), pb.BatchNorm(), pb.ReLU(), pb.Dense(2)),
    ],
    ids=["dropout", "norm"],
)
def test_layers_that_train_in_training_alone_are_well(model):
    assert not found(model)
