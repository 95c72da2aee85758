"""Data that a training refuses are a finding, and what is left of them is examined."""

import sys

import numpy as np
import pandas as pd
import pytest
from tests.diagnosis.small import X, Y

import pullback as pb
from pullback.diagnosis import DISEASES, doctor
from pullback.diagnosis.refusal import refused

MOST = 1000


def trainer(loss=None, out=2):
    return pb.Trainer(
        pb.Sequential(pb.Dense(out), rng=0),
        loss or pb.SoftmaxCrossEntropy(),
        pb.SGD(0.1),
        engine="eager",
    )


def refusal(who, data, labels=None, validation=0.2, columns=()):
    """What is found of data that `fit` refuses."""
    with pytest.raises(pb.CircuitError) as caught:
        who.fit(data, labels, epochs=1, validation=validation, progress=False)
    return refused(who, (data, labels, validation), columns, MOST, caught.value)


def holed():
    x = X.copy()
    x[5, 2], x[9, 1], x[9, 2] = np.nan, np.inf, -np.inf
    return x


def test_rows_with_nan_are_named_and_left_out():
    who = trainer()
    table = pd.DataFrame(holed(), columns=["a", "b", "c", "d"])
    found = refusal(who, table, Y, columns=tuple(table))
    assert found.finding.disease == "not a number"
    assert found.finding.certain
    assert found.finding.evidence == (
        "2 of 120 rows hold nan, infinity or a number too large: 5, 9; in c (2), b (1)"
    )
    (x, y), labels, _ = found.given
    kept = np.delete(np.arange(120), [5, 9])
    np.testing.assert_array_equal(x, X[kept])
    np.testing.assert_array_equal(y, Y[kept])
    assert labels is None


def test_a_feature_that_is_never_there_is_filled():
    x = holed()
    x[:, 2] = np.nan
    (filled, y), _, _ = refusal(trainer(), (x, Y)).given
    assert len(y) == 120
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[:, 0], X[:, 0])
    assert (filled[:, 2] == 0.0).all()
    np.testing.assert_allclose(filled[9, 1], np.delete(X[:, 1], 9).mean(), rtol=1e-5)


def test_labels_and_rows_to_judge_by():
    y = X[:, 0].copy()
    y[3] = np.nan
    found = refusal(trainer(pb.SquaredError(), 1), X, y, validation=(X, y))
    assert "in the labels; and 1 of those to judge by" in found.finding.evidence
    (x, labels), _, (x_held, y_held) = found.given
    assert len(x) == len(labels) == len(x_held) == len(y_held) == 119


def test_numbers_beyond_float32():
    x = X.astype(np.float64)
    x[7, 0] = 1e300
    assert "too large: 7; in feature 0 (1)" in refusal(trainer(), x, Y).finding.evidence


def test_several_inputs():
    class Both(pb.Layer):
        takes = 2

        def apply(self, a, b, *, training):
            return a[:, :2] + b[:, :2]

    who = pb.Trainer(Both(), pb.SoftmaxCrossEntropy(), pb.SGD(0.1), engine="eager")
    ((a, b), y), _, _ = refusal(who, (X, holed()), Y).given
    assert len(a) == len(b) == len(y) == 118


def test_batches_are_mended_one_by_one():
    batches = [(holed()[k : k + 8], Y[k : k + 8]) for k in range(0, 120, 8)]
    with pytest.raises(pb.CircuitError) as caught:
        trainer().fit(batches, epochs=1, progress=False)
    given = (lambda: iter(batches)), None, 0.2
    found = refused(trainer(), given, (), 20, caught.value)
    assert "2 of 24 rows" in found.finding.evidence
    assert [len(y) for _, y in found.given[0]] == [7, 7, 8]


def test_texts_are_no_numbers():
    found = refusal(trainer(), np.array([["a", "b"]] * 4), [0, 1, 0, 1])
    assert found.finding.disease == "not a number"
    assert "inputs must be numbers" in found.finding.evidence
    assert found.given is None


def test_labels_that_the_loss_cannot_take():
    found = refusal(trainer(), X, Y + 5)
    assert found.finding.disease == "wrong loss"
    assert "is not among the 2 classes" in found.finding.evidence
    assert found.given is None


def test_what_is_no_fault_of_numbers_is_raised():
    who = trainer()
    who.fit(X, Y, epochs=1, progress=False)
    with pytest.raises(pb.CircuitError, match="expects inputs of shape"):
        doctor(who, X[:, :3], Y)
    with pytest.raises(pb.CircuitError, match="no training rows"):
        doctor(trainer(), X[:0], Y[:0])
    with pytest.raises(pb.CircuitError, match="need as many labels"):
        doctor(trainer(), X, Y[:50])


# By the doctor -----------------------------------------------------------------------------------


def test_a_doctor_says_so_and_goes_on(monkeypatch):
    module = sys.modules[doctor.__module__]
    monkeypatch.setattr(module, "in_time", lambda patient, clock: (patient, []))
    monkeypatch.setattr(module, "checks", lambda examination: [])
    one = {"not a number": DISEASES["not a number"]}
    monkeypatch.setattr("pullback.diagnosis.patient.DISEASES", one)
    report = doctor(trainer(), holed(), Y, epochs=1, progress=False)
    assert [x.disease for x in report.findings] == ["not a number"]
    assert len(report.patient.data) + len(report.patient.held_out) == 118
    assert "rows are numbered" in report.notes[0]


def test_a_doctor_reports_data_that_are_refused_as_a_whole():
    report = doctor(trainer(), X, Y + 5, progress=False)
    assert [x.disease for x in report.findings] == ["wrong loss"]
    assert not report.healthy
    with pytest.raises(pb.CircuitError, match="the labels are their owner's"):
        report.apply(1)


def test_a_model_that_is_lost_already():
    who = pb.Trainer(
        pb.Model(lambda layers, x, training: layers.dense(x), dense=pb.Dense(2)),
        pb.SoftmaxCrossEntropy(),
        pb.SGD(0.1),
        engine="eager",
    )
    who.fit(X, Y, epochs=1, progress=False)
    who.model.parameters["dense.bias"].value = [np.nan, 0.0]
    (finding,) = doctor(who, X, Y, progress=False).findings
    assert finding.where == "dense.bias"
