"""In: gradients, as wires. Out: the parameters' next values, as wires, made of gates like all else.

An optimizer is two pure functions. `init` makes the sources that it remembers between steps;
`update` wires, from gradients, memory and parameters, the next parameters and the next memory.
Between them stands a `Transform`, which each algorithm composes of stages of its own, and around
their step what `WRAPPERS` make of any optimizer: the same, but of several batches, say.

Where PyTorch has an algorithm, its defaults and the place of its epsilon are ours too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from inspect import signature
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, Literal

from pullback.core.copying import coded
from pullback.core.errors import CircuitError
from pullback.core.registry import Registry
from pullback.core.unit import Unit, scope
from pullback.optim import clipping
from pullback.optim.descent import descent
from pullback.optim.schedules import Schedule
from pullback.optim.schedules.schedule import rate_of, settled
from pullback.optim.transform import Parameters, Settle, Slot, Transform, Wires, chain, named

OPTIMIZERS: Registry[Callable[..., Optimizer]] = Registry("optimizer")
WRAPPERS: Registry[Callable[..., Optimizer]] = Registry("wrapper of optimizers")


@dataclass(frozen=True)
class Wrapper:
    """What stands around the step of an optimizer: `wrap` makes another step of it.

    `WRAPPERS[name](optimizer, **options)` puts it around an optimizer.
    """

    name: str
    options: Mapping[str, Any]
    wrap: Callable[[Transform], Transform]


@dataclass(eq=False, repr=False)
class Optimizer:
    """Steps of `learning_rate` against the direction that `transform` makes of the gradients.

    p' = p - learning_rate * d. The learning rate is a number, which `rate` puts on a wire of the
    step, so that it can be changed without a new circuit; or a schedule, which makes that wire of
    gates, from a count of the steps that is part of the memory. It may also be "find", here or in a
    schedule: then a `Trainer` finds it at its first `fit`, see `find_learning_rate`.

    `options` are the other arguments that made this optimizer: `OPTIMIZERS[name](learning_rate,
    **options)` makes it again, but for the `wrappers`, the innermost first.

    An optimizer is data that nobody changes, so copies share it. One of your own stages pickles
    where their functions can be imported.

    Raises `CircuitError` for a learning rate that is neither positive nor a schedule.
    """

    name: str
    learning_rate: float | Schedule | Literal["find"]
    transform: Transform
    options: Mapping[str, Any] = field(default_factory=dict)
    wrappers: tuple[Wrapper, ...] = ()

    def __post_init__(self) -> None:
        rate = self.learning_rate
        if isinstance(rate, Unit) or not callable(rate):
            self.learning_rate = rate_of(rate, "the learning rate")
        self.options = MappingProxyType(dict(self.options))
        self.step = descent(self.transform, self.learning_rate)  # from gradients to next values
        for wrapper in self.wrappers:
            self.step = wrapper.wrap(self.step)
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
        around = [(wrapper.name, dict(wrapper.options)) for wrapper in self.wrappers]
        return _made_again, (self.name, rate, stages, dict(self.options), around)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """What is remembered between steps."""
        return self.step.slots

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
        mapping, else after the wires. Raises `CircuitError` as `refuse` does.
        """
        parameters = parameters if isinstance(parameters, Mapping) else named(parameters)
        self.refuse(parameters)
        made = (slot.sources(slot.chosen(parameters)) for slot in self.slots)
        return [unit for units in made for unit in dict.fromkeys(units)]

    def refuse(self, names: Collection[str]) -> None:
        """Raise `CircuitError` where it was told of parameters that are not among these names."""
        for refusal in self.step.refusals:
            refusal(names)

    def update(
        self,
        gradients: Wires,
        memory: Wires,
        parameters: Wires | Mapping[str, Unit],
        learning_rate: Unit | None = None,
        weights: Iterable[Unit] | None = None,
        settle: Mapping[Unit, Settle] = MappingProxyType({}),
        slopes: Callable[[Wires], Wires] | None = None,
    ) -> tuple[list[Unit], list[Unit]]:
        """The next value of each parameter and of each piece of memory.

        `memory` is what `init` made of these parameters, or `MemoryByParameter.of`, which repeats a
        wire that several parameters share for each of them; the next memory is in the same form.
        `learning_rate` is a wire to read it from; None means the schedule's, or the number this
        optimizer was told, for good. `weights` are those of the parameters that decay, where the
        optimizer has such a decay; None means all. `settle` says for parameters where they come to
        after a step: it has a function of the moved parameter and its learning rate, such as a
        proximal step. `slopes` gives the gradients where the parameters are other wires, for
        optimizers that ask for them, such as `SAM`.

        Raises `CircuitError` where memory is of another optimizer or other parameters, and where
        a learning rate is given although a schedule makes it.
        """
        if callable(self.learning_rate) and learning_rate is not None:
            raise CircuitError(f"{self!r} makes its learning rate itself; give it none")
        known = parameters if isinstance(parameters, Mapping) else named(parameters)
        wires = list(known.values())
        sizes, groups = self._groups(memory, known)
        decaying = set(wires if weights is None else weights)
        moving = Parameters(
            wires, decaying, list(known), learning_rate, settle=settle, slopes=slopes
        )
        with scope(self.name.lower()):
            moved, news = self.step.update(gradients, groups, moving)
        pairs = zip(news, sizes, strict=True)
        return list(moved), [unit for group, size in pairs for unit in group[:size]]

    def _groups(
        self, memory: Wires, parameters: Mapping[str, Unit]
    ) -> tuple[list[int], list[Wires]]:
        """How many wires of the memory are of each slot, and the wires that its stage is given."""
        slots = self.slots
        counts = [len(slot.chosen(parameters)) if slot.of_each else 1 for slot in slots]
        shared = [
            min(count, 1) if slot.each else count for slot, count in zip(slots, counts, strict=True)
        ]
        sizes = counts if len(memory) == sum(counts) else shared
        if len(memory) != sum(sizes):
            raise CircuitError(
                f"{self.name} remembers {sum(sizes)} wires for {len(parameters)} parameters, got "
                f"{len(memory)}; give it what its own init made for them"
            )
        rest = iter(memory)
        groups = [[next(rest) for _ in range(size)] for size in sizes]
        return sizes, [
            group * count if slot.each and len(group) == 1 else group
            for slot, group, count in zip(slots, groups, counts, strict=True)
        ]

    def __repr__(self) -> str:
        told = _told(OPTIMIZERS.get(self.name), self.options)
        text = f"{self.name}({', '.join([repr(self.learning_rate), *told])})"
        for wrapper in self.wrappers:
            told = _told(WRAPPERS.get(wrapper.name), wrapper.options)
            text = f"{wrapper.name}({', '.join([text, *told])})"
        return text


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


