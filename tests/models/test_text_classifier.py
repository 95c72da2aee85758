"""The recurrent classifier of texts."""

import numpy as np
import pytest

import pullback as pb
from pullback.models import text_classifier


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_padded_batch_is_each_text_alone(cell):
    model = text_classifier(12, 3, cell, 5, 2, rng=1)
    words, lengths = np.array([[3, 1, 11, 7], [2, 5, 0, 0], [9, 0, 0, 0]]), np.array([4, 2, 1])
    together = model.predict((words, lengths))
    assert together.shape == (3, 3)
    for row, length, scores in zip(words, lengths, together, strict=True):
        alone = model.predict((row[None, :length], np.array([length])))[0]
        np.testing.assert_allclose(scores, alone, rtol=1e-5, atol=1e-6)


def test_the_order_of_words_can_be_learned():
    # which of two words comes first, which no bag of words tells
    rng = np.random.default_rng(0)
    words = rng.integers(2, 8, (160, 6))
    labels = np.arange(160) % 2
    for row, label in zip(words, labels, strict=True):
        first, second = np.sort(rng.permutation(6)[:2])
        row[first], row[second] = (0, 1) if label else (1, 0)
    lengths = np.full(160, 6)
    model = text_classifier(8, 2, "gru", 12, dropout=0.0, embedding=8, rng=0)
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.02), seed=0)
    trainer.fit((words, lengths), labels, epochs=12, progress=False)
    assert trainer.evaluate((words, lengths), labels)["accuracy"] > 0.95


def test_dropout_none_makes_no_layers_of_it():
    kinds = [type(layer) for layer in text_classifier(9, dropout=0.0)]
    assert pb.Dropout not in kinds
    assert len(kinds) == 4


def test_another_cell_is_refused():
    with pytest.raises(pb.CircuitError, match="a cell is one of rnn, gru, lstm, got 'mlp'"):
        text_classifier(9, 2, "mlp")
