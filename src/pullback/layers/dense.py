"""The fully connected layer: every output is a weighted sum of all inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.linear import matmul
from pullback.layers.initializers import INITIALIZERS
from pullback.layers.layer import Layer, Rng, register


@final
@register
class Dense(Layer):
    """y = x @ weight + bias.

    Shapes: x (..., n), weight (n, units), bias (units,), y (..., units); n is inferred at the first
    call. Parameters are float32 unless `dtype` says otherwise; `initializer` is "he", "glorot",
    "lecun" or "uniform", drawn from `rng` (a seed or generator), and the bias starts at zero.

    Raises `CircuitError` where the last axis of x has another size than at the first call.

    >>> layer = Dense(3, rng=0)
    >>> layer(np.ones((2, 5))).shape
    (2, 3)
    >>> layer(np.ones((2, 4)))
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: layer 'dense' expects inputs of shape (…, 5), got (2, 4)
    """

    def __init__(
        self,
        units: int,
        *,
        bias: bool = True,
        initializer: str = "he",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(name, rng)
        if int(units) < 1:
            raise CircuitError(f"a Dense layer needs at least one unit, got {units}")
        self.units = int(units)
        self.use_bias = bias
        self.initializer = initializer
        self.dtype = np.dtype(dtype)
        INITIALIZERS[initializer]  # an unknown name is refused now, not at the first call
        self.weight: Unit | None = None
        self.bias: Unit | None = None

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "units": self.units,
            "bias": self.use_bias,
            "initializer": self.initializer,
            "dtype": self.dtype.name,
        }

    @property
    def parameters(self) -> dict[str, Unit]:
        made = {f"{self.name}.weight": self.weight, f"{self.name}.bias": self.bias}
        return {name: unit for name, unit in made.items() if unit is not None}

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        if not shape:
            raise CircuitError(f"layer {self.name!r} expects inputs of shape (…, n), got a number")
        weight = INITIALIZERS[self.initializer]((shape[-1], self.units), rng)
        self.weight = Unit(weight.astype(self.dtype), f"{self.name}.weight")
        if self.use_bias:
            self.bias = Unit(np.zeros(self.units, self.dtype), f"{self.name}.bias")

    def apply(self, x: Unit, *, training: bool) -> Unit:
        assert self.weight is not None
        if not x.shape or x.shape[-1] != self.weight.shape[0]:
            raise CircuitError(
                f"layer {self.name!r} expects inputs of shape (…, {self.weight.shape[0]}), "
                f"got {x.shape}"
            )
        y = matmul(x, self.weight)
        return y if self.bias is None else y + self.bias
