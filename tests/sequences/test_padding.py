"""Batches of sequences of different lengths."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.sequences.padding import PaddedBatches, padded
from pullback.sequences.text import Characters, character_matrix

RNG = np.random.default_rng(0)


def ragged(count, longest=50):
    return [RNG.integers(1, 9, n) for n in RNG.integers(1, longest, count)]


def test_padding():
    array, lengths = padded([[3, 1], [], np.array([2], np.uint8)], fill=-1)
    assert array.tolist() == [[3, 1], [-1, -1], [2, -1]]
    assert lengths.tolist() == [2, 0, 1]
    assert array.dtype == lengths.dtype == np.int64
    assert padded([])[0].shape == (0, 0)
    assert padded([[1]], steps=4)[0].shape == (1, 4)


def test_padding_of_floats():
    rows = [np.ones((2, 3), np.float32), np.ones((0, 3), np.float32), np.ones((4, 3), np.float32)]
    x, lengths = padded(rows, steps=5)
    assert (x.shape, x.dtype, lengths.tolist()) == ((3, 5, 3), np.float32, [2, 0, 4])
    assert x.sum(axis=(1, 2)).tolist() == [6, 0, 12]
    assert (x[0, 2:] == 0).all()
    (x, n), y = next(PaddedBatches(rows[::2], [1, 0], multiple=3, fill=-1.0)())
    assert (x.shape, x.dtype) == ((2, 6, 3), np.float32)
    assert [x[k, : n[k]].sum() for k in range(2)] == [3 * m for m in n]
    assert (x[np.arange(6) >= n[:, None]] == -1.0).all()
    assert y.tolist() == [int(m == 2) for m in n]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: padded([[1], [1, 2, 3]], steps=2), "sequence 1 has 3 steps, .* room for 2"),
        (lambda: padded([[1], [0.5]]), "sequence 1 is of float64, and others of int64"),
        (lambda: padded(["text"]), "sequence 0 must be numbers .*: encode it first"),
        (lambda: padded([1, 2]), r"sequence 0 must be .* of shape \(\)"),
        (lambda: padded([[1], [[1]]]), r"sequence 1 has the shape \(1, 1\), and sequence 0 \(1,\)"),
        (lambda: padded([[[1]], [[1, 2]]]), "they may differ in their steps alone"),
        (lambda: PaddedBatches([[1]], [[0.5]]), "labels of sequence 0 must be whole numbers"),
        (lambda: PaddedBatches([], []), "one sequence at least, .* got 0"),
        (lambda: PaddedBatches((), []), "one sequence at least, .* got none"),
        (lambda: PaddedBatches(([[1]], []), [0]), "as many of each input; got 1 and 0"),
        (lambda: PaddedBatches(([[1]], [[[1], [2]]]), [0]), "sequence 0 has 1 and 2 steps"),
        (lambda: PaddedBatches(([[1]], [[2]]), [0], fill=(1,)), "one for each of 2 inputs"),
        (lambda: PaddedBatches([[1]], [[[0]]]), r"1 steps and labels of shape \(1, 1\)"),
        (lambda: PaddedBatches([[1]], [0, 1]), "got 1 sequences and labels for 2"),
        (lambda: PaddedBatches([[1], []], [0, 1]), "sequence 1 is empty: leave it out"),
        (
            lambda: PaddedBatches([[1, 2]], [[0]]),
            r"sequence 0 has 2 steps and labels of shape \(1,\)",
        ),
        (lambda: PaddedBatches([[1]], [0], rows=0), "rows must be a whole number"),
        (lambda: PaddedBatches([[1]], [0], multiple=0), "multiple must be a whole number"),
        (lambda: PaddedBatches([[1]], [0], seed=0.5), "a seed is a whole number"),
        (
            lambda: character_matrix([["ab", "cx"]], Characters.of("abc")),
            "word 1 of sentence 0: .*",
        ),
        (lambda: character_matrix([["a", "b"]], Characters.of("ab"), steps=1), "has 2 words, and"),
        (lambda: character_matrix([["a"]], Characters.of("a"), longest=0), "longest must be"),
    ],
)
def test_wrong_arguments_are_refused(make, said):
    with pytest.raises(pb.CircuitError, match=said):
        make()


def test_characters_of_words():
    letters = Characters.of("abc")
    sentences = [["ab", "c", "cab"], [], ["b"]]
    matrix = character_matrix(sentences, letters)
    assert matrix.shape == (3, 3, 3)
    for row, words in enumerate(sentences):
        for k in range(3):
            word = words[k] if k < len(words) else ""
            expected = [*letters.encode(word), *[3] * (3 - len(word))]
            assert matrix[row, k].tolist() == expected
    cut = character_matrix(sentences, letters, steps=4, longest=2)
    assert cut.shape == (3, 4, 2)
    assert cut[0, 2].tolist() == [2, 0]
    assert character_matrix([], letters).shape == (0, 0, 0)


@pytest.mark.parametrize(("count", "rows", "multiple"), [(1, 4, 16), (13, 4, 1), (64, 8, 10)])
@pytest.mark.parametrize("stepwise", [False, True])
def test_an_epoch_has_every_sequence_once(count, rows, multiple, stepwise):
    sequences = ragged(count)
    labels = [row + 1 for row in sequences] if stepwise else np.arange(count)
    batches = PaddedBatches(sequences, labels, rows, multiple=multiple, seed=1)
    epochs = [list(batches()), list(batches())]
    for epoch in epochs:
        found = []
        assert len(epoch) == len(batches)
        for (numbers, lengths), y in epoch:
            assert len(numbers) == len(lengths) == len(y) <= rows
            assert numbers.shape[1] % multiple == 0
            assert lengths.max() > numbers.shape[1] - multiple
            for k, n in enumerate(lengths):
                assert (numbers[k, n:] == 0).all()
                if stepwise:
                    np.testing.assert_array_equal(y[k, :n], numbers[k, :n] + 1)
                    assert (y[k, n:] == -1).all()
                else:
                    np.testing.assert_array_equal(sequences[y[k]], numbers[k, :n])
                found.append(tuple(numbers[k, :n]))
        assert sorted(found) == sorted(map(tuple, sequences))
    if count > 10:
        assert any(a[0][0].tolist() != b[0][0].tolist() for a, b in zip(*epochs, strict=True))
    again = PaddedBatches(sequences, labels, rows, multiple=multiple, seed=1)
    again.epoch = 1
    for a, b in zip(again(), epochs[1], strict=True):
        np.testing.assert_array_equal(a[0][0], b[0][0])


def test_several_inputs_stay_together():
    words, letters = ragged(20), Characters.of("123456789")
    spelled = [character_matrix([list(map(str, row))], letters, longest=2)[0] for row in words]
    batches = PaddedBatches((words, spelled), words, rows=6, multiple=4, fill=(0, 9), seed=2)
    alone = PaddedBatches(words, words, rows=6, multiple=4, seed=2)
    for ((x, c, n), y), ((x_alone, n_alone), y_alone) in zip(batches(), alone(), strict=True):
        assert c.shape == (*x.shape, 2)
        for found, wanted in ((x, x_alone), (n, n_alone), (y, y_alone)):
            np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(c[..., 0], np.where(x > 0, x - 1, 9))
        assert (c[..., 1] == 9).all()
    one_fill = PaddedBatches((words, spelled), words, rows=6, multiple=4, fill=7)
    for (x, c, n), _ in one_fill():
        behind = np.arange(x.shape[1]) >= n[:, None]
        assert (x[behind] == 7).all()
        assert (c[behind] == 7).all()


def test_little_is_padded():
    sequences = ragged(1000, 200)
    used = sum(map(len, sequences))
    made = sum(x.size for (x, _), _ in PaddedBatches(sequences, np.zeros(1000, int), 32)())
    assert made < 1.25 * used


def test_a_trainer_takes_them_with_their_lengths():
    """Which sequences have an 8 is learned whatever stands behind their ends."""
    sequences = ragged(60, 12)
    labels = np.array([int(8 in row) for row in sequences])
    model = pb.Padded(pb.Embedding(9, 8), pb.GRU(16, last=True), pb.Dense(2))
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.02))
    trainer.fit(PaddedBatches(sequences, labels, rows=30, multiple=12), epochs=40)
    assert trainer.evaluate(padded(sequences), labels)["accuracy"] > 0.95
