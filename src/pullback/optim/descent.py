"""In: a stage from gradients to directions. Out: one from gradients to the next parameters."""

from __future__ import annotations

from typing import Any

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.optim.schedules import Schedule, scheduled
from pullback.optim.transform import (
    Memory,
    Next,
    Parameters,
    Slot,
    Transform,
    Wires,
    fitting,
    made_of,
)


def descent(transform: Transform, learning_rate: float | Schedule | str) -> Transform:
    """p' = p - learning_rate * d, with the directions d of `transform`; the next values, p'.

    The learning rate is the schedule's, else `Parameters.rate`, else the number, and is multiplied
    by the parameter's own of `Parameters.factors`. `Parameters.settle` has the last word.
    Memory: with a schedule "learning_rate.step" comes first, the number of steps done before.

    >>> from pullback.optim.transform import scale
    >>> p = Parameters([Unit(1.0)], weights=[])
    >>> descent(scale(2.0), 0.25).update([Unit(1.0)], [], p)[0][0].value
    0.5
    """
    counted = (Slot("learning_rate.step", 0.0),) if callable(learning_rate) else ()

    def update(gradients: Wires, memory: Memory, parameters: Parameters) -> Next:
        rate: Any = learning_rate if parameters.rate is None else parameters.rate
        if isinstance(rate, str):
            raise CircuitError(f"the learning rate is still to be found: {rate!r}")
        counts: list[Wires] = []
        if callable(learning_rate):
            ((step,), *memory) = memory
            rate = scheduled(learning_rate, step)
            counts.append([step + 1.0])
        directions, news = transform.update(gradients, memory, parameters)
        own = {1.0: rate}
        for factor in parameters.factors.values():
            if factor not in own:
                own[factor] = factor * rate

        def after(p: Unit, d: Unit) -> Unit:
            rate = fitting(own[parameters.factors.get(p, 1.0)], p)
            moved, settle = p - rate * d, parameters.settle.get(p)
            return moved if settle is None else settle(moved, rate)

        moved = [after(*pair) for pair in zip(parameters.wires, directions, strict=True)]
        return moved, [*counts, *news]

    return made_of([transform], update, [*counted, *transform.slots])
