"""What is near to what, against plain arithmetic on all pairs; and every mistake in asking."""

import numpy as np
import pytest

from pullback import CircuitError
from pullback.core.errors import UnknownNameError
from pullback.words import WordVectors

WORDS = ["the", "king", "queen", "man", "woman", "tea", "Paris", "new_york", "kings"]


def some(words=WORDS, dimensions=5, **more):
    matrix = np.random.default_rng(0).normal(size=(len(words), dimensions)).astype(np.float32)
    return WordVectors(words, matrix, **more)


def reference(vectors, total):
    """All words by cosine, in double precision and without a thought for speed."""
    x = vectors.matrix.astype(np.float64)
    cosines = x @ total / (np.linalg.norm(x, axis=1) * np.linalg.norm(total))
    return [(vectors.words[k], cosines[k]) for k in np.argsort(-cosines, kind="stable")]


def unit(vectors, word):
    return vectors[word].astype(np.float64) / np.linalg.norm(vectors[word].astype(np.float64))


def assert_same(found, wanted):
    assert [word for word, _ in found] == [word for word, _ in wanted]
    np.testing.assert_allclose([x for _, x in found], [x for _, x in wanted], atol=1e-6)


def test_nearest_of_a_word_leaves_it_out():
    vectors = some()
    wanted = [pair for pair in reference(vectors, unit(vectors, "king")) if pair[0] != "king"]
    assert_same(vectors.nearest("king", 4), wanted[:4])


def test_nearest_of_a_vector_leaves_nothing_out():
    vectors = some()
    assert_same(vectors.nearest(vectors["king"] * 7.0, 3), reference(vectors, vectors["king"])[:3])
    assert vectors.nearest(vectors["king"].tolist(), 1)[0][0] == "king"


def test_nearest_of_several_and_away_from_others():
    vectors = some()
    total = unit(vectors, "king") + unit(vectors, "woman") - unit(vectors, "man")
    wanted = [x for x in reference(vectors, total) if x[0] not in ("king", "woman", "man")]
    assert_same(vectors.nearest(["king", "woman"], away_from=["man"]), wanted)
    assert_same(vectors.analogy("man", "king", "woman", 2), wanted[:2])
    mixed = vectors.nearest(["king", vectors["woman"]], away_from="man")
    assert mixed[0][0] in ("woman", wanted[0][0])  # a vector is no word that could be left out


def test_only_away_from():
    vectors = some()
    wanted = [x for x in reference(vectors, -unit(vectors, "king")) if x[0] != "king"]
    assert_same(vectors.nearest([], 3, away_from="king"), wanted[:3])


@pytest.mark.parametrize("count", [0, 1, 8, 9, 1000])
def test_count_is_at_most_what_is_there(count):
    assert len(some().nearest("king", count)) == min(count, len(WORDS) - 1)


@pytest.mark.parametrize("words", [["a"], ["a", "b"]])
def test_very_small_vocabularies(words):
    assert [word for word, _ in some(words).nearest("a")] == words[1:]


def test_no_words_at_all():
    vectors = WordVectors([], np.zeros((0, 3)))
    assert len(vectors) == 0
    assert vectors.nearest(np.ones(3)) == []
    with pytest.raises(UnknownNameError, match="not among the 0 words"):
        vectors["a"]


def test_equal_ones_stand_in_the_order_of_the_words():
    vectors = WordVectors("qabcdefgh", np.ones((9, 4)))
    assert [word for word, _ in vectors.nearest("q", 3)] == ["a", "b", "c"]
    assert [word for word, _ in vectors.nearest("b", 3)] == ["q", "a", "c"]


def test_among_looks_at_the_first_words_alone():
    vectors = some()
    assert {word for word, _ in vectors.nearest("kings", among=3)} == {"the", "king", "queen"}
    assert vectors.nearest("king", among=0) == []


