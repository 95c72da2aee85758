"""Batches become rows of one length, and what a patient is can be told."""

import numpy as np
from tests.diagnosis.reports import patient

from pullback.diagnosis.patient import collected
from pullback.train.data import Batches, Rows, named


def ready(batch, what):
    inputs, labels = batch
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return Rows({**named("inputs", inputs), "labels": labels})


def test_batches_of_other_lengths_are_filled_up_behind_their_ends():
    def batch(rows, steps):
        x = np.ones((rows, steps, 2), np.float32)
        return (x, np.full(rows, steps)), np.ones((rows, steps), np.int64)

    rows, sizes = collected(Batches([batch(2, 3), batch(1, 5)], 1), 100, ready)
    assert sizes == (2, 1)
    x, lengths = rows.columns["inputs1"], rows.columns["inputs2"]
    assert x.shape == (3, 5, 2)
    assert lengths.tolist() == [3, 3, 5]
    assert (x[0, :3] == 1).all()
    assert (x[0, 3:] == 0).all()
    assert rows.columns["labels"].tolist() == [[1, 1, 1, -1, -1]] * 2 + [[1] * 5]
    assert x.dtype == np.float32


def test_no_more_batches_are_taken_than_are_needed():
    batches = [(np.full((4, 2), k, np.float32), np.zeros(4)) for k in range(9)]
    rows, sizes = collected(Batches(batches, 1), 6, ready)
    assert sizes == (4, 4)
    assert rows.columns["inputs"][:, 0].tolist() == [0.0] * 4 + [1.0] * 4


def test_what_a_patient_is_is_told():
    facts = patient().facts
    assert facts["model"] == "Sequential(Dense(4), ReLU(), Dense(3))"
    assert (facts["rows"], facts["validation_rows"], facts["batch_size"]) == (6, 2, 32)
    alone = patient().but(sizes=(4, 2), model=np.tanh).facts
    assert (alone["model"], alone["batch_size"]) == ("tanh", 4)
