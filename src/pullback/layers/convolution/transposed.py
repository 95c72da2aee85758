"""The layer that makes a larger image of a small one: a convolution the other way round."""

from __future__ import annotations

from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.convolution import convolve_input
from pullback.gates.windows import Border, Stride, by, plain_padding, spanned
from pullback.layers.arguments import count, float_dtype
from pullback.layers.convolution.images import border, both, check_axes, named, sizes
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.start import InitializerLike, find_initializer, plain_initializer
from pullback.layers.training import Training


@final
@register
class ConvTranspose2d(Layer):
    """y = convolve_input(x, weight) + bias: kernels, stamped on an image with the strength of x.

    Shapes: x (N, H, W, C), weight (KH, KW, filters / groups, C), bias (filters,),
    y (N, HO, WO, filters), HO = (H - 1) stride + (KH - 1) dilation + 1 - padding + extra, or
    H stride where padding is "same". It is the gradient of a `Conv2d` with these arguments, from
    `filters` channels to C; as several sizes of image have outputs of one size, `extra`, rows and
    columns less than the stride, says which is meant: with "same" it is always the largest.

    Raises `CircuitError` as `Conv2d`, where `extra` is not less than the stride, or beside "same",
    and where the padding leaves nothing of an output.
    Source: Zeiler, Krishnan, Taylor, Fergus, "Deconvolutional networks" (CVPR 2010).

    >>> ConvTranspose2d(3, 4, stride=2, padding=1)(np.ones((2, 7, 7, 8))).shape
    (2, 14, 14, 3)
    """

    def __init__(
        self,
        filters: int,
        kernel: int | tuple[int, int],
        *,
        stride: Stride = 1,
        padding: Border = "valid",
        extra: int | tuple[int, int] = 0,
        dilation: Stride = 1,
        groups: int = 1,
        bias: bool = True,
        initializer: InitializerLike = "he",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        kind = "ConvTranspose2d"
        super().__init__(
            name,
            rng,
            filters=count(kind, "filter", filters),
            kernel=sizes(kind, "kernel", kernel, 2),
            stride=sizes(kind, "stride", stride, 2),
            padding=border(kind, padding, 2),
            extra=sizes(kind, "number of extra rows", extra, 2, least=0),
            dilation=sizes(kind, "dilation", dilation, 2),
            groups=count(kind, "group", groups),
            bias=bool(bias),
            initializer=plain_initializer(initializer),
            dtype=float_dtype(kind, dtype),
        )
        if filters % groups:
            raise CircuitError(f"{kind}: {filters} filters cannot be divided into {groups} groups")
        more, steps = both(self.config["extra"]), both(self.config["stride"])
        if self.config["padding"] == "same" and any(more):
            raise CircuitError(f"{kind}: padding='same' leaves no choice of extra, got {extra}")
        if any(e >= s for e, s in zip(more, steps, strict=True)) and any(more):
            raise CircuitError(f"{kind}: extra must be less than the stride {stride}, got {extra}")
        self.initializer = find_initializer(initializer)
        self.weight: Unit | None = None
        self.bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        check_axes(self, shape, 4, None)
        channels, groups, filters = shape[-1], self.config["groups"], self.config["filters"]
        if channels % groups:
            raise CircuitError(
                f"layer {self.name!r} cannot divide {channels} channels into {groups} groups"
            )

        def initial(shape: tuple[int, ...]) -> np.ndarray:
            """Each output sums C / groups channels: as in a convolution from C to `filters`."""
            height, width, made, channels = shape
            seen = (height, width, channels // groups, made * groups)
            drawn = self.initializer(seen, rng)
            parts = np.reshape(drawn, (*seen[:3], groups, made))
            return np.transpose(parts, (0, 1, 4, 3, 2)).reshape(shape)

        self.weight = self.parameter(
            "weight",
            (*both(self.config["kernel"]), filters // groups, channels),
            initial,
            weight=True,
        )
        if self.config["bias"]:
            self.bias = self.parameter("bias", (filters,), np.zeros)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.weight is not None
        check_axes(self, x.shape, 4, self.weight.shape[3])
        windows = {name: self.config[name] for name in ("stride", "padding", "dilation", "groups")}
        y = named(self, convolve_input, x, self.weight, size=self._size(x), **windows)
        return y if self.bias is None else y + self.bias

    def _size(self, x: Unit) -> tuple[int, int]:
        """Height and width of the output."""
        padding, steps = self.config["padding"], both(self.config["stride"])
        if padding == "same":
            return x.shape[1] * steps[0], x.shape[2] * steps[1]
        span = spanned(both(self.config["kernel"]), both(self.config["dilation"]))
        borders, more = plain_padding(padding, "padding"), both(self.config["extra"])
        height, width = (
            (n - 1) * step + k - sum(border) + extra
            for n, step, k, border, extra in zip(
                x.shape[1:3], steps, span, borders, more, strict=True
            )
        )
        if height < 1 or width < 1:
            raise CircuitError(
                f"layer {self.name!r}: with padding {borders}, nothing is left of what images of "
                f"{by(x.shape[1:3])} make; take less"
            )
        return height, width
