"""Pulls that are stronger than the data are found; those that are meant are not."""

import pytest
from tests.diagnosis.small import findings, patient

import pullback as pb

NAME = "penalty too strong"


def net():
    return pb.Sequential(pb.Dense(8), pb.ReLU(), pb.Dense(2))


@pytest.mark.parametrize(
    ("optimizer", "penalties"),
    [
        (pb.Adam(0.05), [pb.L2(1.0)]),
        (pb.Adam(0.05), [pb.L1(1.0)]),
        (pb.SGD(0.1), [pb.L1(0.3, proximal=True)]),
        (pb.AdamW(0.05, weight_decay=5.0), []),
    ],
)
def test_a_pull_that_shrinks_the_weights_is_found_and_a_weaker_one_helps(optimizer, penalties):
    sick = patient(
        net(), pb.SoftmaxCrossEntropy(), optimizer, penalties=penalties, epochs=8, seed=1
    )
    (found,) = findings(NAME, sick)
    cured = found.cure.change(sick)
    before, after = (x.train(monitor=False).final("validation_loss") for x in (sick, cured))
    assert after < 0.8 * before
    assert not findings(NAME, cured)


@pytest.mark.parametrize(
    ("optimizer", "penalties"),
    [(pb.Adam(0.05), []), (pb.Adam(0.05), [pb.L2(1e-4)]), (pb.AdamW(0.01), [])],
)
def test_a_light_pull_is_well(optimizer, penalties):
    assert not findings(
        NAME, patient(net(), pb.SoftmaxCrossEntropy(), optimizer, penalties=penalties)
    )
