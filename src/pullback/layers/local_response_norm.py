"""The layer in which strong channels damp those beside them."""

from __future__ import annotations

from math import prod
from typing import final

from pullback.core.unit import Unit
from pullback.gates.elementary import sqrt
from pullback.gates.pooling import sum_pool
from pullback.gates.shape import reshape
from pullback.layers.arguments import count, number_between
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class LocalResponseNorm(Layer):
    """y[c] = x[c] / (k + alpha / size * (the sum of x[d]^2 over `size` channels around c))^beta.

    Shapes: x (..., C), y (..., C), of floats. The channels are those from c - size // 2 on; beyond
    the first and the last there are zeros. So it is in PyTorch and, for an odd size, in ConvNetJS;
    the paper leaves out the division of alpha by `size`.

    Raises `CircuitError` for arguments that are no such numbers.
    Source: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural
    networks" (NIPS 2012), section 3.3.

    >>> LocalResponseNorm(3, alpha=3.0, beta=0.5, k=1.0)([[0.0, 2.0, 2.0]]).value.round(3)
    array([[0.   , 0.667, 0.667]])
    """

    takes_floats = True

    def __init__(
        self,
        size: int = 5,
        alpha: float = 1e-4,
        beta: float = 0.75,
        k: float = 2.0,
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        kind = "LocalResponseNorm"
        super().__init__(
            name,
            rng,
            size=count(kind, "channel", size),
            alpha=number_between(kind, "alpha", alpha, 0.0),
            beta=number_between(kind, "beta", beta, 0.0),
            k=number_between(kind, "k", k, 0.0),
        )

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        size, alpha, beta, k = (self.config[name] for name in ("size", "alpha", "beta", "k"))
        channels = self.size_of_last_axis(x.shape)
        if not x.size:
            return x
        before, behind = (min(n, channels) for n in (size // 2, (size - 1) // 2))
        total = sum_pool(  # the channels of each pixel are an image of one row
            reshape(x * x, (prod(x.shape[:-1]), 1, channels, 1)),
            size=(1, before + 1 + behind),
            stride=(1, 1),
            padding=((0, 0), (before, behind)),
        )
        scale = k + (alpha / size) * reshape(total, x.shape)
        if beta == 0.75:  # two roots are quicker than a power
            root = sqrt(scale)
            return x / (root * sqrt(root))
        return x / scale**beta
