"""Word2Vec as users meet it: it learns, can be repeated, goes on, ends early, and refuses."""

import os
import signal
import threading
import warnings

import numpy as np
import pytest

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.words import Subwords, Word2Vec, WordVectors
from pullback.words import training as module


def two_topics(sentences=80, seed=0):
    """Words a0 to a9 stand beside each other, and b0 to b9, never one beside another's."""
    rng = np.random.default_rng(seed)
    return [
        [f"{topic}{k}" for k in rng.integers(0, 10, 8)]
        for topic in rng.choice(["a", "b"], sentences)
    ]


TEXT = two_topics()
WAYS = [
    {"architecture": architecture, "loss": loss, "subwords": subwords}
    for architecture in ("skip-gram", "cbow")
    for loss in ("negative sampling", "hierarchical softmax")
    for subwords in (None, Subwords(1, 2, buckets=64))
]


def small(**told):
    usual = {"dimensions": 12, "min_count": 1, "sample": 0, "epochs": 3, "engine": "eager"}
    return Word2Vec(**{**usual, **told})


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_words_of_a_topic_come_together(way):
    model = small(learning_rate=0.1, epochs=6, **way)
    vectors = model.fit(TEXT)
    assert len(vectors) == 20
    for word in ("a0", "b3"):
        assert {other[0] for other, _ in vectors.nearest(word, 6)} == {word[0]}
    losses = model.history["loss"]
    assert losses[-1] < losses[0]
    assert vectors.counts.sum() == 640
    assert (vectors.context is None) == (way["loss"] == "hierarchical softmax")


def test_nothing_is_said_of_words_whose_ngrams_no_word_has():
    vectors = small(subwords=Subwords(3, 4, 500), epochs=1).fit([["walking", "talking"]] * 9)
    table = vectors.subwords.table
    known = {row for word in vectors.words for row in vectors.subwords.rows(word)}
    assert set(np.flatnonzero(table.any(axis=1))) == known
    assert vectors.nearest("walk", 1)
    with pytest.raises(CircuitError, match="no part of which its vector could be made"):
        vectors.nearest("zzz")


def test_unseen_words_have_vectors_of_their_ngrams():
    vectors = small(subwords=Subwords(1, 2, 64)).fit(TEXT)
    assert "a77" not in vectors
    np.testing.assert_allclose(vectors["a77"], vectors.subwords.vector("a77"))
    row = vectors.subwords.rows("a3")
    assert len(row) == 5
    with pytest.raises(CircuitError):
        small().fit(TEXT)["a77"]


@pytest.mark.parametrize("way", [WAYS[0], WAYS[-1]], ids=str)
def test_one_thread_or_two_or_another_run_give_the_same_bits(way):
    def run(threads):
        model = small(engine="native", threads=threads, epochs=2, sample=0.01, **way)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that few words are kept
            return model, model.fit(TEXT)

    (one, first), (two, second), (_, again) = run(1), run(2), run(1)
    assert first.matrix.tobytes() == second.matrix.tobytes() == again.matrix.tobytes()
    assert one.history["loss"] == two.history["loss"]


def test_engines_agree():
    a, b = (small(engine=engine, epochs=1).fit(TEXT).matrix for engine in ("eager", "native"))
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_means_have_larger_rates_of_their_own():
    rate = lambda **told: small(**told).settings.learning_rate
    assert [rate(), rate(architecture="cbow")] == [0.025, 0.1]
    assert rate(subwords=(3, 6)) == 0.1
    assert rate(architecture="cbow", subwords=(3, 6)) == 0.4
    assert small(architecture="cbow", learning_rate=0.3).settings.learning_rate == 0.3


def test_seeds_differ():
    a, b = (small(seed=seed, epochs=1).fit(TEXT).matrix for seed in (0, 1))
    assert not np.allclose(a, b)


def test_the_loss_is_the_mean_over_all_pairs():
    """With vectors that hardly move, it is log 2 for each word, and for each noise."""
    model = small(learning_rate=1e-9, window=1, negatives=3, epochs=2)
    model.fit(TEXT)
    assert model.history["pairs"] == [80 * 14] * 2  # 8 words have 7 neighbours, both ways
    share = 1.0 - (1 / 20)  # noise that is the word itself counts 0
    for loss in model.history["loss"]:
        assert loss == pytest.approx(np.log(2) * (1 + 3 * share), rel=0.01)


