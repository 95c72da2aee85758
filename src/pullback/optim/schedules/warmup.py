"""A learning rate that begins small, and then is another schedule's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from pullback.core.unit import Unit
from pullback.gates.comparison import maximum, minimum
from pullback.optim.checks import count
from pullback.optim.schedules.schedule import (
    DataSchedule,
    Rate,
    Schedule,
    rate_of,
    registered,
    tidy,
)


@final
@dataclass(frozen=True)
class LinearWarmup(DataSchedule):
    """Up in equal parts to the first rate of `then` in `steps`, and from there on as `then`.

    minimum((step + 1) / steps, 1) * then(maximum(step - steps, 0)): the first step already moves,
    and the last one of the warm-up has the full rate. `then` is a number or a schedule.

    Raises `CircuitError` for steps fewer than 1, or a `then` that is neither.
    Source: Goyal et al., "Accurate, large minibatch SGD" (2017).

    >>> schedule = LinearWarmup(0.4, steps=4)
    >>> [round(schedule(Unit(step)).value, 2) for step in (0.0, 1.0, 3.0, 9.0)]
    [0.1, 0.2, 0.4, 0.4]
    """

    then: Rate | Schedule
    steps: int

    def __post_init__(self) -> None:
        if not callable(self.then):
            tidy(self, then=rate_of(self.then, "then"))
        tidy(self, steps=count("steps", self.steps))

    def value_at(self, step: Unit) -> Unit:
        share = minimum((step + 1.0) / self.steps, 1.0)
        then = self.then
        return share * (then(maximum(step - self.steps, 0.0)) if callable(then) else float(then))


registered(LinearWarmup)