def test_a_zero_vector_is_far_from_all_and_never_nan():
    vectors = WordVectors(["a", "b", "zero"], [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    assert vectors.nearest("a")[-1] == ("zero", 0.0)
    assert vectors.similarity("a", "zero") == 0.0
    assert np.isfinite(vectors.cosines(vectors["zero"])).all()
    for asked in ("zero", np.zeros(2)):
        with pytest.raises(CircuitError, match="no direction"):
            vectors.nearest(asked)
    with pytest.raises(CircuitError, match=r"the vector of a - a is zero"):
        vectors.nearest("a", away_from="a")


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1e-5, 1e10])
def test_size_says_nothing(size):
    vectors = some()
    scaled = WordVectors(WORDS, vectors.matrix.astype(np.float64) * size)
    assert_same(scaled.nearest("king"), vectors.nearest("king"))


def test_similarity():
    vectors = some()
    wanted = unit(vectors, "king") @ unit(vectors, "tea")
    assert vectors.similarity("king", "tea") == pytest.approx(wanted, abs=1e-7)
    assert vectors.similarity("king", "king") == pytest.approx(1.0)
    assert vectors.similarity("king", -vectors["king"]) == pytest.approx(-1.0)


def test_odd_one_out():
    words = ["breakfast", "cereal", "dinner", "car"]
    vectors = WordVectors(words, [[1.0, 0.2], [1.0, 0.1], [1.0, 0.3], [-0.5, 1.0]])
    assert vectors.odd_one_out(words) == vectors.odd_one_out(words[::-1]) == "car"
    for few in (["car"], ["car", "car", "cereal"], "car"):
        with pytest.raises(CircuitError):
            vectors.odd_one_out(few)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("King", "'king' is there"),
        ("paris", "'Paris' is there"),
        ("new york", "'new_york' is there"),
        ("New York", "'new_york' is there"),
        ("qeen", "did you mean 'queen'?"),
        ("zzzzzz", "is rare was left out"),
        ("", "not among the 9 words"),
    ],
)
def test_an_unknown_word_is_told_with_what_is_near(word, said):
    vectors = some()
    for ask in (vectors.__getitem__, vectors.nearest, lambda w: vectors.similarity("king", w)):
        with pytest.raises(UnknownNameError) as refused:
            ask(word)
        assert said in str(refused.value)
        assert "subwords" in str(refused.value)


def test_the_least_count_is_told():
    with pytest.raises(CircuitError, match="fewer than 5 times"):
        some(counts=np.arange(13, 4, -1))["unseen"]


class Letters:
    """Vectors of words by their letters."""

    def vector(self, word):
        return np.arange(5.0) if word.isalpha() else None


def test_unseen_words_have_vectors_by_their_parts():
    vectors = some(subwords=Letters())
    assert vectors["unseen"].tolist() == [0, 1, 2, 3, 4]
    assert vectors["unseen"].dtype == np.float32
    assert "unseen" not in vectors
    assert_same(vectors.nearest("unseen", 2), reference(vectors, np.arange(5.0))[:2])
    with pytest.raises(CircuitError, match="no part of which"):
        vectors["1234"]


def test_a_vector_that_does_not_fit_is_refused_from_whomever_it_comes():
    for made in (np.ones(4), np.full(5, np.nan), np.ones((1, 5)), "x"):
        parts = type("Parts", (), {"vector": lambda _, word, made=made: made})()
        with pytest.raises(CircuitError):
            some(subwords=parts)["unseen"]


@pytest.mark.parametrize("size", [1e300, 1e-300, 5e-324])
def test_a_vector_may_be_of_any_size(size):
    vectors = some()
    direction = np.array([0.0, 1.0, 0.0, -1.0, 0.0])
    assert_same(vectors.nearest(size * direction, 3), reference(vectors, direction)[:3])


