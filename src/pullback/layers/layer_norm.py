"""The layer that brings every row to mean 0 and variance 1, by itself."""

from __future__ import annotations

from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.reduction import centre, var
from pullback.layers.arguments import count, float_dtype, number_between
from pullback.layers.deviation import deviation
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class LayerNorm(Layer):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + bias, over the last axis, or a few.

    Shapes: x (..., n), scale (n,), which starts at one, bias (n,), at zero. The variance is the
    mean square, without correction. Training and prediction are the same. With `axes=3`, x is
    (N, H, W, C), mean and variance are those of a whole image, and scale and bias (H, W, C).

    Raises `CircuitError` where these axes of x have other sizes than at the first call.
    Source: Ba, Kiros, Hinton, "Layer normalization" (2016).

    >>> LayerNorm()([[1.0, 3.0]]).value.round(3)
    array([[-1.,  1.]])
    """

    def __init__(
        self,
        epsilon: float = 1e-5,
        axes: int = 1,
        *,
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        self.epsilon = number_between("LayerNorm", "epsilon", epsilon, 0.0, 1.0)
        super().__init__(
            name,
            rng,
            epsilon=self.epsilon,
            axes=count("LayerNorm", "axis", axes),
            dtype=float_dtype("LayerNorm", dtype),
        )
        self.scale: Unit | None = None
        self.bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        axes = self.config["axes"]
        if len(shape) <= axes:
            raise CircuitError(
                f"layer {self.name!r} expects inputs of an axis for the rows and {axes} more, "
                f"got {shape}"
            )
        self.scale = self.parameter("scale", shape[-axes:], np.ones)
        self.bias = self.parameter("bias", shape[-axes:], np.zeros)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.scale is not None
        assert self.bias is not None
        if x.shape[-self.scale.ndim :] != self.scale.shape:
            sizes = ", ".join(map(str, self.scale.shape))
            raise CircuitError(
                f"layer {self.name!r} expects inputs of shape (…, {sizes}), got {x.shape}"
            )
        last = tuple(range(x.ndim - self.scale.ndim, x.ndim))
        variance = var(x, axis=last, keepdims=True)
        factor = 1.0 / deviation(variance, self.epsilon)
        return self.scale * (centre(x, last) * factor) + self.bias
