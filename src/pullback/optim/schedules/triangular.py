"""A learning rate that goes up and down in lines, again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import less_equal, where
from pullback.gates.elementary import floor
from pullback.optim.checks import at_least_zero, count, positive
from pullback.optim.schedules.schedule import DataSchedule, Rate, rate_of, registered, tidy


@final
@dataclass(frozen=True)
class Triangular(DataSchedule):
    """From `low` to `rate` in `steps`, back in as many or in `down`, and so on for good.

    After each cycle the height of the next, rate - low, is `factor` times what it was: 0.5 is the
    "triangular2" of the source.

    Raises `CircuitError` for a rate or factor that is not positive, for a negative `low`, or one
    that is not below the rate, and for steps fewer than 1.
    Source: Smith, "Cyclical learning rates for training neural networks" (WACV 2017).

    >>> schedule = Triangular(0.4, steps=4, factor=0.5)
    >>> [round(schedule(Unit(step)).value, 2) for step in (0.0, 2.0, 4.0, 6.0, 8.0, 12.0)]
    [0.0, 0.2, 0.4, 0.2, 0.0, 0.2]
    """

    rate: Rate
    steps: int
    low: float = 0.0
    down: int | None = None
    factor: float = 1.0

    def __post_init__(self) -> None:
        tidy(self, rate=rate_of(self.rate), low=at_least_zero("low", self.low))
        tidy(self, steps=count("steps", self.steps), factor=positive("factor", self.factor))
        if self.down is not None:
            tidy(self, down=count("down", self.down))
        if not isinstance(self.rate, str) and self.low >= self.rate:
            raise CircuitError(f"low must be below the rate {self.rate}, got {self.low}")

    def value_at(self, step: Unit) -> Unit:
        total = self.steps + (self.steps if self.down is None else self.down)
        cycle = floor(step / total)
        within = step - cycle * total
        up, down = within / self.steps, (total - within) / (total - self.steps)
        height = where(less_equal(within, float(self.steps)), up, down)
        return self.low + (self.known - self.low) * height * self.factor**cycle


registered(Triangular)
