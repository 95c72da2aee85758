"""In: gradients, as wires. Out: directions, as wires: what the learning rate is multiplied by.

A `Transform` is one stage on the way, such as momentum or a limit on the length of the gradient.
Stages stand one after another in a `chain`, which is a stage again. What a stage remembers between
steps it declares as `Slot`s; the sources themselves are made by whoever holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pullback.core.copying import Portable
from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.core.values import is_number, zeros_like
from pullback.gates.shape import astype
from pullback.optim.checks import finite
from pullback.optim.schedules import Schedule, scheduled

Wires = Sequence[Unit]
T = TypeVar("T")
Memory = Sequence[Wires]  # the wires of each slot
Next = tuple[list[Unit], Memory]  # the next directions and the next memory


@dataclass(frozen=True)
class Parameters:
    """What a step moves: all of the wires, and which of them are weights, which decay shortens."""

    wires: Wires
    weights: Collection[Unit]


@dataclass(frozen=True)
class Slot:
    """One kind of memory: a wire like each parameter, which starts at zero.

    With a `number` it is a Python float in double precision, which starts there: one wire for all
    parameters. If it is of `each`, such as a count of its own steps, those that were always moved
    together share a wire, and stages are given one for each parameter.
    """

    name: str
    number: float | None = None
    each: bool = False

    def sources(self, parameters: Mapping[str, Unit]) -> list[Unit]:
        """New sources of this slot, named as "dense1.weight.velocity", one for each parameter."""
        if self.number is not None:
            wire = Unit(self.number, self.name)
            return [wire] * len(parameters) if self.each else [wire]
        return [Unit(zeros_like(p._value), f"{k}.{self.name}") for k, p in parameters.items()]


@dataclass(frozen=True)
class Transform(Portable):
    """One stage between gradients and steps.

    `update(directions, memory, parameters)` is a pure function: it gives the next directions, one
    for each parameter, and the next memory, a list of wires for each of the `slots`.

    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> halve = Transform(lambda directions, memory, parameters: ([d / 2 for d in directions], []))
    >>> halve.update([Unit(3.0)], [], p)[0][0].value
    1.5
    """

    update: Callable[[Wires, Memory, Parameters], Next]
    slots: tuple[Slot, ...] = ()
    recipe: tuple[str, Mapping[str, Any]] | None = None  # the registered optimizer that makes it


def chain(*transforms: Transform) -> Transform:
    """The stages one after another, as one; without any, directions are the gradients.

    Slots that would share a name are numbered: "velocity", "velocity2".
    Raises `CircuitError` for things that are no transforms.

    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> both = chain(scale(2.0), scale(3.0))
    >>> both.update([Unit(1.0)], [], p)[0][0].value
    6.0
    """
    for transform in transforms:
        if not isinstance(transform, Transform):
            raise CircuitError(f"a chain is made of transforms, got {transform!r}")

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        news: list[Wires] = []
        for transform in transforms:
            own = memory[len(news) : len(news) + len(transform.slots)]
            directions, new = transform.update(directions, own, parameters)
            news += new
        return list(directions), news

    slots = [slot for transform in transforms for slot in transform.slots]
    names = numbered([slot.name for slot in slots])
    return Transform(update, tuple(replace(s, name=n) for s, n in zip(slots, names, strict=True)))


def scale(factor: float) -> Transform:
    """factor * g.

    Raises `CircuitError` for a factor that is not finite.

    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> scale(2.0).update([Unit(1.5)], [], p)[0][0].value
    3.0
    """
    factor = finite("factor", factor)
    return Transform(lambda directions, memory, parameters: ([factor * d for d in directions], []))


def numbered(names: Sequence[str]) -> list[str]:
    """The names, each that was there before with a number behind it.

    >>> numbered(["a", "b", "a", "a"])
    ['a', 'b', 'a2', 'a3']
    """
    unique: dict[str, None] = {}  # a set that keeps its order
    for name in names:
        new, k = name, 2
        while new in unique:
            new, k = f"{name}{k}", k + 1
        unique[new] = None
    return list(unique)


def once(function: Callable[..., T], *wires: Wires) -> list[T]:
    """What a function makes of the wires of each parameter, made once where they are the same."""
    made: dict[tuple[Unit, ...], T] = {}
    for own in zip(*wires, strict=True):
        if own not in made:
            made[own] = function(*own)
    return [made[own] for own in zip(*wires, strict=True)]


def averaged(decay: float | Unit, means: Wires, news: Wires) -> list[Unit]:
    """decay * mean + (1 - decay) * new, for each: a mean in which what is old fades."""
    pairs = zip(means, news, strict=True)
    return [kept * m + (1.0 - kept) * x for m, x in pairs for kept in [fitting(decay, m)]]


def fitting(number: Any, parameter: Unit) -> Any:
    """A number, such that its product with a parameter keeps the parameter's dtype.

    A Python float bends to any array; a wire of another float is brought to its dtype.
    """
    if not isinstance(number, Unit) or is_number(number._value) or number.dtype == parameter.dtype:
        return number
    return astype(number, parameter.dtype)


# Momentum that may be a schedule -----------------------------------------------------------------


def momentum_slots(momentum: float | Schedule) -> tuple[Slot, ...]:
    """What `momentum_now` remembers: of a schedule, the count of steps."""
    return (Slot("momentum.step", 0.0),) if callable(momentum) else ()


def momentum_now(momentum: float | Schedule, counts: Memory) -> tuple[Any, list[Wires]]:
    """The momentum at this step, and the next memory of `momentum_slots`."""
    if not callable(momentum):
        return momentum, []
    ((step,),) = counts
    return scheduled(momentum, step, "momentum"), [[step + 1.0]]
