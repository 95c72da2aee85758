"""RMSProp: each parameter's steps are measured by the recent size of its gradient."""

from __future__ import annotations

from typing import Literal

from pullback.gates.comparison import maximum
from pullback.gates.elementary import sqrt
from pullback.optim.checks import fraction, positive
from pullback.optim.optimizer import OPTIMIZERS, Optimizer, composed
from pullback.optim.schedules import Schedule
from pullback.optim.sgd import heavy_ball
from pullback.optim.transform import Memory, Next, Parameters, Slot, Transform, Wires, averaged


def scale_by_rms(
    decay: float = 0.99, epsilon: float = 1e-8, *, centered: bool = False
) -> Transform:
    """g / (sqrt(v') + epsilon), with v' = decay * v + (1 - decay) * g * g.

    With `centered`, v' - m' * m' stands under the root, the variance of g, where m is the mean of
    g as v is of its square; rounding cannot make it negative.
    Memory: "mean_square", v, and with `centered` "mean", m.

    Raises `CircuitError` for a decay outside [0, 1) or an epsilon that is not positive.
    Source: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5 (2012);
    centered: Graves, "Generating sequences with recurrent neural networks" (2013).

    >>> from pullback.core.unit import Unit
    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> round(scale_by_rms(0.75).update([Unit(4.0)], [[Unit(0.0)]], p)[0][0].value, 6)
    2.0
    """
    decay, epsilon = fraction("decay", decay), positive("epsilon", epsilon)

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        squares = averaged(decay, memory[0], [g * g for g in directions])
        news, spreads = [squares], squares
        if centered:
            means = averaged(decay, memory[1], directions)
            news.append(means)
            spreads = [maximum(v - m * m, 0.0) for v, m in zip(squares, means, strict=True)]
        scaled = [g / (sqrt(v) + epsilon) for g, v in zip(directions, spreads, strict=True)]
        return scaled, news

    slots = (Slot("mean_square"), Slot("mean"))
    return Transform(update, slots if centered else slots[:1])


def RMSProp(
    learning_rate: float | Schedule | Literal["find"] = 0.01,
    *,
    decay: float = 0.99,
    epsilon: float = 1e-8,
    momentum: float = 0.0,
    centered: bool = False,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Optimizer:
    """p' = p - learning_rate * g / (sqrt(v') + epsilon), with v' = decay * v + (1 - decay) * g * g.

    With `momentum` the scaled gradients push a ball, as in `SGD`; with `centered` the variance of
    g takes the place of its mean square. `clip_value` limits each element of the gradients,
    `clip_norm` the length of them all.

    Raises `CircuitError` for a learning rate that is neither positive nor a schedule, decay or
    momentum outside [0, 1), and an epsilon or limits that are not positive.
    Source: see `scale_by_rms`.

    >>> RMSProp(0.001, momentum=0.9)
    RMSProp(0.001, decay=0.99, epsilon=1e-08, momentum=0.9)
    """
    arguments = dict(locals())
    ball = heavy_ball(momentum)
    return composed(
        "RMSProp",
        arguments,
        scale_by_rms(decay, epsilon, centered=centered),
        *([ball] if momentum else []),
    )


OPTIMIZERS.add("RMSProp", RMSProp)
