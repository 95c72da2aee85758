"""Words are counted and numbered in one reading."""

import numpy as np
import pytest

from pullback.core.errors import CircuitError
from pullback.words import vocabulary as module
from pullback.words.numbers import Numbers
from pullback.words.vocabulary import END, UNKNOWN, encode


class Once:
    """A corpus that counts how often it is walked through."""

    def __init__(self, sentences):
        self.sentences, self.walks = sentences, 0

    def __iter__(self):
        self.walks += 1
        return iter(self.sentences)


def some(sentences=200, words=30, seed=0):
    rng = np.random.default_rng(seed)
    names = [f"w{k}" for k in range(words)]
    return [
        [names[k] for k in rng.geometric(0.2, size=n) if k < words]
        for n in rng.integers(0, 12, sentences)
    ]


@pytest.mark.parametrize("told", [1, 7, 1 << 16])
def test_the_corpus_is_read_once_and_every_word_has_its_row(monkeypatch, told):
    monkeypatch.setattr(module, "_TOLD", told)
    corpus = Once(some())
    found = encode(corpus, min_count=3)
    assert corpus.walks == 1
    counts = {}
    for word in (word for sentence in corpus.sentences for word in sentence):
        counts[word] = counts.get(word, 0) + 1
    kept = sorted((w for w in counts if counts[w] >= 3), key=lambda w: (-counts[w], w))
    assert found.vocabulary.words == tuple(kept)
    assert found.vocabulary.counts.tolist() == [counts[word] for word in kept]
    assert (found.read, found.known) == (sum(counts.values()), sum(counts[w] for w in kept))
    row = {word: k for k, word in enumerate(kept)}
    wanted = [[*(row.get(w, UNKNOWN) for w in s), END] for s in corpus.sentences]
    flat = [k for sentence in wanted for k in sentence]
    for size in (5, 64, 10_000):
        pieces = list(found.pieces(size))
        assert np.concatenate(pieces).tolist() == flat
        pieces = list(found.sentences(size))
        assert np.concatenate(pieces).tolist() == flat
        assert all(len(piece) < size + 13 for piece in pieces)
    assert all(piece[-1] == END for piece in found.sentences(64))  # no sentence is cut


def test_a_vocabulary_may_be_limited_and_have_words_of_its_own():
    corpus = [["a"] * 5 + ["b"] * 4 + ["c"] * 3 + ["d"]]
    assert encode(corpus, min_count=1, max_words=2).vocabulary.words == ("a", "b")
    found = encode(corpus, min_count=4, also=["z", "d"]).vocabulary
    assert found.words == ("a", "b", "d", "z")
    assert found.counts.tolist() == [5, 4, 1, 0]
    assert found.noise()[3] == 0.0


def test_frequent_words_are_dropped_by_word2vecs_formula():
    counts = np.array([900, 90, 10])
    keep = module.Vocabulary(("a", "b", "c"), counts).keep(0.01)
    share = counts / counts.sum()
    ratio = 0.01 / share
    np.testing.assert_allclose(keep, np.minimum(1.0, (np.sqrt(1 / ratio) + 1) * ratio))
    assert keep[2] == 1.0


def test_numbers_may_lie_in_a_file():
    numbers = Numbers(in_memory=16)
    rng = np.random.default_rng(0)
    parts = [rng.integers(-2, 1 << 30, n) for n in (3, 0, 1, 50)]
    for part in parts:
        numbers.append(part)
    assert len(numbers) == 54
    for size in (1, 7, 100):
        np.testing.assert_array_equal(
            np.concatenate(list(numbers.pieces(size))), np.concatenate(parts)
        )


@pytest.mark.parametrize(
    ("corpus", "words"),
    [
        ([], "the corpus is empty"),
        ([[], []], "the corpus is empty"),
        (
            [["a", "b", "a"]],
            "no word stands in the corpus 5 times: the most frequent, 'a', stands "
            "there 2 times; min_count=2 would keep 1 word",
        ),
        ([["a"], "b c"], "sentence 1 of the corpus is a text, 'b c'"),
        ([["a", 3]], "sentence 0 of the corpus: words are texts of one character at least, got 3"),
        ([["a", ""]], "got ''"),
        ([["a", ["b"]]], "sentence 0 of the corpus must be a list of words"),
        ([["a"], None], "sentence 1 of the corpus must be a list of words, got NoneType"),
        ([{"text": "a b"}], "sentence 0 of the corpus must be a list of words, got dict"),
        ([{"a", "b"}], "sentence 0 of the corpus must be a list of words, got set"),
        (np.array([__file__]), "sentence 0 of the corpus is the name of a file"),
        ([["a" * 1000]], "^.{,300}$"),
    ],
)
def test_what_has_no_words_is_refused(corpus, words):
    with pytest.raises(CircuitError, match=words):
        encode(corpus)


def test_what_goes_wrong_inside_a_sentence_is_not_lost():
    with pytest.raises(CircuitError, match="sentence 0 of the corpus") as told:
        encode([(len(k) for k in range(3))])
    assert isinstance(told.value.__cause__, TypeError)


@pytest.mark.parametrize(
    ("corpus", "longest"),
    [
        ([["a"], ["b"]], 1),
        ([["a", "rare", "a", "b"], ["b", "rare2"]], 3),
        ([["a", "b"] * 50_000, ["a", "b"]], 100_000),  # longer than a piece
        ([["a", "b"]] * 50_000 + [["b", "a", "b"]], 3),
    ],
    ids=["single", "rare", "long", "many"],
)
def test_the_longest_sentence_of_known_words(corpus, longest):
    found = encode(corpus, max_words=2, min_count=1)
    assert set(found.vocabulary.words) == {"a", "b"}
    assert found.longest() == longest
