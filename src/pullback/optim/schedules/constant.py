"""A learning rate that stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from pullback.core.gate import constant
from pullback.core.unit import Unit
from pullback.optim.schedules.schedule import DataSchedule, Rate, rate_of, registered, tidy


@final
@dataclass(frozen=True)
class Constant(DataSchedule):
    """rate, at every step: for where a schedule is asked for.

    Raises `CircuitError` for a rate that is not positive.

    >>> Constant(0.1)(Unit(5.0)).value
    0.1
    """

    rate: Rate

    def __post_init__(self) -> None:
        tidy(self, rate=rate_of(self.rate))

    def value_at(self, step: Unit) -> Unit:
        return constant(self.known)


registered(Constant)
