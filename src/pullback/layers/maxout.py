"""The layer that learns its own activation: the largest of several weighted sums."""

from __future__ import annotations

from typing import final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.linear import matmul
from pullback.gates.reduction import max
from pullback.gates.shape import reshape
from pullback.layers.arguments import count, float_dtype
from pullback.layers.initializers import INITIALIZERS
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class Maxout(Layer):
    """y[k] = the largest over the pieces p of x @ weight[:, k, p] + bias[k, p].

    Shapes: x (..., n), weight (n, units, pieces), stored as (n, units * pieces), bias
    (units * pieces,), y (..., units). The gradient goes to the piece that came through; where
    several tie, in equal parts. Parameters as in `Dense`.

    Raises `CircuitError` where the last axis of x has another size than at the first call.
    Source: Goodfellow, Warde-Farley, Mirza, Courville, Bengio, "Maxout networks" (ICML 2013).

    >>> Maxout(3, pieces=2)(np.ones((4, 5))).shape
    (4, 3)
    """

    def __init__(
        self,
        units: int,
        pieces: int = 2,
        *,
        initializer: str = "glorot",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(
            name,
            rng,
            units=count("Maxout", "unit", units),
            pieces=count("Maxout", "piece", pieces),
            initializer=initializer,
            dtype=float_dtype("Maxout", dtype),
        )
        self.initializer = INITIALIZERS[initializer]
        self.weight: Unit | None = None
        self.bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        sums = self.config["units"] * self.config["pieces"]
        self.weight = self.parameter(
            "weight",
            (self.size_of_last_axis(shape), sums),
            lambda shape: self.initializer(shape, rng),
            weight=True,
        )
        self.bias = self.parameter("bias", (sums,), np.zeros)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.weight is not None
        assert self.bias is not None
        self.check_last_axis(x, self.weight.shape[0])
        sums = matmul(x, self.weight) + self.bias
        pieces = (*x.shape[:-1], self.config["units"], self.config["pieces"])
        return max(reshape(sums, pieces), axis=-1)
