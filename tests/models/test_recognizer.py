"""Recognizers: padded and alone, of features made before, from a file, and what they learn."""

import numpy as np
import pytest

import pullback as pb
from pullback.models import spoken_string, spoken_word
from pullback.sequences.decoding import greedy, label_error_rate
from pullback.sequences.sound import RecordingBatches, Recordings, features_of, padded, strung

RATE, CLASSES = 8000, 3
RNG = np.random.default_rng(0)
LENGTHS = np.array([997, 1, 2400, 160])
SOUNDS = [RNG.normal(0, 0.1, n).astype(np.float32) for n in LENGTHS]
FEATURES = {
    "log-mel": lambda: pb.LogMel(RATE, 8),
    "mfcc": lambda: pb.MFCC(RATE, 5, 12, window=0.032, step=0.020),
}
MAKERS = {"word": spoken_word, "string": spoken_string}
each = pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)


def tones(count, seed):
    """Recordings of three words, of which each is a pitch."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    pitch = np.array([400.0, 900.0, 2000.0])[labels] * rng.uniform(0.95, 1.05, count)
    times = [np.arange(n) / RATE for n in rng.integers(600, 1000, count)]
    sounds = [0.1 * np.sin(2 * np.pi * f * t) for f, t in zip(pitch, times, strict=True)]
    return Recordings("tones", sounds, RATE, labels, ("low", "middle", "high"))


def trained(model, loss, batches, epochs):
    trainer = pb.Trainer(model[1:], loss, pb.Adam(0.02), threads=1)
    trainer.fit(batches, epochs=epochs, progress=False)
    return trainer


@each
@pytest.mark.parametrize("features", FEATURES.values(), ids=FEATURES)
@pytest.mark.parametrize("engine", ["eager", "native"])
def test_a_sound_in_a_padded_batch_is_heard_as_alone(maker, features, engine):
    model = maker(CLASSES, features(), units=4, layers=2)
    run = pb.compile(lambda x, n: model(x, n), engine=engine)
    x, lengths = padded(SOUNDS)
    y = run(x, lengths)
    for row, sound in enumerate(SOUNDS):
        alone = model(sound[None]).value[0]
        heard = y[row]
        if maker is spoken_string:
            count = model.output_lengths(lengths)[row]
            assert alone.shape == (count, CLASSES + 1)
            heard = heard[:count]
        np.testing.assert_allclose(heard, alone, atol=2e-3)  # powers near the floor, in float32


@each
def test_features_made_before_are_the_first_layer(maker):
    data = Recordings("noises", SOUNDS, RATE, [0, 1, 2, 0], ("a", "b", "c"))
    layer = pb.LogMel(RATE, 8)
    scale = RecordingBatches(data, layer).standardize()
    model = maker(CLASSES, layer, scale, units=4, rng=3)
    first = model[1:](*padded(features_of(data, layer))).value
    x, lengths = padded(SOUNDS)
    np.testing.assert_allclose(model(x, lengths).value, first, atol=2e-3)
    assert list(model.parameters.values()) == list(model[1:].parameters.values())
    again = maker(CLASSES, layer, scale, units=4, rng=3)
    again(x, lengths)
    for name, unit in model.parameters.items():
        np.testing.assert_array_equal(again.parameters[name].value, unit.value)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_number_of_parameters(layers):
    n, units = 8, 5
    word = spoken_word(CLASSES, pb.LogMel(RATE, n), units=units, layers=layers)
    string = spoken_string(CLASSES, pb.LogMel(RATE, n), units=units, layers=layers)
    sizes = [n, *[2 * units] * (layers - 1)]
    inner = sum(2 * 4 * units * (size + units + 1) for size in sizes)
    assert word.summary(800).parameters == inner + (2 * units + 1) * CLASSES
    assert string.summary(800).parameters == inner + (2 * units + 1) * (CLASSES + 1)


@each
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_of_other_cells(maker, cell):
    model = maker(CLASSES, pb.LogMel(RATE, 8), cell=cell, units=4, dropout=0.0)
    assert type(model[3]).__name__ == cell.upper()
    assert np.isfinite(model(*padded(SOUNDS)).value).all()
    with pytest.raises(pb.CircuitError, match="a cell is one of rnn, gru, lstm, got 'ltsm'"):
        maker(CLASSES, pb.LogMel(RATE, 8), cell="ltsm")


@each
def test_how_loud_a_sound_is_does_not_matter(maker):
    model = maker(CLASSES, pb.LogMel(RATE, 8), units=4)
    x, lengths = padded([sound for sound in SOUNDS if len(sound) > 100])
    y = model(x.astype(np.float64), lengths).value
    np.testing.assert_allclose(model(30.0 * x.astype(np.float64), lengths).value, y, atol=1e-4)


@each
def test_in_training_it_drops(maker):
    x, lengths = padded(SOUNDS)
    model = maker(CLASSES, pb.LogMel(RATE, 8), units=4, dropout=0.5)
    first, second = (model(x, lengths, training=pb.Training(step=k)).value for k in (0, 1))
    assert not np.array_equal(first, second)
    plain = maker(CLASSES, pb.LogMel(RATE, 8), units=4, layers=2, dropout=0.0)
    assert not any(isinstance(layer, pb.Dropout) for _, layer in plain.walk())


def test_a_word_is_learned_and_the_file_takes_sounds(tmp_path):
    train, test = tones(45, 0), tones(12, 1)
    layer = pb.LogMel(RATE, 12)
    batches = RecordingBatches(train, layer, batch_size=9, groups=2)
    model = spoken_word(CLASSES, layer, batches.standardize(), units=6)
    trainer = trained(model, pb.SoftmaxCrossEntropy(), batches, 8)
    heard = padded(features_of(test, layer))
    assert trainer.evaluate(heard, test.labels)["accuracy"] == 1.0
    sounds, lengths = padded(test.sounds)
    scores = model(sounds, lengths).value
    np.testing.assert_array_equal(scores.argmax(axis=1), test.labels)
    model.save(tmp_path / "m")
    again = pb.Padded.load(tmp_path / "m")
    np.testing.assert_array_equal(again.predict((sounds, lengths)), scores)
    assert again[0].config["rate"] == RATE
    assert repr(again) == repr(model)


def test_a_string_is_learned_of_which_nobody_said_what_is_when(tmp_path):
    words = {"words": (1, 3), "silence": (0.02, 0.05)}
    train, test = strung(tones(45, 0), 120, **words), strung(tones(12, 1), 20, seed=1, **words)
    layer = pb.LogMel(RATE, 12, window=0.032, step=0.020)
    batches = RecordingBatches(train, layer, batch_size=10, groups=2)
    model = spoken_string(CLASSES, layer, batches.standardize(), units=12, dropout=0.0)
    trained(model, pb.CTC(CLASSES), batches, 18)
    sounds, lengths = padded(test.sounds)
    wanted = [row[row >= 0].tolist() for row in test.labels]
    model(sounds, lengths)
    model.save(tmp_path / "m")
    again = pb.Padded.load(tmp_path / "m")
    scores = again.predict((sounds, lengths))
    found = greedy(scores, again.output_lengths(lengths), blank=CLASSES)
    assert label_error_rate(found, wanted) < 0.05
