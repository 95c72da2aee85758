"""Spoken digits: read from their archive as published, split as their authors split them."""

from __future__ import annotations

import io
import os
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest
import requests

import pullback as pb
from pullback.datasets import DATASETS, load_dataset, load_table
from pullback.datasets import download as downloading
from pullback.datasets.speech import SPOKEN_DIGIT_STRINGS, SPOKEN_DIGITS
from pullback.sequences.sound import Recordings

SPEAKERS = ("ann", "bob", "cleo", "dan", "eve", "fay")
KEYS = [(d, who, k) for d in range(10) for who in SPEAKERS for k in range(50)]


def wav(samples: np.ndarray, rate: int = 8000, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((channels, 2, rate, 0, "NONE", ""))
        out.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def sound(digit, who, k):
    """A recording that tells by its numbers which it is."""
    return np.array([digit, SPEAKERS.index(who), k, -32768, 32767])


def archive(path: Path, contents: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as out:
        for name, data in contents.items():
            out.writestr(name, data)


@pytest.fixture(scope="module")
def contents():
    return {f"fsdd-1.0.10/recordings/{d}_{w}_{k}.wav": wav(sound(d, w, k)) for d, w, k in KEYS}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The archive in a person's own folder."""
    monkeypatch.setenv("PULLBACK_DATA", str(tmp_path))
    (tmp_path / "spoken-digits").mkdir()
    return tmp_path / "spoken-digits" / "recordings.zip"


def test_digits_of_an_archive(own, contents):
    others = {"fsdd-1.0.10/README.md": b"words", "fsdd-1.0.10/recordings/": b""}
    archive(own, others | dict(reversed(contents.items())))
    data = load_dataset("spoken-digits")
    assert isinstance(data, Recordings)
    assert (len(data), len(data.test), data.rate) == (2700, 300, 8000)
    assert data.classes[:2] == ("zero", "one")
    for part, indices in ((data, range(5, 50)), (data.test, range(5))):
        wanted = [key for key in KEYS if key[2] in indices]
        assert part.labels.tolist() == [digit for digit, _, _ in wanted]
        assert part.speakers == tuple(who for _, who, _ in wanted)
        for x, key in zip(part.sounds, wanted, strict=True):
            np.testing.assert_array_equal(x * 32768, sound(*key))


def test_strings_are_of_their_own_parts(own, contents):
    archive(own, contents)
    data = load_dataset("spoken-digit-strings")
    assert (len(data), len(data.test), data.labels.shape, data.test.labels.shape) == (
        *(1500, 300),
        *((1500, 6), (300, 6)),
    )
    for part, most in ((data, 50), (data.test, 5)):
        counts = (part.labels >= 0).sum(axis=1)
        assert (counts.min(), counts.max()) == (2, 6)
        for x in part.sounds[:20]:
            loud = np.flatnonzero(x == -1.0)
            indices = np.rint(x[loud - 1] * 32768)
            assert ((indices < 5) == (most == 5)).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.popitem(), "holds 2,999 recordings of 6 speakers, not 50 of each digit by"),
        (lambda c: c.clear(), "holds 0 recordings of 0 speakers"),
        (lambda c: c.update({"recordings/0_gil_0.wav": wav(np.ones(3))}), "3,001 recordings of 7"),
        (lambda c: c.update({next(iter(c)): b"words"}), "cannot read fsdd.*0_ann_0.wav in .*zip: "),
        (lambda c: c.update({next(iter(c)): b""}), "cannot read fsdd.*0_ann_0.wav in .*zip: "),
        (lambda c: c.update({next(iter(c)): wav(np.ones(3), 16000)}), "no whole recording of 16"),
        (lambda c: c.update({next(iter(c)): wav(np.ones(4), 8000, 2)}), "no whole recording of 16"),
        (lambda c: c.update({next(iter(c)): wav(np.ones(0))}), "no whole recording of 16 bits"),
        (lambda c: c.update({next(iter(c)): wav(np.ones(9))[:-3]}), "no whole recording of 16"),
        (lambda c: c.update({next(iter(c)): bytes(2 << 20)}), "holds 2,999 recordings"),
    ],
)
def test_another_archive_is_refused(own, contents, change, words):
    changed = dict(contents)
    change(changed)
    archive(own, changed)
    with pytest.raises(pb.CircuitError, match=f"{words}.*put the published one there"):
        load_dataset("spoken-digits")


def test_a_damaged_archive_is_refused(own, contents):
    archive(own, contents)
    whole = own.read_bytes()
    for data in (b"", b"a page that asks to log in", whole[: len(whole) // 2]):
        own.write_bytes(data)
        with pytest.raises(pb.CircuitError, match=r"cannot read .*recordings\.zip: .*; it is dam"):
            load_dataset("spoken-digits")
    changed = bytearray(whole)
    changed[whole.index(b"data") + 9] ^= 255
    own.write_bytes(changed)
    with pytest.raises(pb.CircuitError, match="Bad CRC-32"):
        load_dataset("spoken-digits")
    own.unlink()
    with pytest.raises(pb.CircuitError, match=r"there is no .*v1\.0\.10\.zip: put it there from"):
        load_dataset("spoken-digits")


def test_it_is_fetched_once(tmp_path, monkeypatch, contents):
    monkeypatch.delenv("PULLBACK_DATA", raising=False)
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path / "cache"))
    archive(tmp_path / "published.zip", contents)
    asked = []

    class Answer:
        def __init__(self, content):
            self.content, self.headers = content, {"content-length": str(len(content))}

        def raise_for_status(self):
            pass

        def close(self):
            pass

        def iter_content(self, chunk_size):
            for k in range(0, len(self.content), chunk_size):
                yield self.content[k : k + chunk_size]

    def get(url, **_):
        asked.append(url)
        return Answer((tmp_path / "published.zip").read_bytes())

    monkeypatch.setattr(requests, "get", get)
    assert len(load_dataset("spoken-digits")) == len(load_dataset("spoken-digits")) == 2700
    assert asked == [
        "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip"
    ]


@pytest.mark.parametrize("data", [SPOKEN_DIGITS, SPOKEN_DIGIT_STRINGS])
def test_what_takes_tables_refuses_speech_before_it_is_fetched(data, monkeypatch):
    assert DATASETS[data.name] is data
    monkeypatch.setattr(downloading, "local_file", None)
    with pytest.raises(pb.CircuitError, match=f"^{data.name} holds recordings, and this takes tab"):
        load_table(data.name)


OWN = Path(os.environ.get("PULLBACK_DATA", "")) / "spoken-digits" / "recordings.zip"


@pytest.mark.skipif(not OWN.is_file(), reason="PULLBACK_DATA has no spoken-digits")
def test_the_real_set():
    data = load_dataset("spoken-digits")
    assert (len(data), len(data.test)) == (2700, 300)
    speakers = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    assert sorted(set(data.speakers)) == sorted(set(data.test.speakers)) == list(speakers)
    assert np.bincount(data.labels).tolist() == [270] * 10
    assert (data.lengths.min(), data.lengths.max()) == (1149, 18262)
    assert all(np.abs(x).max() > 0.01 for x in (*data.sounds, *data.test.sounds))
