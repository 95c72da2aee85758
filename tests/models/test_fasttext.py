"""The classifier of texts by their n-grams: what it computes, and how it learns."""

import numpy as np

import pullback as pb
from pullback.models import fasttext
from pullback.sequences.text import PaddedBatches, Words, padded, word_ngrams


def test_it_is_linear_in_the_mean_of_the_vectors():
    model = fasttext(9, 3, 4)
    rows = [[1, 8, 1], [0], [5, 2]]
    x, lengths = padded(rows)
    scores = model(x, lengths).value
    p = {name: unit.value for name, unit in model.parameters.items()}
    for row, found in zip(rows, scores, strict=True):
        mean = p["embedding1.table"][row].mean(axis=0)
        wanted = mean @ p["dense1.weight"] + p["dense1.bias"]
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found, model(np.array([row])).value[0], rtol=1e-5, atol=1e-7)


def test_pairs_of_words_tell_what_words_cannot(tmp_path):
    """Of two good and two bad words, "not" turns the one behind it: words alone are at chance."""
    rng = np.random.default_rng(0)
    texts, labels = [], []
    for _ in range(400):
        good, turned = rng.random(2) < 0.5
        first = "good" if good else "bad"
        other = "bad" if good else "good"
        text = ["not", first, "but", other] if turned else ["not", other, "but", first]
        texts.append(["film", *text, *rng.choice(["a", "the"], rng.integers(0, 5))])
        labels.append(int(good != turned))

    def accuracy(longest):
        grams = [word_ngrams(text, longest) for text in texts]
        words = Words.of(grams)
        numbers = [words.encode(row) for row in grams]
        model = fasttext(len(words), 2, 4, dropout=0.1)
        trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05))
        trainer.fit(PaddedBatches(numbers[:300], labels[:300], multiple=20), epochs=10)
        model.save(tmp_path / "m")
        again = pb.Padded.load(tmp_path / "m")
        x = padded(numbers[300:])
        np.testing.assert_array_equal(again.predict(x), model.predict(x))
        return trainer.evaluate(x, labels[300:])["accuracy"]

    assert accuracy(1) < 0.65
    assert accuracy(2) > 0.99
