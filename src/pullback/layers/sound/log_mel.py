"""The layer that hears as ears do: the loudness of sounds in bands of frequencies, over time."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.sound.bands import Bands, checked
from pullback.layers.training import Training


@final
@register
class LogMel(Layer):
    """y[n, t, b] = ln(max(floor, sum over f of filters[f, b] |X[n, t, f]|^2)).

    Shapes: x (rows, samples), floats, y (rows, frames, bands). X is the real Fourier transform of
    `points` points, by default the next power of two, of windows of `window` seconds, faded by
    Hann's window, that begin `step` seconds apart; `filters` are triangles from `low` to `high` Hz,
    by default half of `rate` (samples a second), on the mel `scale` "slaney" or "htk". With
    `centre` the window t is centred at the sample t step, sound being framed by zeros, and there
    are 1 + samples // step frames; without, the first window begins with the sound and the last
    one ends within it. It has no parameters.

    Sounds of different lengths in one batch are padded by zeros, and `frames(lengths)` tells how
    many frames of each count: these are as of each alone.

    Raises `CircuitError` for arguments that are no such numbers, where a band holds no frequency,
    and for inputs of another shape, or of less than a window where it is not centred.
    Source: Davis, Mermelstein, "Comparison of parametric representations for monosyllabic word
    recognition in continuously spoken sentences" (1980); the scales: see `layers/sound/mel.py`.

    >>> layer = LogMel(8000)
    >>> layer(np.zeros((2, 8000))).shape, layer.frames(np.array([8000, 4000])).tolist()
    ((2, 101, 40), [101, 51])
    """

    def __init__(
        self,
        rate: int,
        bands: int = 40,
        *,
        window: float = 0.025,
        step: float = 0.010,
        low: float = 0.0,
        high: float | None = None,
        scale: str = "slaney",
        points: int | None = None,
        floor: float = 1e-10,
        centre: bool = True,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        cut = {"window": window, "step": step, "points": points, "centre": centre}
        heard = {"low": low, "high": high, "scale": scale, "floor": floor}
        config = checked("LogMel", rate=rate, bands=bands, **cut, **heard)
        super().__init__(name, rng, **config)
        self._bands = Bands.of("LogMel", config)

    @property
    def frequencies(self) -> np.ndarray:
        """The frequency (bands,) in Hz at which each band is highest."""
        return self._bands.centres

    def frames(self, samples: Any) -> Any:
        """How many frames sounds of so many samples have: a number, an array or a wire."""
        return self._bands.frames(samples)

    def output_lengths(self, lengths: Any) -> Any:
        return self._bands.frames(lengths)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return self._bands.log(self, x)
