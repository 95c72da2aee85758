"""Features of sound, written a second time: by SciPy's windows and NumPy's FFT, frame by frame."""

from __future__ import annotations

import math

import numpy as np
from scipy import fft, signal


def mel(frequency, scale):
    if scale == "htk":
        return 2595 * math.log10(1 + frequency / 700)
    if frequency < 1000:
        return 3 * frequency / 200
    return 15 + 27 * math.log(frequency / 1000, 6.4)


def hertz(m, scale):
    if scale == "htk":
        return 700 * (10 ** (m / 2595) - 1)
    return 200 * m / 3 if m < 15 else 1000 * 6.4 ** ((m - 15) / 27)


def filters(rate, points, bands, low, high, scale):
    """Triangles between points that are evenly apart on the scale, one column each."""
    frequencies = np.fft.rfftfreq(points, 1 / rate)
    ends = np.linspace(mel(low, scale), mel(high, scale), bands + 2)
    edges = [hertz(m, scale) for m in ends]
    columns = []
    for k in range(bands):
        column = np.interp(frequencies, edges[k : k + 3], [0, 1, 0], left=0, right=0)
        columns.append(column * (2 / (edges[k + 2] - edges[k]) if scale == "slaney" else 1))
    return np.stack(columns, axis=1)


def log_mel(
    x,
    rate,
    bands,
    window,
    step,
    points=None,
    low=0.0,
    high=None,
    scale="slaney",
    floor=1e-10,
    centre=True,
):
    size, hop = round(window * rate), round(step * rate)
    points = points or 2 ** math.ceil(math.log2(size))
    fade = np.zeros(points)
    start = (points - size) // 2
    fade[start : start + size] = signal.get_window("hann", size)
    gather = filters(rate, points, bands, low, high or rate / 2, scale)
    before = points // 2 if centre else start  # the transform begins before its window
    last = x.shape[1] + 1 if centre else x.shape[1] - size + 1
    begins = range(0, last, hop)
    rows = []
    for sound in x:
        sound = np.concatenate([np.zeros(before), sound, np.zeros(2 * points)])
        power = [abs(np.fft.rfft(sound[k : k + points] * fade)) ** 2 for k in begins]
        rows.append(np.log(np.maximum(np.array(power) @ gather, floor)))
    return np.array(rows).reshape(len(x), len(begins), bands)


def mfcc(x, coefficients, *told, **named):
    return fft.dct(log_mel(x, *told, **named), norm="ortho")[..., :coefficients]
