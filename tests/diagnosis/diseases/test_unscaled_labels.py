"""Labels in thousands that a net does not reach are found; those that it reaches are let be."""

import numpy as np
import pytest
from tests.diagnosis.small import findings, patient

import pullback as pb

RNG = np.random.default_rng(0)


def net(x, y, optimizer, loss=None, epochs=12):
    model = pb.Sequential(pb.Dense(16, rng=0), pb.ReLU(), pb.Dense(1, rng=1))
    return patient(model, loss or pb.SquaredError(), optimizer, x, y, epochs=epochs)


def houses(rows=240):
    x = RNG.normal(size=(rows, 3))
    return x, 3e5 + 5e4 * (x[:, 0] + np.abs(x[:, 1])) + 5e3 * RNG.normal(size=rows)


@pytest.mark.parametrize("optimizer", [pb.SGD(0.05), pb.Adam(0.01)])
def test_prices_are_found_and_scaled_ones_are_learned(optimizer):
    sick = net(*houses(), optimizer)
    (found,) = findings("unscaled labels", sick)
    assert found.severity == "severe"
    assert found.measure == "validation_r2"
    cured = found.cure.change(sick)
    assert abs(cured.labels[0].mean()) < 0.01
    assert cured.labels[0].std() == pytest.approx(1.0, abs=0.01)
    assert cured.train().best("validation_r2") > 0.6
    assert not findings("unscaled labels", cured)


def test_what_is_learned_or_says_nothing_is_let_be():
    x, y = houses()
    odd = (y - y.mean()) / y.std() * 2.0 + 21.0
    assert not findings("unscaled labels", net(x, odd, pb.Adam(0.05), epochs=40))
    assert not findings("unscaled labels", net(x, RNG.permutation(y), pb.Adam(0.01)))


def test_a_loss_that_takes_no_such_labels_has_no_cure_that_is_tried():
    x, y = houses()
    counts = np.rint(y / 1e3)
    for found in findings("unscaled labels", net(x, counts, pb.SGD(1e-3), pb.Poisson())):
        with pytest.raises(pb.CircuitError):
            found.cure.change(net(x, counts, pb.SGD(1e-3), pb.Poisson()))
