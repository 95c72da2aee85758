"""Wrong labels are found with their rows; classes that overlap are no wrong labels."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb
from pullback.diagnosis.patient import Origin

RNG = np.random.default_rng(0)


def net(x, y, outputs=3, loss=None):
    model = pb.Sequential(pb.Dense(16, rng=0), pb.ReLU(), pb.Dense(outputs, rng=1))
    return patient(model, loss or pb.SoftmaxCrossEntropy(), pb.Adam(0.03), x, y, epochs=2)


def groups(rows=240):
    y = RNG.integers(0, 3, rows)
    centres = np.array([[0.0, 4.0, 1.0], [4.0, 0.0, 0.0], [-4.0, -4.0, 0.0]])
    return centres[y] + RNG.normal(size=(rows, 3)), y


def test_wrong_labels_are_counted_and_their_rows_told_by_the_numbers_of_the_user():
    x, y = groups()
    wrong = RNG.choice(240, 36, replace=False)
    noisy = y.copy()
    noisy[wrong] = (y[wrong] + RNG.integers(1, 3, 36)) % 3
    sick = net(x, noisy)
    sick = sick.but(origin=Origin(np.arange(80, 240), np.arange(80)))
    (found,) = findings("label noise", sick)
    assert 0.08 < found.numbers["share"] < 0.25  # 15% are
    assert np.isin(found.rows, wrong).mean() > 0.9
    assert np.isin(wrong[wrong >= 80], found.rows).mean() > 0.7
    cured = found.cure.change(sick)
    assert not np.isin(cured.origin.data, found.rows).any()
    labels = cured.data.columns["labels"]
    assert (labels != y[cured.origin.data]).mean() < 0.05
    assert not findings("label noise", cured)


def test_labels_of_two_classes_by_one_score():
    x, y = groups(300)
    x, y = x[y < 2], y[y < 2]
    noisy = np.where(np.arange(len(y)) % 5 == 0, 1 - y, y)
    (found,) = findings("label noise", net(x, noisy, 1, pb.BinaryCrossEntropy()))
    wrong = np.flatnonzero((noisy != y)[len(y) // 3 :])  # numbered as the rows to train on
    assert np.isin(found.rows, wrong).mean() > 0.8


def test_right_labels_and_classes_that_overlap_are_let_be():
    x, y = groups()
    assert not findings("label noise", net(x, y))
    x = RNG.normal(size=(240, 3))
    y = (x[:, 0] + RNG.normal(size=240) > 0).astype(int)  # a quarter is on the other side
    assert not findings("label noise", net(x, y, 2))


def test_what_cannot_be_told_at_all_is_no_noise():
    x = RNG.normal(size=(150, 3))
    assert not findings("label noise", net(x, RNG.integers(0, 2, 150), 2))
    assert not findings("label noise", net(x, x[:, 0], 1, pb.SquaredError()))