def wrapped(
    name: str,
    optimizer: Optimizer,
    options: Mapping[str, Any],
    wrap: Callable[[Transform], Transform],
) -> Optimizer:
    """The optimizer with `wrap` around its step: what `WRAPPERS[name](optimizer, **options)` makes.

    Raises `CircuitError` for what is no optimizer.
    """
    if not isinstance(optimizer, Optimizer):
        raise CircuitError(f"{name} goes around an Optimizer, such as Adam(), got {optimizer!r}")
    around = Wrapper(name, MappingProxyType(dict(options)), wrap)
    return replace(optimizer, wrappers=(*optimizer.wrappers, around))


def _told(make: Callable[..., Optimizer] | None, options: Mapping[str, Any]) -> list[str]:
    """The options as one writes them, but for what is off, or is nothing, unless one says so."""
    known = {} if make is None else signature(make).parameters
    return [
        f"{name}={value!r}"
        for name, value in options.items()
        if not (value is None or value is False or value == ())
        or (name in known and known[name].default != value)
    ]


def _made_again(
    name: str,
    learning_rate: float | Schedule,
    stages: Any,
    options: Mapping[str, Any],
    around: Iterable[tuple[str, Mapping[str, Any]]],
) -> Optimizer:
    """The optimizer of a pickle, in which a recipe stands for stages that the registry makes."""
    if isinstance(stages, tuple):
        kind, arguments = stages
        stages = OPTIMIZERS[kind](learning_rate, **arguments).transform
    optimizer = Optimizer(name, learning_rate, stages, options)
    for kind, arguments in around:
        optimizer = WRAPPERS[kind](optimizer, **arguments)
    return optimizer


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with numbers of Python for those of any kind, as they print and as JSON is."""

    def plain(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, Real):
            return value
        return int(value) if isinstance(value, Integral) else float(value)

    return {k: plain(v) for k, v in options.items()}
