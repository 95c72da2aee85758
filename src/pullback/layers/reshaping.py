"""Layers that change the shape of each row."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from operator import index
from typing import final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.shape import reshape
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class Flatten(Layer):
    """Each row as a vector: x (rows, ...) becomes y (rows, n), in row-major order.

    Raises `CircuitError` for a single number, which has no rows.

    >>> import numpy as np
    >>> Flatten()(np.ones((5, 2, 3))).shape
    (5, 6)
    """

    by_channel = True

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        if not x.shape:
            raise CircuitError(f"layer {self.name!r} expects inputs of shape (rows, …), got ()")
        return reshape(x, (x.shape[0], prod(x.shape[1:])))


@final
@register
class Reshape(Layer):
    """Each row in another shape: x (rows, ...) becomes y (rows, *shape), in row-major order.

    One size of `shape` may be -1, and is inferred. Raises `CircuitError` where the elements of a
    row do not fit.

    >>> import numpy as np
    >>> Reshape((2, -1))(np.ones((5, 6))).shape
    (5, 2, 3)
    """

    def __init__(self, shape: Sequence[int], *, name: str = "", rng: Rng = None) -> None:
        try:
            sizes = [index(n) for n in shape]
        except TypeError:
            sizes = [-2]
        if any(n < -1 for n in sizes) or sizes.count(-1) > 1:
            raise CircuitError(
                f"Reshape needs the sizes of a row, whole numbers, one of them -1, got {shape!r}"
            )
        super().__init__(name, rng, shape=sizes)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        sizes = self.config["shape"]
        known, elements = prod(n for n in sizes if n != -1), prod(x.shape[1:])
        inferred = elements // known if known else 0
        row = tuple(inferred if n == -1 else n for n in sizes)
        if not x.shape or prod(row) != elements:
            raise CircuitError(
                f"layer {self.name!r} makes rows of shape {tuple(sizes)}, which those of an input "
                f"of shape {x.shape} do not fit"
            )
        return reshape(x, (x.shape[0], *row))
