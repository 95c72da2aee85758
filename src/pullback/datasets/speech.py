"""Published recordings of speech, each under its name: fetched once, or from a person's folder."""

from __future__ import annotations

import io
import re
import wave
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pullback.core.errors import CircuitError
from pullback.datasets.builtin import DATASETS
from pullback.datasets.download import Published, local_file
from pullback.sequences.sound.recordings import Recordings
from pullback.sequences.sound.strings import strung

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_NAME = "spoken-digits"
_SOURCE = (
    "3,000 recordings of the ten digits, by six speakers, 300 of them to test (Free Spoken Digit "
    "Dataset, Jackson and others 2020)"
)
# GitHub makes the archive of a release when it is asked for, and promises no bytes of it: what is
# checked is what it holds.
_ARCHIVE = Published(
    "v1.0.10.zip",
    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/",
    None,
)
_FILE = re.compile(r"(?:.*/)?recordings/([0-9])_([a-z]+)_([0-9]{1,2})\.wav")
_SPEAKERS, _EACH, _RATE = 6, 50, 8000
_TEST = 5  # recordings of each digit by each speaker, from index 0 on: the authors' own split
_MOST_BYTES = 1 << 20  # in one recording
_STRINGS = (1_500, 300)  # to train and to test
_CURE = "it is damaged, or another file: put the published one there"


def spoken_digits() -> Recordings:
    """Recordings of a digit each at 8 kHz, with `test` of their own: the authors' indices 0 to 4.

    Raises `CircuitError` where the archive is not to be had, or not what was published.
    """
    path = local_file(_NAME, _ARCHIVE, "recordings.zip")
    rows = sorted(_recordings(path), key=lambda row: row[0])
    found = {key for key, _ in rows}
    speakers = sorted({speaker for _, speaker, _ in found})
    wanted = {(d, who, k) for d in range(10) for who in speakers for k in range(_EACH)}
    if len(speakers) != _SPEAKERS or found != wanted:
        raise CircuitError(
            f"{path} holds {len(found):,} recordings of {len(speakers)} speakers, not 50 of each "
            f"digit by each of {_SPEAKERS}; {_CURE}"
        )

    def part(test: bool) -> Recordings:
        own = [(key, sound) for key, sound in rows if (key[2] < _TEST) == test]
        return Recordings(
            _NAME,
            [sound for _, sound in own],
            _RATE,
            np.array([digit for (digit, _, _), _ in own]),
            DIGITS,
            _SOURCE,
            speakers=tuple(speaker for (_, speaker, _), _ in own),
        )

    return replace(part(test=False), test=part(test=True))


def spoken_digit_strings() -> Recordings:
    """Strings of 2 to 6 spoken digits, those to train and to test of recordings of their own.

    Raises `CircuitError` as `spoken_digits` does.
    """
    digits = spoken_digits()
    assert digits.test is not None
    train, test = (  # of a seed each, lest both say the same
        strung(part, n, seed=seed)
        for seed, (part, n) in enumerate(zip((digits, digits.test), _STRINGS, strict=True))
    )
    return replace(train, test=test)


_Key = tuple[int, str, int]  # digit, speaker, index


def _recordings(path: Path) -> Iterator[tuple[_Key, np.ndarray]]:
    """The recordings in an archive; nothing is unpacked into files."""
    for name, data in _members(path):
        if (match := _FILE.fullmatch(name)) is not None:
            digit, speaker, index = match.groups()
            yield (int(digit), speaker, int(index)), _sound(f"{name} in {path}", data)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """The files of an archive, by name."""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if _FILE.fullmatch(member.filename) and member.file_size <= _MOST_BYTES:
                    yield member.filename, archive.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise CircuitError(f"cannot read {path}: {error}; {_CURE}") from None
    except OSError as error:
        raise CircuitError(f"cannot read {path}: {error.strerror or error}; {_CURE}") from None


def _sound(what: str, data: bytes) -> np.ndarray:
    """The samples in a WAV file of one channel, 16 bits, at the set's rate: from -1 to 1."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            found = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            frames, samples = file.getnframes(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise CircuitError(f"cannot read {what}: {error}; {_CURE}") from None
    if found != (1, 2, _RATE) or not frames or len(samples) != 2 * frames:
        raise CircuitError(f"{what} is no whole recording of 16 bits at {_RATE:,} Hz; {_CURE}")
    return np.frombuffer(samples, "<i2").astype(np.float32) / np.float32(32768.0)


@dataclass(frozen=True)
class SpeechSet:
    """A published set of recordings, by how it is read; to call it reads it.

    Raises `CircuitError` where a file is not to be had, or is not what was published.
    """

    name: str
    read: Callable[[], Recordings]

    def __call__(self) -> Recordings:
        return self.read()


SPOKEN_DIGITS = SpeechSet(_NAME, spoken_digits)
SPOKEN_DIGIT_STRINGS = SpeechSet("spoken-digit-strings", spoken_digit_strings)

for _set in (SPOKEN_DIGITS, SPOKEN_DIGIT_STRINGS):
    DATASETS.add(_set.name, _set)
