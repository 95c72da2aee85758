"""What pulls a word after the training, against the slope of the loss itself."""

import numpy as np
import pytest

from pullback.core.errors import CircuitError
from pullback.words import Pull, Pulls, Word2Vec, WordVectors, pulls

RNG = np.random.default_rng(0)
WORDS = ["a", "b", "c", "d"]
TEXT = [["a", "b", "c"], ["c", "a", "x", "a"], ["b", "d"], []]
WINDOW, K = 2, 3


def some():
    return WordVectors(
        WORDS, RNG.normal(size=(4, 5)), counts=[3, 2, 2, 1], context=RNG.normal(size=(4, 5))
    )


def loss(h, vectors, near):
    """Of all pairs of "a", with the expectation of their noise."""
    scores = vectors.context.astype(float) @ h
    noise = vectors.counts**0.75 / (vectors.counts**0.75).sum()
    total = 0.0
    for word, n in near.items():
        at = WORDS.index(word)
        other = noise * (np.arange(4) != at)
        total += n * (np.log1p(np.exp(-scores[at])) + K * other @ np.log1p(np.exp(scores)))
    return total


def test_together_they_are_the_slope_of_the_loss():
    vectors = some()
    # by chance 1 a neighbour stands in the window, by chance 1/2 the word behind it
    near = {"b": 1.0, "c": 0.5 + 1.0 + 0.5, "a": 1.0 + 1.0}  # "x" is left out before windows
    found = pulls(vectors, TEXT, "a", window=WINDOW, negatives=K)
    assert {pull.word: pull.pairs for pull in found.attracted} == near
    h = vectors["a"].astype(float)
    slope = [
        (loss(h + e, vectors, near) - loss(h - e, vectors, near)) / 2e-6 for e in 1e-6 * np.eye(5)
    ]
    np.testing.assert_allclose(found.total, -np.array(slope), rtol=1e-6)
    for pull in found.attracted:  # towards its output vector; noise is pushed from it
        assert pull.direction @ vectors.context[WORDS.index(pull.word)] > 0
    for pull in found.pushed:
        assert pull.direction @ vectors.context[WORDS.index(pull.word)] < 0


def test_what_cannot_be_told_is_refused():
    vectors = some()
    with pytest.raises(CircuitError, match="'x' has no vector of its own"):
        pulls(vectors, TEXT, "x")
    with pytest.raises(CircuitError, match="train them by negative sampling"):
        pulls(WordVectors(WORDS, vectors.matrix), TEXT, "a")
    with pytest.raises(CircuitError, match="there is no file"):
        pulls(vectors, "a b c", "a")
    tree = Word2Vec(4, min_count=1, sample=0, epochs=1, loss="hierarchical softmax", engine="eager")
    with pytest.raises(CircuitError, match="which these vectors lack"):
        pulls(tree.fit(TEXT), TEXT, "a")


def test_the_strongest_are_printed_however_many_there_are():
    many = tuple(Pull(f"w{k}", 100.0 - k, np.eye(3)[k % 3], k + 1) for k in range(50))
    for some in (Pulls("king", many, many[:3]), Pulls("king", (), ())):
        assert repr(some) == str(some)
    lines = str(Pulls("king", many, many[:3])).splitlines()
    assert len(lines) == 13
    assert lines[0].startswith("what moved 'king', by ")
    assert lines[2].split() == ["w0", "100", "1", "w0", "100", "1"]
    assert lines[-2].split() == ["w9", "91", "10"]
    assert lines[-1] == "and 40 more that attracted it, 0 that pushed it"
    assert str(Pulls("king", (), ())).splitlines()[0] == "what moved 'king', by 0 in all"
