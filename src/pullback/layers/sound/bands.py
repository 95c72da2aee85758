"""In: sounds. Out: how loud they are in each band of frequencies in each of many short windows.

A window of the sound, faded in and out by Hann's raised cosine, times cosines and times sines of
all frequencies, is its real Fourier transform, as two matrix products; the squares of both, added
up, are its power at each frequency, which `mel_filters` gather into bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import maximum
from pullback.gates.convolution import convolve
from pullback.gates.elementary import log
from pullback.gates.linear import matmul
from pullback.gates.shape import as_floats, astype, reshape
from pullback.layers.arguments import count, number_between
from pullback.layers.layer import Layer
from pullback.layers.sound.mel import SCALES, band_edges, mel_filters

_MOST_POINTS = 8192  # the matrices of the transform have as many rows as columns


@dataclass(frozen=True)
class Bands:
    """How sounds are cut into windows, and frequencies into bands; all in samples and Hz."""

    rate: int
    bands: int
    window: int
    step: int
    points: int
    low: float
    high: float
    scale: str
    floor: float
    centre: bool

    @classmethod
    def of(cls, kind: str, config: dict[str, Any]) -> Bands:
        """What the arguments of a layer, in seconds, are in samples.

        Raises `CircuitError` for arguments that no sound can be cut by.
        """
        rate = config["rate"]
        window, step = (max(1, round(config[name] * rate)) for name in ("window", "step"))
        points = config["points"]
        points = 1 << (window - 1).bit_length() if points is None else points
        high = rate / 2 if config["high"] is None else config["high"]
        if points < window:
            raise CircuitError(
                f"{kind}: a window of {config['window']:g} s is {window} samples, and points, "
                f"{points}, are fewer; take as many at least"
            )
        if points > _MOST_POINTS or config["bands"] > points:
            raise CircuitError(
                f"{kind}: a Fourier transform is of {_MOST_POINTS:,} points at most, and bands are "
                f"no more than points, got {points:,} points and {config['bands']:,} bands; take a "
                "shorter window, or fewer bands"
            )
        if not config["low"] < high <= rate / 2:
            raise CircuitError(
                f"{kind}: bands are from low to a higher frequency, at most half the rate, "
                f"{rate / 2:g} Hz, got {config['low']:g} to {high:g}"
            )
        told = {name: config[name] for name in ("rate", "bands", "low", "scale", "floor", "centre")}
        found = cls(window=window, step=step, points=points, high=high, **told)
        try:
            found.filters()
        except CircuitError as error:
            raise CircuitError(f"{kind}: {error}") from None
        return found

    @property
    def border(self) -> tuple[int, int]:
        """Zeros before and behind a sound, with which window k is centred at sample k step."""
        if not self.centre:
            return 0, 0
        before = self.points // 2 - (self.points - self.window) // 2
        return before, self.window - before

    def frames(self, samples: Any) -> Any:
        """How many windows sounds of so many samples have: a number, an array or a wire."""
        reached = samples + np.array(sum(self.border) - self.window + self.step)
        if not isinstance(reached, Unit):
            return np.maximum(reached, 0) // self.step
        # Of whole numbers below 2**53 a quotient of doubles is never rounded up to a whole one.
        quotient = astype(maximum(reached, np.array(0)), np.float64) / float(self.step)
        return astype(quotient, reached.dtype)

    @property
    def centres(self) -> np.ndarray:
        """The frequency (bands,) in Hz at which each band is highest."""
        return band_edges(self.bands, self.low, self.high, self.scale)[1:-1]

    def filters(self) -> np.ndarray:
        return mel_filters(self.rate, self.points, self.bands, self.low, self.high, self.scale)

    def log(self, layer: Layer, x: Unit) -> Unit:
        """The logarithm of the power in each band: x (rows, samples), y (rows, frames, bands)."""
        least = 1 if self.centre else self.window
        if len(x.shape) != 2 or x.shape[1] < least:
            single = "; a single sound is a batch of one: x[None]" if len(x.shape) == 1 else ""
            raise CircuitError(
                f"layer {layer.name!r} expects sounds of shape (rows, samples), of at least "
                f"{least} samples, got {x.shape}{single}"
            )
        x = as_floats(x)
        rows, samples = x.shape
        waves, filters = _numbers(self, x.dtype.name)
        image = reshape(x, (rows, 1, samples, 1))
        parts = convolve(image, waves, stride=(1, self.step), padding=((0, 0), self.border))
        parts = reshape(parts, (rows, parts.shape[2], parts.shape[3]))
        half = self.points // 2 + 1
        cosines, sines = parts[:, :, :half], parts[:, :, half:]
        power = matmul(cosines * cosines + sines * sines, filters)
        return log(maximum(power, self.floor))


@lru_cache(maxsize=16)
def _numbers(bands: Bands, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Faded cosines and sines as the kernels of a convolution, and the filters of bands."""
    faded = np.hanning(bands.window + 1)[
        :-1, None
    ]  # periodic: the next window begins where it is 0
    turns = np.outer(np.arange(bands.window), np.arange(bands.points // 2 + 1)) / bands.points
    waves = np.concatenate(
        [faded * np.cos(2 * np.pi * turns), faded * np.sin(2 * np.pi * turns)], 1
    )
    return waves[None, :, None].astype(dtype), bands.filters().astype(dtype)


def checked(kind: str, **told: Any) -> dict[str, Any]:
    """The arguments of a layer as JSON can hold them.

    Raises `CircuitError` for what is no such number.
    """
    scale, high, points = told["scale"], told["high"], told["points"]
    if scale not in SCALES:
        raise CircuitError(f"{kind} knows the scales 'slaney' and 'htk', got {scale!r}")
    rate = told["rate"]
    if not isinstance(rate, int | np.integer) or rate < 1:
        raise CircuitError(f"{kind} needs a rate, a whole number of samples a second, got {rate!r}")
    config = {
        "rate": int(rate),
        "bands": count(kind, "band", told["bands"]),
        **{name: number_between(kind, name, told[name], 0.0) for name in ("window", "step", "low")},
        "high": None if high is None else number_between(kind, "high", high, 0.0),
        "scale": scale,
        "points": None if points is None else count(kind, "point", points),
        "floor": number_between(kind, "floor", told["floor"], 0.0),
        "centre": bool(told["centre"]),
    }
    for name in ("window", "step", "floor"):
        if not config[name]:
            raise CircuitError(f"{kind} needs a {name} above 0, got {told[name]!r}")
    return config
