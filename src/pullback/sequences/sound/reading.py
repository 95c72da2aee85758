"""In: a file. Out: its sound as one row of numbers from -1 to 1, at the rate that was asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pullback.core.errors import CircuitError
from pullback.files.listing import Kind
from pullback.sequences.sound.chunks import bytes_missing

if TYPE_CHECKING:
    from soundfile import SoundFile

FORMATS = ("WAV", "WAVEX", "RF64", "FLAC")
SUFFIXES = (".wav", ".wave", ".flac")
READABLE = "WAV and FLAC"
RECORDINGS = Kind("recording", SUFFIXES, READABLE)
RATES = (1_000, 768_000)  # samples a second, that recordings have
SILENT = 1e-4  # what nothing in a recording exceeds that is silent: -80 dB, 3 steps of 16 bits

_BLOCK = 1 << 16  # samples that are read at a time: no length that a file claims is believed
_AGAIN = "copy it again, or remove it"
_OTHERS = (  # what files begin with that are sound of another kind
    (b"ID3", "an MP3 file"),
    (b"\xff\xfb", "an MP3 file"),
    (b"\xff\xf3", "an MP3 file"),
    (b"OggS", "an Ogg file"),
    (b"FORM", "an AIFF file"),
    (b".snd", "an AU file"),
)


@dataclass(frozen=True)
class Head:
    """What the beginning of a file tells: samples of each channel, how many a second, channels."""

    samples: int
    rate: int
    channels: int


class Sound(NamedTuple):
    """Samples (n,), float32, and how many there are in a second."""

    samples: np.ndarray
    rate: int


def read_recording(path: str | os.PathLike[str], rate: int | None = None) -> Sound:
    """The sound in a WAV or FLAC file: samples (n,), as a rule from -1 to 1, and their rate.

    Of several channels it is the mean. Where the file has another `rate` than is asked for, in
    samples a second, it is resampled as by `resampled`.

    Raises `CircuitError`, naming file and cure, where it holds no sound, not all of it, nothing but
    silence (no sample beyond 0.0001 of full scale, about the mean), or nan or infinity.

    >>> import tempfile
    >>> import soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/a.wav", np.eye(16000, 2), 16000)
    ...     samples, rate = read_recording(f"{folder}/a.wav", rate=8000)
    >>> samples.shape, rate
    ((8000,), 8000)
    """
    refuse_without_soundfile()
    samples, found = decoded(Path(path), None if rate is None else checked_rate(rate))
    return Sound(samples, found)


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Samples (n,) of one rate at another: (ceil(n wanted / rate),).

    By a polyphase filter of linear phase, whose window is Kaiser's with beta 5: what the lower rate
    cannot carry is taken out, and sounds keep their place in time (`scipy.signal.resample_poly`).

    >>> resampled(np.ones(48000, np.float32), 48000, 16000).shape
    (16000,)
    """
    if rate == wanted:
        return samples
    from scipy.signal import resample_poly  # takes a while to import

    common = gcd(rate, wanted)
    return resample_poly(samples, wanted // common, rate // common).astype(np.float32, copy=False)


def read_head(path: Path) -> Head:
    """What the beginning of a file tells.

    Raises `CircuitError` as `read_recording` does, where it shows already there.
    """
    with _opened(path) as file:
        _refuse_head(file)
        return Head(file.frames, file.samplerate, file.channels)


def decoded(path: Path, rate: int | None) -> tuple[np.ndarray, int]:
    """What `read_recording` gives, for arguments that were checked."""
    with _opened(path) as file:
        _refuse_head(file)
        found, mixed, loudest = file.samplerate, [], 0.0
        for block in _blocks(file):
            if not np.isfinite(block).all():
                raise CircuitError("it holds nan or infinity; save it anew, or remove it")
            loudest = max(loudest, float(np.ptp(block, axis=0).max()))
            mixed.append(block.mean(axis=1))
        samples = np.concatenate(mixed) if mixed else np.zeros(0, np.float32)
        if len(samples) < file.frames:
            lacks = f"{file.frames - len(samples):,} samples"
        elif missing := bytes_missing(path):
            lacks = f"{missing:,} bytes"
        else:
            lacks = ""
        if lacks:
            raise CircuitError(f"it is cut off: {lacks} are missing at its end; {_AGAIN}")
        if np.ptp(samples) <= 2 * SILENT:
            if loudest > 2 * SILENT:
                raise CircuitError("its channels cancel each other; save one of them alone")
            raise CircuitError("it is silent; record it again, or remove it")
    wanted = found if rate is None else rate
    return resampled(samples, found, wanted), wanted


def checked_rate(rate: Any) -> int:
    """A rate, in samples a second.

    Raises `CircuitError` where it is no whole number, or none that recordings have.
    """
    low, high = RATES
    if not isinstance(rate, int | np.integer) or not low <= rate <= high:
        raise CircuitError(
            f"a rate is a whole number of samples a second, from {low:,} to {high:,}, got {rate!r}"
        )
    return int(rate)


def refuse_without_soundfile() -> None:
    """Raise `CircuitError` where recordings cannot be read."""
    if find_spec("soundfile") is None:
        raise CircuitError('to read recordings, install soundfile: pip install "pullback[sound]"')


# Files -------------------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[SoundFile]:
    """The sound in a file, not read yet; what goes wrong inside, as a sentence."""
    import soundfile

    if path.is_dir():
        raise CircuitError(f"cannot read {path}: it is a folder, not a recording")
    try:
        _refuse_others(path)
        with soundfile.SoundFile(os.fspath(path)) as file:
            yield file
    except CircuitError as error:
        raise CircuitError(f"cannot read {path}: {error}") from None
    except soundfile.SoundFileError as error:
        words = " ".join(str(getattr(error, "error_string", error)).split()).rstrip(".")
        raise CircuitError(
            f"cannot read {path}: it is damaged or cut off ({words}); {_AGAIN}"
        ) from None
    except OSError as error:
        raise CircuitError(f"cannot read {path}: {error.strerror or error}") from None


def _refuse_others(path: Path) -> None:
    """Refuse what is no WAV or FLAC file, before any code reads it as one."""
    with open(path, "rb") as file:
        start = file.read(12)
    if not start:
        raise CircuitError(f"it is empty; {_AGAIN}")
    wave = start[:4] in (b"RIFF", b"RIFX", b"RF64") and start[8:12] == b"WAVE"
    if wave or start[:4] == b"fLaC":
        return
    if len(start) < 12 and start[:4] in (b"RIFF", b"RIFX", b"RF64"):
        raise CircuitError(f"it is cut off near its beginning; {_AGAIN}")
    for beginning, what in (*_OTHERS, (start[:4] * (start[4:8] == b"ftyp"), "an M4A or MP4 file")):
        if beginning and start.startswith(beginning):
            raise CircuitError(f"it is {what}; save it as {READABLE.replace('and', 'or')}")
    raise CircuitError(f"it is no recording, whatever its name says; read are {READABLE}")


def _refuse_head(file: SoundFile) -> None:
    """Refuse what no recording has."""
    low, high = RATES
    if file.format not in FORMATS:
        raise CircuitError(f"it is of the kind {file.format}; read are {READABLE}")
    if not low <= file.samplerate <= high:
        raise CircuitError(
            f"it tells of {file.samplerate:,} samples a second, and recordings have from {low:,} "
            f"to {high:,}; save it anew"
        )
    if file.frames == 0:
        raise CircuitError("it holds no samples; record it again, or remove it")


def _blocks(file: SoundFile) -> Iterator[np.ndarray]:
    """All samples, (n, channels) at a time."""
    while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
        yield block
