"""A loss that rises on rows to judge by is found, and an end in time helps."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb

RNG = np.random.default_rng(0)


def net(x, y, epochs, units=64):
    model = pb.Sequential(pb.Dense(units, rng=0), pb.ReLU(), pb.Dense(2, rng=1))
    return patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.03), x, y, epochs=epochs)


def hard(rows=150):
    x = RNG.normal(size=(rows, 15))
    return x, (x[:, 0] + RNG.normal(size=rows) > 0).astype(int)


def test_a_rise_is_found_and_the_best_epoch_is_better_than_the_last():
    sick = net(*hard(), epochs=40)
    (found,) = findings("overfitting", sick)
    assert found.at_end
    assert found.numbers["end"] > 1.2 * found.numbers["best"]
    cured = found.cure.change(sick)
    assert cured.epochs == found.numbers["epoch"] < 40
    end = cured.train(monitor=False).final("validation_loss")
    assert np.isclose(end, found.numbers["best"])
    for cure in found.cures[1:]:
        cure.change(sick).train(monitor=False, epochs=1)


def test_what_stops_in_time_or_is_easy_is_let_be():
    x, y = hard()
    assert not findings("overfitting", net(x, y, epochs=2))
    assert not findings("overfitting", net(x[:, :1], (x[:, 0] > 0).astype(int), epochs=25))


def test_a_training_that_was_lost_is_none():
    x, y = hard()
    model = pb.Sequential(pb.Dense(8), pb.Dense(1))
    sick = patient(model, pb.SquaredError(), pb.SGD(1e6), x, y * 1.0, epochs=4)
    assert not findings("overfitting", sick)
