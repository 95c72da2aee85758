"""The tagger: of words and their characters, padded or not, known or not."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.models import Tagger
from pullback.sequences.decoding import viterbi
from pullback.sequences.text import Characters, PaddedBatches, Words, character_matrix, padded

ENDINGS = {"ly": 0, "ed": 1, "s": 2}
SIZES = {"word_units": 4, "character_units": 4, "filters": 8, "units": 6}
LETTERS = Characters.of("abcdefghijklmnopqrstuvwxyz")


def sentences(count, seed):
    """Words of random letters, whose tag is in their ending; but behind "the" all are 3."""
    rng = np.random.default_rng(seed)
    words, tags = [], []
    for length in rng.integers(1, 9, count):
        row, own = [], []
        for k in range(length):
            ending = rng.choice(list(ENDINGS))
            stem = "".join(rng.choice(list(LETTERS.vocabulary), rng.integers(1, 6)))
            is_the = rng.random() < 0.2
            own.append(4 if is_the else 3 if k and row[-1] == "the" else ENDINGS[ending])
            row.append("the" if is_the else stem + ending)
        words.append(row)
        tags.append(own)
    return words, tags


def numbered(words, vocabulary):
    spelled = [character_matrix([row], LETTERS, longest=8)[0] for row in words]
    return [vocabulary.encode(row) for row in words], spelled


def given(words, vocabulary):
    """Words, characters and lengths of all sentences, padded."""
    rows, spelled = numbered(words, vocabulary)
    x, lengths = padded(rows)
    return x, padded(spelled, fill=len(LETTERS))[0], lengths


def small(**told):
    return Tagger(5, 4, 3, **{**SIZES, "dtype": "float64", **told})


def inputs(rows=3, steps=4, longest=5, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, steps + 1, rows)
    ends = rng.integers(1, longest + 1, (rows, steps, 1))
    characters = np.where(
        np.arange(longest) < ends, rng.integers(4, size=(rows, steps, longest)), 4
    )
    return rng.integers(5, size=(rows, steps)), characters, lengths


def test_words_that_nobody_has_seen_are_told_by_their_endings_and_neighbours():
    words, tags = sentences(300, seed=0)
    vocabulary = Words.of(words, minimum=5, unknown="<unknown>")
    model = Tagger(len(vocabulary), len(LETTERS), 5, **SIZES, dropout=0.1)
    batches = PaddedBatches(
        numbered(words, vocabulary), tags, rows=30, multiple=8, fill=(0, len(LETTERS))
    )
    pb.Trainer(model, pb.ChainCrossEntropy(), pb.Adam(0.02)).fit(batches, epochs=12)
    words, tags = sentences(100, seed=1)
    x, characters, lengths = given(words, vocabulary)
    found, _ = viterbi(model.predict((x, characters, lengths)), lengths)
    wanted, _ = padded(tags, fill=-1, steps=found.shape[1])
    assert (found == wanted)[wanted >= 0].mean() > 0.95


def test_a_padded_sentence_is_scored_as_alone():
    model, (words, characters, lengths) = small(), inputs()
    scores = model(words, characters, lengths).value
    tags, best = viterbi(scores, lengths)
    for k, n in enumerate(lengths):
        wide = np.pad(characters[k : k + 1, :n], [(0, 0), (0, 0), (0, 3)], constant_values=4)
        alone = model(words[k : k + 1, :n], wide).value
        np.testing.assert_allclose(scores[k, :n], alone[0, :n], rtol=1e-12, atol=1e-14)
        own, score = viterbi(alone)
        np.testing.assert_array_equal(tags[k, :n], own[0])
        np.testing.assert_allclose(best[k], score[0], rtol=1e-12)


def test_it_goes_to_a_file_and_back(tmp_path):
    model, x = small(dropout=0.5), inputs()
    scores = model(*x).value
    model.save(tmp_path / "m")
    again = Tagger.load(tmp_path / "m")
    np.testing.assert_array_equal(again(*x).value, scores)
    assert repr(again) == repr(model)
    assert again.config == model.config


def test_the_gradients_of_its_loss_are_its_slopes():
    words, characters, lengths = inputs(rows=2, steps=3, longest=2)
    labels = np.where(np.arange(3) < lengths[:, None], words % 3, -1)
    model = small(word_units=2, character_units=2, filters=2, units=2)
    loss = pb.ChainCrossEntropy()(model(words, characters, lengths), labels)
    pb.check_gradients(loss)


def test_the_unknown_word_learns_though_no_word_is_unknown():
    words, characters, lengths = inputs()
    model = small(word_dropout=0.5)
    first, second = (
        model(words % 4 + 1, characters, lengths, training=pb.Training(step=k)) for k in (0, 1)
    )
    assert not np.array_equal(first.value, second.value)
    first.backward()
    table = model.parameters["words.table"]
    assert table.grad[0].any()
    model(words % 4 + 1, characters, lengths).backward()
    assert not table.grad[0].any()
    sure = small(dropout=0.0, word_dropout=0.0)
    drawn = sure(words, characters, training=True).value
    np.testing.assert_array_equal(drawn, sure(words, characters).value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Tagger(0, 4, 3), "word"),
        (lambda: Tagger(5, 4, 3, word_dropout=1.0), "word_dropout"),
        (lambda: small()(np.array([[0]])), "2 or 3 inputs, got 1"),
        (lambda: small()(np.array([[0]]), np.array([[0]])), r"got \(1, 1\) and \(1, 1\)"),
        (lambda: small()(np.array([[0]]), np.zeros((1, 2, 3), int)), r"and \(1, 2, 3\)"),
        (lambda: small()(np.array([[0]]), np.zeros((1, 1, 0), int)), "longest from 1 on"),
        (lambda: small()(np.array([[5]]), np.zeros((1, 1, 2), int)), "'words' has rows 0 to 4"),
        (lambda: small()(np.array([[0]]), np.full((1, 1, 2), 5)), "'characters' has rows 0 to 4"),
        (
            lambda: small()(np.array([[0]]), np.zeros((1, 1, 2), int), np.array([2])),
            "sequences of 1 steps, and was told of 2",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, said):
    with pytest.raises(pb.CircuitError, match=said):
        make()
