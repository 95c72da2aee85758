"""In: a wire that counts steps. Out: a wire of the learning rate at that step, made of gates.

A schedule is a pure function of one wire: the number of steps done before this one, so 0 at the
first. It runs inside the circuit of the training step, on any engine, and a run that is resumed
goes on in it. Those here are data that print well; any function of a wire will do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal

from pullback.core.copying import Portable
from pullback.core.errors import CircuitError
from pullback.core.gate import constant
from pullback.core.registry import Registry
from pullback.core.unit import Unit
from pullback.optim.checks import count, positive

Schedule = Callable[[Unit], Unit]

SCHEDULES: Registry[Callable[..., Schedule]] = Registry("schedule")

Rate = float | Literal["find"]

FIND = "find"
"""In the place of a learning rate: it is to be found by trying, see `find_learning_rate`."""


def scheduled(schedule: Schedule, step: Unit, what: str = "learning_rate") -> Unit:
    """The wire that the schedule makes, named by what it is.

    Raises `CircuitError` where it makes anything but one number.
    """
    rate = schedule(step)
    rate = rate if isinstance(rate, Unit) else constant(rate, f"a {what.replace('_', ' ')}")
    if rate.shape != ():
        raise CircuitError(f"a schedule must make one number, got shape {rate.shape}")
    return rate if rate.gate is None else rate.named(what)


def steps_in(epochs: float, rows: int, batch_size: int = 32) -> int:
    """The steps of so many epochs: epochs * ceil(rows / batch_size), as a `Trainer` takes them.

    Schedules count steps, as their circuits do; `rows` are those trained on, without what
    `validation` holds out. A schedule never refuses a step too many: it stays at its end.

    Raises `CircuitError` for numbers that are not positive.

    >>> steps_in(30, rows=1437), steps_in(0.5, rows=1437)
    (1350, 22)
    """
    each = -(-count("rows", rows) // count("batch_size", batch_size))
    return max(1, int(positive("epochs", epochs) * each))


class DataSchedule(Portable, ABC):
    """What the schedules share: they are frozen data. A subclass is final."""

    def __call__(self, step: Unit) -> Unit:
        """The learning rate at this step. Raises `CircuitError` where it is still to be found."""
        if seeks(self):
            raise CircuitError(
                f"the learning rate of {self!r} is still to be found: a Trainer's fit does that"
            )
        return self.value_at(step)

    @property
    def known(self) -> float:
        """The rate that it was told, where that is a number."""
        return float(vars(self)["rate"])

    @abstractmethod
    def value_at(self, step: Unit) -> Unit:
        """The learning rate at this step, of a rate that is known."""


def registered(*kinds: type[DataSchedule]) -> None:
    """Keep these under their names."""
    for kind in kinds:
        SCHEDULES.add(kind.__name__, kind)


# Rates that are still to be found ----------------------------------------------------------------


def seeks(rate: Any) -> bool:
    """Whether a learning rate, or one that a schedule was told, is still to be found.

    >>> seeks("find"), seeks(0.1)
    (True, False)
    """
    if isinstance(rate, str):
        return rate == FIND
    return is_dataclass(rate) and any(seeks(getattr(rate, f.name)) for f in fields(rate))


def settled(rate: Any, found: float) -> Any:
    """The same, with what was found in the place of what was still to be found.

    >>> settled("find", 0.1), settled(0.2, 0.1)
    (0.1, 0.2)
    """
    if isinstance(rate, str) or not seeks(rate):
        return found if rate == FIND else rate
    told = {f.name: getattr(rate, f.name) for f in fields(rate)}
    return replace(rate, **{name: settled(x, found) for name, x in told.items() if seeks(x)})


# What schedules are told -------------------------------------------------------------------------


def tidy(schedule: Any, **told: Any) -> None:
    """Set what was told in its tidy form, while the frozen schedule is being made."""
    for name, value in told.items():
        object.__setattr__(schedule, name, value)


def rate_of(value: Any, name: str = "rate") -> Any:
    """`value` as a learning rate: a positive number, or "find"."""
    if isinstance(value, str) and value != FIND:
        raise CircuitError(f'{name} is a positive number or "{FIND}", got {value!r}')
    return FIND if isinstance(value, str) else positive(name, value)