@pytest.mark.parametrize("sentences", [1, 2, 3, 40])
def test_every_pair_counts_however_few_there_are(sentences):
    corpus = [["a", "b", "c"]] * sentences
    model = small(window=2, epochs=2)
    model.fit(corpus)
    assert all(2 * sentences <= pairs <= 6 * sentences for pairs in model.history["pairs"])
    tree = small(window=1, loss="hierarchical softmax")
    tree.fit(corpus)
    assert tree.history["pairs"] == [4 * sentences] * 3


def test_a_file_is_as_good_as_lists(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join(" ".join(s) for s in [["alpha", "beta"], ["beta", "gamma"]] * 20))
    lists = small().fit([["alpha", "beta"], ["beta", "gamma"]] * 20)
    for given in (path, str(path), [path]):
        found = small().fit(given)
        assert found.words == lists.words
        np.testing.assert_array_equal(found.matrix, lists.matrix)


# Going on ----------------------------------------------------------------------------------------


def test_training_goes_on_from_vectors_and_new_words_come_in():
    first = small(epochs=4).fit(TEXT)
    model = small(epochs=1, learning_rate=1e-9)
    more = model.fit([["a1", "a2", "new"]] * 30, start=first)
    assert "new" in more
    for word in first.words:
        np.testing.assert_allclose(more[word], first[word], atol=1e-6)
    rows = [more.words.index(word) for word in first.words]
    np.testing.assert_allclose(more.context[rows], first.context, atol=1e-6)
    longer = small(epochs=2)
    longer.fit(TEXT, start=first)
    fresh = small(epochs=2)
    fresh.fit(TEXT)
    assert longer.history["loss"][0] < fresh.history["loss"][0]


def test_subwords_go_on_too():
    way = {"subwords": Subwords(1, 2, buckets=64)}
    first = small(**way).fit(TEXT)
    more = small(epochs=1, learning_rate=1e-9, **way).fit(TEXT, start=first)
    np.testing.assert_allclose(more.matrix, first.matrix, atol=1e-6)
    np.testing.assert_allclose(more["zzz"], first["zzz"], atol=1e-6)
    with pytest.raises(CircuitError, match="have no subwords, not Subwords"):
        small(**way).fit(TEXT, start=small().fit(TEXT))


def test_vectors_to_go_on_from_are_refused_before_anything_is_read():
    for start, words in (
        (WordVectors("a", np.ones((1, 12))), "give Word2Vec dimensions=12, not 5"),
        ("vectors.bin", r"start= takes WordVectors, got str; a file is read by WordVectors.load"),
    ):
        with pytest.raises(CircuitError, match=words):
            small(dimensions=5).fit(None, start=start)
    none = WordVectors([], np.zeros((0, 12)))
    wanted = small(epochs=1).fit(TEXT).matrix
    assert small(epochs=1).fit(TEXT, start=none).matrix.tobytes() == wanted.tobytes()


def test_it_is_said_where_output_vectors_are_missing(recwarn):
    first = small(epochs=1).fit(TEXT)
    first.context = None
    small(epochs=1, loss="hierarchical softmax").fit(TEXT, start=first)
    assert not recwarn
    with pytest.warns(UserWarning, match="have no output vectors, which begin at zero"):
        small(epochs=1).fit(TEXT, start=first)


# Watching ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_all_pulls_together_are_how_far_a_word_came(way, monkeypatch):
    begun = {}

    def first(*told):
        begun["tables"] = tables = first_tables(*told)
        return tables

    from pullback.words import start
    from pullback.words import word2vec as face

    first_tables = start.first_tables
    monkeypatch.setattr(face, "first_tables", first)
    model = small(learning_rate=0.1, watch=("a0", "b1"), **way)
    vectors = model.fit(TEXT)
    tables = begun["tables"]
    for word in ("a0", "b1"):
        row = vectors.words.index(word)
        before = tables.inputs[row]
        if tables.parts is not None:
            parts = tables.parts[row]
            before = tables.inputs[parts[parts >= 0]].mean(axis=0)
        pulls = model.pulls(word)
        np.testing.assert_allclose(pulls.total, vectors[word] - before, atol=2e-4)
        assert np.linalg.norm(pulls.total) > 0.1
        assert {pull.word[0] for pull in pulls.attracted[:5]} == {word[0]}
        assert bool(pulls.pushed) == (way["loss"] == "negative sampling")
        lengths = [pull.distance for pull in pulls.attracted]
        assert lengths == sorted(lengths, reverse=True)
        assert all(pull.pairs > 0 for pull in (*pulls.attracted, *pulls.pushed))


