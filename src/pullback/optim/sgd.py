"""Stochastic gradient descent, with or without momentum."""

from __future__ import annotations

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.optim.optimizer import OPTIMIZERS, Optimizer, Transform, Wires


def heavy_ball(decay: float) -> Transform:
    """v' = decay * v + g, and v' is the direction: a ball with momentum, rolling through slopes.

    Source: Polyak, "Some methods of speeding up the convergence of iteration methods" (1964).
    """

    def init(parameters: Wires) -> list[Unit]:
        return [Unit(np.zeros(p.shape, p.dtype), f"{p.name}.velocity") for p in parameters]

    def update(directions: Wires, memory: Wires, parameters: Wires) -> tuple[list, list]:
        velocities = [decay * v + g for v, g in zip(memory, directions, strict=True)]
        return velocities, velocities

    return Transform(init, update)


_plain = Transform(init=lambda parameters: [], update=lambda g, memory, parameters: (list(g), []))


def SGD(learning_rate: float = 0.01, *, momentum: float = 0.0) -> Optimizer:
    """Stochastic gradient descent: p' = p - learning_rate * v, with v' = momentum * v + g.

    Raises `CircuitError` for a learning rate that is not positive or momentum outside [0, 1).
    Source: the guide, "Training protocol"; momentum: Polyak (1964).

    >>> p, g, rate = Unit(1.0, "p"), Unit(0.5, "g"), Unit(0.1, "rate")
    >>> moved, _ = SGD(0.1).update([g], [], [p], rate)
    >>> moved[0].value
    0.95
    """
    if not 0.0 <= momentum < 1.0:
        raise CircuitError(f"momentum must be at least 0 and less than 1, got {momentum}")
    return Optimizer("SGD", learning_rate, heavy_ball(momentum) if momentum else _plain)


OPTIMIZERS.add("SGD", SGD)
