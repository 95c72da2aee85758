"""An examination that ends early keeps what was found, and says what was not tried."""

import importlib

import numpy as np
from tests.diagnosis.small import X, Y, patient

import pullback as pb
from pullback.diagnosis import DISEASES
from pullback.diagnosis.examination import Clock, Examination

DOCTOR = importlib.import_module("pullback.diagnosis.diagnose")


def ended_at(what):
    """The report of a net with a constant feature, ended where something is begun."""
    model = pb.Sequential(pb.Dense(2, rng=0))
    x = np.concatenate([X, np.ones((len(X), 1), np.float32)], axis=1)
    stopped = []
    clock = Clock(
        60.0,
        lambda begun, share: stopped.append(1) if begun.startswith(what) else None,
        lambda: bool(stopped),
    )
    who = patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), x, Y)
    return DOCTOR._diagnosed(who, clock, [])


def test_what_was_found_before_is_kept():
    report = ended_at("asks a forest")
    assert report.ended == "interrupted"
    assert "constant features" in [x.disease for x in report.findings]


def test_a_cure_that_no_time_was_left_to_try_says_so():
    model = pb.Sequential(pb.Dense(2, rng=0))
    who = patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(1e-6), epochs=10)
    (found,) = DISEASES["learning rate too low"].find(Examination(who, Clock(60.0)))
    told = DOCTOR._with_proof(Examination(who, Clock(1e-9)), found)
    assert told.proof is None
    assert "no time was left" in told.cure.untried
    assert told.cure.change is not None
