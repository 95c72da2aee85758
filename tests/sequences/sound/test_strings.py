"""Strings of words: each word is there, between silences, spoken by one person."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import pullback as pb
from pullback.sequences.sound import Recordings, strung

# Each recording is a constant of its own, so that it is found again in a string.
WORDS = Recordings(
    "words",
    [np.full(20 + k, 0.01 * (k + 1)) for k in range(12)],
    1000,
    np.arange(12) % 3,
    ("a", "b", "c"),
    speakers=tuple("xy"[k % 2] for k in range(12)),
    test=Recordings("words", [np.ones(4)], 1000, [0], ("a", "b", "c")),
)


def found(sound):
    """The recordings in a string without noise, and the lengths of the silences around them."""
    edges = np.flatnonzero(np.diff(sound, prepend=np.nan, append=np.nan))
    runs = [sound[a:b] for a, b in pairwise(edges)]
    words = [run for run in runs if run[0]]
    return [round(100 * float(run[0])) - 1 for run in words], [len(r) for r in runs if not r[0]]


def test_words_are_those_of_the_labels():
    strings = strung(WORDS, 200, words=(1, 4), silence=(0.01, 0.03), noise=0.0)
    assert (len(strings), strings.labels.shape, strings.rate) == (200, (200, 4), 1000)
    assert (strings.classes, strings.test) == (WORDS.classes, None)
    counts = np.zeros(5, int)
    heard = np.zeros(12, int)
    for sound, labels, speaker in zip(
        strings.sounds, strings.labels, strings.speakers, strict=True
    ):
        words, silences = found(sound)
        said = labels[labels >= 0]
        assert [WORDS.labels[k] for k in words] == said.tolist()
        assert len(silences) == len(words) + 1
        assert all(10 <= n <= 30 for n in silences)
        assert {WORDS.speakers[k] for k in words} == {speaker}
        assert len(sound) == sum(silences) + sum(len(WORDS.sounds[k]) for k in words)
        counts[len(said)] += 1
        heard[words] += 1
    assert counts[0] == 0
    assert counts[1:].min() > 25
    assert heard.min() > 15


def test_the_same_seed_gives_the_same_strings():
    one, two, other = (strung(WORDS, 5, seed=seed) for seed in (1, 1, 2))
    for x, y in zip(one.sounds, two.sounds, strict=True):
        np.testing.assert_array_equal(x, y)
    assert one.lengths.tolist() != other.lengths.tolist()
    np.testing.assert_array_equal(one.labels, two.labels)


def test_noise_is_in_the_silences():
    (sound,) = strung(WORDS, 1, words=(1, 1), silence=(1.0, 1.0), noise=0.01).sounds
    assert len(sound) > 2000
    assert 0.009 < sound[:1000].std() < 0.011


def test_without_speakers_and_without_silence():
    data = Recordings("one", [np.full(5, 0.5)], 1000, [0], ("a",))
    strings = strung(data, 3, words=(2, 2), silence=(0, 0))
    assert strings.speakers == ()
    assert [sound.tolist() for sound in strings.sounds] == [[0.5] * 10] * 3


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"count": 0}, "count is a whole number of strings, at least 1, got 0"),
        ({"words": (0, 2)}, r"words are two numbers, \(least, most\), from 1 on, got \(0, 2\)"),
        ({"words": (3, 2)}, "words are two numbers"),
        ({"words": (1.5, 2)}, "words are two numbers"),
        ({"words": 3}, "words are two numbers"),
        ({"silence": (-0.1, 0.2)}, "silence are two numbers"),
        ({"silence": (0.1, float("inf"))}, "silence are two numbers"),
        ({"silence": (0.1, float("nan"))}, "silence are two numbers"),
        ({"noise": -1.0}, "noise is a standard deviation from 0 to below 1"),
        ({"seed": -1}, "a seed is a whole number from 0 on, got -1"),
    ],
)
def test_what_is_refused(told, words):
    with pytest.raises(pb.CircuitError, match=words):
        strung(WORDS, **{"count": 3, **told})


def test_strings_are_made_of_words():
    strings = strung(WORDS, 3)
    for data in (strings, WORDS.rows(slice(0))):
        with pytest.raises(pb.CircuitError, match="made of recordings that have one label each"):
            strung(data, 3)
