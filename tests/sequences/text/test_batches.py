"""Batches of a long text: streams that go on, and windows; what `Trainer.fit` makes of them."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.sequences.text import TextStreams, TextWindows


@pytest.mark.parametrize(
    ("count", "rows", "steps"),
    [(2, 1, 1), (3, 2, 1), (9, 2, 2), (10, 2, 2), (101, 7, 3), (97, 1, 13), (1000, 32, 5)],
)
def test_streams_go_on_where_they_ended(count, rows, steps):
    text = np.random.default_rng(0).integers(0, 50, count)
    streams = TextStreams(text, rows, steps)
    batches = list(streams())
    assert len(batches) == len(streams) >= 1
    inputs = np.concatenate([x for x, _ in batches], axis=1)
    labels = np.concatenate([y for _, y in batches], axis=1)
    length = (count - 1) // rows
    used = length // steps * steps
    for k in range(rows):
        np.testing.assert_array_equal(inputs[k], text[k * length : k * length + used])
        np.testing.assert_array_equal(labels[k], text[k * length + 1 : k * length + used + 1])
    for x, y in batches:
        assert x.shape == y.shape == (rows, steps)
        assert x.dtype == y.dtype == np.int64
        assert x.flags.c_contiguous
        assert y.flags.c_contiguous
    again = list(streams())
    np.testing.assert_array_equal(again[0][0], batches[0][0])


@pytest.mark.parametrize(("count", "rows", "steps"), [(2, 1, 1), (4, 3, 3), (101, 7, 3)])
def test_windows_are_of_the_text_and_seeded(count, rows, steps):
    text = np.arange(count)
    windows = TextWindows(text, rows, steps, batches=5, seed=3)
    first, second = list(windows()), list(windows())
    assert len(windows) == len(first) == 5
    for x, y in first:
        assert x.shape == y.shape == (rows, steps)
        np.testing.assert_array_equal(y, x + 1)
        np.testing.assert_array_equal(np.diff(x, axis=1), 1)
        assert x.min() >= 0
        assert y.max() < count
    if count > 4:
        assert any((a[0] != b[0]).any() for a, b in zip(first, second, strict=True))
    again = TextWindows(text, rows, steps, batches=5, seed=3)
    again.epoch = 1
    for a, b in zip(again(), second, strict=True):
        np.testing.assert_array_equal(a[0], b[0])


def test_every_window_is_drawn_alike():
    windows = TextWindows(np.arange(8), rows=8000, steps=3, batches=1)
    ((x, _),) = windows()
    counts = np.bincount(x[:, 0], minlength=8)
    assert counts[5:].sum() == 0
    expected = 8000 / 5
    assert ((counts[:5] - expected) ** 2 / expected).sum() < 18.5  # chi-square, 4, 0.1%


def test_by_default_an_epoch_of_windows_has_about_the_text():
    assert len(TextWindows(np.zeros(1000, int), 4, 10)) == 24
    assert len(TextWindows(np.zeros(12, int), 4, 10)) == 1


def test_numbers_may_be_of_any_size_and_on_disk(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(200, dtype=np.uint8))
    text = np.load(tmp_path / "a.npy", mmap_mode="r")
    x, y = next(TextStreams(text, 2, 3)())
    assert x.dtype == np.int64
    assert x.tolist() == [[0, 1, 2], [99, 100, 101]]
    assert y.tolist() == [[1, 2, 3], [100, 101, 102]]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: TextStreams(np.zeros(6, int), 2, 3),
            "has 6 numbers, and 2 streams .* 3 .* need 7",
        ),
        (lambda: TextStreams(np.zeros(0, int), 1, 1), "has 0 numbers, and 1 streams .* need 2"),
        (
            lambda: TextWindows(np.zeros(3, int), 9, 3),
            "has 3 numbers, and a window of 3 .* needs 4",
        ),
        (lambda: TextStreams("text", 2, 3), r"give tokenizer.encode\(text\)"),
        (lambda: TextStreams(np.zeros((4, 4), int)), r"in one row, got int64 of shape \(4, 4\)"),
        (lambda: TextWindows(np.zeros(100)), "whole numbers in one row, got float64"),
        (lambda: TextStreams(np.zeros(9, int), 0, 3), "rows must be a whole number from 1"),
        (lambda: TextStreams(np.zeros(9, int), 1, 2.0), "steps must be a whole number from 1"),
        (lambda: TextWindows(np.zeros(9, int), 1, 2, batches=0), "batches must be a whole number"),
        (lambda: TextWindows(np.zeros(9, int), 1, 2, seed=-1), "a seed is a whole number"),
    ],
)
def test_wrong_arguments_are_refused(make, said):
    with pytest.raises(pb.CircuitError, match=said):
        make()


@pytest.mark.parametrize("kind", [TextStreams, TextWindows])
def test_a_trainer_takes_them(kind):
    """A table of what follows what learns a text in which that is certain."""
    batches = kind(np.tile([0, 1, 2], 200), 4, 5)
    model = pb.Sequential(pb.Embedding(3, 3))
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.5), engine="eager")
    trainer.fit(lambda: ((x, np.eye(3)[y]) for x, y in batches()), epochs=20)
    assert model(np.array([[0, 1, 2]])).value.argmax(axis=2).tolist() == [[1, 2, 0]]


def test_a_stateful_layer_reads_streams_as_one_text():
    """With steps of training too small to count, its state is that of the whole streams."""
    text = np.random.default_rng(0).integers(0, 4, 101)
    streams = TextStreams(text, rows=2, steps=7)
    model = pb.Sequential(pb.Embedding(4, 3), pb.GRU(5, stateful=True), pb.Dense(4))
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(1e-30), engine="eager")
    layer, before = model["gru1"], []

    def forget(event):
        before.append([unit.value.copy() for unit in layer.state.values()])
        layer.reset_state()

    trainer.fit(lambda: ((x, np.eye(4)[y]) for x, y in streams()), epochs=2, callbacks=forget)
    whole = np.concatenate([x for x, _ in streams()], axis=1)
    expected = layer(model["embedding1"](whole)).value[:, -1]
    ends = [state[0] for state in before if state]
    assert len(ends) >= 2
    for end in ends[:2]:
        np.testing.assert_allclose(end, expected, rtol=1e-5)
