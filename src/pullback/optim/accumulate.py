"""Accumulation: one update for the mean gradient of several batches, as of one that is larger."""

from __future__ import annotations

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit, scope
from pullback.gates.comparison import greater_equal, where
from pullback.optim.checks import count
from pullback.optim.optimizer import WRAPPERS, Optimizer, wrapped
from pullback.optim.transform import (
    Memory,
    Next,
    Parameters,
    Slot,
    Transform,
    Wires,
    made_of,
    once,
)


def Accumulate(optimizer: Optimizer, steps: int = 4) -> Optimizer:
    """Every so many batches one step of `optimizer`, with the mean of their gradients.

    That is the step of one batch `steps` times as large, of which only a part needs to be in memory
    at once. In between nothing moves but the sum of the gradients: not the parameters, not what
    `optimizer` remembers, and a schedule counts updates, not batches. Limits on the gradients are
    on their mean. A sum that is not complete at the end of an epoch goes on in the next, where a
    smaller last batch counts as much as a whole one. Layers that learn from a batch as a whole,
    such as `BatchNorm`, see the small batches.
    The next values are computed at every batch, and used at every `steps`-th: for an optimizer that
    works hard, such as `Muon`, a larger batch costs less.
    Memory: "accumulate.batches", how many are in the sum; "gradient", the sum.

    Raises `CircuitError` for what is no optimizer, steps fewer than 1, and where there is a `SAM`
    inside, which would ask for the gradient of batches that are gone: SAM(Accumulate(...)) does.

    >>> from pullback.optim.sgd import SGD
    >>> p, g, optimizer = Unit(1.0, "p"), Unit(1.0, "g"), Accumulate(SGD(0.1), steps=2)
    >>> moved, memory = optimizer.update([g], optimizer.init([p]), [p])
    >>> again, _ = optimizer.update([Unit(3.0)], memory, moved)
    >>> moved[0].value, again[0].value
    (1.0, 0.8)
    """
    steps = count("steps", steps)

    def wrap(step: Transform) -> Transform:
        if step.asks:
            raise CircuitError(
                "Accumulate cannot stand around SAM, which needs the gradient of all batches "
                "again; SAM(Accumulate(...)) looks for a worse point by each of them"
            )

        def update(gradients: Wires, memory: Memory, parameters: Parameters) -> Next:
            (done,), sums, *own = memory
            with scope("accumulate"):
                number = done + 1.0
                due = greater_equal(number, float(steps))
                sums = [s + g for s, g in zip(sums, gradients, strict=True)]
                means = [s / steps for s in sums]
            moved, news = step.update(means, own, parameters)

            def kept(old: Unit, new: Unit) -> Unit:
                return where(due, new, old)

            with scope("accumulate"):
                moved = once(kept, parameters.wires, moved)
                news = [once(kept, *pair) for pair in zip(own, news, strict=True)]
                return moved, [
                    [where(due, 0.0, number)],
                    [where(due, 0.0, s) for s in sums],
                    *news,
                ]

        slots = (Slot("accumulate.batches", 0.0), Slot("gradient"))
        return made_of([step], update, [*slots, *step.slots])

    return wrapped("Accumulate", optimizer, {"steps": steps}, wrap)


WRAPPERS.add("Accumulate", Accumulate)
