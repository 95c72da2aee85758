"""A learning rate that rises in a line, and then falls as one over the root of the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from pullback.core.unit import Unit
from pullback.gates.comparison import minimum
from pullback.optim.checks import count
from pullback.optim.schedules.schedule import DataSchedule, Rate, rate_of, registered, tidy


@final
@dataclass(frozen=True)
class InverseSquareRoot(DataSchedule):
    """rate * minimum(t / steps, (steps / t) ** 0.5) at the t-th step, t = step + 1.

    `rate` is the highest, that of the last of the `steps` of the warm-up. The transformer's is
    (size * steps) ** -0.5, where `size` is that of its embeddings.

    Raises `CircuitError` for a rate that is not positive, or steps fewer than 1.
    Source: Vaswani et al., "Attention is all you need" (NeurIPS 2017), section 5.3.

    >>> schedule = InverseSquareRoot(0.4, steps=4)
    >>> [round(schedule(Unit(step)).value, 4) for step in (0.0, 3.0, 15.0)]
    [0.1, 0.4, 0.2]
    """

    rate: Rate
    steps: int

    def __post_init__(self) -> None:
        tidy(self, rate=rate_of(self.rate), steps=count("steps", self.steps))

    def value_at(self, step: Unit) -> Unit:
        t = step + 1.0
        return self.known * minimum(t / self.steps, (self.steps / t) ** 0.5)


registered(InverseSquareRoot)
