"""LogMel and MFCC on every engine, padded, at their edges; and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from tests.layers import sounds

import pullback as pb
from pullback.layers.sound.mel import from_mel, mel_filters, to_mel

RNG = np.random.default_rng(0)
SOUND = RNG.normal(0, 0.1, (3, 2000)).astype(np.float32)
LAYERS = {
    "slaney": lambda: pb.LogMel(8000),
    "htk": lambda: pb.LogMel(8000, 20, low=60.0, high=3600.0, scale="htk", points=400),
    "not centred": lambda: pb.LogMel(8000, step=0.0125, centre=False),
    "an odd window": lambda: pb.LogMel(8000, 12, window=0.0131, step=0.0057, points=151),
    "mfcc": lambda: pb.MFCC(8000, scale="htk", bands=26),
}
each = pytest.mark.parametrize("name", LAYERS)


def wanted(layer, x):
    told = {k: v for k, v in layer.config.items() if k not in ("rate", "bands", "coefficients")}
    rate, bands = layer.config["rate"], layer.config["bands"]
    if isinstance(layer, pb.MFCC):
        return sounds.mfcc(x, layer.config["coefficients"], rate, bands, **told)
    return sounds.log_mel(x, rate, bands, **told)


@each
@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
def test_engines_agree_with_the_reference(name, engine):
    if engine == "jax":
        pytest.importorskip("jax")
    layer = LAYERS[name]()
    run = pb.compile(lambda x: layer(x), engine=engine)
    y = run(SOUND)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, wanted(layer, SOUND.astype(float)), atol=2e-3)


@each
@pytest.mark.parametrize("engine", ["native", "jax"])
def test_gradients_of_engines_agree(name, engine):
    if engine == "jax":
        pytest.importorskip("jax")
    layer = LAYERS[name]()

    def pulled(x):
        y = layer(x)
        return pb.gradient((y * y).mean(), x)

    x = SOUND.astype(np.float64)
    np.testing.assert_allclose(
        pb.compile(pulled, engine=engine)(x),
        pb.compile(pulled, engine="eager")(x),
        rtol=1e-5,
        atol=1e-8,
    )


@each
def test_a_padded_sound_has_its_own_frames(name):
    layer = LAYERS[name]()
    for length in (1, 104, 200, 799, 800, 801, 2000):
        if layer.frames(length) < 1:
            continue
        x = np.zeros((1, 3000))
        x[0, :length] = SOUND[0, :length]
        alone = layer(x[:, :length]).value
        assert alone.shape[1] == layer.frames(length) == layer.frames(np.array([length]))[0]
        np.testing.assert_allclose(layer(x).value[:, : alone.shape[1]], alone, atol=1e-9)


@each
@pytest.mark.parametrize("engine", ["eager", "native"])
def test_frames_of_numbers_arrays_and_wires_are_the_same(name, engine):
    layer = LAYERS[name]()
    samples = np.array([*range(20_000), 10**6, 2**52 - 1, 2**52, 2**52 + 1])
    wanted = layer.frames(samples)
    assert [int(layer.frames(int(n))) for n in samples[:500]] == wanted[:500].tolist()
    run = pb.compile(lambda n: layer.output_lengths(n), engine=engine)
    np.testing.assert_array_equal(run(samples), wanted)


def test_frames_of_a_tone_are_where_it_is():
    time = np.arange(8000) / 8000
    layer = pb.LogMel(8000)
    y = layer((np.sin(2 * np.pi * 1000 * time) * (time >= 0.5))[None]).value[0]
    assert y[:48].max() == np.log(1e-10)
    assert set(y[52:99].argmax(axis=1)) == {np.abs(layer.frequencies - 1000).argmin()}


def test_there_is_nothing_to_learn_and_all_is_saved(tmp_path):
    for make in LAYERS.values():
        layer = make()
        layer(SOUND)
        assert not layer.parameters
        assert not layer.state
        layer.save(tmp_path / "m")
        np.testing.assert_array_equal(
            type(layer).load(tmp_path / "m")(SOUND).value, layer(SOUND).value
        )


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_scales(scale):
    frequencies = np.array([0.0, 20.0, 440.0, 999.0, 1000.0, 1001.0, 8000.0])
    found = to_mel(frequencies, scale)
    np.testing.assert_allclose(found, [sounds.mel(f, scale) for f in frequencies], rtol=1e-12)
    np.testing.assert_allclose(from_mel(found, scale), frequencies, rtol=1e-12, atol=1e-12)
    assert scale != "htk" or abs(found[4] - 1000) < 0.1  # what the scale was made for


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize(
    ("rate", "points", "bands", "low", "high"),
    [(8000, 256, 40, 0.0, 4000.0), (16000, 512, 80, 20.0, 7600.0), (11025, 301, 1, 50.0, 5000.0)],
)
def test_filters(rate, points, bands, low, high, scale):
    bands = bands // 2 if scale == "htk" and bands > 40 else bands  # its low ones are narrower
    scale_at = (rate, points, bands, low, high, scale)
    np.testing.assert_allclose(mel_filters(*scale_at), sounds.filters(*scale_at), atol=1e-12)


@pytest.mark.parametrize("htk", [False, True])
def test_against_librosa(htk):
    librosa = pytest.importorskip("librosa", reason="librosa is in the extra `bench`")
    told = {"sr": 8000, "n_fft": 256, "n_mels": 30, "fmin": 50.0, "fmax": 3800.0, "htk": htk}
    theirs = librosa.feature.melspectrogram(
        y=SOUND.astype(float),
        hop_length=80,
        win_length=200,
        norm=None if htk else "slaney",
        pad_mode="constant",
        **told,
    )
    theirs = np.log(np.maximum(theirs, 1e-10))
    scale = "htk" if htk else "slaney"
    ours = {"bands": 30, "low": 50.0, "high": 3800.0, "scale": scale}
    found = pb.LogMel(8000, **ours)(SOUND.astype(float)).value
    np.testing.assert_allclose(found, np.swapaxes(theirs, 1, 2), rtol=1e-6, atol=1e-6)
    found = pb.MFCC(8000, 13, **ours)(SOUND.astype(float)).value
    theirs = librosa.feature.mfcc(S=theirs, n_mfcc=13)
    np.testing.assert_allclose(found, np.swapaxes(theirs, 1, 2), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"rate": 0}, "needs a rate, a whole number of samples a second, got 0"),
        ({"rate": 8000.0}, "needs a rate, a whole number of samples a second, got 8000.0"),
        ({"window": 1e9}, "a Fourier transform is of 8,192 points at most, .* take a shorter"),
        ({"points": 10**12}, "got 1,000,000,000,000 points and 40 bands"),
        ({"bands": 10**12}, "got 256 points and 1,000,000,000,000 bands"),
        ({"bands": 0}, "needs at least one band, got 0"),
        ({"bands": 200}, r"band 0 of 200, from 0 to \d+ Hz, holds none of the frequencies, which"),
        ({"window": 0}, "needs a window above 0, got 0"),
        ({"window": float("nan")}, "needs a window from 0"),
        ({"step": -1.0}, "needs a step from 0, got -1.0"),
        ({"low": 4000}, "bands are from low to a higher frequency, at most half the rate, 4000 Hz"),
        ({"high": 4001}, "at most half the rate, 4000 Hz, got 0 to 4001"),
        ({"scale": "bark"}, "knows the scales 'slaney' and 'htk', got 'bark'"),
        ({"points": 199}, "a window of 0.025 s is 200 samples, and points, 199, are fewer"),
        ({"floor": 0.0}, "needs a floor above 0, got 0.0"),
    ],
)
@pytest.mark.parametrize("kind", [pb.LogMel, pb.MFCC])
def test_arguments_are_refused(kind, told, words):
    with pytest.raises(pb.CircuitError, match=rf"^{kind.__name__}\b.*{words}"):
        kind(**{"rate": 8000, **told})


def test_coefficients_are_refused():
    with pytest.raises(pb.CircuitError, match="MFCC needs at least one coefficient, got 0"):
        pb.MFCC(8000, 0)
    with pytest.raises(pb.CircuitError, match="MFCC: 41 coefficients are more than its 40 bands"):
        pb.MFCC(8000, 41)
    assert pb.MFCC(8000, 40)(SOUND).shape == (3, 26, 40)


def test_inputs_are_refused():
    words = r"layer 'logmel' expects sounds of shape \(rows, samples\), of at least "
    for x, more in [
        (np.ones(800), r"1 samples, got \(800,\); a single sound is a batch of one: x\[None\]"),
        (np.ones((2, 800, 1)), r"1 samples, got \(2, 800, 1\)$"),
        (np.ones((2, 0)), r"1 samples, got \(2, 0\)$"),
        (1.0, r"1 samples, got \(\)$"),
    ]:
        with pytest.raises(pb.CircuitError, match=words + more):
            pb.LogMel(8000)(x)
    with pytest.raises(pb.CircuitError, match=words + r"200 samples, got \(1, 199\)"):
        pb.LogMel(8000, centre=False)(np.ones((1, 199)))
    assert pb.LogMel(8000, centre=False)(np.ones((1, 200))).shape == (1, 1, 40)
    assert pb.LogMel(8000)(np.ones((0, 200))).shape == (0, 3, 40)


def test_whole_numbers_do_not_overflow():
    x = (3e4 * SOUND).astype(np.int16)
    np.testing.assert_allclose(
        pb.LogMel(8000)(x).value, pb.LogMel(8000)(x.astype(float)).value, rtol=1e-12
    )
