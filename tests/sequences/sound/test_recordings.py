"""The data set of recordings: its parts, and what is refused of sounds and labels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import pullback as pb
from pullback.sequences.sound import Recordings

SOUNDS = [np.full(10 + k, 0.5) for k in range(10)]
DATA = Recordings(
    "ten", SOUNDS, 8000, [0, 1] * 5, ("no", "yes"), speakers=tuple("abcde" * 2), notes=("a note",)
)


def test_sounds_are_floats_and_labels_whole_numbers():
    assert {sound.dtype for sound in DATA.sounds} == {np.dtype(np.float32)}
    assert DATA.labels.dtype == np.int64
    assert (len(DATA), DATA.lengths.tolist()) == (10, list(range(10, 20)))
    assert DATA.seconds == sum(range(10, 20)) / 8000
    with pytest.raises(dataclasses.FrozenInstanceError):
        DATA.rate = 1


def test_rows_keep_what_belongs_to_them():
    part = DATA.rows([7, 2])
    assert (part.lengths.tolist(), part.labels.tolist()) == ([17, 12], [1, 0])
    assert (part.speakers, part.places.tolist()) == (("c", "c"), [7, 2])
    assert part.rows([1]).places.tolist() == [2]
    assert len(DATA.rows(slice(0))) == 0
    assert len(DATA.rows(DATA.labels == 1)) == 5


def test_split_has_every_class_in_its_proportion():
    parts = DATA.split(0.6, 0.4, seed=1)
    assert [len(part) for part in parts] == [6, 4]
    assert sorted(np.concatenate([part.places for part in parts]).tolist()) == list(range(10))
    for part in parts:
        assert np.bincount(part.labels).tolist() == [len(part) // 2] * 2
    with pytest.raises(pb.CircuitError, match="class 'yes' has 1 example, and each of 2 parts"):
        DATA.rows([0, 2, 4, 1]).split(0.5, 0.5)


def test_rows_of_several_labels():
    labels = [[0, 1, -1], [1, -1, -1], [-1, -1, -1], [1, 1, 1]]
    data = Recordings("four", SOUNDS[:4], 8000, labels, ("no", "yes"))
    assert sum(map(len, data.split(0.5, 0.5))) == 4
    assert data.rows([1]).labels.tolist() == [[1, -1, -1]]
    empty = Recordings("none", SOUNDS[:2], 8000, np.zeros((2, 0), int), ("no",))
    assert empty.labels.shape == (2, 0)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"sounds": [np.ones((2, 3))]}, r"shape \(samples,\), .* got float64 of shape \(2, 3\)"),
        ({"sounds": [np.ones(3, int)]}, r"got int64 of shape \(3,\) \(row 0\)"),
        ({"sounds": [np.ones(0)]}, r"got float64 of shape \(0,\)"),
        ({"sounds": [np.array([1.0, np.nan])]}, "row 0 holds nan or infinity; leave it out"),
        ({"labels": [0, 1]}, r"labels are class numbers of shape \(1,\), or \(1, most\)"),
        ({"labels": [0.0]}, "got float64"),
        ({"labels": [2]}, "the labels of 2 classes are from 0 to 1, got 2 to 2"),
        ({"labels": [-1]}, "got -1 to -1"),
        ({"labels": [[0, -2]]}, "got -2 to 0"),
        ({"labels": [[-1, 0]]}, "-1 stands only behind the last label of a row"),
        ({"speakers": ("a", "b")}, "2 speakers for 1 recordings; give one for each"),
    ],
)
def test_what_is_refused(told, words):
    given = {"sounds": [np.ones(3)], "labels": [0], **told}
    with pytest.raises(pb.CircuitError, match=f"^bad: .*{words}"):
        Recordings("bad", rate=8000, classes=("no", "yes"), **given)
