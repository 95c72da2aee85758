"""A cure of a training that is lost helps, however far away each seed was before."""

import math

import pytest
from tests.diagnosis.small import X, patient

import pullback as pb
from pullback.diagnosis.examination import Clock
from pullback.diagnosis.proof import proved


def test_a_training_that_is_lost_is_helped_by_one_that_is_not():
    model = pb.Sequential(pb.Dense(8), pb.ReLU(), pb.Dense(1), rng=0)
    sick = patient(model, pb.SquaredError(), pb.SGD(3.0), y=X[:, 0])
    trained = sick.train()
    assert trained.history.diverged
    trained.history.rows[0]["validation_loss"] = 5.0
    assert math.isnan(trained.best("validation_loss"))
    slower = sick.but(optimizer=pb.SGD(0.03))
    proof = proved(sick, slower, [trained], Clock(60.0), seeds=2)
    assert proof.helps
    assert proof.after == pytest.approx([0.5, 0.5], abs=0.5)
    assert not proved(slower, sick, [], Clock(60.0), seeds=2).helps
