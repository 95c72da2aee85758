"""The layer that looks up a vector for each whole number: a word, a user, a category."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from pullback.core.abstract import Abstract
from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.indexing import take
from pullback.layers import arguments
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.start import InitializerLike, find_initializer, plain_initializer
from pullback.layers.training import Training


@final
@register
class Embedding(Layer):
    """y = table[x]: the row of each whole number from 0 to count - 1.

    Shapes: x (...), of integers; table (count, units); y (..., units). The table starts by
    `initializer`, by default uniform between -0.5 and 0.5.

    Raises `CircuitError` where x holds no integers, or one outside the table.
    Source: Bengio, Ducharme, Vincent, Jauvin, "A neural probabilistic language model" (JMLR 3,
    2003).

    >>> Embedding(10, 4)(np.array([[1, 5, 9]])).shape
    (1, 3, 4)
    """

    takes_integers = True

    def __init__(
        self,
        count: int,
        units: int,
        *,
        initializer: InitializerLike = "uniform",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(
            name,
            rng,
            count=arguments.count("Embedding", "row", count),
            units=arguments.count("Embedding", "unit", units),
            initializer=plain_initializer(initializer),
            dtype=arguments.float_dtype("Embedding", dtype),
        )
        self.initializer = find_initializer(initializer)
        self.table: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        self.table = self.parameter(
            "table",
            (self.config["count"], self.config["units"]),
            lambda shape: self.initializer(shape, rng),
            weight=True,
        )

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.table is not None
        if x.dtype.kind not in "iu":
            raise CircuitError(
                f"layer {self.name!r} expects whole numbers, an array of integers, got {x.dtype}"
            )
        if type(x._value) is not Abstract:
            self.refuse(np.asarray(x.value))
        return take(self.table, x)

    def refuse(self, *inputs: Any) -> None:
        (asked,), rows = inputs, self.config["count"]
        outside = asked[(asked < 0) | (asked >= rows)]
        if outside.size:
            raise CircuitError(
                f"layer {self.name!r} has rows 0 to {rows - 1}, and was asked for {outside.flat[0]}"
            )
