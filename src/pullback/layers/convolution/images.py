"""In: what a layer is given as images or sequences. Out: the same, or what is wrong with it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from operator import index
from typing import Any

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.shape import reshape
from pullback.gates.windows import plain_padding
from pullback.layers.layer import Layer

_WIDE = 8  # pixels, from which on an image of one or three rows is likely to be none
AXES = {3: "(N, L, C)", 4: "(N, H, W, C)"}


def check_axes(layer: Layer, shape: tuple[int, ...], axes: int, channels: int | None) -> None:
    """Refuse what is no batch of images, or of sequences, of so many channels."""
    if len(shape) == axes and channels in (None, shape[-1]):
        return
    wanted = AXES[axes] if channels is None else AXES[axes].replace("C", str(channels))
    cure, one = "", "image" if axes == 4 else "sequence"
    if len(shape) == axes - 1:
        cures = []
        if channels in (None, shape[-1]):
            cures.append(f"a single {one} is a batch of one: x[None]")
        if channels in (None, 1):
            cures.append("a single channel needs an axis of its own: x[..., None]")
        cure = "".join(f"; {cure}" for cure in cures)
    elif len(shape) == axes and shape[1] == channels:
        cure = "; channels come last: np.moveaxis(x, 1, -1)"
    elif len(shape) == axes:
        cure = "; the layer was built for as many channels as its first input had"
    raise CircuitError(f"layer {layer.name!r} expects inputs of shape {wanted}, got {shape}{cure}")


def warn_of_channels_first(layer: Layer, shape: tuple[int, ...]) -> None:
    """Say so where images look as if their channels came before their rows, as in PyTorch."""
    _, height, width, channels = shape
    if height in (1, 3) and width == channels and width >= _WIDE:
        warnings.warn(
            f"layer {layer.name!r} takes {shape} for images of {height} x {width} pixels with "
            f"{channels} channels; if channels come first in it, give np.moveaxis(x, 1, -1)",
            stacklevel=4,
        )


def named(layer: Layer, gate: Callable[..., Unit], *inputs: Any, **static: Any) -> Unit:
    """What a gate makes; what it refuses, with the layer's name."""
    try:
        return gate(*inputs, **static)
    except CircuitError as error:
        raise CircuitError(f"layer {layer.name!r}: {error}") from None


def in_rows(layer: Layer, gate: Callable[..., Unit], x: Unit, *inputs: Unit, **static: Any) -> Unit:
    """What a gate of images makes of sequences, each an image of one row.

    Windows that do not fit are refused before by `check_windows`, in words of sequences.
    """
    y = named(layer, gate, reshape(x, (x.shape[0], 1, *x.shape[1:])), *inputs, **static)
    return reshape(y, (y.shape[0], *y.shape[2:]))


def check_windows(
    layer: Layer, x: Unit, size: int, padding: Any, *, dilation: int = 1, pooled: bool = False
) -> None:
    """Refuse windows that do not fit on sequences x; where they are `pooled`, empty ones too."""
    length, span = x.shape[1], (size - 1) * dilation + 1
    if pooled and not length:
        raise CircuitError(
            f"layer {layer.name!r} finds nothing to pool in sequences of shape {x.shape}"
        )
    if padding == "same":
        return
    _, pads = plain_padding("valid" if padding == "valid" else (0, padding), layer.name)
    if span > length + sum(pads):
        spread = f", with dilation {dilation} of {span}," if dilation > 1 else ""
        raise CircuitError(
            f"layer {layer.name!r}: a window of {size}{spread} is larger than sequences of "
            f"{length} with padding {pads}; take a smaller one, or padding='same'"
        )
    if pooled and max(pads) >= size:
        raise CircuitError(
            f"layer {layer.name!r}: with padding {pads} some windows of {size} would hold nothing; "
            "pad by less than the size of a window"
        )


def sizes(kind: str, what: str, value: Any, axes: int, least: int = 1) -> int | list[int]:
    """A whole number, or one for each axis, as JSON can hold it.

    >>> sizes("Conv2d", "kernel", (3, 5), 2)
    [3, 5]
    """
    many = isinstance(value, tuple | list)
    try:
        found = [index(n) for n in (value if many else [value])]
    except TypeError:
        found = []
    if len(found) != (axes if many else 1) or any(n < least for n in found):
        several = f", or {axes} of them" if axes > 1 else ""
        raise CircuitError(
            f"{kind} needs a {what} of at least {least}, a whole number{several}, got {value!r}"
        )
    return found if many and axes > 1 else found[0]


def both(value: int | list[int]) -> tuple[int, int]:
    """A height and a width."""
    height, width = (value, value) if isinstance(value, int) else value
    return height, width


def border(kind: str, value: Any, axes: int) -> Any:
    """Padding as JSON can hold it: "same", "valid", or numbers as the gates take them.

    >>> border("Conv2d", ((1, 2), (0, 3)), 2)
    [[1, 2], [0, 3]]
    """
    if isinstance(value, str) and value in ("same", "valid"):
        return value
    try:
        plain = _plain(value)
    except TypeError:
        raise CircuitError(
            f"{kind}: padding must be whole numbers, 'same' or 'valid', got {value!r}"
        ) from None
    plain_padding(plain if axes == 2 else ((0, 0), plain), kind)
    return plain


def _plain(value: Any) -> Any:
    """Whole numbers, and sequences of them, as JSON can hold them."""
    return [_plain(n) for n in value] if isinstance(value, tuple | list) else index(value)
