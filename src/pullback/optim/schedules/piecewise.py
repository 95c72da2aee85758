"""A learning rate that jumps at steps of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from pullback.core.errors import CircuitError
from pullback.core.gate import constant
from pullback.core.unit import Unit
from pullback.gates.comparison import greater_equal, where
from pullback.optim.checks import count, positive
from pullback.optim.schedules.schedule import DataSchedule, registered, tidy


@final
@dataclass(frozen=True)
class PiecewiseConstant(DataSchedule):
    """rates[0] at first, and rates[i + 1] from step at[i] on.

    Raises `CircuitError` for rates that are not positive, for steps that do not increase, and
    where there is not one rate more than steps.

    >>> schedule = PiecewiseConstant((0.1, 0.01), at=(1000,))
    >>> schedule(Unit(999.0)).value, schedule(Unit(1000.0)).value
    (0.1, 0.01)
    """

    rates: Sequence[float]
    at: Sequence[int]

    def __post_init__(self) -> None:
        tidy(self, rates=tuple(positive("each rate", rate) for rate in self.rates))
        tidy(self, at=tuple(count("each step", step) for step in self.at))
        if len(self.rates) != len(self.at) + 1:
            raise CircuitError(
                f"{len(self.at)} steps at which the rate changes need {len(self.at) + 1} rates, "
                f"got {len(self.rates)}"
            )
        if list(self.at) != sorted(set(self.at)):
            raise CircuitError(f"the steps at which the rate changes must increase, got {self.at}")

    def value_at(self, step: Unit) -> Unit:
        rate: Any = self.rates[0]
        for start, new in zip(self.at, self.rates[1:], strict=True):
            rate = where(greater_equal(step, float(start)), new, rate)
        return rate if isinstance(rate, Unit) else constant(rate)


registered(PiecewiseConstant)
