"""Batches of recordings: each once an epoch, by seed and epoch alone, with little padding."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import pullback as pb
from pullback.sequences.sound import RecordingBatches, Recordings, features_of, padded
from pullback.sequences.sound.batches import groups_of

RNG = np.random.default_rng(0)
COUNT = 23
DATA = Recordings(
    "noises",
    [RNG.normal(0, 0.1, n) for n in RNG.integers(1, 4000, COUNT)],
    8000,
    np.arange(COUNT) % 3,
    ("a", "b", "c"),
)
LAYER = pb.LogMel(8000, 8)


def alone(layer, sound):
    return layer(sound[None]).value[0]


@pytest.mark.parametrize("engine", ["native", "eager"])
@pytest.mark.parametrize("layer", [LAYER, pb.MFCC(8000, 5, 8)])
def test_features_are_those_of_each_recording_alone(engine, layer):
    for found, sound in zip(features_of(DATA, layer, engine=engine), DATA.sounds, strict=True):
        wanted = alone(layer, sound)
        assert (found.shape, found.dtype) == (wanted.shape, np.float32)
        np.testing.assert_allclose(found, wanted, atol=2e-3)  # of powers near the floor, in float32


def test_an_epoch_is_every_recording_once():
    batches = RecordingBatches(DATA, LAYER, batch_size=4, groups=3, seed=1)
    wanted = {len(x) + 1000 * k: (x, k) for k, x in enumerate(features_of(DATA, LAYER))}
    assert len(wanted) == COUNT
    rows, shapes = 0, set()
    for (x, lengths), labels in batches():
        assert (x.dtype, lengths.dtype, labels.dtype) == (np.float32, np.int64, np.int64)
        shapes.add(x.shape)
        for row, length, label in zip(x, lengths, labels, strict=True):
            match = [
                k
                for y, k in wanted.values()
                if len(y) == length and np.array_equal(row[:length], y)
            ]
            assert len(match) == 1
            assert label == DATA.labels[match[0]]
            assert not row[length:].any()
            rows += 1
    assert rows == COUNT
    assert len(batches) == 6
    assert len(shapes) <= 4


@pytest.mark.parametrize("batch_size", [1, 5, COUNT, 1000])
def test_order_depends_on_seed_and_epoch_alone(batch_size):
    def run(seed=3, epoch=0, **how):
        batches = RecordingBatches(DATA, None, batch_size=batch_size, seed=seed, **how)
        batches.epoch = epoch
        return [[(x.tobytes(), labels.tolist()) for (x, _), labels in batches()] for _ in range(2)]

    one, two = run(), run()
    assert one == two
    assert run(epoch=1)[0] == one[1]
    assert one[0] != one[1]
    assert run(seed=4) != one
    still = run(shuffle=False)
    assert still[0] == still[1]


def test_groups_have_the_least_padding():
    """Against all ways to cut the rows between batches."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        count, batch_size, most = rng.integers(1, 14), rng.integers(1, 4), rng.integers(1, 5)
        lengths = rng.integers(1, 20, count)
        groups = groups_of(lengths, batch_size, most)
        assert sorted(np.concatenate(groups).tolist()) == list(range(count))
        assert len(groups) <= most
        assert all(len(group) % batch_size == 0 for group in groups[1:])
        batches = -(-count // batch_size)
        spare, rows = batches * batch_size - count, np.sort(lengths)
        ways = (
            [0, *(k * batch_size - spare for k in cuts), count]
            for n in range(min(most, batches))
            for cuts in itertools.combinations(range(1, batches), n)
        )
        least = min(sum((b - a) * rows[b - 1] for a, b in itertools.pairwise(way)) for way in ways)
        assert sum(len(group) * lengths[group].max() for group in groups) == least


def test_more_batches_than_places_to_cut():
    groups = groups_of(np.arange(5001) % 50, 2, 8)
    assert (len(groups), sum(map(len, groups))) == (8, 5001)
    assert len(groups[0]) % 2 == 1


def test_little_is_padded():
    one, many = (RecordingBatches(DATA, None, batch_size=2, groups=n) for n in (1, 6))
    assert 0.0 < many.share_padded < one.share_padded < 1.0
    assert repr(many).startswith("<23 recordings in 12 batches of ")


def test_labels_one_after_another_carry_the_lengths():
    several = np.where(np.arange(2) < 1 + np.arange(COUNT)[:, None] % 2, 1, -1)
    data = Recordings("noises", DATA.sounds, 8000, several, DATA.classes)
    wanted = {len(x): row for x, row in zip(features_of(data, LAYER), several, strict=True)}
    for (_, lengths), labels in RecordingBatches(data, LAYER, batch_size=4)():
        assert labels.shape == (len(lengths), 3)
        np.testing.assert_array_equal(labels[:, 0], -2 - lengths)
        if len(wanted) == COUNT:  # a length tells which row it is
            for length, row in zip(lengths, labels, strict=True):
                np.testing.assert_array_equal(row[1:], wanted[length])


def test_features_are_standardized_over_all_frames():
    frames = np.concatenate(features_of(DATA, LAYER)).astype(np.float64)
    layer = RecordingBatches(DATA, LAYER).standardize()
    np.testing.assert_allclose(layer.config["mean"], frames.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(layer.config["deviation"], frames.std(axis=0), atol=1e-6)
    silence = Recordings("silence", [np.zeros(800)] * 2, 8000, [0, 1], ("a", "b"))
    assert RecordingBatches(silence, LAYER).standardize().config["deviation"] == [1.0] * 8
    with pytest.raises(pb.CircuitError, match="sounds are not standardized, but features"):
        RecordingBatches(DATA, None).standardize()


def test_a_trainer_takes_them():
    pitch = np.array([400.0, 900.0, 2000.0])
    times = [np.arange(n) / 8000 for n in RNG.integers(800, 2400, 30)]
    labels = np.arange(30) % 3
    tones = [np.sin(2 * np.pi * pitch[k] * t) for k, t in zip(labels, times, strict=True)]
    data = Recordings("tones", tones, 8000, labels, ("low", "middle", "high"))

    def forward(layers, x, lengths, *, training):
        """The mean of the frames that count: behind them are zeros."""
        mean = (x / 10.0).sum(axis=1) / pb.reshape(lengths, (-1, 1))
        return layers.dense(mean, training=training)

    trainer = pb.Trainer(
        pb.Model(forward, dense=pb.Dense(3, rng=0)),
        pb.SoftmaxCrossEntropy(),
        pb.Adam(0.1),
        engine="eager",
    )
    batches = RecordingBatches(data, LAYER, batch_size=8, groups=2)
    held_out = padded(features_of(data, LAYER))
    history = trainer.fit(batches, epochs=12, validation=(held_out, labels), progress=False)
    assert batches.epoch == 12
    assert history.rows[-1]["validation_accuracy"] > 0.9


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"batch_size": 0}, "batch_size is a whole number of at least 1, got 0"),
        ({"groups": 1.5}, "groups is a whole number of at least 1, got 1.5"),
        ({"seed": -1}, "a seed is a whole number from 0 on, got -1"),
        (
            {"features": pb.LogMel(16000)},
            r"is for another rate than that of noises, 8,000 Hz; make",
        ),
        ({"features": pb.Dense(2)}, "features are made by a LogMel or an MFCC, got Dense"),
        ({"features": pb.LogMel(8000, centre=False)}, "less than a window of .*; leave it out"),
    ],
)
def test_arguments_are_refused(told, words):
    with pytest.raises(pb.CircuitError, match=words):
        RecordingBatches(DATA, **{"features": None, **told})


def test_nothing_to_make_batches_of():
    with pytest.raises(pb.CircuitError, match="there are no recordings to make batches of"):
        RecordingBatches(DATA.rows(slice(0)))
