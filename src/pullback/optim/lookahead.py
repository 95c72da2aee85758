"""Lookahead: an optimizer runs ahead for some steps, and then goes part of the way back."""

from __future__ import annotations

from pullback.core.errors import CircuitError
from pullback.core.unit import scope
from pullback.gates.comparison import greater_equal, where
from pullback.optim.checks import count, positive
from pullback.optim.optimizer import WRAPPERS, Optimizer, wrapped
from pullback.optim.transform import Memory, Next, Parameters, Slot, Transform, Wires, made_of


def Lookahead(optimizer: Optimizer, steps: int = 5, alpha: float = 0.5) -> Optimizer:
    """Every so many steps of `optimizer`, p' = s' = s + alpha * (p - s), s being the last such s'.

    In between, the parameters are those of `optimizer`, which runs ahead of the slow ones, s; what
    it remembers stays as it is when they meet. The slow ones start where the parameters are at the
    first step. Measure a model after a number of steps of which `steps` is a divisor, to see s.
    Memory: "lookahead.step", the steps since the last s'; "slow", s.

    Raises `CircuitError` for what is no optimizer, steps fewer than 1, or an alpha that is not
    positive or more than 1.
    Source: Zhang, Lucas, Hinton, Ba, "Lookahead optimizer: k steps forward, 1 step back"
    (NeurIPS 2019).

    >>> from pullback.core.unit import Unit
    >>> from pullback.optim.sgd import SGD
    >>> p, g, optimizer = Unit(1.0, "p"), Unit(1.0, "g"), Lookahead(SGD(0.1), steps=1)
    >>> moved, _ = optimizer.update([g], optimizer.init([p]), [p])
    >>> round(moved[0].value, 6)  # half of the way to 0.9
    0.95
    """
    steps, alpha = count("steps", steps), positive("alpha", alpha)
    if alpha > 1.0:
        raise CircuitError(f"alpha must be at most 1, got {alpha!r}")

    def wrap(step: Transform) -> Transform:
        def update(gradients: Wires, memory: Memory, parameters: Parameters) -> Next:
            (done,), slow, *own = memory
            fast, news = step.update(gradients, own, parameters)
            with scope("lookahead"):
                number = done + 1.0
                due = greater_equal(number, float(steps))
                pairs = list(zip(slow, fast, strict=True))
                met = [where(due, s + alpha * (p - s), s) for s, p in pairs]
                moved = [where(due, s, p) for s, p in zip(met, fast, strict=True)]
                return moved, [[where(due, 0.0, number)], met, *news]

        slots = (Slot("lookahead.step", 0.0), Slot("slow", copied=True))
        return made_of([step], update, [*slots, *step.slots])

    return wrapped("Lookahead", optimizer, {"steps": steps, "alpha": alpha}, wrap)


WRAPPERS.add("Lookahead", Lookahead)
