"""Batches of pictures, read ahead: the same whatever the threads, and nothing is left behind."""

from __future__ import annotations

import gc
import threading
import time

import numpy as np
import pytest
from PIL import Image

import pullback as pb
from pullback.images import PictureBatches, batches, list_folder, read_folder

COUNT = 23


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(COUNT):
        path = tmp_path / "abc"[k % 3] / f"{k}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).save(path)
    return tmp_path


def readers():
    return [x for x in threading.enumerate() if x.name.startswith("pullback-read")]


def epoch(source):
    inputs, labels = zip(*source(), strict=True)
    return np.concatenate(inputs), np.concatenate(labels)


def test_an_epoch_is_every_picture_once(folder):
    whole = read_folder(folder, size=8)
    source = list_folder(folder).batches(size=8, batch_size=5, shuffle=False)
    sizes = [len(labels) for _, labels in source()]
    assert sizes == [5, 5, 5, 5, 3]
    assert len(source) == 5
    inputs, labels = epoch(source)
    assert (inputs.dtype, labels.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(inputs, whole.inputs)
    np.testing.assert_array_equal(labels, whole.labels)


@pytest.mark.parametrize("batch_size", [1, 4, COUNT, 1000])
def test_order_depends_on_seed_and_epoch_alone(folder, batch_size):
    whole = read_folder(folder, size=8)
    listing = list_folder(folder)

    def run(threads, seed=3):
        source = listing.batches(size=8, batch_size=batch_size, threads=threads, seed=seed)
        return [epoch(source) for _ in range(3)]

    one, three, other = run(1), run(3), run(None, seed=4)
    for k in range(3):
        order = np.random.default_rng([3, k]).permutation(COUNT)
        np.testing.assert_array_equal(one[k][0], whole.inputs[order])
        np.testing.assert_array_equal(one[k][1], whole.labels[order])
        np.testing.assert_array_equal(one[k][0], three[k][0])
        assert not np.array_equal(one[k][0], other[k][0])
    assert not np.array_equal(one[0][0], one[1][0])
    resumed = listing.batches(size=8, batch_size=batch_size, seed=3)
    resumed.epoch = 2
    np.testing.assert_array_equal(epoch(resumed)[0], one[2][0])
    assert resumed.epoch == 3


def test_size_and_channels_are_found_and_told(folder):
    source = list_folder(folder).batches()
    assert (source.size, source.channels, source.notes) == ((9, 12), 3, ())
    Image.new("L", (50, 40)).save(folder / "a" / "grey.png")
    source = list_folder(folder).batches()
    assert (source.size, source.channels) == ((9, 12), 3)
    assert [note.partition(":")[0] for note in source.notes] == [
        "1 picture of 24 is grey",
        "the pictures have 2 sizes, from 9x12 to 40x50 (height x width)",
    ]
    assert repr(source) == "<24 pictures of 9x12x3 in 1 batches>"


def test_a_file_that_cannot_be_read_is_named_at_its_batch(folder):
    source = list_folder(folder).batches(size=8, batch_size=4, shuffle=False)
    broken = source.files[9]
    broken.write_bytes(broken.read_bytes()[:-40])
    running = source()
    for _ in range(2):
        next(running)
    with pytest.raises(pb.CircuitError, match=rf"cannot read .*{broken.name}: it is damaged"):
        next(running)
    assert readers() == []
    source.files[0].write_text("no picture")
    with pytest.raises(pb.CircuitError, match="it is no picture"):
        list_folder(folder).batches(size=8)


def test_only_a_few_batches_are_read_ahead(folder, monkeypatch):
    read = []
    truly = batches.decoded
    monkeypatch.setattr(
        batches, "decoded", lambda path, *how: read.append(path) or truly(path, *how)
    )
    source = list_folder(folder).batches(size=8, batch_size=2, threads=2)
    running = source()
    next(running)
    time.sleep(0.2)
    assert len(read) <= 2 * (1 + batches._AHEAD)
    running.close()


def test_threads_end_when_the_batches_are_abandoned(folder):
    source = list_folder(folder).batches(size=8, batch_size=2, threads=3)
    for _ in source():
        assert readers()
        break
    gc.collect()
    assert readers() == []
    running = source()
    next(running)
    del running
    gc.collect()
    assert readers() == []
    for _ in source():
        pass
    assert readers() == []


def test_a_trainer_takes_them(folder):
    whole = read_folder(folder, size=8)

    def trained(threads):
        model = pb.Sequential(pb.Flatten(), pb.Dense(8), pb.ReLU(), pb.Dense(3), rng=0)
        trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.01), engine="eager")
        source = list_folder(folder).batches(size=8, batch_size=6, threads=threads)
        history = trainer.fit(
            source, epochs=3, validation=(whole.inputs, whole.labels), progress=False
        )
        assert source.epoch == 3
        return [row["loss"] for row in history.rows]

    one = trained(1)
    assert one == trained(4)
    assert one[-1] < one[0]


def test_arguments_are_refused(folder):
    files, labels = list_folder(folder).files, list_folder(folder).labels
    for told, words in [
        ((files, labels[:-1], 8, 3), "one class number for each of 23 files, got int64 of shape"),
        ((files, labels.astype(float), 8, 3), "got float64"),
        (((), np.array([], int), 8, 3), "there are no files to make batches of"),
        ((files, labels, 0, 3), "a size is a whole number above 0"),
        ((files, labels, 8, None), "channels are 1 for grey or 3 for colour"),
        ((files, labels, 8, 2), "got 2"),
    ]:
        with pytest.raises(pb.CircuitError, match=words):
            PictureBatches(*told)
    with pytest.raises(pb.CircuitError, match="a seed is a whole number from 0 on, got -1"):
        PictureBatches(files, labels, 8, 3, seed=-1)
    for name in ("batch_size", "threads"):
        with pytest.raises(pb.CircuitError, match=f"{name} .*a whole number of at least 1, got 0"):
            PictureBatches(files, labels, 8, 3, **{name: 0})
