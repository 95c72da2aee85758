"""Phrases: against counts by hand, and against gensim."""

import itertools
import math

import numpy as np
import pytest

from pullback import CircuitError
from pullback.words.phrases import ENGLISH, Phrases

TEXT = [
    ["i", "live", "in", "new", "york", "city"],
    ["new", "york", "city", "is", "new"],
    ["new", "york", "is", "a", "city"],
    ["a", "new", "day", "in", "the", "city"],
]


def drawn(sentences=300, words=30, seed=0):
    """A text in which some words follow each other more often than by chance."""
    rng = np.random.default_rng(seed)
    p = 1.0 / np.arange(1, words + 1)
    text = []
    for _ in range(sentences):
        row = rng.choice(words, size=rng.integers(0, 15), p=p / p.sum())
        words_of = [f"w{k}" for k in row]
        for k in range(0, len(row), 4):
            words_of[k : k + 1] = ["dish", "of", "tea"] if row[k] % 3 else ["hot", "dog", "stand"]
        text.append(words_of)
    return text


def test_mikolov_by_hand():
    scores = Phrases.learn(TEXT, min_count=1, threshold=0.0).scores
    words = {word for sentence in TEXT for word in sentence}
    pairs = {(a, b) for s in TEXT for a, b in itertools.pairwise(s)}
    n = len(words) + len(pairs)
    assert scores == {
        "new_york": pytest.approx((3 - 1) * n / (5 * 3)),
        "york_city": pytest.approx((2 - 1) * n / (3 * 4)),
    }
    assert list(scores) == ["new_york", "york_city"]


def test_npmi_by_hand():
    scores = Phrases.learn(TEXT, min_count=2, threshold=-1.0, score="npmi").scores
    p, a, b = 3 / 22, 5 / 22, 3 / 22
    assert scores["new_york"] == pytest.approx(math.log(p / (a * b)) / -math.log(p))
    assert set(scores) == {"new_york", "york_city"}


def test_pairs_that_only_stand_together_have_npmi_1():
    scores = Phrases.learn([["a", "b"], ["c"]], min_count=1, threshold=0.0, score="npmi").scores
    assert scores == {"a_b": pytest.approx(1.0)}


def test_joined_from_left_to_right():
    phrases = Phrases.learn(TEXT, min_count=1, threshold=0.0)
    assert phrases(TEXT[0]) == ["i", "live", "in", "new_york", "city"]
    assert phrases(["york", "city"]) == ["york_city"]
    assert phrases([]) == []
    assert phrases(["new"]) == ["new"]


def test_more_rounds_give_longer_phrases():
    phrases = Phrases.learn(TEXT, min_count=1, threshold=0.0, rounds=2)
    assert phrases(TEXT[0]) == ["i", "live", "in", "new_york_city"]
    assert phrases(["new", "york"]) == ["new_york"]
    assert len(phrases.rounds) == 2
    assert len(Phrases.learn([["a", "b"]], rounds=5).rounds) == 1  # nothing was found


def test_small_words_inside_phrases():
    text = [["state", "of", "the", "art", "of"], ["the", "state", "of", "the", "art"], ["of"]] * 3
    phrases = Phrases.learn(text, min_count=1, threshold=0.1, connectors=ENGLISH)
    assert list(phrases.scores) == ["state_of_the_art"]
    assert phrases(text[0]) == ["state_of_the_art", "of"]
    assert phrases(text[1]) == ["the", "state_of_the_art"]
    assert phrases(["state", "of", "the"]) == ["state", "of", "the"]


class Once:
    """A corpus that counts how often it is read."""

    def __init__(self, text):
        self.text, self.read = text, 0

    def __iter__(self):
        self.read += 1
        yield from self.text


def test_a_corpus_is_joined_as_it_is_read_and_as_often():
    corpus = Once(TEXT)
    phrases = Phrases.learn(corpus, min_count=1, threshold=0.0, rounds=2)
    assert corpus.read == 2
    joined = phrases.apply(corpus)
    assert corpus.read == 2
    assert list(joined) == list(joined) == [phrases(sentence) for sentence in TEXT]
    assert corpus.read == 4


def test_room_for_pairs_is_kept_and_it_is_told():
    text = [[f"a{k}", f"b{k}", "new", "york"] for k in range(40_000)]
    phrases = Phrases.learn(text, most_pairs=1000, threshold=1e-9)
    assert phrases.notes == (
        "round 1 saw more than 1,000 pairs: those seen up to 2 times were given up now and then",
    )
    assert list(phrases.scores) == ["new_york"]
    assert Phrases.learn(TEXT).notes == ()


def test_a_file_is_a_corpus(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("New York, New York.\n\nOh, New York!")
    phrases = Phrases.learn(path, min_count=1, threshold=0.0)
    assert list(phrases.apply(path)) == [["new_york", "new_york"], ["oh", "new_york"]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"corpus": []}, "empty"),
        ({"corpus": [[]]}, "empty"),
        ({"corpus": [{"text": "a b"}]}, "must be a list of words, got dict"),
        ({"corpus": [[["a", "b"]]]}, "sentence 0 of the corpus must be a list of words, got"),
        ({"connectors": None}, "connectors are a list of words, got NoneType"),
        ({"corpus": "to be or not"}, "no file"),
        ({"corpus": ["to be", "or not"]}, "list of words"),
        ({"corpus": (row for row in TEXT)}, "read more than once"),
        ({"corpus": [["a"], "a b"]}, "list of words"),
        ({"corpus": [["a"], 3]}, "list of words, got int"),
        ({"corpus": [["a", 3], ["b"]]}, "got 3"),
        ({"min_count": -1}, "min_count"),
        ({"min_count": 1.5}, "min_count"),
        ({"rounds": 0}, "rounds"),
        ({"most_pairs": 0}, "most_pairs"),
        ({"score": "pmi"}, "score is one of mikolov, npmi"),
        ({"threshold": math.nan}, "threshold"),
        ({"threshold": "10"}, "threshold"),
        ({"connectors": "of"}, "connectors are a list"),
        ({"joint": " "}, "joint"),
        ({"joint": ""}, "joint"),
    ],
)
def test_mistakes(change, said):
    with pytest.raises(CircuitError, match=said):
        Phrases.learn(**{"corpus": TEXT} | change)
    with pytest.raises(CircuitError, match="list of words"):
        Phrases.learn(TEXT)("new york")


@pytest.mark.parametrize("connectors", [(), ENGLISH])
@pytest.mark.parametrize(
    ("score", "theirs", "threshold", "min_count"),
    [("mikolov", "default", 1.0, 2), ("npmi", "npmi", 0.1, 3), ("mikolov", "default", 0.1, 1)],
)
def test_as_gensim(connectors, score, theirs, threshold, min_count):
    phrases = pytest.importorskip("gensim.models.phrases")
    text = drawn()
    options = {"min_count": min_count, "threshold": threshold}
    ours = Phrases.learn(text, score=score, connectors=connectors, **options)
    found = phrases.Phrases(text, scoring=theirs, connector_words=connectors, **options)
    assert ours.scores == pytest.approx(found.export_phrases(), rel=1e-12)
    assert len(ours.scores) > 2
    assert list(ours.apply(text)) == list(found[text])


def test_a_corpus_that_ends_after_one_reading_is_told():
    class Once:
        def __init__(self):
            self.sentences = iter([["new", "york"], ["a", "b"]] * 9)

        def __iter__(self):
            return self.sentences

    with pytest.raises(CircuitError, match="had no words when it was read anew, in round 2"):
        Phrases.learn(Once(), min_count=1, threshold=0.0, rounds=2)
