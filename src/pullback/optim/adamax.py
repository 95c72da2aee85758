"""Adamax: Adam whose measure is the largest recent gradient, and not the mean of squares."""

from __future__ import annotations

from pullback.gates.comparison import maximum
from pullback.gates.elementary import abs
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
    once,
)


def scale_by_adamax(beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Transform:
    """m' / (1 - beta1**t) / u', at the t-th step, from t = 1.

    m' = beta1 * m + (1 - beta1) * g and u' = maximum(beta2 * u, |g| + epsilon).
    Memory: "adamax.step", t, of each parameter; "mean", m; "largest", u.

    Raises `CircuitError` for betas outside [0, 1) or an epsilon that is not positive.
    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (ICLR 2015), section 7.1,
    with the epsilon of PyTorch.

    >>> from pullback.core.unit import Unit
    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> memory = [[Unit(0.0)], [Unit(0.0)], [Unit(0.0)]]
    >>> round(scale_by_adamax().update([Unit(-3.0)], memory, p)[0][0].value, 6)
    -1.0
    """
    beta1, beta2 = fraction("beta1", beta1), fraction("beta2", beta2)
    epsilon = positive("epsilon", epsilon)

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        steps = once(lambda t: t + 1.0, memory[0])
        means = averaged(beta1, memory[1], directions)
        pairs = zip(memory[2], directions, strict=True)
        largest = [maximum(beta2 * u, abs(g) + epsilon) for u, g in pairs]
        grown = once(lambda t: 1.0 / (1.0 - beta1**t), steps)
        scaled = [a * m / u for a, m, u in zip(grown, means, largest, strict=True)]
        return scaled, [steps, means, largest]

    counts = Slot("adamax.step", 0.0, each=True)
    return Transform(update, (counts, Slot("mean"), Slot("largest")))


def Adamax(
    learning_rate: float | Schedule = 2e-3,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Optimizer:
    """p' = p - learning_rate * m / u, with m a decaying mean of g and u the largest recent |g|.

    The mean is rid of its bias towards the zero that it starts from: see `scale_by_adamax`. A rare
    large gradient keeps later steps small for about 1 / (1 - beta2) steps. `clip_value` limits each
    element of the gradients, `clip_norm` the length of them all.

    Raises `CircuitError` for a learning rate that is neither positive nor a schedule, betas outside
    [0, 1), and an epsilon or limits that are not positive.
    Source: Kingma and Ba (2015), section 7.1.

    >>> Adamax()
    Adamax(0.002, beta1=0.9, beta2=0.999, epsilon=1e-08)
    """
    arguments = dict(locals())
    return composed("Adamax", arguments, scale_by_adamax(beta1, beta2, epsilon))


OPTIMIZERS.add("Adamax", Adamax)
