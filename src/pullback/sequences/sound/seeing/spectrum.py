"""In: a sound. Out: a figure of its spectrum over time, and what a network heard in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.figures import refuse_without_matplotlib
from pullback.layers import LogMel
from pullback.sequences.sound.reading import Sound, checked_rate
from pullback.sequences.sound.seeing.heard import Heard, class_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def spectrogram(
    sound: Any,
    rate: int | None = None,
    *,
    layer: LogMel | None = None,
    heard: Sequence[Heard | tuple[Any, float, float]] = (),
    probabilities: Any = None,
    classes: Sequence[Any] | None = None,
    blank: int | None = None,
    title: str = "",
) -> Figure:
    """A figure of a sound: its samples, below them how loud it is in each band of frequencies.

    `sound` is what `read_recording` answers, or samples (n,) with their `rate`. Loudness is what
    `layer`, by default a `LogMel` of 40 bands, makes of it, in decibels above 80 below the loudest.
    `heard`, (label, begin, end) in seconds, is written below: what `heard_when` answers.
    `probabilities` (steps, classes) of the whole sound are drawn below that, under the names of
    `classes`, of which `blank` may be without one.

    Raises `CircuitError` without matplotlib, for what is no sound, or probabilities of another
    shape.

    >>> figure = spectrogram(np.sin(np.arange(4000.0)), 8000, heard=[("a", 0.1, 0.4)])
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['', 'Hz', '', '']
    """
    refuse_without_matplotlib()
    from pullback.sequences.sound.seeing.drawing import draw_spectrum

    samples, rate = _sound(sound, rate)
    layer = LogMel(rate) if layer is None else layer
    if not isinstance(layer, LogMel) or layer.config["rate"] != rate:
        raise CircuitError(f"a spectrogram of {rate:,} Hz is by a LogMel({rate}), got {layer!r}")
    spans = [Heard(*span) for span in heard]
    seconds = len(samples) / rate
    for span in spans:
        if not 0.0 <= span.begin <= span.end:
            raise CircuitError(f"what was heard begins and ends, in seconds, got {span}")
    names, shares = [], None
    if probabilities is not None:
        shares = np.asarray(probabilities, np.float64)
        if shares.ndim != 2 or not shares.size or not np.isfinite(shares).all():
            raise CircuitError(
                f"probabilities are finite, of shape (steps, classes), got {shares.shape}"
            )
        names = [str(name) for name in class_names(classes, shares.shape[1], blank)]
    decibels = 10.0 / np.log(10.0) * layer(samples[None]).value[0].astype(np.float64)
    title = title or f"A sound of {seconds:.2f} s at {rate:,} Hz"
    return draw_spectrum(samples, rate, decibels, layer, title, spans, shares, names)


def _sound(sound: Any, rate: int | None) -> Sound:
    """Samples and their rate."""
    if isinstance(sound, Sound):
        sound, told = sound
        rate = told if rate is None else rate
    if isinstance(sound, str | os.PathLike):
        raise CircuitError(f"read {os.fspath(sound)} first: spectrogram(read_recording(path))")
    if rate is None:
        raise CircuitError("of samples the rate is needed too: spectrogram(samples, rate)")
    samples = np.asarray(sound)
    if samples.ndim != 1 or not samples.size or samples.dtype.kind != "f":
        raise CircuitError(
            f"a sound is floats of shape (samples,), got {samples.dtype} of {samples.shape}"
        )
    if not np.isfinite(samples).all():
        raise CircuitError("the sound holds nan or infinity; leave it out")
    return Sound(samples, checked_rate(rate))
