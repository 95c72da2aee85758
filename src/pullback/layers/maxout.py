"""The layer that learns its own activation: the largest of several weighted sums."""

from __future__ import annotations

from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.linear import matmul
from pullback.gates.reduction import max
from pullback.gates.shape import reshape
from pullback.layers.arguments import count, float_dtype
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.start import InitializerLike, find_initializer, plain_initializer
from pullback.layers.training import Training


@final
@register
class Maxout(Layer):
    """y[k] = the largest over the pieces p of x @ weight[:, k, p] + bias[k, p].

    Shapes: x (..., n), weight (n, units, pieces), stored as (n, units * pieces), bias
    (units * pieces,), y (..., units). The gradient goes to the piece that came through; where
    several tie, in equal parts. Parameters as in `Dense`.

    Without `units` there are no weights, and y[k] = the largest of x[k * pieces + p]: behind a
    convolution, which makes the sums.

    Raises `CircuitError` where the last axis of x has another size than at the first call, and
    without `units` one that `pieces` do not divide.
    Source: Goodfellow, Warde-Farley, Mirza, Courville, Bengio, "Maxout networks" (ICML 2013).

    >>> Maxout(3, pieces=2)(np.ones((4, 5))).shape
    (4, 3)
    >>> Maxout(pieces=2)([[1.0, 5.0, 4.0, 2.0]]).value
    array([[5., 4.]])
    """

    def __init__(
        self,
        units: int | None = None,
        pieces: int = 2,
        *,
        initializer: InitializerLike = "glorot",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(
            name,
            rng,
            units=None if units is None else count("Maxout", "unit", units),
            pieces=count("Maxout", "piece", pieces),
            initializer=plain_initializer(initializer),
            dtype=float_dtype("Maxout", dtype),
        )
        self.initializer = find_initializer(initializer)
        self.weight: Unit | None = None
        self.bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        units, pieces = self.config["units"], self.config["pieces"]
        if units is None:
            return
        sums = units * pieces
        self.weight = self.parameter(
            "weight",
            (self.size_of_last_axis(shape), sums),
            lambda shape: self.initializer(shape, rng),
            weight=True,
        )
        self.bias = self.parameter("bias", (sums,), np.zeros)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        sums, pieces = x, self.config["pieces"]
        if self.weight is not None:
            assert self.bias is not None
            self.check_last_axis(x, self.weight.shape[0])
            sums = matmul(x, self.weight) + self.bias
        elif (n := self.size_of_last_axis(x.shape)) % pieces:
            raise CircuitError(
                f"layer {self.name!r} cannot divide {n} channels into pieces of {pieces}"
            )
        apart = (*sums.shape[:-1], sums.shape[-1] // pieces, pieces)
        return max(reshape(sums, apart), axis=-1)
