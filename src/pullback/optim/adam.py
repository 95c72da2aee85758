"""Adam: momentum, measured by the recent size of the gradient, without the bias of the start."""

from __future__ import annotations

from typing import Literal

from pullback.gates.comparison import maximum
from pullback.gates.elementary import sqrt
from pullback.optim.checks import fraction, positive
from pullback.optim.optimizer import OPTIMIZERS, Optimizer, composed
from pullback.optim.schedules import Schedule
from pullback.optim.transform import (
    Memory,
    Next,
    Parameters,
    Slot,
    Transform,
    Wires,
    averaged,
    momentum_now,
    momentum_slots,
    once,
)


def scale_by_adam(
    beta1: float | Schedule = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    *,
    amsgrad: bool = False,
) -> Transform:
    """m' / (1 - beta1**t) / (sqrt(v' / (1 - beta2**t)) + epsilon), at the t-th step, from t = 1.

    m' = beta1 * m + (1 - beta1) * g and v' = beta2 * v + (1 - beta2) * g * g. With `amsgrad` the
    largest v so far stands in place of v'. A square that overflows, of a gradient beyond 1e19 in
    float32, stays in v as infinity and stops its parameter; limit such gradients before. beta1 may
    be a schedule, whose count of steps, "momentum.step", comes first in memory.
    Memory: "adam.step", t, of each parameter; "mean", m; "mean_square", v; "largest_mean_square".

    Raises `CircuitError` for betas outside [0, 1) or an epsilon that is not positive.
    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (ICLR 2015); amsgrad:
    Reddi, Kale, Kumar, "On the convergence of Adam and beyond" (ICLR 2018), with Adam's correction
    of the bias as in PyTorch.

    >>> from pullback.core.unit import Unit
    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> memory = [[Unit(0.0)], [Unit(0.0)], [Unit(0.0)]]
    >>> round(scale_by_adam().update([Unit(-3.0)], memory, p)[0][0].value, 6)
    -1.0
    """
    first = beta1 if callable(beta1) else fraction("beta1", beta1)
    beta2, epsilon = fraction("beta2", beta2), positive("epsilon", epsilon)
    counted = momentum_slots(first)

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        now, counts = momentum_now(first, memory[: len(counted)])
        memory = memory[len(counted) :]
        steps = once(lambda t: t + 1.0, memory[0])
        means = averaged(now, memory[1], directions)
        squares = averaged(beta2, memory[2], [g * g for g in directions])
        news, spreads = [*counts, steps, means, squares], squares
        if amsgrad:
            spreads = [maximum(v, last) for v, last in zip(squares, memory[3], strict=True)]
            news.append(spreads)
        grown = once(lambda t: (1.0 / (1.0 - now**t), 1.0 / (1.0 - beta2**t)), steps)
        scaled = [
            a * m / (sqrt(b * v) + epsilon)
            for (a, b), m, v in zip(grown, means, spreads, strict=True)
        ]
        return scaled, news

    counts = Slot("adam.step", 0.0, each=True)
    slots = (counts, Slot("mean"), Slot("mean_square"), Slot("largest_mean_square"))
    return Transform(update, (*counted, *(slots if amsgrad else slots[:3])))


def Adam(
    learning_rate: float | Schedule | Literal["find"] = 1e-3,
    *,
    beta1: float | Schedule = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    amsgrad: bool = False,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Optimizer:
    """p' = p - learning_rate * m / (sqrt(v) + epsilon), with m and v decaying means of g and g * g.

    The means are rid of their bias towards the zero that they start from, and epsilon stands
    outside the root: see `scale_by_adam`. `clip_value` limits each element of the gradients,
    `clip_norm` the length of them all.

    Raises `CircuitError` for a learning rate that is neither positive nor a schedule, betas outside
    [0, 1), but for a beta1 that is a schedule, and an epsilon or limits that are not positive.
    Source: Kingma and Ba (2015).

    >>> Adam()
    Adam(0.001, beta1=0.9, beta2=0.999, epsilon=1e-08)
    """
    arguments = dict(locals())
    return composed("Adam", arguments, scale_by_adam(beta1, beta2, epsilon, amsgrad=amsgrad))


OPTIMIZERS.add("Adam", Adam)
