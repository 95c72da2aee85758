"""Copies of columns are told, with what they are copies of."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb

RNG = np.random.default_rng(0)


def net(x):
    return patient(pb.Dense(2), pb.SoftmaxCrossEntropy(), pb.SGD(0.1), x, np.arange(len(x)) % 2)


def test_copies_are_a_note_that_says_of_what():
    x = RNG.normal(size=(90, 5))
    x[:, 3], x[:, 4] = x[:, 0], 2.5 * x[:, 1] + 1.0
    sick = net(x).but(columns=("a", "metres", "c", "a again", "yards"))
    (found,) = findings("duplicated features", sick)
    assert found.severity == "note"
    assert "a again is the same as a" in found.evidence
    assert "yards is 2.5 times" in found.evidence
    assert "metres" in found.evidence
    space = {"np": np, "x_train": x, "x_validation": x}
    exec(found.cure.code, space)
    assert np.array_equal(space["x_train"], x[:, :3])


def test_mostly_copies_cost_something():
    x = RNG.normal(size=(90, 2))
    (found,) = findings("duplicated features", net(np.concatenate([x, x, x], axis=1)))
    assert found.severity == "mild"
    assert found.numbers["copies"] == 4


def test_columns_that_are_alike_but_no_copies_are_let_be():
    x = RNG.normal(size=(90, 3))
    x[:, 1] = x[:, 0] + 0.05 * RNG.normal(size=90)
    assert not findings("duplicated features", net(x))
    x[:, 1:] = 0.0
    assert not findings("duplicated features", net(x))
