"""Recordings from files of every kind: their samples are what the file means, or it is refused."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.sequences.sound import Sound, read_recording, resampled
from pullback.sequences.sound.reading import read_head

soundfile = pytest.importorskip("soundfile", reason="soundfile is in the extra `sound`")

RNG = np.random.default_rng(0)
NOISE = RNG.uniform(-0.9, 0.9, 1000)
STEPS = {"PCM_U8": 2**-7, "PCM_16": 2**-15, "PCM_24": 2**-23, "PCM_32": 2**-24}


def saved(folder, name, x, rate=8000, **how):
    path = folder / name
    soundfile.write(path, x, rate, **how)
    return path


def refused(path, words, rate=None):
    with pytest.raises(pb.CircuitError, match=words) as caught:
        read_recording(path, rate)
    said = str(caught.value)
    assert said.startswith(f"cannot read {path}: ")
    assert "\n" not in said
    assert ";" in said


@pytest.mark.parametrize("subtype", [*STEPS, "FLOAT", "DOUBLE"])
def test_wav_of_every_width(tmp_path, subtype):
    path = saved(tmp_path, "a.wav", NOISE, subtype=subtype)
    samples, rate = read_recording(path)
    assert (samples.dtype, samples.shape, rate) == (np.float32, (1000,), 8000)
    np.testing.assert_allclose(samples, NOISE, atol=STEPS.get(subtype, 2**-24))


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_flac(tmp_path, subtype):
    samples, rate = read_recording(str(saved(tmp_path, "a.flac", NOISE, 44100, subtype=subtype)))
    np.testing.assert_allclose(samples, NOISE, atol=STEPS.get(subtype, 2**-7))
    assert rate == 44100


@pytest.mark.parametrize(("form", "end"), [("WAVEX", "LITTLE"), ("RF64", "FILE"), ("WAV", "BIG")])
def test_other_forms_of_wav(tmp_path, form, end):
    path = saved(tmp_path, "a.wav", NOISE, format=form, endian=end, subtype="PCM_16")
    np.testing.assert_allclose(read_recording(path).samples, NOISE, atol=2**-15)
    path.write_bytes(path.read_bytes()[:-2])
    refused(path, "it is cut off: 2 bytes are missing at its end; copy it again, or remove it")


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_channels_are_mixed_to_their_mean(tmp_path, channels):
    x = RNG.uniform(-0.9, 0.9, (70_001, channels))  # more than is read at a time
    path = saved(tmp_path, "a.wav", x, subtype="FLOAT")
    np.testing.assert_allclose(read_recording(path).samples, x.mean(axis=1), atol=1e-6)
    head = read_head(path)
    assert (head.samples, head.rate, head.channels) == (70_001, 8000, channels)


@pytest.mark.parametrize("count", [1, 2, 65_535, 65_536, 65_537])
def test_any_number_of_samples(tmp_path, count):
    x = np.where(np.arange(count) % 3, 0.5, -0.25) + 0.125
    if count == 1:  # a single sample does not move
        refused(saved(tmp_path, "a.wav", x), "it is silent")
        return
    np.testing.assert_allclose(read_recording(saved(tmp_path, "a.wav", x)).samples, x, atol=1e-4)


@pytest.mark.parametrize(
    ("rate", "wanted"), [(8000, 16000), (44100, 8000), (48000, 11025), (22050, 22050)]
)
def test_a_tone_stays_the_tone_at_another_rate(tmp_path, rate, wanted):
    def tone(rate):
        return 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate)

    path = saved(tmp_path, "a.wav", tone(rate), rate, subtype="FLOAT")
    sound = read_recording(path, wanted)
    assert isinstance(sound, Sound)
    assert (sound.rate, len(sound.samples)) == (wanted, -(-(rate // 2) * wanted // rate))
    inside = slice(wanted // 20, -wanted // 20)
    np.testing.assert_allclose(
        sound.samples[: wanted // 2][inside], tone(wanted)[inside], atol=3e-3
    )


def test_what_a_lower_rate_cannot_carry_is_taken_out():
    high = np.sin(2 * np.pi * 3000 * np.arange(16000) / 16000).astype(np.float32)
    low = resampled(high, 16000, 4000)
    assert (low.shape, low.dtype) == ((4000,), np.float32)
    assert np.abs(low[200:-200]).max() < 2e-3
    assert resampled(high, 16000, 16000) is high


def test_the_content_decides_not_the_name(tmp_path):
    path = saved(tmp_path, "a.wav", NOISE, format="FLAC")
    np.testing.assert_allclose(read_recording(path).samples, NOISE, atol=2**-15)


def test_louder_than_full_scale_stays_so(tmp_path):
    path = saved(tmp_path, "a.wav", 3 * NOISE, subtype="FLOAT")
    np.testing.assert_allclose(read_recording(path).samples, 3 * NOISE, rtol=1e-6)


# What is refused ---------------------------------------------------------------------------------


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(pb.CircuitError, match=r"cannot read .*none\.wav: No such file"):
        read_recording(tmp_path / "none.wav")
    with pytest.raises(pb.CircuitError, match="it is a folder, not a recording"):
        read_recording(tmp_path)


def test_silence(tmp_path):
    for k, x in enumerate([np.zeros(800), np.full(800, 0.25), 5e-5 * np.sign(NOISE)]):
        path = saved(tmp_path, f"{k}.wav", x, subtype="FLOAT")
        refused(path, "it is silent; record it again, or remove it")
    refused(saved(tmp_path, "a.flac", np.zeros((800, 2))), "it is silent")
    assert len(read_recording(saved(tmp_path, "b.wav", 2e-3 * NOISE, subtype="FLOAT")).samples)


def test_channels_that_cancel_each_other(tmp_path):
    path = saved(tmp_path, "a.wav", np.stack([NOISE, -NOISE], axis=1), subtype="FLOAT")
    refused(path, "its channels cancel each other; save one of them alone")


def test_files_without_samples(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    refused(tmp_path / "a.wav", "it is empty; copy it again, or remove it")
    refused(saved(tmp_path, "b.wav", np.zeros(0)), "it holds no samples; record it again")


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_every_cut_is_found(tmp_path, ending):
    whole = saved(tmp_path, f"a.{ending}", NOISE).read_bytes()
    for length in [*range(1, 60), 100, len(whole) // 2, len(whole) - 20, len(whole) - 1]:
        path = tmp_path / f"cut.{ending}"
        path.write_bytes(whole[:length])
        refused(path, "cut off|no recording|no samples")


def test_a_cut_that_a_chunk_behind_the_samples_would_hide(tmp_path):
    data = saved(tmp_path, "a.wav", NOISE, subtype="PCM_16").read_bytes()
    at = data.index(b"data")
    longer = data[: at + 4] + struct.pack("<I", 4000) + data[at + 8 :]
    path = tmp_path / "b.wav"
    path.write_bytes(longer)
    refused(path, "it is cut off: 2,000 bytes are missing")


def test_a_length_that_a_pipe_left_open_is_no_cut(tmp_path):
    data = saved(tmp_path, "a.wav", NOISE, subtype="PCM_16").read_bytes()
    at = data.index(b"data")
    path = tmp_path / "b.wav"
    path.write_bytes(data[:4] + b"\xff" * 4 + data[8 : at + 4] + b"\xff" * 4 + data[at + 8 :])
    np.testing.assert_allclose(read_recording(path).samples, NOISE, atol=2**-15)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"no recording at all", "it is no recording, whatever its name says; read are WAV and"),
        (b"RIFF\x10\0\0\0AVI LIST", "it is no recording"),
        (b"RIFF", "it is cut off near its beginning"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0" + b"\xff" * 40, "it is damaged or cut off"),
        (b"fLaC" + bytes(40), "it is damaged or cut off"),
        (b"ID3\x04" + bytes(20), "it is an MP3 file; save it as WAV or FLAC"),
        (b"\xff\xfb\x90\x64" + bytes(20), "it is an MP3 file"),
        (b"OggS" + bytes(20), "it is an Ogg file"),
        (b"FORM\0\0\0\0AIFF", "it is an AIFF file"),
        (b"\0\0\0\x20ftypM4A " + bytes(20), "it is an M4A or MP4 file"),
    ],
)
def test_what_is_no_recording(tmp_path, start, words):
    path = tmp_path / "a.wav"
    path.write_bytes(start)
    refused(path, words)


def test_numbers_that_are_none(tmp_path):
    for bad in (np.nan, np.inf):
        x = NOISE.copy()
        x[-1] = bad
        refused(saved(tmp_path, "a.wav", x, subtype="FLOAT"), "it holds nan or infinity; save it")


@pytest.mark.parametrize("rate", [1, 999, 4_000_000])
def test_rates_that_no_recording_has(tmp_path, rate):
    refused(saved(tmp_path, "a.wav", NOISE, rate), f"it tells of {rate:,} samples a second")


@pytest.mark.parametrize("rate", [0, -8000, 999, 10**7, 8000.0, "8k"])
def test_rates_that_cannot_be_asked_for(tmp_path, rate):
    path = saved(tmp_path, "a.wav", NOISE)
    with pytest.raises(pb.CircuitError, match="a rate is a whole number of samples a second, from"):
        read_recording(path, rate)


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_bytes_changed_at_random_give_samples_or_a_sentence(tmp_path, ending):
    whole = bytearray(saved(tmp_path, f"a.{ending}", NOISE).read_bytes())
    rng = np.random.default_rng(1)
    path = tmp_path / f"b.{ending}"
    for _ in range(300):
        changed = whole.copy()
        for at in rng.integers(0, min(100, len(whole)), rng.integers(1, 4)):
            changed[at] = rng.integers(256)
        path.write_bytes(changed)
        said = ""
        try:
            samples, _ = read_recording(path, 8000)
        except pb.CircuitError as error:
            samples, said = np.zeros(0), str(error)
        assert np.isfinite(samples).all()
        assert not said or said.startswith(f"cannot read {path}: ")


def test_without_soundfile_the_cure_is_told(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "pullback.sequences.sound.reading.find_spec",
        lambda name: None if name == "soundfile" else find(name),
    )
    with pytest.raises(
        pb.CircuitError, match=r'install soundfile: pip install "pullback\[sound\]"'
    ):
        read_recording(Path("a.wav"))
