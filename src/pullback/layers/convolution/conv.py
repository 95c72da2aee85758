"""Layers whose outputs see a window of their input, everywhere with the same weights."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.convolution import convolve
from pullback.gates.shape import reshape
from pullback.gates.windows import Border, Stride
from pullback.layers.arguments import count, float_dtype
from pullback.layers.convolution.images import (
    border,
    both,
    check_axes,
    check_windows,
    in_rows,
    named,
    sizes,
    warn_of_channels_first,
)
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.start import InitializerLike, find_initializer, plain_initializer
from pullback.layers.training import Training


@final
@register
class Conv2d(Layer):
    """y = convolve(x, weight) + bias: each filter, laid on every place of an image.

    Shapes: x (N, H, W, C), weight (KH, KW, C / groups, filters), bias (filters,),
    y (N, HO, WO, filters), in which HO = (H + padding - (KH - 1) dilation - 1) // stride + 1; C is
    inferred at the first call. `kernel`, `stride` and `dilation` are a number or (down, across).
    `padding` is a number, (rows, columns), ((top, bottom), (left, right)), "valid" for none, or
    "same" for HO = ceil(H / stride). Of `groups` groups of channels each filter sees one.

    Raises `CircuitError` for what is no image, where the channels are others than at the first
    call or not divided by `groups`, and where a kernel is larger than the padded image.
    Source: the guide, chapter 4, "Convolutional Neural Networks"; see also `convolve`.

    >>> layer = Conv2d(8, 5, padding="same")
    >>> layer(np.ones((2, 28, 28, 3))).shape
    (2, 28, 28, 8)
    >>> layer.weight.shape
    (5, 5, 3, 8)
    """

    def __init__(
        self,
        filters: int,
        kernel: int | tuple[int, int],
        *,
        stride: Stride = 1,
        padding: Border = "valid",
        dilation: Stride = 1,
        groups: int = 1,
        bias: bool = True,
        initializer: InitializerLike = "he",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(
            name,
            rng,
            filters=count("Conv2d", "filter", filters),
            **_windows("Conv2d", 2, kernel, stride, padding, dilation),
            groups=_groups("Conv2d", groups, filters),
            bias=bool(bias),
            initializer=plain_initializer(initializer),
            dtype=float_dtype("Conv2d", dtype),
        )
        self.initializer = find_initializer(initializer)
        self.weight: Unit | None = None
        self.bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        check_axes(self, shape, 4, None)
        warn_of_channels_first(self, shape)
        told = {name: self.config[name] for name in ("filters", "groups")}
        _build(self, shape[-1], both(self.config["kernel"]), rng, **told)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.weight is not None
        check_axes(self, x.shape, 4, self.weight.shape[2] * self.config["groups"])
        windows = {name: self.config[name] for name in ("stride", "padding", "dilation", "groups")}
        y = named(self, convolve, x, self.weight, **windows)
        return y if self.bias is None else y + self.bias


@final
@register
class DepthwiseConv2d(Layer):
    """Every channel by itself, with `multiplier` filters of its own.

    Shapes: x (N, H, W, C), weight (KH, KW, 1, C multiplier), bias (C multiplier,),
    y (N, HO, WO, C multiplier): filters multiplier c and on see channel c. A convolution of 1 x 1
    behind it mixes the channels: together they cost a fraction of one with both. Arguments, and
    what is raised, as in `Conv2d`.

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions" (CVPR 2017).

    >>> DepthwiseConv2d(3, padding="same")(np.ones((2, 8, 8, 6))).shape
    (2, 8, 8, 6)
    """

    def __init__(
        self,
        kernel: int | tuple[int, int],
        multiplier: int = 1,
        *,
        stride: Stride = 1,
        padding: Border = "valid",
        dilation: Stride = 1,
        bias: bool = True,
        initializer: InitializerLike = "he",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        kind = "DepthwiseConv2d"
        super().__init__(
            name,
            rng,
            multiplier=count(kind, "filter", multiplier),
            **_windows(kind, 2, kernel, stride, padding, dilation),
            bias=bool(bias),
            initializer=plain_initializer(initializer),
            dtype=float_dtype(kind, dtype),
        )
        self.initializer = find_initializer(initializer)
        self.weight: Unit | None = None
        self.bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        check_axes(self, shape, 4, None)
        warn_of_channels_first(self, shape)
        channels, kernel = shape[-1], both(self.config["kernel"])
        if not channels:
            raise CircuitError(f"layer {self.name!r} needs at least one channel, got {shape}")
        filters = channels * self.config["multiplier"]
        _build(self, channels, kernel, rng, filters=filters, groups=channels)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.weight is not None
        channels = self.weight.shape[3] // self.config["multiplier"]
        check_axes(self, x.shape, 4, channels)
        windows = {name: self.config[name] for name in ("stride", "padding", "dilation")}
        y = named(self, convolve, x, self.weight, groups=channels, **windows)
        return y if self.bias is None else y + self.bias


@final
@register
class Conv1d(Layer):
    """y = each filter, laid on every place of a sequence, + bias.

    Shapes: x (N, L, C), weight (K, C / groups, filters), bias (filters,), y (N, LO, filters). As
    `Conv2d` along one axis: `padding` is a number, (left, right), "valid" or "same".

    Raises `CircuitError` as `Conv2d`.

    >>> Conv1d(4, 3, padding="same", dilation=2)(np.ones((2, 10, 5))).shape
    (2, 10, 4)
    """

    def __init__(
        self,
        filters: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int | str | tuple[int, int] = "valid",
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        initializer: InitializerLike = "he",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(
            name,
            rng,
            filters=count("Conv1d", "filter", filters),
            **_windows("Conv1d", 1, kernel, stride, padding, dilation),
            groups=_groups("Conv1d", groups, filters),
            bias=bool(bias),
            initializer=plain_initializer(initializer),
            dtype=float_dtype("Conv1d", dtype),
        )
        self.initializer = find_initializer(initializer)
        self.weight: Unit | None = None
        self.bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        check_axes(self, shape, 3, None)
        told = {name: self.config[name] for name in ("filters", "groups")}
        _build(self, shape[-1], (self.config["kernel"],), rng, **told)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.weight is not None
        check_axes(self, x.shape, 3, self.weight.shape[1] * self.config["groups"])
        padding, dilation = self.config["padding"], self.config["dilation"]
        check_windows(self, x, self.config["kernel"], padding, dilation=dilation)
        weight = reshape(self.weight, (1, *self.weight.shape))
        y = in_rows(
            self,
            convolve,
            x,
            weight,
            stride=(1, self.config["stride"]),
            padding=padding if isinstance(padding, str) else (0, padding),
            dilation=(1, dilation),
            groups=self.config["groups"],
        )
        return y if self.bias is None else y + self.bias


def _windows(
    kind: str, axes: int, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> dict[str, Any]:
    """The arguments that say where filters lie, in plain form."""
    return {
        "kernel": sizes(kind, "kernel", kernel, axes),
        "stride": sizes(kind, "stride", stride, axes),
        "padding": border(kind, padding, axes),
        "dilation": sizes(kind, "dilation", dilation, axes),
    }


def _groups(kind: str, groups: Any, filters: int) -> int:
    """A number of groups, which must divide the filters."""
    groups = count(kind, "group", groups)
    if filters % groups:
        raise CircuitError(f"{kind}: {filters} filters cannot be divided into {groups} groups")
    return groups


def _build(
    layer: Any,
    channels: int,
    kernel: tuple[int, ...],
    rng: np.random.Generator,
    *,
    filters: int,
    groups: int,
) -> None:
    """The weight (*kernel, channels / groups, filters) and the bias of a convolution."""
    if channels % groups:
        raise CircuitError(
            f"layer {layer.name!r} cannot divide {channels} channels into {groups} groups"
        )
    layer.weight = layer.parameter(
        "weight",
        (*kernel, channels // groups, filters),
        lambda shape: layer.initializer(shape, rng),
        weight=True,
    )
    if layer.config["bias"]:
        layer.bias = layer.parameter("bias", (filters,), np.zeros)
