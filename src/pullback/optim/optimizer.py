"""In: gradients, as wires. Out: the parameters' next values, as wires, made of gates like all else.

An optimizer is two pure functions. `init` makes the sources that it remembers between steps;
`update` wires, from gradients, memory and parameters, the next parameters and the next memory.
Between them stands a `Transform`, which each algorithm composes of stages of its own.

Where PyTorch has an algorithm, its defaults and the place of its epsilon are ours too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from types import MappingProxyType
from typing import Any, Literal

from pullback.core.copying import coded
from pullback.core.errors import CircuitError
from pullback.core.registry import Registry
from pullback.core.unit import Unit, scope
from pullback.optim import clipping
from pullback.optim.schedules import Schedule, scheduled
from pullback.optim.schedules.schedule import rate_of, settled
from pullback.optim.transform import Parameters, Slot, Transform, Wires, chain, fitting, numbered

OPTIMIZERS: Registry[Callable[..., Optimizer]] = Registry("optimizer")


@dataclass(eq=False, repr=False)
class Optimizer:
    """Steps of `learning_rate` against the direction that `transform` makes of the gradients.

    p' = p - learning_rate * d. The learning rate is a number, which `rate` puts on a wire of the
    step, so that it can be changed without a new circuit; or a schedule, which makes that wire of
    gates, from a count of the steps that is part of the memory. It may also be "find", here or in a
    schedule: then a `Trainer` finds it at its first `fit`, see `find_learning_rate`.

    `options` are the other arguments that made this optimizer: `OPTIMIZERS[name](learning_rate,
    **options)` makes it again.

    An optimizer is data that nobody changes, so copies share it. One of your own stages pickles
    where their functions can be imported.

    Raises `CircuitError` for a learning rate that is neither positive nor a schedule.
    """

    name: str
    learning_rate: float | Schedule | Literal["find"]
    transform: Transform
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rate = self.learning_rate
        if isinstance(rate, Unit) or not callable(rate):
            self.learning_rate = rate_of(rate, "the learning rate")
        self.options = MappingProxyType(dict(self.options))
        self._is_made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if "_is_made" in vars(self):
            raise AttributeError(
                f"the {name} of an optimizer is fixed when it is made; make another one, or set "
                "the learning_rate of the Trainer"
            )
        super().__setattr__(name, value)

    def __deepcopy__(self, memo: Any) -> Optimizer:
        return self

    def __copy__(self) -> Optimizer:
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        rate = coded(self.learning_rate, f"the schedule of {self.name}")
        stages = self.transform.recipe or self.transform
        return _made_again, (self.name, rate, stages, dict(self.options))

    @property
    def slots(self) -> tuple[Slot, ...]:
        """What is remembered between steps; with a schedule the count of steps comes first."""
        counted = (Slot("learning_rate.step", 0.0),) if callable(self.learning_rate) else ()
        return (*counted, *self.transform.slots)

    def rate(self) -> Unit | None:
        """The learning rate on a wire, to give to `update` and set as one likes between steps.

        None where a schedule makes it; nan where it is still to be found.
        """
        rate = self.learning_rate
        if callable(rate):
            return None
        return Unit(math.nan if isinstance(rate, str) else rate, "learning_rate")

    def settled(self, rate: float) -> Optimizer:
        """The same optimizer, with this rate where one was still to be found.

        >>> from pullback.optim import SGD
        >>> SGD("find", momentum=0.9).settled(0.1)
        SGD(0.1, momentum=0.9)
        """
        return replace(self, learning_rate=settled(self.learning_rate, rate))

    def init(self, parameters: Wires | Mapping[str, Unit]) -> list[Unit]:
        """The sources that the optimizer remembers between steps, with names of their own.

        They are named after the parameters, as "dense1.weight.velocity": after the keys of a
        mapping, else after the wires.
        """
        if not isinstance(parameters, Mapping):
            names = [p.name or f"parameter{k}" for k, p in enumerate(parameters, start=1)]
            parameters = dict(zip(numbered(names), parameters, strict=True))
        made = (slot.sources(parameters) for slot in self.slots)
        return [unit for units in made for unit in dict.fromkeys(units)]

    def update(
        self,
        gradients: Wires,
        memory: Wires,
        parameters: Wires,
        learning_rate: Unit | None = None,
        weights: Iterable[Unit] | None = None,
    ) -> tuple[list[Unit], list[Unit]]:
        """The next value of each parameter and of each piece of memory.

        `memory` is what `init` made, or `MemoryByParameter.of`, which repeats a wire that several
        parameters share for each of them; the next memory is in the same form. `learning_rate` is a
        wire to read it from; None means the schedule's, or the number this optimizer was told, for
        good. `weights` are those of the parameters that decay, where the optimizer has such a
        decay; None means all.

        Raises `CircuitError` where memory is of another optimizer or other parameters, and where
        a learning rate is given although a schedule makes it.
        """
        sizes, groups = self._groups(memory, len(parameters))
        news: list[Wires] = []
        with scope(self.name.lower()):
            rate = self.learning_rate if learning_rate is None else learning_rate
            if isinstance(rate, str):
                raise CircuitError(f"the learning rate of {self!r} is still to be found")
            if callable(self.learning_rate):
                if learning_rate is not None:
                    raise CircuitError(f"{self!r} makes its learning rate itself; give it none")
                ((step,), *groups) = groups
                rate = scheduled(self.learning_rate, step)
                news.append([step + 1.0])
            moving = Parameters(parameters, set(parameters if weights is None else weights))
            directions, changed = self.transform.update(gradients, groups, moving)
            pairs = zip(parameters, directions, strict=True)
            moved = [p - fitting(rate, p) * d for p, d in pairs]
        groups = zip((*news, *changed), sizes, strict=True)
        return moved, [unit for group, size in groups for unit in group[:size]]

    def _groups(self, memory: Wires, count: int) -> tuple[list[int], list[Wires]]:
        """How many wires of the memory are of each slot, and the wires that its stage is given."""
        slots = self.slots
        together = [count if slot.number is None else 1 for slot in slots]
        apart = [count if slot.each else size for slot, size in zip(slots, together, strict=True)]
        sizes = apart if len(memory) == sum(apart) else together
        if len(memory) != sum(sizes):
            raise CircuitError(
                f"{self.name} remembers {sum(sizes)} wires for {count} parameters, got "
                f"{len(memory)}; give it what its own init made for them"
            )
        wires = iter(memory)
        groups = [[next(wires) for _ in range(size)] for size in sizes]
        return sizes, [
            group * count if slot.each and len(group) == 1 else group
            for slot, group in zip(slots, groups, strict=True)
        ]

    def __repr__(self) -> str:
        arguments = (
            f"{k}={v!r}" for k, v in self.options.items() if v is not None and v is not False
        )
        return f"{self.name}({', '.join([repr(self.learning_rate), *arguments])})"


def composed(name: str, arguments: Mapping[str, Any], *stages: Transform) -> Optimizer:
    """The optimizer of these stages, after the limits on the gradients: by value, then by norm.

    `arguments` are the arguments of the function that makes it: the learning rate, "clip_norm" and
    "clip_value", and its own.
    """
    arguments = _plain(arguments)
    learning_rate = arguments.pop("learning_rate")
    limits: list[Transform] = []
    if arguments["clip_value"] is not None:
        limits.append(clipping.clip(arguments["clip_value"]))
    if arguments["clip_norm"] is not None:
        limits.append(clipping.clip_norm(arguments["clip_norm"]))
    transform = replace(chain(*limits, *stages), recipe=(name, arguments))
    return Optimizer(name, learning_rate, transform, arguments)


def _made_again(
    name: str, learning_rate: float | Schedule, stages: Any, options: Mapping[str, Any]
) -> Optimizer:
    """The optimizer of a pickle, in which a recipe stands for stages that the registry makes."""
    if isinstance(stages, tuple):
        kind, arguments = stages
        stages = OPTIMIZERS[kind](learning_rate, **arguments).transform
    return Optimizer(name, learning_rate, stages, options)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with floats of Python for numbers of any kind, as they print and as JSON is."""
    numbers = (k for k, v in options.items() if isinstance(v, Real) and not isinstance(v, bool))
    return {**options, **{k: float(options[k]) for k in numbers}}
