"""In: gradients, as wires. Out: the parameters' next values, as wires, made of gates like all else.

An optimizer is two pure functions. `init` makes the sources that it remembers between steps;
`update` wires, from gradients, memory and parameters, the next parameters and the next memory.
Between them stands a `Transform`, which each algorithm composes of stages of its own.

Where PyTorch has an algorithm, its defaults and the place of its epsilon are ours too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from pullback.core.errors import CircuitError
from pullback.core.registry import Registry
from pullback.core.unit import Unit, scope
from pullback.gates.shape import astype
from pullback.optim import clipping
from pullback.optim.checks import positive
from pullback.optim.schedules import Schedule, scheduled
from pullback.optim.transform import Parameters, Slot, Transform, Wires, chain, numbered

OPTIMIZERS: Registry[Callable[..., Optimizer]] = Registry("optimizer")


@dataclass(frozen=True, eq=False, repr=False)
class Optimizer:
    """Steps of `learning_rate` against the direction that `transform` makes of the gradients.

    p' = p - learning_rate * d. The learning rate is a number, which `rate` puts on a wire of the
    step, so that it can be changed without a new circuit; or a schedule, which makes that wire of
    gates, from a count of the steps that is part of the memory.

    `options` are the other arguments that made this optimizer: `OPTIMIZERS[name](learning_rate,
    **options)` makes it again.

    Raises `CircuitError` for a learning rate that is neither positive nor a schedule.
    """

    name: str
    learning_rate: float | Schedule
    transform: Transform
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rate = self.learning_rate
        if isinstance(rate, Unit) or not callable(rate):
            object.__setattr__(self, "learning_rate", positive("the learning rate", rate))

    @property
    def slots(self) -> tuple[Slot, ...]:
        """What is remembered between steps; with a schedule the count of steps comes first."""
        counted = (Slot("learning_rate.step", 0.0),) if callable(self.learning_rate) else ()
        return (*counted, *self.transform.slots)

    def rate(self) -> Unit | None:
        """The learning rate on a wire, to give to `update` and set as one likes between steps.

        None where a schedule makes it.
        """
        return None if callable(self.learning_rate) else Unit(self.learning_rate, "learning_rate")

    def init(self, parameters: Wires | Mapping[str, Unit]) -> list[Unit]:
        """The sources that the optimizer remembers between steps, with names of their own.

        They are named after the parameters, as "dense1.weight.velocity": after the keys of a
        mapping, else after the wires.
        """
        if not isinstance(parameters, Mapping):
            names = [p.name or f"parameter{k}" for k, p in enumerate(parameters, start=1)]
            parameters = dict(zip(numbered(names), parameters, strict=True))
        return [unit for slot in self.slots for unit in slot.sources(parameters)]

    def update(
        self,
        gradients: Wires,
        memory: Wires,
        parameters: Wires,
        learning_rate: Unit | None = None,
        weights: Iterable[Unit] | None = None,
    ) -> tuple[list[Unit], list[Unit]]:
        """The next value of each parameter and of each piece of memory.

        `memory` is what `init` made. `learning_rate` is a wire to read it from; None means the
        schedule's, or the number this optimizer was told, for good. `weights` are those of the
        parameters that decay, where the optimizer has such a decay; None means all.

        Raises `CircuitError` where memory is of another optimizer or other parameters, and where
        a learning rate is given although a schedule makes it.
        """
        groups = self._groups(memory, len(parameters))
        news: list[Wires] = []
        with scope(self.name.lower()):
            rate = self.learning_rate if learning_rate is None else learning_rate
            if callable(self.learning_rate):
                if learning_rate is not None:
                    raise CircuitError(f"{self!r} makes its learning rate itself; give it none")
                ((step,), *groups) = groups
                rate = scheduled(self.learning_rate, step)
                news.append([step + 1.0])
            moving = Parameters(parameters, set(parameters if weights is None else weights))
            directions, changed = self.transform.update(gradients, groups, moving)
            pairs = zip(parameters, directions, strict=True)
            moved = [p - _fitting(rate, p) * d for p, d in pairs]
        return moved, [unit for group in (*news, *changed) for unit in group]

    def _groups(self, memory: Wires, count: int) -> list[Wires]:
        """The wires of each slot."""
        sizes = [count if slot.number is None else 1 for slot in self.slots]
        if len(memory) != sum(sizes):
            raise CircuitError(
                f"{self.name} remembers {sum(sizes)} wires for {count} parameters, got "
                f"{len(memory)}; give it what its own init made for them"
            )
        wires = iter(memory)
        return [[next(wires) for _ in range(size)] for size in sizes]

    def __repr__(self) -> str:
        told = (f"{k}={v!r}" for k, v in self.options.items() if v is not None and v is not False)
        return f"{self.name}({', '.join([repr(self.learning_rate), *told])})"


def composed(
    name: str,
    learning_rate: float | Schedule,
    *stages: Transform,
    clip_norm: float | None,
    clip_value: float | None,
    **options: Any,
) -> Optimizer:
    """The optimizer of these stages, after the limits on the gradients: by value, then by norm."""
    limits: list[Transform] = []
    if clip_value is not None:
        limits.append(clipping.clip(clip_value))
    if clip_norm is not None:
        limits.append(clipping.clip_norm(clip_norm))
    told = {**options, "clip_norm": clip_norm, "clip_value": clip_value}
    return Optimizer(name, learning_rate, chain(*limits, *stages), _plain(told))


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with floats of Python for numbers of any kind, as they print and as JSON is."""
    numbers = (k for k, v in options.items() if isinstance(v, Real) and not isinstance(v, bool))
    return {**options, **{k: float(options[k]) for k in numbers}}


def _fitting(rate: Any, parameter: Unit) -> Any:
    """The rate, such that a step keeps the parameter's dtype: a Python float bends to any array."""
    if not isinstance(rate, Unit) or type(rate.value) is float or rate.dtype == parameter.dtype:
        return rate
    return astype(rate, parameter.dtype)
