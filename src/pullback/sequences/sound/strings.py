"""In: recordings of a word each. Out: recordings of several words, and which they are, in order."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.sequences.sound.recordings import Recordings


def strung(
    recordings: Recordings,
    count: int,
    *,
    words: tuple[int, int] = (2, 6),
    silence: tuple[float, float] = (0.05, 0.3),
    noise: float = 1e-4,
    seed: int = 0,
) -> Recordings:
    """Strings of words, `count` of them, glued together from recordings of one word each.

    How many words a string has is drawn evenly from `words`, least to most, and so is each of them
    from the recordings; where their speakers are known, one speaks the whole string. Between the
    words, before and behind them is silence of a length drawn evenly from `silence`, in seconds,
    in which is normal noise of standard deviation `noise`. Labels are (count, most words): the
    classes of the words in their order, and -1 behind the last. The same seed gives the same
    strings. `validation` and `test` are left out: make strings of them apart.

    Raises `CircuitError` for recordings that have several labels, or arguments that are no such
    numbers.

    >>> data = Recordings("two", [np.ones(800), np.ones(900)], 8000, [0, 1], ("no", "yes"))
    >>> strings = strung(data, 3, words=(1, 2))
    >>> strings.labels.shape, len(strings), strings.rate
    ((3, 2), 3, 8000)
    """
    if recordings.labels.ndim != 1 or not len(recordings):
        raise CircuitError("strings are made of recordings that have one label each")
    if not isinstance(count, Integral) or count < 1:
        raise CircuitError(f"count is a whole number of strings, at least 1, got {count!r}")
    least, most = _pair("words", words, Integral, 1)
    shortest, longest = _pair("silence", silence, Real, 0)
    if not isinstance(noise, Real) or not 0.0 <= noise < 1.0:
        raise CircuitError(f"noise is a standard deviation from 0 to below 1, got {noise!r}")
    if not isinstance(seed, Integral) or seed < 0:
        raise CircuitError(f"a seed is a whole number from 0 on, got {seed!r}")
    rng = np.random.default_rng(int(seed))
    who = np.array(recordings.speakers or [""] * len(recordings))
    voices = [np.flatnonzero(who == name) for name in np.unique(who)]

    def pause() -> np.ndarray:
        samples = round(rng.uniform(shortest, longest) * recordings.rate)
        return rng.normal(0.0, noise, samples).astype(np.float32)

    sounds, speakers = [], []
    labels = np.full((count, most), -1, np.int64)
    for row in range(count):
        voice = voices[rng.integers(len(voices))]
        drawn = rng.choice(voice, rng.integers(least, most + 1))
        labels[row, : len(drawn)] = recordings.labels[drawn]
        pieces = [pause()]
        for k in drawn:
            pieces += [recordings.sounds[k], pause()]
        sounds.append(np.concatenate(pieces))
        speakers.append(str(who[voice[0]]))
    return Recordings(
        f"strings of {recordings.name}",
        sounds,
        recordings.rate,
        labels,
        recordings.classes,
        f"{counted(count, 'string')} of {least} to {most} words; {recordings.source}",
        recordings.notes,
        speakers=tuple(speakers) if recordings.speakers else (),
    )


def _pair(name: str, given: Any, kind: type, least: int) -> tuple[Any, Any]:
    """Least and most, as two numbers in order."""
    pair = list(given) if isinstance(given, tuple | list) else []
    if (
        len(pair) != 2
        or not all(isinstance(n, kind) for n in pair)
        or not least <= pair[0] <= pair[1] < float("inf")
    ):
        raise CircuitError(f"{name} are two numbers, (least, most), from {least} on, got {given!r}")
    return pair[0], pair[1]
