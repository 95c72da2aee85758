"""RAdam: Adam that waits with its measure until enough gradients were seen to trust it."""

from __future__ import annotations

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import greater, maximum, where
from pullback.gates.elementary import sqrt
from pullback.optim.checks import fraction, positive
from pullback.optim.decay import add_decayed_weights
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

_ENOUGH = 5.0  # gradients behind the mean of squares, from which on its variance is known


def scale_by_radam(beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Transform:
    """r * m' / (1 - beta1**t) / ((sqrt(v') + epsilon) / sqrt(1 - beta2**t)), or without r and root.

    m and v are Adam's means at the t-th step, from t = 1. Behind v' stand as many gradients as
    n = N - 2 * t * beta2**t / (1 - beta2**t), with N = 2 / (1 - beta2) - 1 in the long run. Where
    n > 5, r = sqrt((n - 4) * (n - 2) * N / ((N - 4) * (N - 2) * n)); before, m' / (1 - beta1**t).
    Memory: "radam.step", t, of each parameter; "mean", m; "mean_square", v.

    Raises `CircuitError` for betas outside [0, 1), a beta2 up to 2 / 3, at which n never exceeds 5,
    or an epsilon that is not positive.
    Source: Liu et al., "On the variance of the adaptive learning rate and beyond" (ICLR 2020), with
    the limit 5 and the place of epsilon as in PyTorch.

    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> memory = [[Unit(0.0)], [Unit(0.0)], [Unit(0.0)]]
    >>> round(scale_by_radam().update([Unit(-3.0)], memory, p)[0][0].value, 6)  # as momentum does
    -3.0
    """
    beta1, beta2 = fraction("beta1", beta1), fraction("beta2", beta2)
    epsilon = positive("epsilon", epsilon)
    most = 2.0 / (1.0 - beta2) - 1.0
    if most <= _ENOUGH:
        raise CircuitError(
            f"RAdam needs a beta2 above 2 / 3, got {beta2!r}: behind the mean of squares would "
            "never stand enough gradients to trust it"
        )

    def factors(t: Unit) -> tuple[Unit, Unit, Unit]:
        """What m' is multiplied by, the same where v' is trusted, and whether it is."""
        faded = beta2**t
        seen = most - 2.0 * t * faded / (1.0 - faded)
        n = maximum(seen, _ENOUGH)  # no root of what is negative, on the side that is not taken
        share = (n - 4.0) * (n - 2.0) * most / ((most - 4.0) * (most - 2.0) * n)
        start = 1.0 / (1.0 - beta1**t)
        return start, start * sqrt(share * (1.0 - faded)), greater(seen, _ENOUGH)

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        steps = once(lambda t: t + 1.0, memory[0])
        means = averaged(beta1, memory[1], directions)
        squares = averaged(beta2, memory[2], [g * g for g in directions])
        scaled = [
            where(trusted, measured / (sqrt(v) + epsilon), plain) * m
            for (plain, measured, trusted), m, v in zip(
                once(factors, steps), means, squares, strict=True
            )
        ]
        return scaled, [steps, means, squares]

    counts = Slot("radam.step", 0.0, each=True)
    return Transform(update, (counts, Slot("mean"), Slot("mean_square")))


def RAdam(
    learning_rate: float | Schedule = 1e-3,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Optimizer:
    """Adam that is rectified: p' = p - learning_rate * (d + weight_decay * p).

    d is that of `scale_by_radam`: for the first steps momentum alone, then Adam's with a factor
    that grows to 1, so that no warm-up of the rate is needed. Only weights decay: see `AdamW`.
    `clip_value` limits each element of the gradients, `clip_norm` the length of them all.

    Raises `CircuitError` for a learning rate that is neither positive nor a schedule, betas outside
    [0, 1), a beta2 up to 2 / 3, a negative decay, and an epsilon or limits that are not positive.
    Source: Liu et al. (2020). The decay is that of PyTorch's `decoupled_weight_decay=True`.

    >>> RAdam()
    RAdam(0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.0)
    """
    arguments = dict(locals())
    decay = add_decayed_weights(weight_decay)
    return composed(
        "RAdam",
        arguments,
        scale_by_radam(beta1, beta2, epsilon),
        *([decay] if weight_decay else []),
    )


OPTIMIZERS.add("RAdam", RAdam)