def test_what_is_given_may_be_numpys():
    vectors = some()
    wanted = vectors.nearest(["king", "tea"])
    assert vectors.nearest(np.array(["king", "tea"])) == wanted
    assert_same(vectors.nearest(list(vectors["king"])), vectors.nearest(vectors["king"]))
    words = WordVectors(np.array(["a", "b"]), np.eye(2)).words
    assert [type(word) for word in words] == [str, str]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"words": ["a", "b", "a"]}, "'a' stands there twice"),
        ({"words": ["a", "", "b"]}, "at least one letter"),
        ({"words": ["a", 1, "b"]}, "got 1"),
        ({"matrix": np.zeros((2, 4))}, r"each of 3 words, got shape \(2, 4\)"),
        ({"matrix": np.zeros(3)}, "got shape"),
        ({"matrix": np.zeros((3, 0))}, "got shape"),
        ({"matrix": [["x"], ["y"], ["z"]]}, "matrix of numbers"),
        ({"matrix": np.diag([1.0, np.nan, 1.0])}, "row 1 of matrix holds nan"),
        ({"matrix": np.diag([1.0, 1.0, np.inf])}, "row 2 of matrix holds inf"),
        ({"matrix": np.diag([1e30, 1.0, 1.0])}, "row 0 of matrix holds 1e[+]30"),
        ({"context": np.zeros((4, 3))}, "context has a row"),
        ({"counts": [1, 2]}, "counts are 3 whole numbers"),
        ({"counts": [1, 2, -3]}, "counts are"),
        ({"counts": [1.0, 2.0, 3.0]}, "counts are"),
        ({"subwords": (3, 6)}, "got tuple"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, said):
    given = {"words": ["a", "b", "c"], "matrix": np.eye(3)} | change
    with pytest.raises(CircuitError, match=said):
        WordVectors(given.pop("words"), given.pop("matrix"), **given)


@pytest.mark.parametrize(
    "ask",
    [
        lambda v: v.nearest("king", -1),
        lambda v: v.nearest("king", 1.5),
        lambda v: v.nearest("king", among=-1),
        lambda v: v.nearest([]),
        lambda v: v.nearest(np.ones(4)),
        lambda v: v.nearest(np.full(5, np.nan)),
        lambda v: v.nearest(object()),
        lambda v: v.nearest([["king"]]),
        lambda v: v[3],
        lambda v: v[["king"]],
        lambda v: v.similarity("king", None),
        lambda v: v.odd_one_out(["king", "queen", 3]),
        lambda v: v.odd_one_out(list(np.eye(5))),
        lambda v: v.odd_one_out(None),
    ],
)
def test_mistakes_in_asking_are_refused(ask):
    with pytest.raises(CircuitError):
        ask(some())


def test_the_matrix_can_only_be_read():
    vectors = some()
    with pytest.raises(ValueError, match="read-only"):
        vectors.matrix[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        vectors["king"][0] = 1.0


def test_as_gensim(tmp_path):
    models = pytest.importorskip("gensim.models")
    vectors = some([f"w{k}" for k in range(200)], 7)
    vectors.save(tmp_path / "v.bin")
    peer = models.KeyedVectors.load_word2vec_format(str(tmp_path / "v.bin"), binary=True)
    assert_same(vectors.nearest("w3", 20), peer.most_similar("w3", topn=20))
    to, away = ["w3", "w9", "w27"], ["w1", "w81"]
    assert_same(vectors.nearest(to, 20, away_from=away), peer.most_similar(to, away, topn=20))
    assert_same(vectors.analogy("w1", "w2", "w3", 9), peer.most_similar(["w2", "w3"], ["w1"], 9))
    theirs = peer.most_similar("w3", restrict_vocab=50)
    assert_same(vectors.nearest("w3", among=50), theirs)
    assert vectors.similarity("w4", "w5") == pytest.approx(peer.similarity("w4", "w5"), abs=1e-6)
    for k in range(0, 190, 5):
        words = [f"w{j}" for j in range(k, k + 5)]
        assert vectors.odd_one_out(words) == peer.doesnt_match(words)