def test_watching_changes_nothing_and_counts_pairs():
    plain, watched = small(window=1), small(window=1, watch="b")
    corpus = [["a", "b"], ["b", "c"]] * 10
    np.testing.assert_allclose(
        watched.fit(corpus).matrix, plain.fit(corpus).matrix, rtol=1e-5, atol=1e-7
    )
    near = {pull.word: pull.pairs for pull in watched.pulls("b").attracted}
    assert near == {"a": 30, "c": 30}  # 10 times in each of 3 passes


# Ctrl-C ------------------------------------------------------------------------------------------


def test_ctrl_c_ends_it_with_what_was_learned():
    model = small(epochs=100_000)
    pressed = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    pressed.start()
    vectors = model.fit(TEXT)
    assert model.history.ended.startswith("interrupted in epoch")
    assert 0 < len(model.history) < 100_000
    assert {other[0] for other, _ in vectors.nearest("a0", 6)} == {"a"}


def test_ctrl_c_before_the_first_step_is_no_training(monkeypatch):
    def pressed(*_):
        os.kill(os.getpid(), signal.SIGINT)
        return {"loss": np.zeros(0), "pairs": np.zeros(0)}

    monkeypatch.setattr(module, "_run", pressed)
    with pytest.raises(KeyboardInterrupt):
        small().fit(TEXT)


def test_progress_tells_words_a_second_and_the_loss(capsys):
    small(epochs=1).fit(TEXT * 8, progress=True)
    told = capsys.readouterr().err
    assert "words/s" in told
    assert "loss" in told


