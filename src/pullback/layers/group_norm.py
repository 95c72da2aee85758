"""The layer that brings groups of channels of every row to mean 0 and variance 1, by itself."""

from __future__ import annotations

from math import prod
from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.elementary import sqrt
from pullback.gates.reduction import mean
from pullback.gates.shape import reshape
from pullback.layers.arguments import count, float_dtype, number_between
from pullback.layers.centring import centre
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class GroupNorm(Layer):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + bias, over each group of channels.

    Shapes: x (N, ..., C); mean and variance are those of a row's numbers in C / groups adjacent
    channels, over all axes between; scale (C,) starts at one, bias (C,) at zero. The variance is
    the mean square, without correction. A batch plays no part: training and prediction are the
    same. As many groups as channels make an instance normalization.

    Raises `CircuitError` where `groups` do not divide the channels, and where x has others than at
    the first call.
    Source: Wu and He, "Group normalization" (ECCV 2018).

    >>> GroupNorm(2)([[1.0, 3.0, 10.0, 30.0]]).value.round(3)
    array([[-1.,  1., -1.,  1.]])
    """

    def __init__(
        self,
        groups: int,
        epsilon: float = 1e-5,
        *,
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        self.epsilon = number_between("GroupNorm", "epsilon", epsilon, 0.0)
        super().__init__(
            name,
            rng,
            groups=count("GroupNorm", "group", groups),
            epsilon=self.epsilon,
            dtype=float_dtype("GroupNorm", dtype),
        )
        self.scale: Unit | None = None
        self.bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        n, groups = self.size_of_last_axis(shape), self.config["groups"]
        if n % groups:
            raise CircuitError(
                f"layer {self.name!r} cannot divide {n} channels into {groups} groups"
            )
        self.scale = self.parameter("scale", (n,), np.ones)
        self.bias = self.parameter("bias", (n,), np.zeros)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.scale is not None
        assert self.bias is not None
        self.check_last_axis(x, self.scale.size)
        rows, groups = x.shape[0], self.config["groups"]
        pixels = prod(x.shape[1:-1])
        parts = reshape(x, (rows, pixels, groups, self.scale.size // groups))
        centred = centre(parts, (1, 3))
        variance = mean(centred * centred, axis=(1, 3), keepdims=True)
        normal = reshape(centred / sqrt(variance + self.epsilon), x.shape)
        return self.scale * normal + self.bias
