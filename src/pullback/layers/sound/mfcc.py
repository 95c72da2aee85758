"""The layer that describes the shape of a sound's spectrum by a few numbers, over time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.linear import matmul
from pullback.layers.arguments import count
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.sound.bands import Bands, checked
from pullback.layers.training import Training


@final
@register
class MFCC(Layer):
    """Mel-frequency cepstral coefficients: the first terms of the cosine transform of `LogMel`.

    y[n, t, k] = c[k] sum over b of log_mel[n, t, b] cos(pi k (b + 1/2) / bands), in which c[k] is
    sqrt(2 / bands), and sqrt(1 / bands) for k = 0: the DCT-II, which is orthogonal. Shapes: x
    (rows, samples), floats, y (rows, frames, coefficients). The others are arguments of `LogMel`,
    whose logarithm is the natural one: in decibels they would be 10 / ln 10 times as large. It has
    no parameters.

    Raises `CircuitError` as `LogMel`, and for more coefficients than bands.
    Source: Davis, Mermelstein, "Comparison of parametric representations for monosyllabic word
    recognition in continuously spoken sentences" (1980).

    >>> MFCC(8000)(np.zeros((2, 8000))).shape
    (2, 101, 13)
    """

    def __init__(
        self,
        rate: int,
        coefficients: int = 13,
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
        config = checked("MFCC", rate=rate, bands=bands, **cut, **heard)
        coefficients = count("MFCC", "coefficient", coefficients)
        if coefficients > config["bands"]:
            raise CircuitError(
                f"MFCC: {coefficients} coefficients are more than its {config['bands']} bands; "
                "take fewer, or more bands"
            )
        super().__init__(name, rng, coefficients=coefficients, **config)
        self._bands = Bands.of("MFCC", config)

    def frames(self, samples: Any) -> Any:
        """How many frames sounds of so many samples have: a number, an array or a wire."""
        return self._bands.frames(samples)

    def output_lengths(self, lengths: Any) -> Any:
        return self._bands.frames(lengths)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        y = self._bands.log(self, x)
        return matmul(y, _cosines(self.config["bands"], self.config["coefficients"], y.dtype.name))


@lru_cache(maxsize=16)
def _cosines(bands: int, coefficients: int, dtype: str) -> np.ndarray:
    """The DCT-II as a matrix (bands, coefficients)."""
    from scipy.fft import dct  # takes a while to import

    whole = np.asarray(dct(np.eye(bands), norm="ortho"))
    return whole[:, :coefficients].astype(dtype)
