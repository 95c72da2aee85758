"""The fully connected layer: every output is a weighted sum of all inputs."""

from __future__ import annotations

from typing import final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.linear import matmul
from pullback.layers.arguments import count, float_dtype
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.start import InitializerLike, find_initializer, plain_initializer
from pullback.layers.training import Training


@final
@register
class Dense(Layer):
    """y = x @ weight + bias.

    Shapes: x (..., n), weight (n, units), bias (units,), y (..., units); n is inferred at the first
    call. Parameters are float32 unless `dtype` says otherwise. The weight is drawn from `rng`, a
    seed or generator, by `initializer`: one of the `INITIALIZERS` by its name, or with arguments,
    as in {"name": "normal", "std": 0.1}, or a function of a shape and a generator. The bias starts
    at zero.

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
        initializer: InitializerLike = "he",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(
            name,
            rng,
            units=count("Dense", "unit", units),
            bias=bool(bias),
            initializer=plain_initializer(initializer),
            dtype=float_dtype("Dense", dtype),
        )
        self.initializer = find_initializer(initializer)
        self.weight: Unit | None = None
        self.bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        units = self.config["units"]
        self.weight = self.parameter(
            "weight",
            (self.size_of_last_axis(shape), units),
            lambda shape: self.initializer(shape, rng),
            weight=True,
        )
        if self.config["bias"]:
            self.bias = self.parameter("bias", (units,), np.zeros)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.weight is not None
        self.check_last_axis(x, self.weight.shape[0])
        y = matmul(x, self.weight)
        return y if self.bias is None else y + self.bias
