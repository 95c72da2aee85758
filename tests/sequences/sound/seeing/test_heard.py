"""What was heard when: runs of the winning class, under their names."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import pullback as pb
from pullback.sequences.sound.seeing import Heard, heard_when


@pytest.mark.parametrize("blank", [None, 0, 2])
def test_runs_are_those_of_the_winner(blank):
    rng = np.random.default_rng(0)
    for steps in (0, 1, 2, 30):
        scores = rng.normal(size=(steps, 3))
        at, wanted = 0, []
        for best, run in itertools.groupby(scores.argmax(axis=1)):
            count = len(list(run))
            if best != blank:
                wanted.append((best, at * 0.5, (at + count) * 0.5))
            at += count
        assert heard_when(scores, 0.5, blank=blank) == wanted


def test_names():
    scores = [[0, 1], [1, 0]]
    assert heard_when(scores, 1.0, ["no", "yes"]) == [("yes", 0, 1), ("no", 1, 2)]
    assert heard_when(scores, 1.0, ["yes"], blank=0) == [Heard("yes", 0.0, 1.0)]
    assert heard_when(scores, 1.0, ["yes", "-"], blank=1) == [Heard("yes", 1.0, 2.0)]


def test_what_is_refused():
    with pytest.raises(pb.CircuitError, match=r"shape \(steps, classes\), got \(3,\)"):
        heard_when(np.zeros(3), 1.0)
    for classes, blank in ((["a"], None), (["a"], 0), ("ab", None)):
        with pytest.raises(pb.CircuitError, match=r"[23] classes need a name each"):
            heard_when(np.zeros((2, 2 if classes == "ab" else 3)), 1.0, classes, blank)
