"""Labels that inputs say nothing of are found; what can be learned, if hard, is not."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb

RNG = np.random.default_rng(0)


def net(x, y, outputs=2, loss=None, model=None, epochs=3):
    model = model or pb.Sequential(pb.Dense(128, rng=0), pb.ReLU(), pb.Dense(outputs, rng=1))
    loss = loss or pb.SoftmaxCrossEntropy()
    return patient(model, loss, pb.Adam(0.05), x, y, epochs=epochs)


def table(rows=200):
    x = RNG.normal(size=(rows, 4))
    return x, (x[:, 0] + x[:, 1] > 0).astype(int)


def test_shuffled_classes_are_found_also_where_the_net_knows_its_own_by_heart():
    x = RNG.normal(size=(200, 12))
    y = (np.arange(200) % 2).astype(int)
    (found,) = findings("shuffled labels", net(x, RNG.permutation(y), epochs=20))
    assert found.severity == "severe"
    assert "by heart" in found.evidence
    assert found.cure.untried


def test_shuffled_quantities_are_found():
    x, _ = table()
    sick = net(x, np.roll(x[:, 0], 50), 1, pb.SquaredError(), epochs=1)
    (found,) = findings("shuffled labels", sick)
    assert found.numbers["skill"] < 0.2


def test_what_is_noisy_or_what_the_net_does_not_learn_is_let_be():
    x, y = table()
    assert not findings("shuffled labels", net(x, y))
    noisy = np.where(RNG.random(200) < 0.3, 1 - y, y)
    assert not findings("shuffled labels", net(x, noisy))
    assert not findings("shuffled labels", net(x, y, model=pb.Dense(2), epochs=1))


def test_constant_inputs_and_few_rows_say_nothing():
    x, y = table()
    assert not findings("shuffled labels", net(np.ones_like(x), y))
    assert not findings("shuffled labels", net(x[:60], RNG.permutation(y[:60])))
