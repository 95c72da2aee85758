"""In: parameters as users write them. Out: the parts of a network, made anew for each fit."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Literal

from pullback.core.errors import CircuitError
from pullback.layers import Dense, Dropout, Layer, Sequential
from pullback.layers.activations import ACTIVATIONS
from pullback.losses import LOSSES, Loss
from pullback.optim import OPTIMIZERS, Optimizer


def multilayer(
    hidden: Sequence[int] | int,
    activation: str,
    dropout: float,
    outputs: int,
    seed: int,
    initializer: str = "glorot",
) -> Sequential:
    """Dense layers of these sizes, each with its activation and dropout, and a last one.

    Weights start by "glorot", whose first outputs are smaller than those of "he".

    >>> multilayer((8, 4), "tanh", 0.0, 3, 0, "he")
    Sequential(Dense(8), Tanh(), Dense(4), Tanh(), Dense(3))
    """
    sizes: Any = (hidden,) if isinstance(hidden, Integral) else hidden
    if not isinstance(activation, str):
        raise CircuitError(f"an activation is a name, such as 'relu', got {activation!r}")
    bend = ACTIVATIONS[ACTIVATIONS.spelled(activation)]
    layers: list[Layer] = []
    for size in sizes:
        layers += [Dense(size, initializer=initializer), bend()]
        if dropout:
            layers.append(Dropout(dropout))
    return Sequential(*layers, Dense(outputs, initializer=initializer), rng=seed)


def optimizer_of(given: str | Optimizer, learning_rate: float | Literal["find"]) -> Optimizer:
    """The optimizer of this name, in upper or lower case, or the one that was given.

    >>> optimizer_of("sgd", 0.1)
    SGD(0.1, momentum=0.0)
    """
    if isinstance(given, Optimizer):
        return given
    if not isinstance(given, str):
        raise CircuitError(
            f"an optimizer is a name, such as 'adam', or an Optimizer, got {given!r}"
        )
    return OPTIMIZERS[OPTIMIZERS.spelled(given)](learning_rate)


def loss_of(given: str | Loss | None, natural: Loss) -> Loss:
    """The loss of this name, the one that was given, or for None the natural one."""
    if given is None:
        return natural
    if isinstance(given, Loss):
        return given
    if not isinstance(given, str):
        raise CircuitError(f"a loss is a name, such as 'Huber', or a Loss, got {given!r}")
    return LOSSES[LOSSES.spelled(given)]()
