"""The layer that brings every channel to mean 0 and variance 1 over the batch."""

from __future__ import annotations

from math import prod
from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.elementary import sqrt
from pullback.gates.reduction import centre, mean, var
from pullback.layers.arguments import float_dtype, number_between
from pullback.layers.deviation import deviation
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class BatchNorm(Layer):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + bias, over all axes but the last.

    Shapes: x (..., n); scale (n,), which starts at one, and bias (n,), at zero, are parameters; the
    running mean (n,), from zero, and variance (n,), from one, are state. In training mean and
    variance are those of the batch, and the state moves towards them:

        state = momentum * state + (1 - momentum) * (the batch's mean, or unbiased variance)

    so `momentum` is the share that is kept, and PyTorch's is 1 minus it. In prediction, mean and
    variance are the running ones, and each row is by itself.

    Raises `CircuitError` where the last axis of x has another size than at the first call, and in
    training for a batch of fewer than two rows, which has no variance.
    Source: Ioffe and Szegedy, "Batch normalization" (ICML 2015).

    >>> layer, training = BatchNorm(), Training()
    >>> layer([[1.0], [3.0]], training=training).value.round(3)
    array([[-1.],
           [ 1.]])
    >>> training.commit()
    >>> layer.mean.value, layer.variance.value  # moved by a tenth towards a mean and variance of 2
    (array([0.2], dtype=float32), array([1.1], dtype=float32))
    """

    by_channel = True

    def __init__(
        self,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        *,
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        self.momentum = number_between("BatchNorm", "momentum", momentum, 0.0, 1.0, end=True)
        self.epsilon = number_between("BatchNorm", "epsilon", epsilon, 0.0, 1.0)
        super().__init__(
            name,
            rng,
            momentum=self.momentum,
            epsilon=self.epsilon,
            dtype=float_dtype("BatchNorm", dtype),
        )
        self.scale: Unit | None = None
        self.bias: Unit | None = None
        self.mean: Unit | None = None
        self.variance: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        n = self.size_of_last_axis(shape)
        self.scale = self.parameter("scale", (n,), np.ones)
        self.bias = self.parameter("bias", (n,), np.zeros)
        self.mean = self.variable("mean", (n,), np.zeros)
        self.variance = self.variable("variance", (n,), np.ones)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.scale is not None
        assert self.bias is not None
        assert self.mean is not None
        assert self.variance is not None
        self.check_last_axis(x, self.scale.size)
        if training is None:
            factor = self.scale / sqrt(self.variance + self.epsilon)
            return (x - self.mean) * factor + self.bias
        rows = prod(x.shape[:-1])
        if rows < 2:
            raise CircuitError(
                f"layer {self.name!r} cannot normalize a batch of shape {x.shape} in training: it "
                "has no variance over its rows; take batches of at least 2"
            )
        axes = tuple(range(x.ndim - 1))
        variance = var(x, axis=axes)
        self._move(training, self.mean, mean(x, axis=axes))
        self._move(training, self.variance, variance * (rows / (rows - 1)))
        return centre(x, axes) * (self.scale / deviation(variance, self.epsilon)) + self.bias

    def _move(self, training: Training, state: Unit, measured: Unit) -> None:
        kept = self.momentum if training.kept is None else training.kept
        training.update(state, kept * training.present(state) + (1.0 - kept) * measured)
