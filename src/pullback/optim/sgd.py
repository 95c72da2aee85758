"""Stochastic gradient descent, with or without momentum."""

from __future__ import annotations

from typing import Literal

from pullback.core.errors import CircuitError
from pullback.optim.checks import fraction
from pullback.optim.optimizer import OPTIMIZERS, Optimizer, composed
from pullback.optim.schedules import Schedule
from pullback.optim.transform import (
    Memory,
    Next,
    Parameters,
    Slot,
    Transform,
    Wires,
    fitting,
    momentum_now,
    momentum_slots,
)


def heavy_ball(decay: float | Schedule, *, nesterov: bool = False) -> Transform:
    """v' = decay * v + g, and v' is the direction: a ball with momentum, rolling through slopes.

    Nesterov's direction is g + decay * v': the slope where the ball is about to be.
    The decay may be a schedule. Memory: "velocity", and of a schedule the count of steps before it,
    "momentum.step". Raises `CircuitError` for a decay that is neither in [0, 1) nor a schedule.
    Source: Polyak, "Some methods of speeding up the convergence of iteration methods" (1964);
    Sutskever et al., "On the importance of initialization and momentum" (ICML 2013).

    >>> from pullback.core.unit import Unit
    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> g, v = Unit(1.0), Unit(4.0)
    >>> heavy_ball(0.5).update([g], [[v]], p)[0][0].value
    3.0
    >>> heavy_ball(0.5, nesterov=True).update([g], [[v]], p)[0][0].value
    2.5
    """
    kept = decay if callable(decay) else fraction("momentum", decay)

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        *counts, velocities = memory
        now, counts = momentum_now(kept, counts)
        news = [fitting(now, v) * v + g for v, g in zip(velocities, directions, strict=True)]
        if not nesterov:
            return news, [*counts, news]
        ahead = [g + fitting(now, v) * v for g, v in zip(directions, news, strict=True)]
        return ahead, [*counts, news]

    return Transform(update, (*momentum_slots(kept), Slot("velocity")))


def SGD(
    learning_rate: float | Schedule | Literal["find"] = 0.01,
    *,
    momentum: float | Schedule = 0.0,
    nesterov: bool = False,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Optimizer:
    """Stochastic gradient descent: p' = p - learning_rate * v', with v' = momentum * v + g.

    With `nesterov`, p' = p - learning_rate * (g + momentum * v'). `clip_value` limits each element
    of the gradients, `clip_norm` the length of them all. Momentum may be a schedule, such as
    `OneCycle.momentum` makes.

    Raises `CircuitError` for a learning rate that is neither positive nor a schedule, momentum
    outside [0, 1), limits that are not positive, and `nesterov` without momentum.
    Source: the guide, "Training protocol"; momentum and Nesterov: see `heavy_ball`.

    >>> from pullback.core.unit import Unit
    >>> p, g, rate = Unit(1.0, "p"), Unit(0.5, "g"), Unit(0.1, "rate")
    >>> moved, _ = SGD(0.1).update([g], [], [p], rate)
    >>> moved[0].value
    0.95
    """
    arguments = dict(locals())
    ball = heavy_ball(momentum, nesterov=nesterov)
    if nesterov and not momentum:
        raise CircuitError("Nesterov's step needs momentum, such as momentum=0.9")
    return composed("SGD", arguments, *([ball] if momentum else []))


OPTIMIZERS.add("SGD", SGD)
