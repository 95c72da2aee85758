"""AdaGrad: each parameter's steps shrink by all the gradients that it has met."""

from __future__ import annotations

from typing import Literal

from pullback.gates.elementary import sqrt
from pullback.optim.checks import positive
from pullback.optim.optimizer import OPTIMIZERS, Optimizer, composed
from pullback.optim.schedules import Schedule
from pullback.optim.transform import Memory, Next, Parameters, Slot, Transform, Wires


def scale_by_adagrad(epsilon: float = 1e-10) -> Transform:
    """g / (sqrt(s') + epsilon), with s' = s + g * g.

    Memory: "squares", s. Raises `CircuitError` for an epsilon that is not positive.
    Source: Duchi, Hazan, Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization" (JMLR 2011).

    >>> from pullback.core.unit import Unit
    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> scale_by_adagrad().update([Unit(4.0)], [[Unit(9.0)]], p)[0][0].value
    0.799999999984
    """
    epsilon = positive("epsilon", epsilon)

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        (squares,) = memory
        news = [s + g * g for s, g in zip(squares, directions, strict=True)]
        scaled = [g / (sqrt(s) + epsilon) for g, s in zip(directions, news, strict=True)]
        return scaled, [news]

    return Transform(update, (Slot("squares"),))


def AdaGrad(
    learning_rate: float | Schedule | Literal["find"] = 0.01,
    *,
    epsilon: float = 1e-10,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Optimizer:
    """p' = p - learning_rate * g / (sqrt(s') + epsilon), with s' = s + g * g.

    `clip_value` limits each element of the gradients, `clip_norm` the length of them all.

    Raises `CircuitError` for a learning rate that is neither positive nor a schedule, and for an
    epsilon or limits that are not positive.
    Source: see `scale_by_adagrad`.

    >>> AdaGrad(0.1)
    AdaGrad(0.1, epsilon=1e-10)
    """
    arguments = dict(locals())
    return composed("AdaGrad", arguments, scale_by_adagrad(epsilon))


OPTIMIZERS.add("AdaGrad", AdaGrad)
