"""A learning rate that goes up once and down again, and momentum that goes the other way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import less_equal, minimum, where
from pullback.gates.elementary import cos
from pullback.optim.checks import count, finite, fraction, positive
from pullback.optim.schedules.schedule import DataSchedule, Rate, rate_of, registered, tidy

SHAPES = ("cosine", "linear")


@final
@dataclass(frozen=True)
class OneCycle(DataSchedule):
    """Up from rate / first to `rate`, and down to rate / (first * last), all in `steps`.

    Upwards goes a share `warmup` of the steps, along half a cosine or in a line, as `shape` says.
    With `three_phases` as many steps lead down to rate / first again, and the rest to the end. From
    the last of the steps on the rate stays, so that a step too many does no harm. `momentum` is the
    schedule of the momentum that goes the other way. See `steps_in` for the steps of some epochs.

    The definition is that of PyTorch's `OneCycleLR`, whose phases end one step before
    warmup * steps: `div_factor` is `first`, `final_div_factor` is `last`.

    Raises `CircuitError` for a rate that is not positive, steps fewer than 1, divisors that are not
    positive, another shape, and for a warm-up outside [0, 1), or above 1/2 with three phases.
    Source: Smith and Topin, "Super-convergence" (2018).

    >>> schedule = OneCycle(0.5, steps=11, warmup=6 / 11)
    >>> [round(schedule(Unit(step)).value, 6) for step in (0.0, 5.0, 10.0, 99.0)]
    [0.02, 0.5, 2e-06, 2e-06]
    """

    rate: Rate
    steps: int
    warmup: float = 0.3
    first: float = 25.0
    last: float = 1e4
    shape: str = "cosine"
    three_phases: bool = False

    def __post_init__(self) -> None:
        tidy(self, rate=rate_of(self.rate), **_checked(self))
        tidy(self, first=positive("first", self.first), last=positive("last", self.last))

    def value_at(self, step: Unit) -> Unit:
        first = self.known / self.first
        middle = (first,) if self.three_phases else ()
        return _through(self, step, (first, self.known, *middle, first / self.last))

    def momentum(self, low: float = 0.85, high: float = 0.95) -> OneCycleMomentum:
        """The schedule of a momentum that goes from `high` down to `low` while the rate goes up.

        For `SGD(cycle, momentum=cycle.momentum())` or `Adam(cycle, beta1=cycle.momentum())`.

        >>> OneCycle(0.5, steps=100).momentum(0.8).low
        0.8
        """
        return OneCycleMomentum(self.steps, low, high, self.warmup, self.shape, self.three_phases)


@final
@dataclass(frozen=True)
class OneCycleMomentum(DataSchedule):
    """The momentum that belongs to a `OneCycle` of the same steps: from `high` to `low` and back.

    Raises `CircuitError` as `OneCycle` does, and for momenta outside [0, 1).

    >>> schedule = OneCycleMomentum(steps=11, warmup=6 / 11)
    >>> [round(schedule(Unit(step)).value, 6) for step in (0.0, 5.0, 10.0, 99.0)]
    [0.95, 0.85, 0.95, 0.95]
    """

    steps: int
    low: float = 0.85
    high: float = 0.95
    warmup: float = 0.3
    shape: str = "cosine"
    three_phases: bool = False

    def __post_init__(self) -> None:
        tidy(self, low=fraction("low", self.low), high=fraction("high", self.high))
        tidy(self, **_checked(self))

    def value_at(self, step: Unit) -> Unit:
        middle = (self.high,) if self.three_phases else ()
        return _through(self, step, (self.high, self.low, *middle, self.high))


def _checked(cycle: OneCycle | OneCycleMomentum) -> dict[str, Any]:
    """What both are told of their phases, in its tidy form."""
    warmup, most = finite("warmup", cycle.warmup), 0.5 if cycle.three_phases else 1.0
    if not 0.0 <= warmup <= most:
        raise CircuitError(f"warmup is a share of the steps from 0 to {most:g}, got {warmup}")
    if cycle.shape not in SHAPES:
        raise CircuitError(f"the shape of a cycle is one of {SHAPES}, got {cycle.shape!r}")
    return {"steps": count("steps", cycle.steps), "warmup": warmup}


def _through(cycle: OneCycle | OneCycleMomentum, step: Unit, levels: Sequence[float]) -> Unit:
    """What goes from level to level, one after another, each phase up to the step of its end."""
    share = cycle.warmup * cycle.steps
    ends = [share - 1.0, *([2.0 * share - 2.0] if cycle.three_phases else []), cycle.steps - 1.0]
    pieces = []
    start = 0.0
    for end, a, b in zip(ends, levels, levels[1:], strict=False):
        if end > start:
            done = minimum((step - start) / (end - start), 1.0)
            left = 0.5 * (1.0 + cos(math.pi * done)) if cycle.shape == "cosine" else 1.0 - done
            pieces.append((end, b + (a - b) * left))
        else:  # it has no steps of its own, and is over
            pieces.append((end, b + 0.0 * step))
        start = end
    _, value = pieces[-1]
    for end, piece in reversed(pieces[:-1]):
        value = where(less_equal(step, end), piece, value)
    return value


registered(OneCycle, OneCycleMomentum)
