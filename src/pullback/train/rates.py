"""In: an optimizer and what it remembers. Out: the learning rate that its schedule makes now."""

from __future__ import annotations

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.optim.memory import MemoryByParameter
from pullback.optim.optimizer import Optimizer
from pullback.optim.schedules import scheduled
from pullback.optim.schedules.schedule import seeks
from pullback.train.step import TrainingStep

_COUNT = "learning_rate.step"
_LITTLE = 0.01  # of the highest rate, with which next to nothing is learned
_LOOKS = 41  # at the rates of a training
_FEWEST = 20  # steps of which it is worth saying anything


def steps_of(memory: MemoryByParameter) -> int:
    """How many steps a schedule has counted."""
    counts = [wire.value for wire in memory.wires if (wire.name or "").endswith(_COUNT)]
    return int(max(counts, default=0))


def rate_after(optimizer: Optimizer, steps: int) -> float | None:
    """The rate of the step after so many, as a schedule makes it; None where there is none.

    >>> from pullback.optim import SGD, CosineDecay
    >>> rate_after(SGD(CosineDecay(0.1, steps=10)), 5), rate_after(SGD(0.1), 5)
    (0.05, None)
    """
    schedule = optimizer.learning_rate
    return float(scheduled(schedule, Unit(float(steps))).value) if callable(schedule) else None


def present_rate(step: TrainingStep) -> float:
    """The rate of the next step. Raises `CircuitError` where it is still to be found."""
    if seeks(step.optimizer.learning_rate):
        raise CircuitError("the learning rate is still to be found: the first fit does that")
    made = rate_after(step.optimizer, steps_of(step.memory))
    return float(step.rate.value) if step.rate is not None else float(made or 0.0)


def over_too_early(optimizer: Optimizer, steps: int) -> str:
    """What to know of a schedule that was over long before so many steps were done; else "".

    >>> from pullback.optim import SGD, CosineDecay
    >>> over_too_early(SGD(CosineDecay(0.1, steps=100)), 100)
    ''
    """
    if steps < _FEWEST or not callable(optimizer.learning_rate):
        return ""
    looks = np.linspace(0, steps - 1, _LOOKS).round().astype(int).tolist()
    rates = np.array([rate_after(optimizer, step) for step in looks], float)
    if not np.isfinite(rates).all() or (rates[_LOOKS // 2 :] > _LITTLE * rates.max()).any():
        return ""
    return (
        f"for more than half of {steps:,} steps the learning rate was below {_LITTLE:.0%} of its "
        f"highest, {rates.max():g}: {optimizer.learning_rate!r} counts steps, not epochs, and is "
        "over long before the training; pb.steps_in tells the steps of some epochs"
    )
