"""Whole numbers that a layer cannot take are refused before work, wherever among all rows."""

import numpy as np
import pytest

import pullback as pb
from pullback.train import door

WORDS = np.random.default_rng(0).integers(0, 5, (60, 2))


def trainer(engine, *first):
    layers = *first, pb.Embedding(5, 3), pb.Flatten(), pb.Dense(2)
    return pb.Trainer(
        pb.Sequential(*layers, rng=0), pb.SoftmaxCrossEntropy(), pb.SGD(0.5), engine=engine
    )


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
@pytest.mark.parametrize("row", [0, 31, 59])
@pytest.mark.parametrize("wrong", [5, -1])
def test_a_number_outside_of_an_embedding_is_refused_in_any_row(engine, row, wrong):
    words = WORDS.copy()
    words[row, 1] = wrong
    one = trainer(engine)
    message = f"layer 'embedding1' has rows 0 to 4, and was asked for {wrong}"
    with pytest.raises(pb.CircuitError, match=message):
        one.fit(words, words[:, 0] % 2, epochs=1)
    one.fit(WORDS, WORDS[:, 0] % 2, epochs=1)
    for ask in (one.predict, lambda x: one.evaluate(x, WORDS[:, 0] % 2)):
        with pytest.raises(pb.CircuitError, match=message):
            ask(words)


def test_also_behind_layers_that_move_them():
    words = WORDS.copy()
    words[7] = 9
    with pytest.raises(pb.CircuitError, match="was asked for 9"):
        trainer("eager", pb.Reshape((2, 1)), pb.Flatten()).fit(words, words[:, 0] % 2)


def test_what_is_made_of_other_numbers_is_looked_at_by_no_one():
    class Rounded(pb.Layer):
        def apply(self, x, *, training):
            return pb.astype(x * 2.0, np.int64)

    one = trainer("eager", Rounded())
    one.fit(np.abs(np.sin(WORDS)), WORDS[:, 0] % 2, epochs=1)


def test_a_model_that_looks_at_numbers_is_given_them_by_the_batch():
    class Looks(pb.Layer):
        takes_integers = True

        def apply(self, x, *, training):
            assert np.all(x.value >= 0)
            return x

    one = trainer("native", Looks())
    one.fit(WORDS, WORDS[:, 0] % 2, epochs=1)
    with pytest.raises(pb.CircuitError, match="was asked for 5"):
        one.predict(np.full((3, 2), 5))


def test_how_inputs_come_to_layers_is_found_once_for_all_batches(monkeypatch):
    recordings = []
    record = door._calls
    monkeypatch.setattr(door, "_calls", lambda *given: recordings.append(0) or record(*given))
    labels = WORDS[:, 0] % 2

    def batches():
        for k in range(0, 60, 10):
            yield WORDS[k : k + 10], labels[k : k + 10]

    one = trainer("eager")
    one.fit(batches, epochs=2)
    assert len(recordings) == 2  # to make the parameters, and to find out
    wrong = WORDS[:10].copy()
    wrong[3, 0] = 7
    with pytest.raises(pb.CircuitError, match="was asked for 7"):
        one.fit([(wrong, labels[:10])], epochs=1)
    one.model["embedding1"].trainable = False  # a setting: it is found out anew
    one.fit(batches, epochs=1)
    assert len(recordings) == 3
