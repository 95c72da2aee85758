"""The layer that brings groups of channels of every row to mean 0 and variance 1, by itself."""

from __future__ import annotations

from math import prod
from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.elementary import stop_gradient
from pullback.gates.reduction import mean
from pullback.gates.shape import broadcast_to, reshape
from pullback.layers.arguments import count, float_dtype, number_between
from pullback.layers.deviation import deviation
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
        self.epsilon = number_between("GroupNorm", "epsilon", epsilon, 0.0, 1.0)
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
        rows, channels = x.shape[0], self.scale.size
        pixels = reshape(x, (rows, prod(x.shape[1:-1]), channels))
        nearly = pixels - self._mean(pixels)
        centred = nearly - stop_gradient(self._mean(nearly))  # all digits: see `centre`
        normal = centred / deviation(self._mean(centred * centred), self.epsilon)
        return self.scale * reshape(normal, x.shape) + self.bias

    def _mean(self, x: Unit) -> Unit:
        """The mean of each group of channels, for each of its channels: (N, pixels, C), (N, 1, C).

        First each channel's alone, as what lies side by side in memory is quick to go through.
        """
        rows, _, channels = x.shape
        groups = self.config["groups"]
        each = reshape(mean(x, axis=1), (rows, groups, channels // groups))
        whole = broadcast_to(mean(each, axis=2, keepdims=True), each.shape)
        return reshape(whole, (rows, 1, channels))
