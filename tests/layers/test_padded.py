"""`Padded` hands lengths to the layers that take them; such models train, and go to files."""

import numpy as np
import pytest

import pullback as pb

rng = np.random.default_rng(0)
LENGTHS = rng.integers(1, 7, 60)
WORDS = np.where(np.arange(6) < LENGTHS[:, None], rng.integers(1, 9, (60, 6)), 0)
LABELS = (WORDS == 3).any(axis=1).astype(int)


def model():
    return pb.Padded(pb.Embedding(9, 4), pb.LSTM(8), pb.MaxOverSteps(), pb.Dense(2))


@pytest.mark.parametrize("engine", ["native", "eager"])
def test_a_model_of_padded_sequences_trains_and_is_saved(engine, tmp_path):
    network = model()
    trainer = pb.Trainer(network, pb.SoftmaxCrossEntropy(), pb.Adam(0.03), engine=engine)
    trainer.fit((WORDS, LENGTHS), LABELS, epochs=12 if engine == "native" else 1)
    if engine == "native":
        assert trainer.evaluate((WORDS, LENGTHS), LABELS)["accuracy"] > 0.9
    network.save(tmp_path / "m")
    again = pb.Padded.load(tmp_path / "m")
    scores = network.predict((WORDS, LENGTHS))
    np.testing.assert_array_equal(again.predict((WORDS, LENGTHS)), scores)
    np.testing.assert_allclose(trainer.predict((WORDS, LENGTHS)), scores, rtol=1e-4, atol=1e-5)
    assert repr(again) == repr(model())


@pytest.mark.parametrize("engine", ["native", "eager", "jax"])
@pytest.mark.parametrize(
    "inside", [lambda x: x, pb.Sequential, pb.Padded], ids=["alone", "Sequential", "Padded"]
)
def test_lengths_follow_layers_that_make_other_steps(engine, inside):
    if engine == "jax":
        pytest.importorskip("jax")
    network = pb.Padded(inside(pb.LogMel(8000, 5)), pb.GRU(3), pb.LastStep(), pb.Dense(2))
    sounds, samples = rng.normal(size=(5, 1000)), np.array([1, 79, 80, 999, 1000])
    padded = np.where(np.arange(1000) < samples[:, None], sounds, 0.0)
    y = pb.compile(lambda x, n: network(x, n), engine=engine)(padded, samples)
    for row, count in enumerate(samples):
        np.testing.assert_allclose(y[row], network(sounds[row : row + 1, :count]).value[0], 1e-4)
    assert network.output_lengths(samples).tolist() == [1, 1, 2, 13, 13]


def test_lengths_stay_whole_numbers_beside_floats():
    x = rng.normal(size=(60, 6, 2)).astype(np.float32)
    network = pb.Padded(pb.GRU(3, last=True), pb.Dense(2))
    trainer = pb.Trainer(network, pb.SoftmaxCrossEntropy(), pb.SGD(0.1))
    trainer.fit((x, LENGTHS), LABELS, epochs=1)
    assert network.first_inputs[1][1] == "int64"


def test_lengths_beyond_the_steps_are_refused_before_training():
    network = pb.Padded(pb.GRU(3, last=True), pb.Dense(2))
    trainer = pb.Trainer(network, pb.SoftmaxCrossEntropy(), pb.SGD(0.1))
    x, lengths = np.zeros((60, 6, 2)), LENGTHS.copy()
    lengths[41] = 7
    with pytest.raises(
        pb.CircuitError, match=r"sequences of 6 steps, and was told of 7 \(row 41\)"
    ):
        trainer.fit((x, lengths), LABELS)


def test_a_layer_that_would_not_get_its_lengths_is_refused():
    with pytest.raises(pb.CircuitError, match="which 'sequential1' around it does not hand on"):
        pb.Padded(pb.Sequential(pb.GRU(3)), pb.Dense(2))
    inner = pb.Padded(pb.Padded(pb.GRU(3)), pb.LastStep())
    x = rng.normal(size=(2, 3, 2))
    y = inner(x, np.array([1, 3]))
    np.testing.assert_allclose(y.value[0], inner(x[:1, :1]).value[0], rtol=1e-12)


def test_without_lengths_all_steps_count():
    network = model()
    y = network(WORDS)
    np.testing.assert_array_equal(y.value, network(WORDS, np.full(60, 6)).value)


@pytest.mark.parametrize("kind", [pb.MeanOverSteps, pb.MaxOverSteps, pb.LastStep])
def test_of_no_steps_there_are_zeros(kind):
    x = rng.normal(size=(2, 3, 2))
    assert kind()(x[:, :0]).value.tolist() == [[0.0, 0.0]] * 2
    assert kind()(x, np.array([0, 3])).value[0].tolist() == [0.0, 0.0]
    assert kind()(x[:0], np.zeros(0, int)).shape == (0, 2)


def test_largest_of_negative_numbers_is_none_of_those_behind_the_end():
    x = -np.ones((1, 3, 1), np.float32)
    x[0, 2] = 5.0
    unit = pb.Unit(x, "x")
    y = pb.MaxOverSteps()(unit, np.array([2]))
    y.backward()
    assert y.value.tolist() == [[-1.0]]
    assert unit.grad.ravel().tolist() == [0.5, 0.5, 0.0]


def test_centred_sequences_have_a_mean_of_nothing_and_zeros_behind_their_end():
    x, lengths = rng.normal(3.0, 1.0, (5, 4, 2)), np.array([4, 1, 0, 3, 2])
    layer = pb.CentreOverSteps()
    y = layer(x, lengths).value
    np.testing.assert_allclose(y.sum(axis=1), 0.0, atol=1e-12)
    for row, count in enumerate(lengths):
        np.testing.assert_allclose(y[row, :count], layer(x[row : row + 1, :count]).value[0], 1e-12)
        assert not y[row, count:].any()
    assert layer(x[:, :0]).shape == layer(x[:, :0], 0 * lengths).shape == (5, 0, 2)
    noise = np.where(np.arange(4)[None, :, None] < lengths[:, None, None], x, np.nan)
    np.testing.assert_array_equal(layer(noise, lengths).value, y)


@pytest.mark.parametrize("kind", [pb.LogMel, lambda rate, n: pb.MFCC(rate, n, 12)])
def test_how_loud_a_sound_is_changes_nothing_behind_the_logarithm(kind):
    heard = pb.Padded(kind(8000, 8), pb.CentreOverSteps())
    sounds, lengths = rng.normal(size=(3, 900)), np.array([900, 500, 80])
    sounds[np.arange(900) >= lengths[:, None]] = 0.0
    y = heard(sounds, lengths).value
    gain = np.array([[0.05], [7.0], [400.0]])
    np.testing.assert_allclose(heard(sounds * gain, lengths).value, y, atol=1e-9)
    assert np.abs(y).max() > 0.1


def test_what_is_far_below_the_loudest_of_a_sound_is_raised_to_there():
    x, lengths = rng.normal(0.0, 5.0, (5, 4, 3)), np.array([4, 1, 0, 3, 2])
    x[np.arange(4) >= lengths[:, None]] = 1e3  # behind the ends, where nothing counts
    layer = pb.DynamicRange(20.0)
    y = layer(x, lengths).value
    for row, count in enumerate(lengths):
        if count:
            own = x[row, :count]
            np.testing.assert_allclose(y[row, :count], np.maximum(own, own.max() - np.log(100.0)))
        assert not y[row, count:].any()
    assert layer(x[:, :0]).shape == (5, 0, 3)
    with pytest.raises(pb.CircuitError, match="DynamicRange needs decibels above 0"):
        pb.DynamicRange(0.0)
