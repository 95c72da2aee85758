"""Layers that keep one number of each window, or of each whole image, for each channel alone."""

from __future__ import annotations

from typing import Any, final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.pooling import average_pool, max_pool
from pullback.gates.reduction import max, mean
from pullback.gates.windows import Border, Stride
from pullback.layers.convolution.images import (
    border,
    check_axes,
    check_windows,
    in_rows,
    named,
    sizes,
)
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class MaxPool2d(Layer):
    """The largest pixel of each window, for each channel alone.

    Shapes: x (N, H, W, C), y (N, HO, WO, C), HO = (H + padding - size) // stride + 1. `size` and
    `stride`, by default the size, are a number or (down, across): windows overlap where the stride
    is the smaller one. `padding` is as in `Conv2d`; its pixels are never the largest.

    Raises `CircuitError` for what is no image, where a window is larger than the padded image, and
    where padding is as wide as the window.

    >>> import numpy as np
    >>> MaxPool2d(2)(np.arange(16.0).reshape(1, 4, 4, 1)).value[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """

    by_channel = True

    def __init__(
        self,
        size: int | tuple[int, int],
        stride: Stride | None = None,
        padding: Border = "valid",
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(name, rng, **_windows("MaxPool2d", 2, size, stride, padding))

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 4, None)
        return named(self, max_pool, x, **self.config)


@final
@register
class AveragePool2d(Layer):
    """The mean of the pixels of each window, for each channel alone.

    Shapes, arguments and what is raised as in `MaxPool2d`. Pixels of the padding do not count.

    >>> import numpy as np
    >>> AveragePool2d(2)(np.arange(16.0).reshape(1, 4, 4, 1)).value[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """

    by_channel = True

    def __init__(
        self,
        size: int | tuple[int, int],
        stride: Stride | None = None,
        padding: Border = "valid",
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(name, rng, **_windows("AveragePool2d", 2, size, stride, padding))

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 4, None)
        return named(self, average_pool, x, **self.config)


@final
@register
class MaxPool1d(Layer):
    """The largest number of each window of a sequence, for each channel alone.

    Shapes: x (N, L, C), y (N, LO, C). As `MaxPool2d` along one axis.

    >>> MaxPool1d(2)([[[1.0], [3.0], [2.0], [0.0]]]).value[0, :, 0]
    array([3., 2.])
    """

    by_channel = True

    def __init__(
        self,
        size: int,
        stride: int | None = None,
        padding: int | str | tuple[int, int] = "valid",
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(name, rng, **_windows("MaxPool1d", 1, size, stride, padding))

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 3, None)
        return in_rows(self, max_pool, x, **_of_rows(self, x))


@final
@register
class AveragePool1d(Layer):
    """The mean of each window of a sequence, for each channel alone.

    Shapes: x (N, L, C), y (N, LO, C). As `AveragePool2d` along one axis.

    >>> AveragePool1d(2)([[[1.0], [3.0], [2.0], [0.0]]]).value[0, :, 0]
    array([2., 1.])
    """

    by_channel = True

    def __init__(
        self,
        size: int,
        stride: int | None = None,
        padding: int | str | tuple[int, int] = "valid",
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(name, rng, **_windows("AveragePool1d", 1, size, stride, padding))

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 3, None)
        return in_rows(self, average_pool, x, **_of_rows(self, x))


@final
@register
class GlobalAveragePool(Layer):
    """The mean of each channel over a whole image, or sequence.

    Shapes: x (N, ..., C), y (N, C). Raises `CircuitError` for fewer than three axes, and for no
    pixels.
    Source: Lin, Chen, Yan, "Network in network" (ICLR 2014).

    >>> import numpy as np
    >>> GlobalAveragePool()(np.arange(4.0).reshape(1, 2, 2, 1)).value
    array([[1.5]])
    """

    by_channel = True

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return mean(x, axis=_inner(self, x))


@final
@register
class GlobalMaxPool(Layer):
    """The largest number of each channel in a whole image, or sequence.

    Shapes, and what is raised, as in `GlobalAveragePool`. Several that tie share the gradient.

    >>> import numpy as np
    >>> GlobalMaxPool()(np.arange(4.0).reshape(1, 2, 2, 1)).value
    array([[3.]])
    """

    by_channel = True

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return max(x, axis=_inner(self, x))


def _inner(layer: Layer, x: Unit) -> tuple[int, ...]:
    """All axes but that of the rows and that of the channels."""
    if x.ndim < 3:
        check_axes(layer, x.shape, 4, None)
    if 0 in x.shape[1:-1]:
        raise CircuitError(f"layer {layer.name!r} finds no pixels in inputs of shape {x.shape}")
    return tuple(range(1, x.ndim - 1))


def _windows(kind: str, axes: int, size: Any, stride: Any, padding: Any) -> dict[str, Any]:
    """The arguments in plain form."""
    return {
        "size": sizes(kind, "size", size, axes),
        "stride": None if stride is None else sizes(kind, "stride", stride, axes),
        "padding": border(kind, padding, axes),
    }


def _of_rows(layer: Layer, x: Unit) -> dict[str, Any]:
    """The arguments of a layer of sequences x, for images of one row; refused where x is short."""
    size, stride, padding = (layer.config[name] for name in ("size", "stride", "padding"))
    check_windows(layer, x, size, padding, pooled=True)
    return {
        "size": (1, size),
        "stride": None if stride is None else (1, stride),
        "padding": padding if isinstance(padding, str) else (0, padding),
    }
