"""Networks of small windows only: stages of 3 x 3 convolutions, each ended by pooling."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.layers import (
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2d,
    ReLU,
    Sequential,
)
from pullback.layers.layer import Rng


def vgg(
    classes: int = 10,
    widths: Sequence[int] = (32, 64, 128),
    convolutions: int = 2,
    *,
    hidden: int = 256,
    dropout: float = 0.5,
    rng: Rng = 0,
) -> Sequential:
    """VGG's form for small pictures: for each width so many convolutions, then pooling.

    Each convolution of 3 x 3 is followed by batch normalization and ReLU; behind the stages stands
    one hidden dense layer with dropout. Pictures must be at least 2 to the number of stages high
    and wide.

    Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
    recognition" (ICLR 2015); batch normalization came later.

    >>> print(vgg().summary((32, 32, 3)).parameters)
    814570
    """
    layers: list[Layer] = []
    for width in widths:
        for _ in range(convolutions):
            layers += [Conv2d(width, 3, padding=1, bias=False), BatchNorm(), ReLU()]
        layers.append(MaxPool2d(2))
    head = [Flatten(), Dropout(dropout), Dense(hidden), ReLU(), Dropout(dropout), Dense(classes)]
    return Sequential(*layers, *head, rng=rng)
