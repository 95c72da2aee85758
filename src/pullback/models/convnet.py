"""The first convolutional networks of many: LeNet-5, and the two of ConvNetJS's demos."""

from __future__ import annotations

from pullback.layers import (
    AveragePool2d,
    Conv2d,
    Dense,
    Flatten,
    MaxPool2d,
    ReLU,
    Sequential,
    Tanh,
)
from pullback.layers.layer import Rng


def lenet5(classes: int = 10, *, rng: Rng = 0) -> Sequential:
    """LeNet-5 for pictures of 28 x 28: two convolutions with averages, three dense layers.

    As it is built today: every filter sees all channels, averages have no weights of their own, and
    the outputs are scores of classes; the paper's has 32 x 32 pixels and radial outputs.

    Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document
    recognition" (1998).

    >>> model = lenet5()
    >>> print(model.summary((28, 28, 1)).parameters)
    61706
    """
    return Sequential(
        Conv2d(6, 5, padding=2, initializer="glorot"),
        Tanh(),
        AveragePool2d(2),
        Conv2d(16, 5, initializer="glorot"),
        Tanh(),
        AveragePool2d(2),
        Flatten(),
        Dense(120, initializer="glorot"),
        Tanh(),
        Dense(84, initializer="glorot"),
        Tanh(),
        Dense(classes, initializer="glorot"),
        rng=rng,
    )


def convnetjs_mnist(classes: int = 10, *, rng: Rng = 0) -> Sequential:
    """The network of ConvNetJS's MNIST demo: 8 and 16 filters of 5 x 5, and a dense layer.

    There it sees windows of 24 x 24 of pictures of 28 x 28; it takes either.
    Source: Karpathy, ConvNetJS, "Train a neural net on MNIST" (2014).

    >>> print(convnetjs_mnist().summary((24, 24, 1)).parameters)
    5994
    """
    return Sequential(
        Conv2d(8, 5, padding="same"),
        ReLU(),
        MaxPool2d(2),
        Conv2d(16, 5, padding="same"),
        ReLU(),
        MaxPool2d(3),
        Flatten(),
        Dense(classes),
        rng=rng,
    )


def convnetjs_cifar10(classes: int = 10, *, rng: Rng = 0) -> Sequential:
    """The network of ConvNetJS's CIFAR-10 demo: 16, 20 and 20 filters of 5 x 5, and a dense layer.

    Source: Karpathy, ConvNetJS, "Train a neural net on CIFAR-10" (2014).

    >>> print(convnetjs_cifar10().summary((32, 32, 3)).parameters)
    22466
    """
    layers = [
        layer
        for filters in (16, 20, 20)
        for layer in (Conv2d(filters, 5, padding="same"), ReLU(), MaxPool2d(2))
    ]
    return Sequential(*layers, Flatten(), Dense(classes), rng=rng)
