"""Batches that come sorted are found, and mixing them helps."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb

RNG = np.random.default_rng(0)


def net(x, y, size=16, loss=None, outputs=3):
    model = pb.Sequential(pb.Dense(8, rng=0), pb.Tanh(), pb.Dense(outputs, rng=1))
    loss = loss or pb.SoftmaxCrossEntropy()
    sick = patient(model, loss, pb.SGD(1.0), x, y, epochs=3)
    count = len(sick.data)
    sizes = tuple(min(size, count - k) for k in range(0, count, size))
    return sick.but(sizes=sizes)


def table(rows=180):
    x = RNG.normal(size=(rows, 3))
    return x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)


def sorted_behind(x, y, by, held=60):
    """The rows to train on sorted; those to judge by come first and stay mixed."""
    order = np.concatenate([np.arange(held), held + np.argsort(by[held:], kind="stable")])
    return x[order], y[order]


def test_batches_by_class_are_found_and_mixing_helps():
    x, y = table()
    sick = net(*sorted_behind(x, y, y))
    (found,) = findings("forgotten shuffling", sick)
    assert found.severity == "severe"
    assert found.numbers["between"] > 3 * found.numbers["chance"]
    cured = found.cure.change(sick)
    assert cured.batch_size == 16
    before, after = (p.train(monitor=False).final("validation_loss") for p in (sick, cured))
    assert after < 0.9 * before


def test_batches_by_a_quantity_are_found():
    x, _ = table()
    y = x[:, 0] + x[:, 1]
    sick = net(*sorted_behind(x, y, y), loss=pb.SquaredError(), outputs=1)
    (found,) = findings("forgotten shuffling", sick)
    assert "labels" in found.evidence


def test_a_stream_that_begins_with_one_class_is_found():
    x, y = table()
    (found,) = findings("forgotten shuffling", net(x, np.zeros_like(y)))
    assert found.severity == "severe"
    assert "of class 0" in found.evidence


def test_mixed_batches_rows_and_batches_of_one_row_are_let_be():
    x, y = table()
    assert not findings("forgotten shuffling", net(x, y))
    assert not findings("forgotten shuffling", net(x, y, size=1))
    assert not findings("forgotten shuffling", net(*sorted_behind(x, y, y)).but(sizes=()))
