"""Residual networks: blocks that add to what goes around them, so that depth does no harm."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.layers import (
    BatchNorm,
    Conv2d,
    Dense,
    GlobalAveragePool,
    ReLU,
    Residual,
    Sequential,
)
from pullback.layers.layer import Layer, Rng


def resnet(
    classes: int = 10,
    widths: Sequence[int] = (16, 32, 64),
    blocks: int = 1,
    *,
    rng: Rng = 0,
) -> Sequential:
    """A residual network for small pictures: for each width so many blocks of two convolutions.

    The first block of every width but the first halves height and width. With three widths it has
    6 blocks + 2 layers with weights; the paper's, for CIFAR-10, have 3 blocks and more, and go
    around where the size changes without weights; here that way is a convolution of 1 x 1.

    Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (CVPR 2016).

    >>> print(resnet().summary((32, 32, 3)).parameters)
    78042
    """
    layers: list[Layer] = [*_convolution(widths[0], 3), ReLU()]
    channels = widths[0]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            layers += [_block(channels, width, stride), ReLU()]
            channels = width
    return Sequential(*layers, GlobalAveragePool(), Dense(classes), rng=rng)


def _block(channels: int, width: int, stride: int) -> Residual:
    """Two convolutions and a way around them, which has weights where the shape changes."""
    inner = [*_convolution(width, 3, stride), ReLU(), *_convolution(width, 3)]
    if stride == 1 and channels == width:
        return Residual(*inner)
    return Residual(*inner, around=Sequential(*_convolution(width, 1, stride)))


def _convolution(width: int, kernel: int, stride: int = 1) -> list[Layer]:
    convolution = Conv2d(width, kernel, stride=stride, padding=kernel // 2, bias=False)
    return [convolution, BatchNorm()]
