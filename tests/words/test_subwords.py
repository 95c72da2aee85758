"""N-grams and their buckets, against fastText's."""

import numpy as np
import pytest

from pullback.core.errors import CircuitError
from pullback.words import Subwords
from pullback.words.start import along
from pullback.words.vocabulary import Vocabulary


def test_ngrams_are_of_the_word_with_its_ends():
    where = Subwords(3, 3).ngrams("where")
    assert where == ["<wh", "whe", "her", "ere", "re>"]  # the paper's own example
    assert Subwords(1, 2).ngrams("ab") == ["<a", "a", "ab", "b", "b>"]  # "<" and ">" are none
    assert Subwords(5, 6).ngrams("ab") == []
    assert Subwords(3, 6).ngrams("éa") == ["<éa", "<éa>", "éa>"]


@pytest.mark.parametrize(
    ("ngram", "wanted"),  # of FNV-1a's published test vectors; and é, whose bytes are taken signed
    [("a", 0xE40C292C), ("foobar", 0xBF9CF968), ("é", 0x3CFA68C1)],
)
def test_the_hash_is_fasttexts(ngram, wanted):
    from pullback.words.subwords import _hash

    assert _hash(ngram) == wanted


def test_an_unseen_words_vector_is_the_mean_of_its_ngrams():
    table = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    subwords = Subwords(3, 4, buckets=50, table=table)
    rows = subwords.rows("walking")
    np.testing.assert_allclose(subwords.vector("walking"), table[rows].mean(axis=0))
    assert Subwords(3, 4).vector("walking") is None
    assert Subwords(8, 9, buckets=50, table=table).vector("a") is None


def test_parts_are_the_word_and_its_ngrams():
    subwords = Subwords(3, 3, buckets=10)
    parts = subwords.parts(["cat", "a"])
    assert parts[0].tolist() == [0, *(2 + row for row in subwords.rows("cat"))]
    assert parts[1].tolist() == [1, 2 + subwords.rows("a")[0], -1, -1]


def test_words_go_along_as_far_as_they_share_parts():
    words = Vocabulary(("aa", "bb", "cc"), np.ones(3, int))
    parts = np.array([[0, 3, 4, -1], [1, 3, 3, 5], [2, -1, -1, -1]])
    share = np.zeros((3, 6))
    for k, row in enumerate(parts):
        np.add.at(share[k], row[row >= 0], 1 / (row >= 0).sum())
    for k, word in enumerate(words.words):
        np.testing.assert_allclose(along(word, words, parts), share @ share[k], rtol=1e-6)
    assert along("bb", words, None).tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("given", [(0, 3), (4, 3), (3, 2.5), (3, 6, 0)])
def test_lengths_that_make_no_sense_are_refused(given):
    with pytest.raises(CircuitError):
        Subwords(*given)


def test_words_take_no_more_room_than_fifty_letters():
    subwords = Subwords(3, 3, buckets=10)
    assert subwords.ngrams("a" * 49 + "b")[-1] == "ab>"
    assert subwords.ngrams("a" * 50 + "b" * 100_000) == ["<aa", *["aaa"] * 48]
    assert subwords.parts(["x" * 100_000]).shape == (1, 50)


def test_a_table_that_does_not_fit_is_refused():
    with pytest.raises(CircuitError, match=r"a row for each of 7 buckets, got shape \(6, 4\)"):
        Subwords(3, 6, 7, np.zeros((6, 4)))
