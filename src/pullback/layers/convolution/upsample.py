"""The layer that enlarges images, with no weights of its own."""

from __future__ import annotations

from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.linear import matmul
from pullback.gates.shape import as_floats, broadcast_to, reshape
from pullback.layers.convolution.images import both, check_axes, sizes
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class Upsample2d(Layer):
    """Images `factor` times as high and as wide.

    Shapes: x (N, H, W, C), y (N, H factor, W factor, C); `factor` is a whole number or (down,
    across). "nearest" repeats each pixel; "bilinear" draws straight lines between the centres of
    pixels, and repeats those at the border beyond their centres; of whole numbers it makes floats.

    Raises `CircuitError` for what is no image.

    >>> Upsample2d(2)(np.array([[1.0, 2.0]]).reshape(1, 1, 2, 1)).value[0, :, :, 0]
    array([[1., 1., 2., 2.],
           [1., 1., 2., 2.]])
    >>> Upsample2d((1, 2), "bilinear")(np.array([[1.0, 2.0]]).reshape(1, 1, 2, 1)).value.ravel()
    array([1.  , 1.25, 1.75, 2.  ])
    """

    by_channel = True

    def __init__(
        self,
        factor: int | tuple[int, int],
        method: str = "nearest",
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        if method not in ("nearest", "bilinear"):
            raise CircuitError(f"Upsample2d knows 'nearest' and 'bilinear', got {method!r}")
        super().__init__(name, rng, factor=sizes("Upsample2d", "factor", factor, 2), method=method)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 4, None)
        down, across = both(self.config["factor"])
        x = as_floats(x) if self.config["method"] == "bilinear" else x
        n, height, width, channels = x.shape
        if not n:  # of their size there may be nothing but a claim
            return reshape(x, (0, height * down, width * across, channels))
        if self.config["method"] == "nearest":
            apart = reshape(x, (n, height, 1, width, 1, channels))
            whole = broadcast_to(apart, (n, height, down, width, across, channels))
            return reshape(whole, (n, height * down, width * across, channels))
        rows = matmul(
            _lines(height, down).astype(x.dtype), reshape(x, (n, height, width * channels))
        )
        rows = reshape(rows, (n * height * down, width, channels))
        columns = matmul(_lines(width, across).astype(x.dtype), rows)
        return reshape(columns, (n, height * down, width * across, channels))


def _lines(count: int, factor: int) -> np.ndarray:
    """The weights of `count` pixels in each of count * factor between and around them."""
    places = (np.arange(count * factor) + 0.5) / factor - 0.5
    places = np.clip(places, 0, max(count - 1, 0))
    return np.maximum(0.0, 1.0 - np.abs(places[:, None] - np.arange(count)))
