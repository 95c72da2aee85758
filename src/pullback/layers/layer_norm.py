"""The layer that brings every row to mean 0 and variance 1, by itself."""

from __future__ import annotations

from typing import final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.elementary import sqrt
from pullback.gates.reduction import mean
from pullback.layers.arguments import float_dtype, number_between
from pullback.layers.centring import centre
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class LayerNorm(Layer):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + bias, over the last axis.

    Shapes: x (..., n), scale (n,), which starts at one, bias (n,), at zero. The variance is the
    mean square, without correction. Training and prediction are the same.

    Raises `CircuitError` where the last axis of x has another size than at the first call.
    Source: Ba, Kiros, Hinton, "Layer normalization" (2016).

    >>> LayerNorm()([[1.0, 3.0]]).value.round(3)
    array([[-1.,  1.]])
    """

    def __init__(
        self,
        epsilon: float = 1e-5,
        *,
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        self.epsilon = number_between("LayerNorm", "epsilon", epsilon, 0.0)
        super().__init__(name, rng, epsilon=self.epsilon, dtype=float_dtype("LayerNorm", dtype))
        self.scale: Unit | None = None
        self.bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        n = self.size_of_last_axis(shape)
        self.scale = self.parameter("scale", (n,), np.ones)
        self.bias = self.parameter("bias", (n,), np.zeros)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.scale is not None
        assert self.bias is not None
        self.check_last_axis(x, self.scale.size)
        centred = centre(x, -1)
        variance = mean(centred * centred, axis=-1, keepdims=True)
        return self.scale * (centred / sqrt(variance + self.epsilon)) + self.bias
