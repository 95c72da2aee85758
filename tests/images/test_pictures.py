"""Pictures with a class each: their parts, and what a network takes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.images import Pictures
from pullback.tables import Dataset
from pullback.train.split import split_rows

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (50, 4, 3, 2), np.uint8)
LABELS = RNG.permutation(np.repeat(np.arange(3), [10, 15, 25]))
FILES = tuple(Path(f"{k}.png") for k in range(50))
WHOLE = Pictures("some", IMAGES, LABELS, ("a", "b", "c"), "here", ("a note",), FILES)


def test_inputs_are_from_0_to_1():
    x = WHOLE.inputs
    assert (x.dtype, x.shape) == (np.float32, (50, 4, 3, 2))
    np.testing.assert_array_equal(x, (IMAGES / 255.0).astype(np.float32))
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    x = Pictures("every", every, [0], ("a",)).inputs
    assert (x.min(), x.max(), len(np.unique(x))) == (0.0, 1.0, 256)
    assert Pictures("float", x, [0], ("a",)).inputs is x


def test_what_is_kept_is_what_was_given():
    assert WHOLE.images is IMAGES
    assert WHOLE.labels.dtype == np.int64
    assert (len(WHOLE), WHOLE.shape) == (50, (4, 3, 2))
    assert "array" not in repr(WHOLE)
    assert WHOLE == WHOLE
    assert hash(WHOLE)


@pytest.mark.parametrize(
    "which", [[3, 1, 1], slice(5, 20, 3), LABELS == 2, np.array([], np.int64), 7, [-1]]
)
def test_rows(which):
    part = WHOLE.rows(which)
    numbers = np.atleast_1d(np.arange(50)[which])
    np.testing.assert_array_equal(part.images, IMAGES[numbers])
    np.testing.assert_array_equal(part.labels, LABELS[numbers])
    np.testing.assert_array_equal(part.places, numbers)
    assert part.files == tuple(FILES[k] for k in numbers)
    assert (part.classes, part.source, part.notes) == (WHOLE.classes, "here", ("a note",))
    if len(part) > 1:
        np.testing.assert_array_equal(part.rows([1]).places, numbers[[1]])


def test_a_split_is_that_of_tables():
    parts = WHOLE.split(0.6, 0.2, 0.2, seed=4)
    assert [len(part) for part in parts] == [30, 10, 10]
    np.testing.assert_array_equal(np.sort(np.concatenate([p.places for p in parts])), np.arange(50))
    for part in parts:
        np.testing.assert_array_equal(
            np.bincount(part.labels), np.array([1, 1.5, 2.5]) * len(part) / 5
        )
    table = Dataset("same", np.zeros((50, 1)), LABELS, ("a", "b", "c"))
    for part, same in zip(parts, table.split(0.6, 0.2, 0.2, seed=4), strict=True):
        np.testing.assert_array_equal(part.places, same.places)
    assert not np.array_equal(WHOLE.split(0.6, 0.4, seed=5)[0].places, parts[0].places)


def test_test_pictures_are_of_no_part():
    data = Pictures("two", IMAGES, LABELS, "abc", test=WHOLE, validation=WHOLE)
    for part in data.split(0.5, 0.5):
        assert part.test is None
        assert part.validation is None


def test_what_cannot_be_split_is_refused():
    with pytest.raises(pb.CircuitError, match="class 'c' has 0 examples, and each of 2 parts"):
        Pictures("two", IMAGES, LABELS % 2, ("a", "b", "c")).split(0.5, 0.5)
    with pytest.raises(pb.CircuitError, match="add up to 1"):
        WHOLE.split(0.5, 0.4)
    with pytest.raises(pb.CircuitError, match="1 rows are too few for 2 parts"):
        split_rows(1, (0.5, 0.5), 0)


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (IMAGES[0], LABELS, r"images are an array of \(rows, H, W, C\), got \(4, 3, 2\)"),
        (IMAGES.tolist(), LABELS, "got list"),
        (IMAGES.astype(float), LABELS, "images are uint8, or float32 from 0 to 1, got float64"),
        (IMAGES.astype(np.float32), LABELS, "in float32 are from 0 to 1, got 0 to 255"),
        (np.full((1, 1, 1, 1), np.nan, np.float32), [0], "from 0 to 1, got nan"),
        (IMAGES, LABELS[:-1], "one class number for each of 50 pictures, got int64 of shape"),
        (IMAGES, LABELS.astype(float), "got float64"),
        (IMAGES, LABELS + 1, "of 3 classes are from 0 to 2, got 1 to 3"),
        (IMAGES, LABELS - 1, "got -1 to 1"),
    ],
)
def test_other_shapes_and_kinds_are_refused(images, labels, words):
    with pytest.raises(pb.CircuitError, match=f"^some: .*{words}"):
        Pictures("some", images, labels, ("a", "b", "c"))
    with pytest.raises(pb.CircuitError, match="2 files for 50 pictures"):
        Pictures("some", IMAGES, LABELS, ("a", "b", "c"), files=FILES[:2])


def test_they_train_a_network():
    images = np.zeros((40, 6, 6, 1), np.uint8)
    images[1::2, 3:] = 255
    data = Pictures("halves", images, np.arange(40) % 2, ("upper", "lower"))
    model = pb.Sequential(pb.Conv2d(4, 3), pb.ReLU(), pb.Flatten(), pb.Dense(2), rng=0)
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05), engine="eager")
    trainer.fit(data.inputs, data.labels, epochs=5, progress=False)
    assert trainer.evaluate(data.inputs, data.labels)["accuracy"] == 1.0
