"""An examination that a person ends keeps what was found until then."""

import importlib

import numpy as np
from tests.diagnosis.small import X, Y, patient

import pullback as pb
from pullback.diagnosis.examination import Clock

DOCTOR = importlib.import_module("pullback.diagnosis.doctor")


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
