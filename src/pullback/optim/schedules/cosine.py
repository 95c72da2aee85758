"""A learning rate that goes down along half a cosine, once or again and again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

from pullback.core.unit import Unit
from pullback.gates.comparison import minimum
from pullback.gates.elementary import cos, floor, log
from pullback.optim.checks import at_least_zero, count
from pullback.optim.schedules.schedule import DataSchedule, Rate, rate_of, registered, tidy


@final
@dataclass(frozen=True)
class CosineDecay(DataSchedule):
    """end + (rate - end) * (1 + cos(pi * step / steps)) / 2, and `end` after `steps`.

    Raises `CircuitError` for a rate that is not positive, a negative end, or steps fewer than 1.
    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts"
    (ICLR 2017), without restarts.

    >>> schedule = CosineDecay(0.1, steps=100)
    >>> [round(schedule(Unit(step)).value, 4) for step in (0.0, 50.0, 100.0, 200.0)]
    [0.1, 0.05, 0.0, 0.0]
    """

    rate: Rate
    steps: int
    end: float = 0.0

    def __post_init__(self) -> None:
        tidy(self, rate=rate_of(self.rate), end=at_least_zero("end", self.end))
        tidy(self, steps=count("steps", self.steps))

    def value_at(self, step: Unit) -> Unit:
        return _lowered(self, minimum(step / self.steps, 1.0))


@final
@dataclass(frozen=True)
class CosineRestarts(DataSchedule):
    """As `CosineDecay`, but every time `end` would be reached it begins again at `rate`.

    The first descent takes `steps`, and each further one `growth` times as many as the one before.

    Raises `CircuitError` for a rate that is not positive, a negative end, and for steps or a growth
    that are no whole numbers of at least 1.
    Source: Loshchilov and Hutter (2017), with warm restarts.

    >>> schedule = CosineRestarts(0.1, steps=10, growth=2)
    >>> [round(schedule(Unit(step)).value, 4) for step in (0.0, 5.0, 10.0, 20.0, 30.0)]
    [0.1, 0.05, 0.1, 0.05, 0.1]
    """

    rate: Rate
    steps: int
    growth: int = 1
    end: float = 0.0

    def __post_init__(self) -> None:
        tidy(self, rate=rate_of(self.rate), end=at_least_zero("end", self.end))
        tidy(self, steps=count("steps", self.steps), growth=count("growth", self.growth))

    def value_at(self, step: Unit) -> Unit:
        n, growth = self.steps, float(self.growth)
        if self.growth == 1:
            return _lowered(self, step / n - floor(step / n))
        # Descent k begins after n * (growth**k - 1) / (growth - 1) steps. Half a step more keeps
        # the logarithm of a whole number of steps off its own rounding there.
        k = floor(log((step + 0.5) * ((growth - 1.0) / n) + 1.0) / math.log(growth))
        longer = growth**k
        return _lowered(self, (step / n - (longer - 1.0) / (growth - 1.0)) / longer)


def _lowered(schedule: CosineDecay | CosineRestarts, done: Any) -> Unit:
    """The rate after a share of the way down."""
    end, rate = schedule.end, schedule.known
    return end + (rate - end) * (0.5 * (1.0 + cos(math.pi * done)))


registered(CosineDecay, CosineRestarts)
