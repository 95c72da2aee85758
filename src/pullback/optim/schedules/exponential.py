"""A learning rate that shrinks by the same factor again and again, smoothly or in steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from pullback.core.unit import Unit
from pullback.gates.elementary import floor
from pullback.optim.checks import count, positive
from pullback.optim.schedules.schedule import DataSchedule, Rate, rate_of, registered, tidy


@final
@dataclass(frozen=True)
class ExponentialDecay(DataSchedule):
    """rate * factor ** (step / steps): the learning rate shrinks by `factor` every `steps`.

    Raises `CircuitError` for a rate or factor that is not positive, or steps fewer than 1.

    >>> ExponentialDecay(0.1, 0.5, steps=10)(Unit(20.0)).value
    0.025
    """

    rate: Rate
    factor: float
    steps: int = 1

    def __post_init__(self) -> None:
        tidy(self, rate=rate_of(self.rate), factor=positive("factor", self.factor))
        tidy(self, steps=count("steps", self.steps))

    def value_at(self, step: Unit) -> Unit:
        return self.known * self.factor ** (step / self.steps)


@final
@dataclass(frozen=True)
class StepDecay(DataSchedule):
    """rate * factor ** floor(step / steps): as `ExponentialDecay`, all at once every `steps`.

    Other steps, or factors that differ, are for `PiecewiseConstant`.

    Raises `CircuitError` for a rate or factor that is not positive, or steps fewer than 1.

    >>> schedule = StepDecay(0.1, 0.5, steps=10)
    >>> schedule(Unit(9.0)).value, schedule(Unit(10.0)).value
    (0.1, 0.05)
    """

    rate: Rate
    factor: float
    steps: int

    def __post_init__(self) -> None:
        tidy(self, rate=rate_of(self.rate), factor=positive("factor", self.factor))
        tidy(self, steps=count("steps", self.steps))

    def value_at(self, step: Unit) -> Unit:
        return self.known * self.factor ** floor(step / self.steps)


registered(ExponentialDecay, StepDecay)
