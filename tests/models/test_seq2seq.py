"""Sequence to sequence: padding, and that it learns. Its values and engines: tests/layers."""

import numpy as np
import pytest

import pullback as pb
from pullback.layers import attention_weights
from pullback.models import Seq2Seq
from pullback.optim import CosineDecay
from pullback.sequences.text import Answers, paired

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("heads", [1, 3])
def test_a_padded_row_is_answered_as_it_is_alone(heads):
    model = Seq2Seq(5, 4, units=6, embedding=3, heads=heads, dtype="float64")
    source, target = RNG.integers(5, size=(4, 6)), RNG.integers(4, size=(4, 3))
    lengths = np.array([6, 1, 4, 0])
    together = model(source, lengths, target).value
    other = np.where(np.arange(6) < lengths[:, None], source, 4 - source)
    np.testing.assert_array_equal(model(other, lengths, target).value, together)
    for k, length in enumerate(lengths):
        alone = model(source[k : k + 1, :length], lengths[k : k + 1], target[k : k + 1]).value
        np.testing.assert_allclose(alone[0], together[k], rtol=1e-12, atol=1e-14)


def test_a_step_of_an_answer_knows_nothing_of_those_behind_it():
    model = Seq2Seq(5, 4, units=6, dtype="float64")
    source, lengths = RNG.integers(5, size=(2, 3)), np.array([3, 2])
    target = np.array([[3, 0, 1, 2], [3, 2, 2, 0]])
    whole = model(source, lengths, target).value
    part = model(source, lengths, target[:, :2]).value
    np.testing.assert_allclose(part, whole[:, :2], rtol=1e-13)
    assert model(source, lengths, target[:, :0]).shape == (2, 0, 4)


@pytest.fixture(scope="module")
def sorter():
    """A model that has learned to sort up to four of eight numbers, and some that it has not seen.

    There are 4,680 of these rows in all, of which it has seen a quarter.
    """
    rng = np.random.default_rng(1)
    drawn = {tuple(rng.integers(8, size=n).tolist()) for n in rng.integers(1, 5, size=4_000)}
    every = sorted(drawn)
    rows = [every[k] for k in rng.permutation(len(every))]
    model = Seq2Seq(8, 9, units=32, embedding=8)
    inputs, labels = paired(rows[200:], [sorted(x) for x in rows[200:]], model.mark)
    rate = CosineDecay(0.01, steps=len(rows[200:]) // 32 * 20)
    trainer = pb.Trainer(model, pb.SequenceCrossEntropy(), pb.Adam(rate, clip_norm=1.0))
    trainer.fit(inputs, labels, epochs=20)
    return model, rows[:200]


def test_it_learns_to_sort_what_it_has_not_seen(sorter):
    model, rows = sorter
    answers = Answers(model, longest=10).greedy(rows)
    right = [answer == sorted(row) for answer, row in zip(answers, rows, strict=True)]
    assert np.mean(right) > 0.95


def test_attention_points_to_where_each_number_stands(sorter):
    model, rows = sorter
    four = [row for row in rows if len(row) == 4 and len(set(row)) == 4]
    inputs, _ = paired(four, [sorted(x) for x in four], model.mark)
    (weights,) = attention_weights(model, *inputs).values()
    assert weights.shape == (len(four), 1, 5, 4)
    looked_at = weights[:, 0, :4].argmax(axis=2)
    assert (looked_at == np.argsort(four, axis=1)).mean() > 0.9


def test_a_saved_model_answers_as_before(sorter, tmp_path):
    model, rows = sorter
    model.save(tmp_path / "m")
    again = Seq2Seq.load(tmp_path / "m")
    assert Answers(again, engine="eager").greedy(rows) == Answers(model).greedy(rows)


def test_what_cannot_be_is_refused():
    source, lengths, target = np.zeros((2, 3), int), np.array([3, 1]), np.zeros((2, 1), int)
    for make, message in (
        (lambda: Seq2Seq(0, 3), "Embedding needs at least one row, got 0"),
        (lambda: Seq2Seq(3, 3, 5, heads=2)(source, lengths, target), "cannot divide 5 features"),
        (lambda: Seq2Seq(3, 3)(source, lengths), r"takes a source \(rows, steps\), lengths"),
        (lambda: Seq2Seq(3, 3)(source, target, lengths), r"got \(2, 3\), \(2, 1\), \(2,\)"),
        (lambda: Seq2Seq(3, 3)(source, lengths, target[:1]), r"got \(2, 3\), \(2,\), \(1, 1\)"),
        (lambda: Seq2Seq(3, 3)(source + 3, lengths, target), "layer 'source' has rows 0 to 2"),
        (lambda: Seq2Seq(3, 3)(source, lengths, target - 1), "layer 'target' has rows 0 to 2"),
        (lambda: Seq2Seq(3, 3)(source, lengths + 1, target), "was told of 4"),
        (lambda: Seq2Seq(3, 3)(source + 0.5, lengths, target), "expects whole numbers"),
    ):
        with pytest.raises(pb.CircuitError, match=message):
            make()


@pytest.mark.parametrize("wrong", ["source", "lengths", "target"])
def test_training_data_that_do_not_fit_are_refused_before_work(wrong):
    given = {"source": [[0, 1], [2, 0]], "lengths": [2, 1], "target": [[2, 0], [2, 1]]}
    given = {name: np.array(x) for name, x in given.items()}
    given[wrong] = given[wrong] + 2
    trainer = pb.Trainer(Seq2Seq(3, 3), pb.SequenceCrossEntropy(), pb.SGD(0.1), engine="eager")
    with pytest.raises(pb.CircuitError, match=r"has rows 0 to 2|was told of 4"):
        trainer.fit(tuple(given.values()), np.zeros((2, 2), int))
