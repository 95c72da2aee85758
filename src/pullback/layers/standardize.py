"""The layer that brings inputs to a scale that was measured before: it learns nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class Standardize(Layer):
    """y = (x - mean) / deviation, of numbers that are known when the layer is made.

    Shapes: x (..., n); mean and deviation are one number, or n of them, one for each channel. As
    a layer they are saved with the model, which then takes what it will be given: pixels from 0 to
    1, say.

    Raises `CircuitError` for numbers that are not finite, deviations that are not positive, and
    where x has another number of channels.

    >>> Standardize([0.5, 0.0], [0.25, 1.0])([[1.0, 1.0]]).value
    array([[2., 1.]])
    """

    def __init__(
        self,
        mean: float | Sequence[float] = 0.0,
        deviation: float | Sequence[float] = 1.0,
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        config = {"mean": _plain("mean", mean), "deviation": _plain("deviation", deviation)}
        if np.min(config["deviation"], initial=1.0) <= 0.0:
            raise CircuitError(f"Standardize needs deviations above 0, got {deviation!r}")
        super().__init__(name, rng, **config)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        mean, deviation = (np.array(self.config[name]) for name in ("mean", "deviation"))
        for known in (mean, deviation):
            if known.ndim:
                self.check_last_axis(x, known.size)
        floats = x.dtype if x.dtype.kind == "f" else np.dtype("float32")
        return (x - mean.astype(floats)) * (1.0 / deviation).astype(floats)


def _plain(what: str, numbers: float | Sequence[float]) -> float | list[float]:
    """One number or a list of them, as JSON can hold it."""
    try:
        found = np.asarray(numbers, float)
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if found.ndim > 1 or not np.isfinite(found).all():
        raise CircuitError(
            f"Standardize needs a {what} of finite numbers, one or a list, got {numbers!r}"
        )
    return found.tolist()