# Mistakes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"dimensions": 0}, "dimensions must be a whole number from 1"),
        ({"window": 0}, "window must be"),
        ({"min_count": 0}, "min_count must be"),
        ({"epochs": 0}, "epochs must be"),
        ({"negatives": 0}, "negatives must be"),
        ({"max_words": 0}, "max_words must be"),
        (
            {"learning_rate": -0.1, "architecture": "cbow"},
            "learning_rate must be a finite number above 0",
        ),
        ({"sample": -1}, "sample must be a finite number, 0 or above"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"architecture": "skipgram"}, "architecture is 'skip-gram' or 'cbow', got 'skipgram'"),
        ({"loss": "softmax"}, "loss is 'negative sampling' or 'hierarchical softmax'"),
        ({"subwords": 3}, r"such as \(3, 6\)"),
        ({"subwords": (6, 3)}, "nothing is left"),
        ({"threads": 0}, "threads are"),
        ({"engine": "fast"}, "there is no engine 'fast'"),
        ({"watch": (3,)}, "watch= takes words, got 3"),
        ({"watch": None}, "watch= takes words, got None"),
        ({"watch": 5}, "watch= takes words, got 5"),
        ({"architecture": ["cbow"]}, "architecture is 'skip-gram' or 'cbow', got"),
        ({"loss": "hs"}, "did you mean 'hierarchical softmax'"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(told, words):
    with pytest.raises(CircuitError, match=words):
        Word2Vec(**told)


@pytest.mark.parametrize("corpus", [TEXT, "plays.txt", iter(TEXT)], ids=["lists", "path", "once"])
def test_a_corpus_goes_to_fit(corpus):
    with pytest.raises(CircuitError, match=r"a corpus goes to fit: Word2Vec\(\.\.\.\)\.fit"):
        Word2Vec(corpus)


@pytest.mark.parametrize(
    "name", ["window", "sample", "epochs", "seed", "threads", "engine", "subwords", "loss"]
)
def test_a_setting_is_not_written_out_at_length(name):
    with pytest.raises(CircuitError) as told:
        Word2Vec(**{name: TEXT * 99})
    assert len(str(told.value)) < 250


def test_names_of_settings_are_taken_in_any_case_and_printed():
    model = Word2Vec(architecture="CBOW", loss="Hierarchical Softmax", watch="king")
    assert repr(model).startswith("Word2Vec(dimensions=100, window=5, min_count=5, ")
    for said in ("architecture='cbow'", "loss='hierarchical softmax'", "watch=('king',)"):
        assert said in repr(model)


@pytest.mark.parametrize(
    ("corpus", "told", "words"),
    [
        ("some text", {}, "there is no file 'some text'"),
        (["some text", "more"], {}, "is a text, 'some text'"),
        ((s for s in TEXT), {}, "read more than once, which a generator cannot be"),
        ([], {}, "the corpus is empty"),
        (TEXT, {"min_count": 1000}, "would keep 1 word"),
        ([["a"] * 9], {}, "the vocabulary has 1 word, 'a'"),
        ([["a"], ["b"], ["a"]], {}, "no two words of the vocabulary stand in one sentence"),
        (TEXT, {"watch": ("c",)}, "the watched word 'c' does not stand in the corpus 1 time"),
    ],
    ids=["text", "texts", "generator", "empty", "rare", "one word", "single", "watched"],
)
def test_a_corpus_that_is_none_is_refused(corpus, told, words):
    with pytest.raises(CircuitError, match=words):
        small(**told).fit(corpus)


def test_nothing_is_left_of_the_training_before():
    model = small(epochs=1, watch="a0")
    first = model.fit(TEXT).matrix
    with pytest.raises(CircuitError):
        model.fit([["a0"]])
    assert not model.history.rows
    with pytest.raises(CircuitError, match="was not watched"):
        model.pulls("a0")
    assert model.fit(TEXT).matrix.tobytes() == first.tobytes()


def test_words_that_were_not_watched_are_refused():
    model = small(epochs=1, watch="a0")
    model.fit(TEXT)
    with pytest.raises(CircuitError, match=r"those that were: a0\. Name it in watch="):
        model.pulls("a1")


def test_it_is_said_where_nearly_all_words_are_dropped():
    with pytest.warns(UserWarning, match="sample=0.001 drops frequent words: of 640 words about"):
        small(sample=1e-3, epochs=1).fit(TEXT)


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_a_window_may_be_wider_than_all_sentences(architecture):
    told = {"architecture": architecture, "epochs": 1}
    wide, wider = (small(window=w, **told) for w in (1000, 10**6))
    vectors = wide.fit(TEXT)
    assert np.linalg.norm(wider.fit(TEXT)["a0"] - vectors["a0"]) < 0.05  # but for what is drawn


def test_wide_windows_of_words_that_are_frequent_in_one_sentence_do_not_diverge():
    rng = np.random.default_rng(0)
    text = [[f"{topic}{k}" for k in rng.geometric(0.1, 150)] for topic in "abcdefgh"]
    vectors = small(window=100, epochs=2).fit(text)
    assert {word[0] for word, _ in vectors.nearest("c1", 5)} == {"c"}
    assert np.abs(vectors.matrix).max() < 5.0


def test_a_tree_needs_no_noise():
    way = {"loss": "hierarchical softmax", "epochs": 1}
    one, other = (small(negatives=n, **way).fit(TEXT).matrix for n in (0, 5))
    assert one.tobytes() == other.tobytes()


def test_vectors_of_chance_alone_are_refused():
    with (
        pytest.warns(UserWarning, match="about 0 are kept"),
        pytest.raises(
            CircuitError, match="no pairs of words were left to learn from: sample=1e-30"
        ),
    ):
        small(sample=1e-30).fit(TEXT)


def test_training_that_diverges_is_refused():
    with pytest.raises(CircuitError, match="training diverged"), np.errstate(all="ignore"):
        small(learning_rate=1e18).fit([["a", "b"]] * 9)


def test_it_has_a_name_at_the_top():
    assert pb.Word2Vec is Word2Vec


def test_a_batch_is_smaller_where_words_are_few():
    shape = module.batch_shape
    model = small()
    vocabulary = lambda n: module.Vocabulary(tuple(map(str, range(n))), np.full(n, 10))
    assert shape(vocabulary(10_000), np.ones(10_000), model.settings, 5) == (16, 8)
    groups, group = shape(vocabulary(2), np.ones(2), model.settings, 5)
    assert groups * group < 10
