"""AlexNet: the network whose success in 2012 made everybody look at convolutions again."""

from __future__ import annotations

from pullback.layers import (
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Sequential,
)
from pullback.layers.layer import Layer, Rng


def alexnet(classes: int = 1000, *, rng: Rng = 0) -> Sequential:
    """AlexNet as it was published, for pictures of 227 x 227 x 3.

    Five convolutions, of which the second, fourth and fifth are in two groups, as two graphics
    cards had one each; local response normalization and overlapping pooling; three dense layers
    with dropout. (The paper says 224 x 224; its own sizes need three more.) Weights begin by He's
    rule, where the paper has a normal distribution of spread 0.01 and biases of 1.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural
    networks" (NIPS 2012).

    >>> print(alexnet()[0])
    Conv2d(96, 11, stride=4)
    """
    return Sequential(
        *_convolution(96, 11, stride=4, normal=True, pool=True),
        *_convolution(256, 5, padding=2, groups=2, normal=True, pool=True),
        *_convolution(384, 3, padding=1),
        *_convolution(384, 3, padding=1, groups=2),
        *_convolution(256, 3, padding=1, groups=2, pool=True),
        Flatten(),
        *_dense(4096),
        *_dense(4096),
        Dense(classes),
        rng=rng,
    )


def small_alexnet(classes: int = 10, *, rng: Rng = 0) -> Sequential:
    """AlexNet's form for pictures of 32 x 32 or so: smaller windows and fewer of everything.

    >>> print(small_alexnet().summary((32, 32, 3)).parameters)
    1032394
    """
    return Sequential(
        *_convolution(64, 5, padding=2, normal=True, pool=True),
        *_convolution(96, 5, padding=2, groups=2, normal=True, pool=True),
        *_convolution(128, 3, padding=1),
        *_convolution(128, 3, padding=1, groups=2),
        *_convolution(96, 3, padding=1, groups=2, pool=True),
        Flatten(),
        *_dense(512),
        *_dense(512),
        Dense(classes),
        rng=rng,
    )


def _convolution(
    filters: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    normal: bool = False,
    pool: bool = False,
) -> list[Layer]:
    convolution = Conv2d(filters, kernel, stride=stride, padding=padding or "valid", groups=groups)
    after = [LocalResponseNorm()] * normal + [MaxPool2d(3, stride=2)] * pool
    return [convolution, ReLU(), *after]


def _dense(units: int) -> list[Layer]:
    return [Dropout(0.5), Dense(units), ReLU()]
