"""In: a sound, and numbers about it over time. Out: a sheet with one below the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from pullback.figures.sheet import (
    BLUE,
    MARGIN,
    NOTE,
    PALE,
    RED,
    SMALL,
    TITLE,
    WIDTH,
    Scale,
    Sheet,
    caption,
    short,
)
from pullback.layers import LogMel
from pullback.sequences.sound.seeing.heard import Heard

_LEFT, _RIGHT = 0.75, 0.65  # room for words beside the axes
_ACROSS = WIDTH - MARGIN - _LEFT - _RIGHT
_WAVE, _SPECTRUM, _SPANS, _ROW = 0.6, 2.4, 0.34, 0.17
_LOUD = 80.0  # decibels that colours tell apart
_FREQUENCIES = (125, 250, 500, 1000, 2000, 4000, 8000, 16000)
_MOST_POINTS = 4000  # of a line of samples


def draw_spectrum(
    samples: np.ndarray,
    rate: int,
    decibels: np.ndarray,
    layer: LogMel,
    title: str,
    spans: Sequence[Heard],
    shares: np.ndarray | None,
    names: Sequence[str],
) -> Sheet:
    """Samples, the bands (frames, bands), spans of time with labels, and shares of classes."""
    seconds = len(samples) / rate
    rows = 0.0 if shares is None else _ROW * shares.shape[1]
    top = TITLE + NOTE
    below = (_SPANS + 0.06 if spans else 0.0) + (rows + 0.28 if rows else 0.0)
    note = f"{decibels.shape[1]} bands on the mel scale, a frame each {layer.config['step']:g} s"
    sheet = Sheet(top + _WAVE + 0.08 + _SPECTRUM + 0.06 + below + 0.6, title, note)
    left = MARGIN + _LEFT

    wave = sheet.place(left, top, _ACROSS, _WAVE)
    _draw_wave(wave, samples, seconds)
    top += _WAVE + 0.08
    bands = sheet.place(left, top, _ACROSS, _SPECTRUM)
    _draw_bands(bands, sheet, top, decibels, layer, seconds)
    last = bands
    top += _SPECTRUM + 0.06
    if spans:
        last = sheet.place(left, top, _ACROSS, _SPANS)
        _draw_spans(last, spans, seconds)
        top += _SPANS + 0.06
    if shares is not None:
        top += 0.22
        last = sheet.place(left, top, _ACROSS, rows)
        _draw_shares(last, shares, names, seconds)
        caption(last, "probability of each class", _ACROSS)
    last.tick_params(axis="x", length=2, labelsize=SMALL)
    places = _round_places(seconds)
    last.set_xticks(places, [f"{place:g} s" for place in places])
    return sheet


def _draw_wave(axes: Axes, samples: np.ndarray, seconds: float) -> None:
    """Of many samples, the lowest and the highest of each short time."""
    most = float(np.abs(samples).max()) or 1.0
    if len(samples) > _MOST_POINTS:
        starts = np.linspace(0, len(samples), _MOST_POINTS // 2, endpoint=False).astype(int)
        low, high = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
        axes.fill_between(starts / len(samples) * seconds, low, high, color=BLUE, linewidth=0.3)
    else:
        times = np.arange(len(samples)) / len(samples) * seconds
        axes.plot(times, samples, color=BLUE, linewidth=0.6)
    axes.set_xlim(0.0, seconds)
    axes.set_ylim(-1.05 * most, 1.05 * most)


def _draw_bands(
    axes: Axes, sheet: Sheet, top: float, decibels: np.ndarray, layer: LogMel, seconds: float
) -> None:
    shown = np.maximum(0.0, decibels - (decibels.max() - _LOUD)).T
    scale = Scale(0.0, _LOUD)
    scale.show(axes, shown)
    step = layer.config["step"]
    start = -step / 2 if layer.config["centre"] else layer.config["window"] / 2 - step / 2
    image = axes.images[0]
    image.set_extent((start, start + step * shown.shape[1], shown.shape[0] - 0.5, -0.5))
    axes.set_xlim(0.0, seconds)
    axes.set_ylim(-0.5, shown.shape[0] - 0.5)
    heights = layer.frequencies
    ticks = [f for f in _FREQUENCIES if heights[0] <= f <= heights[-1]]
    places = np.interp(ticks, heights, np.arange(len(heights)))
    axes.set_yticks(places, [f"{f:,}" for f in ticks], fontsize=SMALL)
    axes.tick_params(axis="y", length=2, pad=2)
    axes.set_ylabel("Hz", fontsize=SMALL, labelpad=2)
    bar = scale.bar(sheet, MARGIN + _LEFT + _ACROSS + 0.12, top + 0.2, _SPECTRUM - 0.4)
    caption(bar, "dB", 0.4)


def _draw_spans(axes: Axes, spans: Sequence[Heard], seconds: float) -> None:
    """A bar from begin to end, and its label below it."""
    axes.set_xlim(0.0, seconds)
    axes.set_ylim(1.0, 0.0)
    for span in spans:
        begin, end = min(span.begin, seconds), min(span.end, seconds)
        axes.plot([begin, end], [0.2, 0.2], color=RED, linewidth=2.5, solid_capstyle="butt")
        axes.text(
            (begin + end) / 2,
            0.62,
            short(str(span.label), max(0.4, (end - begin) / seconds * _ACROSS)),
            fontsize=SMALL,
            ha="center",
            va="center",
            clip_on=True,
        )


def _draw_shares(axes: Axes, shares: np.ndarray, names: Sequence[str], seconds: float) -> None:
    Scale(0.0, 1.0).show(axes, shares.T)
    axes.images[0].set_extent((0.0, seconds, shares.shape[1] - 0.5, -0.5))
    texts = [short(name, _LEFT - 0.1) for name in names]
    axes.set_yticks(range(len(texts)), texts, fontsize=SMALL, color=PALE)
    axes.tick_params(axis="y", length=0, pad=3)


def _round_places(seconds: float) -> np.ndarray:
    """About six round times within a sound, from 0 on.

    >>> _round_places(2.6).tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    """
    power = 10.0 ** np.floor(np.log10(seconds / 6.0))
    step = next(n * power for n in (1, 2, 5, 10) if seconds / (n * power) <= 7.0)
    return np.round(np.arange(0.0, seconds * 0.97, step), 6)
