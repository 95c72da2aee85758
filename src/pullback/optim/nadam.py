"""NAdam: Adam with Nesterov's momentum, which grows over the first steps."""

from __future__ import annotations

from typing import Literal

from pullback.core.unit import Unit
from pullback.gates.elementary import sqrt
from pullback.optim.checks import at_least_zero, fraction, positive
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


def scale_by_nadam(
    beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, momentum_decay: float = 4e-3
) -> Transform:
    """(a * g + b * m') / (sqrt(v' / (1 - beta2**t)) + epsilon), at the t-th step, from t = 1.

    m and v are Adam's means. With u(t) = beta1 * (1 - 0.5 * 0.96**(t * momentum_decay)) and U(t)
    the product of u(1) to u(t): a = (1 - u(t)) / (1 - U(t)) and b = u(t + 1) / (1 - U(t + 1)).
    Memory: "nadam.step", t, and "nadam.momentum_product", U, of each parameter; "mean", m;
    "mean_square", v.

    Raises `CircuitError` for betas outside [0, 1), an epsilon that is not positive, or a negative
    decay of the momentum.
    Source: Dozat, "Incorporating Nesterov momentum into Adam" (ICLR workshop, 2016).

    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> memory = [[Unit(0.0)], [Unit(1.0)], [Unit(0.0)], [Unit(0.0)]]
    >>> round(scale_by_nadam().update([Unit(1.0)], memory, p)[0][0].value, 4)
    1.0565
    """
    beta1, beta2 = fraction("beta1", beta1), fraction("beta2", beta2)
    epsilon = positive("epsilon", epsilon)
    momentum_decay = at_least_zero("momentum_decay", momentum_decay)

    def momentum(t: Unit) -> Unit:
        return beta1 * (1.0 - 0.5 * 0.96 ** (t * momentum_decay))

    def factors(t: Unit, product: Unit) -> tuple[Unit, Unit, Unit]:
        now, following = momentum(t), momentum(t + 1.0)
        a = (1.0 - now) / (1.0 - product)
        return a, following / (1.0 - product * following), 1.0 / (1.0 - beta2**t)

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        steps = once(lambda t: t + 1.0, memory[0])
        products = once(lambda last, t: last * momentum(t), memory[1], steps)
        means = averaged(beta1, memory[2], directions)
        squares = averaged(beta2, memory[3], [g * g for g in directions])
        scaled = [
            (a * g + b * m) / (sqrt(grow * v) + epsilon)
            for (a, b, grow), g, m, v in zip(
                once(factors, steps, products), directions, means, squares, strict=True
            )
        ]
        return scaled, [steps, products, means, squares]

    numbers = (Slot("nadam.step", 0.0, each=True), Slot("nadam.momentum_product", 1.0, each=True))
    return Transform(update, (*numbers, Slot("mean"), Slot("mean_square")))


def NAdam(
    learning_rate: float | Schedule | Literal["find"] = 2e-3,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    momentum_decay: float = 4e-3,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Optimizer:
    """Adam with Nesterov's momentum: p' = p - learning_rate * d, with d of `scale_by_nadam`.

    `clip_value` limits each element of the gradients, `clip_norm` the length of them all.

    Raises `CircuitError` as `Adam` does, and for a decay of the momentum that is negative.
    Source: Dozat (2016).

    >>> NAdam()
    NAdam(0.002, beta1=0.9, beta2=0.999, epsilon=1e-08, momentum_decay=0.004)
    """
    arguments = dict(locals())
    return composed("NAdam", arguments, scale_by_nadam(beta1, beta2, epsilon, momentum_decay))


OPTIMIZERS.add("NAdam", NAdam)
