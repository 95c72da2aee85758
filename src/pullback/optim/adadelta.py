"""Adadelta: steps as long as recent steps were, so that they have the units of the parameter."""

from __future__ import annotations

from typing import Literal

from pullback.gates.elementary import sqrt
from pullback.optim.checks import fraction, positive
from pullback.optim.optimizer import OPTIMIZERS, Optimizer, composed
from pullback.optim.schedules import Schedule
from pullback.optim.transform import Memory, Next, Parameters, Slot, Transform, Wires, averaged


def scale_by_adadelta(decay: float = 0.9, epsilon: float = 1e-6) -> Transform:
    """d = sqrt(u + epsilon) / sqrt(v' + epsilon) * g, with decaying means of squares v and u.

    v' = decay * v + (1 - decay) * g * g and u' = decay * u + (1 - decay) * d * d.
    Memory: "mean_square", v, and "mean_square_step", u.

    Raises `CircuitError` for a decay outside [0, 1) or an epsilon that is not positive.
    Source: Zeiler, "ADADELTA: an adaptive learning rate method" (2012).

    >>> from pullback.core.unit import Unit
    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> stage = scale_by_adadelta(0.75, 1e-6)
    >>> round(stage.update([Unit(4.0)], [[Unit(0.0)], [Unit(1.0)]], p)[0][0].value, 5)
    2.0
    """
    decay, epsilon = fraction("decay", decay), positive("epsilon", epsilon)

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        squares = averaged(decay, memory[0], [g * g for g in directions])
        scaled = [
            sqrt(u + epsilon) / sqrt(v + epsilon) * g
            for g, v, u in zip(directions, squares, memory[1], strict=True)
        ]
        return scaled, [squares, averaged(decay, memory[1], [d * d for d in scaled])]

    return Transform(update, (Slot("mean_square"), Slot("mean_square_step")))


def Adadelta(
    learning_rate: float | Schedule | Literal["find"] = 1.0,
    *,
    decay: float = 0.9,
    epsilon: float = 1e-6,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Optimizer:
    """p' = p - learning_rate * sqrt(u + epsilon) / sqrt(v' + epsilon) * g.

    v and u are decaying means of the squares of the gradients and of the steps: see
    `scale_by_adadelta`. `clip_value` limits each element of the gradients, `clip_norm` the length
    of them all.

    Raises `CircuitError` for a learning rate that is neither positive nor a schedule, a decay
    outside [0, 1), and an epsilon or limits that are not positive.
    Source: Zeiler (2012), where the learning rate is 1.

    >>> Adadelta()
    Adadelta(1.0, decay=0.9, epsilon=1e-06)
    """
    arguments = dict(locals())
    return composed("Adadelta", arguments, scale_by_adadelta(decay, epsilon))


OPTIMIZERS.add("Adadelta", Adadelta)
