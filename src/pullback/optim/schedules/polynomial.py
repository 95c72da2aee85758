"""A learning rate that goes down along a power of what is left of the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from pullback.core.unit import Unit
from pullback.gates.comparison import minimum
from pullback.optim.checks import at_least_zero, count, positive
from pullback.optim.schedules.schedule import DataSchedule, Rate, rate_of, registered, tidy


@final
@dataclass(frozen=True)
class PolynomialDecay(DataSchedule):
    """end + (rate - end) * (1 - step / steps) ** power, and `end` after `steps`; 1 is a line.

    Raises `CircuitError` for a rate or power that is not positive, a negative end, or steps fewer
    than 1.

    >>> schedule = PolynomialDecay(0.4, steps=10, power=2.0)
    >>> [round(schedule(Unit(step)).value, 4) for step in (0.0, 5.0, 10.0, 20.0)]
    [0.4, 0.1, 0.0, 0.0]
    """

    rate: Rate
    steps: int
    power: float = 1.0
    end: float = 0.0

    def __post_init__(self) -> None:
        tidy(self, rate=rate_of(self.rate), end=at_least_zero("end", self.end))
        tidy(self, steps=count("steps", self.steps), power=positive("power", self.power))

    def value_at(self, step: Unit) -> Unit:
        left = 1.0 - minimum(step / self.steps, 1.0)
        return self.end + (self.known - self.end) * left**self.power


registered(PolynomialDecay)
