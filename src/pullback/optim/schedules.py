"""In: a wire that counts steps. Out: a wire of the learning rate at that step, made of gates.

A schedule is a pure function of one wire: the number of steps done before this one, so 0 at the
first. It runs inside the circuit of the training step, on any engine, and a run that is resumed
goes on in it. These schedules are data that print well; any function of a wire will do.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

from pullback.core.copying import Portable
from pullback.core.errors import CircuitError
from pullback.core.gate import constant
from pullback.core.registry import Registry
from pullback.core.unit import Unit
from pullback.gates.comparison import greater_equal, maximum, minimum, where
from pullback.gates.elementary import cos
from pullback.optim.checks import at_least_zero, positive

Schedule = Callable[[Unit], Unit]

SCHEDULES: Registry[Callable[..., Schedule]] = Registry("schedule")


def scheduled(schedule: Schedule, step: Unit) -> Unit:
    """The wire of the learning rate that the schedule makes, named so.

    Raises `CircuitError` where it makes anything but one number.
    """
    rate = schedule(step)
    rate = rate if isinstance(rate, Unit) else constant(rate, "a learning rate")
    if rate.shape != ():
        raise CircuitError(f"a schedule must make one number, got shape {rate.shape}")
    return rate if rate.gate is None else rate.named("learning_rate")


class _Schedule(Portable, ABC):
    """What the schedules share. A subclass is final."""

    @abstractmethod
    def __call__(self, step: Unit) -> Unit:
        """The learning rate at this step."""


@final
@dataclass(frozen=True)
class Constant(_Schedule):
    """rate, at every step: for where a schedule is asked for.

    Raises `CircuitError` for a rate that is not positive.

    >>> Constant(0.1)(Unit(5.0)).value
    0.1
    """

    rate: float

    def __post_init__(self) -> None:
        _tidy(self, rate=positive("rate", self.rate))

    def __call__(self, step: Unit) -> Unit:
        return constant(self.rate)


@final
@dataclass(frozen=True)
class ExponentialDecay(_Schedule):
    """rate * factor ** (step / steps): the learning rate shrinks by `factor` every `steps`.

    Raises `CircuitError` for a rate or factor that is not positive, or steps fewer than 1.

    >>> ExponentialDecay(0.1, 0.5, steps=10)(Unit(20.0)).value
    0.025
    """

    rate: float
    factor: float
    steps: int = 1

    def __post_init__(self) -> None:
        _tidy(self, rate=positive("rate", self.rate), factor=positive("factor", self.factor))
        _tidy(self, steps=_whole("steps", self.steps))

    def __call__(self, step: Unit) -> Unit:
        return self.rate * self.factor ** (step / self.steps)


@final
@dataclass(frozen=True)
class CosineDecay(_Schedule):
    """end + (rate - end) * (1 + cos(pi * step / steps)) / 2, and `end` after `steps`.

    Raises `CircuitError` for a rate that is not positive, a negative end, or steps fewer than 1.
    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts"
    (ICLR 2017), without restarts.

    >>> schedule = CosineDecay(0.1, steps=100)
    >>> [round(schedule(Unit(step)).value, 4) for step in (0.0, 50.0, 100.0, 200.0)]
    [0.1, 0.05, 0.0, 0.0]
    """

    rate: float
    steps: int
    end: float = 0.0

    def __post_init__(self) -> None:
        _tidy(self, rate=positive("rate", self.rate), end=at_least_zero("end", self.end))
        _tidy(self, steps=_whole("steps", self.steps))

    def __call__(self, step: Unit) -> Unit:
        done = minimum(step / self.steps, 1.0)
        return self.end + (self.rate - self.end) * (0.5 * (1.0 + cos(math.pi * done)))


@final
@dataclass(frozen=True)
class PiecewiseConstant(_Schedule):
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
        _tidy(self, rates=tuple(positive("each rate", rate) for rate in self.rates))
        _tidy(self, at=tuple(_whole("each step", step) for step in self.at))
        if len(self.rates) != len(self.at) + 1:
            raise CircuitError(
                f"{len(self.at)} steps at which the rate changes need {len(self.at) + 1} rates, "
                f"got {len(self.rates)}"
            )
        if list(self.at) != sorted(set(self.at)):
            raise CircuitError(f"the steps at which the rate changes must increase, got {self.at}")

    def __call__(self, step: Unit) -> Unit:
        rate: Any = self.rates[0]
        for start, new in zip(self.at, self.rates[1:], strict=True):
            rate = where(greater_equal(step, float(start)), new, rate)
        return rate if isinstance(rate, Unit) else constant(rate)


@final
@dataclass(frozen=True)
class LinearWarmup(_Schedule):
    """Up in equal parts to the first rate of `then` in `steps`, and from there on as `then`.

    minimum((step + 1) / steps, 1) * then(maximum(step - steps, 0)): the first step already moves,
    and the last one of the warm-up has the full rate. `then` is a number or a schedule.

    Raises `CircuitError` for steps fewer than 1, or a `then` that is neither.
    Source: Goyal et al., "Accurate, large minibatch SGD" (2017).

    >>> schedule = LinearWarmup(0.4, steps=4)
    >>> [round(schedule(Unit(step)).value, 2) for step in (0.0, 1.0, 3.0, 9.0)]
    [0.1, 0.2, 0.4, 0.4]
    """

    then: float | Schedule
    steps: int

    def __post_init__(self) -> None:
        if not callable(self.then):
            _tidy(self, then=positive("then", self.then))
        _tidy(self, steps=_whole("steps", self.steps))

    def __call__(self, step: Unit) -> Unit:
        share = minimum((step + 1.0) / self.steps, 1.0)
        then = self.then
        return share * (then(maximum(step - self.steps, 0.0)) if callable(then) else then)


for _schedule in (Constant, ExponentialDecay, CosineDecay, PiecewiseConstant, LinearWarmup):
    SCHEDULES.add(_schedule.__name__, _schedule)


def _tidy(schedule: Any, **fields: Any) -> None:
    """Set what was told in its tidy form, while the frozen schedule is being made."""
    for name, value in fields.items():
        object.__setattr__(schedule, name, value)


def _whole(name: str, value: Any) -> int:
    """`value` as an int, if it is a whole number, at least 1."""
    number = positive(name, value)
    if number != int(number):
        raise CircuitError(f"{name} must be a whole number, got {value!r}")
    return int(number)
