"""A doctor takes streams: the same rows of each batch to judge by, and nets that remember."""

import sys

import numpy as np
from tests.diagnosis.diseases.test_loop_too_short import KINDS

import pullback as pb
from pullback.diagnosis import doctor
from pullback.sequences.text import TextStreams


def test_streams_stay_whole(monkeypatch):
    module = sys.modules[doctor.__module__]
    monkeypatch.setattr(module, "DISEASES", {})
    monkeypatch.setattr("pullback.diagnosis.examination._TINY_STEPS", 2)
    numbers = np.random.default_rng(0).integers(0, KINDS, 500)
    streams = TextStreams(numbers, rows=12, steps=4)
    model = pb.Sequential(pb.Embedding(KINDS, 2), pb.RNN(3, stateful=True), pb.Dense(KINDS), rng=0)
    trainer = pb.Trainer(model, pb.SequenceCrossEntropy(), pb.SGD(0.1), engine="eager")
    report = doctor(trainer, streams, epochs=1, progress=False)
    patient = report.patient
    assert set(patient.sizes) == {10}
    x, y = patient.inputs[0], patient.labels[0]
    np.testing.assert_array_equal(x[10:, 0], y[:-10, -1])  # each goes on with the one before
    assert len(patient.held_out) == 2 * len(patient.sizes)
    assert [x.passed for x in report.checks if "by heart" in x.name] != [None]
