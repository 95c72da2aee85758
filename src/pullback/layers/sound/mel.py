"""In: a scale of pitch and a number of bands. Out: the filters that gather frequencies into bands.

A band is a triangle over the frequencies, as wide as two steps of a scale on which equal steps
sound equally far apart, the mel scale. Two are in use:

- "slaney": 3 f / 200 below 1,000 Hz, 15 + 27 ln(f / 1000) / ln 6.4 from there; each triangle has
  the area 1 over frequencies in Hz. Source: Slaney, "Auditory toolbox" (1998).
- "htk": 2595 log10(1 + f / 700); each triangle has the height 1. Source: O'Shaughnessy, "Speech
  communication" (1987), as in Young and others, "The HTK book" (2006).
"""

from __future__ import annotations

import numpy as np

from pullback.core.errors import CircuitError

SCALES = ("slaney", "htk")

_KNEE, _SLOPE = 1000.0, 3.0 / 200.0  # Hz up to which Slaney's scale is straight, and mel per Hz
_OCTAVES = np.log(6.4) / 27.0  # a step of it above that, in ln of the frequency


def to_mel(frequency: np.ndarray, scale: str) -> np.ndarray:
    """Frequencies in Hz on a scale of pitch.

    >>> to_mel(np.array([0.0, 1000.0, 6400.0]), "slaney").round(6).tolist()
    [0.0, 15.0, 42.0]
    """
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + frequency / 700.0)
    above = np.log(np.maximum(frequency, _KNEE) / _KNEE) / _OCTAVES
    return np.minimum(frequency, _KNEE) * _SLOPE + above


def from_mel(mel: np.ndarray, scale: str) -> np.ndarray:
    """The frequencies in Hz of points on a scale of pitch.

    >>> from_mel(np.array([0.0, 15.0, 42.0]), "slaney").round(6).tolist()
    [0.0, 1000.0, 6400.0]
    """
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    knee = _KNEE * _SLOPE
    return np.minimum(mel, knee) / _SLOPE * np.exp(np.maximum(mel - knee, 0.0) * _OCTAVES)


def band_edges(bands: int, low: float, high: float, scale: str) -> np.ndarray:
    """The frequencies (bands + 2,) in Hz at which bands begin, are highest, and end.

    Band k begins at the k-th, is highest at the next, and ends at the one after that.
    """
    ends = to_mel(np.array([low, high]), scale)
    return from_mel(np.linspace(ends[0], ends[1], bands + 2), scale)


def mel_filters(
    rate: int, points: int, bands: int, low: float, high: float, scale: str
) -> np.ndarray:
    """The weight (points // 2 + 1, bands) of each frequency of a Fourier transform in each band.

    Raises `CircuitError` where a band is so narrow that no frequency is in it.

    >>> mel_filters(8000, 8, 2, 0.0, 4000.0, "htk").round(2).tolist()
    [[0.0, 0.0], [0.68, 0.32], [0.0, 0.91], [0.0, 0.45], [0.0, 0.0]]
    """
    frequencies = np.arange(points // 2 + 1) * (rate / points)
    edges = band_edges(bands, low, high, scale)
    widths = np.diff(edges)
    ramps = frequencies[:, None] - edges
    weights = np.maximum(0.0, np.minimum(ramps[:, :-2] / widths[:-1], -ramps[:, 2:] / widths[1:]))
    if scale == "slaney":
        weights *= 2.0 / (edges[2:] - edges[:-2])
    empty = np.flatnonzero(~weights.any(axis=0))
    if len(empty):
        first, last = edges[empty[0]], edges[empty[0] + 2]
        raise CircuitError(
            f"band {empty[0]} of {bands}, from {first:.0f} to {last:.0f} Hz, holds none of the "
            f"frequencies, which are {rate / points:.0f} Hz apart: take fewer bands or more points"
        )
    return weights
