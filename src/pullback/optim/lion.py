"""Lion: every element takes a step of the same length, in the direction that momentum decides."""

from __future__ import annotations

from typing import Literal

from pullback.gates.elementary import sign
from pullback.optim.checks import fraction
from pullback.optim.decay import add_decayed_weights
from pullback.optim.optimizer import OPTIMIZERS, Optimizer, composed
from pullback.optim.schedules import Schedule
from pullback.optim.transform import Memory, Next, Parameters, Slot, Transform, Wires, averaged


def scale_by_lion(beta1: float = 0.9, beta2: float = 0.99) -> Transform:
    """sign(beta1 * m + (1 - beta1) * g), and then m' = beta2 * m + (1 - beta2) * g.

    Memory: "mean", m. Raises `CircuitError` for betas outside [0, 1).
    Source: Chen et al., "Symbolic discovery of optimization algorithms" (NeurIPS 2023).

    >>> from pullback.core.unit import Unit
    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> scale_by_lion().update([Unit(-3.0)], [[Unit(0.1)]], p)[0][0].value
    -1.0
    """
    beta1, beta2 = fraction("beta1", beta1), fraction("beta2", beta2)

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        signs = [sign(x) for x in averaged(beta1, memory[0], directions)]
        return signs, [averaged(beta2, memory[0], directions)]

    return Transform(update, (Slot("mean"),))


def Lion(
    learning_rate: float | Schedule | Literal["find"] = 1e-4,
    *,
    beta1: float = 0.9,
    beta2: float = 0.99,
    weight_decay: float = 0.0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Optimizer:
    """p' = p - learning_rate * (sign(beta1 * m + (1 - beta1) * g) + weight_decay * p).

    Only weights decay: see `AdamW`. `clip_value` limits each element of the gradients, `clip_norm`
    the length of them all.

    Raises `CircuitError` for a learning rate that is neither positive nor a schedule, betas outside
    [0, 1), a negative decay, and limits that are not positive.
    Source: Chen et al. (2023), who advise a rate 3 to 10 times smaller than Adam's.

    >>> Lion()
    Lion(0.0001, beta1=0.9, beta2=0.99, weight_decay=0.0)
    """
    arguments = dict(locals())
    decay = add_decayed_weights(weight_decay)
    return composed(
        "Lion", arguments, scale_by_lion(beta1, beta2), *([decay] if weight_decay else [])
    )


OPTIMIZERS.add("Lion", Lion)
