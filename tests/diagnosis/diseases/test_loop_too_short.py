"""A net whose pieces are shorter than what they depend on is found, and longer ones help."""

import numpy as np
import pytest
from tests.diagnosis.small import findings

import pullback as pb
from pullback.diagnosis.examination import Clock, Examination
from pullback.diagnosis.longer import with_longer_pieces
from pullback.diagnosis.patient import Parts, Patient
from pullback.train.data import Rows

NAME = "loop too short"
ROWS, STEPS, BATCHES, KINDS = 16, 2, 16, 4


def text(rows, back, seed=0):
    """Rows of numbers of which nine in ten are those that stood so many steps before."""
    rng = np.random.default_rng(seed)
    found = rng.integers(0, KINDS, (rows, STEPS * BATCHES + 1))
    for step in range(back, found.shape[1]):
        same = rng.random(rows) < 0.9
        found[same, step] = found[same, step - back]
    return found


def pieces(numbers):
    """The batches of parallel streams, one behind the other, with labels one step further on."""
    columns = {"inputs": numbers[:, :-1], "labels": numbers[:, 1:]}
    shape = len(numbers), BATCHES, STEPS
    return Rows({k: x.reshape(shape).swapaxes(0, 1).reshape(-1, STEPS) for k, x in columns.items()})


def listener(back, epochs=3, **told):
    model = pb.Sequential(pb.Embedding(KINDS, KINDS), pb.RNN(16, **told), pb.Dense(KINDS), rng=0)
    parts = Parts(model, (pb.SequenceCrossEntropy(),), pb.Adam(0.03), engine="eager")
    data, held_out = pieces(text(ROWS, back)), pieces(text(4, back, seed=1))
    return Patient(parts, data, held_out, epochs, sizes=(ROWS,) * BATCHES)


def test_what_lies_farther_back_than_a_piece():
    sick = listener(back=3)
    (finding,) = findings(NAME, sick)
    assert finding.severity == "severe"
    assert not finding.certain
    assert finding.numbers["steps"] == STEPS
    assert finding.numbers["longer"] == 4 * STEPS
    assert f"rows={ROWS // 4}, steps={4 * STEPS}" in finding.cure.code
    assert finding.numbers["loss of longer"] < 0.7 * finding.numbers["loss"]


def test_what_lies_within_a_piece():
    assert findings(NAME, listener(back=1)) == []


def test_longer_pieces_are_the_same_streams():
    patient = listener(back=1)
    longer = with_longer_pieces(patient)
    assert longer.sizes == (ROWS // 4,) * BATCHES
    streams = patient.inputs[0].reshape(BATCHES, ROWS, STEPS).swapaxes(0, 1).reshape(ROWS, -1)
    first = longer.inputs[0][: ROWS // 4 * BATCHES // 4]
    first = first.reshape(BATCHES // 4, ROWS // 4, 4 * STEPS).swapaxes(0, 1)
    np.testing.assert_array_equal(first.reshape(ROWS // 4, -1), streams[: ROWS // 4])
    assert np.sort(longer.inputs[0], axis=None).tolist() == np.sort(streams, axis=None).tolist()


def test_streams_are_told_by_their_labels_or_by_a_net_that_remembers():
    patient = listener(back=1)
    columns = patient.data.columns
    other = Rows({**columns, "labels": columns["labels"][::-1]})
    assert with_longer_pieces(patient.but(data=other)) is None
    stateful = listener(back=1, stateful=True)
    assert with_longer_pieces(stateful.but(data=other)) is not None


@pytest.mark.parametrize("changed", ["model", "sizes", "few"])
def test_other_patients_are_not_tried(changed):
    patient = listener(back=1)
    other = {
        "model": {"model": pb.Sequential(pb.Embedding(KINDS, 3), pb.Dense(KINDS))},
        "sizes": {"sizes": ()},
        "few": {"sizes": (ROWS, ROWS), "data": patient.data.take(slice(2 * ROWS))},
    }[changed]
    examination = Examination(patient.but(**other), Clock(60.0))
    assert examination.longer is None
    assert "trained" not in vars(examination)
