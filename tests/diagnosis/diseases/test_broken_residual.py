"""Ways around layers of which one is silent, or whose sums explode, are found."""

import numpy as np
from tests.diagnosis.small import X, Y, findings, patient

import pullback as pb

NAME = "broken residual"


def negative(shape, rng):
    return -np.abs(rng.normal(0.0, 0.5, shape))


def found(*layers, x=X, optimizer=None):
    model = pb.Sequential(*layers, pb.Dense(2))
    sick = patient(model, pb.SoftmaxCrossEntropy(), optimizer or pb.Adam(0.003), x, Y)
    return sick, findings(NAME, sick)


def test_a_branch_that_is_silent_is_found_and_drawn_anew():
    block = pb.Residual(pb.Dense(4, initializer=negative), pb.ReLU())
    sick, (one,) = found(block, x=np.abs(X))
    assert one.where == "residual1"
    assert one.numbers["inside"] == 0.0
    assert not findings(NAME, one.cure.change(sick))


def test_a_way_around_that_is_silent_is_found():
    around = pb.Dense(4, initializer="zeros", name="way").freeze()
    _, (one,) = found(pb.Residual(pb.Dense(4), around=around))
    assert "the way around residual1" in one.evidence


def test_sums_that_explode_are_found_and_quiet_starts_help():
    wild = {"name": "normal", "std": 2.0}
    blocks = [pb.Residual(pb.Dense(8, initializer=wild), pb.ReLU()) for _ in range(6)]
    sick, (one,) = found(pb.Dense(8), *blocks)
    assert one.numbers["grows"] > 100.0
    assert not findings(NAME, one.cure.change(sick))


def test_branches_that_start_at_zero_and_deep_stacks_are_well():
    quiet = [
        pb.Residual(pb.Dense(8), pb.ReLU(), pb.Dense(8, initializer="zeros")) for _ in range(6)
    ]
    assert not found(pb.Dense(8), *quiet, optimizer=pb.Adam(0.01))[1]
    normed = [pb.Residual(pb.LayerNorm(), pb.Dense(8), pb.ReLU()) for _ in range(6)]
    assert not found(pb.Dense(8), *normed, optimizer=pb.Adam(0.01))[1]
