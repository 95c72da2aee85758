"""In: gradients, as wires. Out: directions, as wires: what the learning rate is multiplied by.

A `Transform` is one stage on the way, such as momentum or a limit on the length of the gradient.
Stages stand one after another in a `chain`, or beside each other in a `partition`, each for some of
the parameters; both are stages again. So is a whole step, whose directions are the parameters' next
values: see `descent`. What a stage remembers between steps it declares as `Slot`s; the sources
themselves are made by whoever holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from pullback.core.copying import Portable
from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.core.values import Value, is_number, zeros_like
from pullback.gates.shape import astype
from pullback.optim.checks import finite
from pullback.optim.schedules import Schedule, scheduled

Wires = Sequence[Unit]
T = TypeVar("T")
Memory = Sequence[Wires]  # the wires of each slot
Next = tuple[list[Unit], Memory]  # the next directions and the next memory


Settle = Callable[[Unit, Any], Unit]  # of a moved parameter and its learning rate
Choice = Callable[[str, Unit], bool]  # of parameters, by name and wire


@dataclass(frozen=True)
class Parameters:
    """What a step moves: all of the wires, and which of them are weights, which decay shortens.

    `names` are the model's, as "dense1.weight"; by default the wires' own. `rate` is a wire of the
    learning rate, if one is given, and `factors` what it is multiplied by, where that is not 1.
    `settle` says where parameters come to after a step, and `slopes` gives the gradients at other
    values of the parameters, where that can be asked for.
    """

    wires: Wires
    weights: Collection[Unit]
    names: Sequence[str] = ()
    rate: Unit | None = None
    factors: Mapping[Unit, float] = field(default_factory=dict)
    settle: Mapping[Unit, Settle] = field(default_factory=dict)
    slopes: Callable[[Wires], Wires] | None = None

    def __post_init__(self) -> None:
        if len(self.names) != len(self.wires):
            object.__setattr__(self, "names", list(named(self.wires)))

    def part(self, places: Sequence[int]) -> Parameters:
        """Those at these places; the others stay where they are when slopes are asked for."""
        whole = self.slopes

        def slopes(wires: Wires) -> list[Unit]:
            assert whole is not None
            moved = dict(zip(places, wires, strict=True))
            found = whole([moved.get(k, p) for k, p in enumerate(self.wires)])
            return [found[k] for k in places]

        return replace(
            self,
            wires=[self.wires[k] for k in places],
            names=[self.names[k] for k in places],
            slopes=None if whole is None else slopes,
        )


@dataclass(frozen=True)
class Slot:
    """One kind of memory: a wire like each parameter, which starts at zero.

    If it is `copied`, it starts where the parameter is then. With a `number` it is a Python float
    in double precision, which starts there: one wire for all parameters. If it is of `each`, such
    as a count of its own steps, those that were always moved together share a wire, and stages are
    given one for each parameter. It is of all parameters, or of those that it is `on`.
    """

    name: str
    number: float | None = None
    each: bool = False
    copied: bool = False
    on: Choice | None = None

    @property
    def of_each(self) -> bool:
        """Whether there is a wire for each parameter, and not one for all."""
        return self.number is None or self.each

    def chosen(self, parameters: Mapping[str, Unit]) -> dict[str, Unit]:
        """Those of the parameters that it is on."""
        return {k: p for k, p in parameters.items() if self.on is None or self.on(k, p)}

    def sources(self, parameters: Mapping[str, Unit]) -> list[Unit]:
        """New sources of this slot, named as "dense1.weight.velocity", one for each parameter."""
        if self.number is not None:
            wire = Unit(self.number, self.name)
            return [wire] * len(parameters) if self.each else [wire]
        start = _copied if self.copied else zeros_like
        return [Unit(start(p._value), f"{k}.{self.name}") for k, p in parameters.items()]


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
    refusals: tuple[Callable[[Collection[str]], None], ...] = ()  # raise for names that do not fit
    asks: bool = False  # for slopes at other values of the parameters


def made_of(
    parts: Sequence[Transform],
    update: Callable[[Wires, Memory, Parameters], Next],
    slots: Sequence[Slot],
) -> Transform:
    """A stage that has others inside, and asks and refuses what they do.

    Slots that would share a name are numbered: "velocity", "velocity2".
    """
    names = numbered([slot.name for slot in slots])
    return Transform(
        update,
        tuple(replace(slot, name=name) for slot, name in zip(slots, names, strict=True)),
        refusals=tuple(refusal for part in parts for refusal in part.refusals),
        asks=any(part.asks for part in parts),
    )


def chain(*transforms: Transform) -> Transform:
    """The stages one after another, as one; without any, directions are the gradients.

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

    return made_of(transforms, update, [slot for stage in transforms for slot in stage.slots])


def partition(which: Callable[[str, Unit], int], *transforms: Transform) -> Transform:
    """The stages beside each other, as one: `which` says by which of them a parameter goes.

    It is asked with the name and the wire of each, and counts the stages from 0. A stage sees, and
    remembers something of, its own parameters alone.

    >>> p = Parameters([Unit(0.0, "weight"), Unit(0.0, "bias")], weights=[])
    >>> apart = partition(lambda name, p: int(name == "bias"), scale(2.0), scale(3.0))
    >>> [d.value for d in apart.update([Unit(1.0), Unit(1.0)], [], p)[0]]
    [2.0, 3.0]
    """

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        stages = [which(*pair) for pair in zip(parameters.names, parameters.wires, strict=True)]
        made: dict[int, Unit] = {}
        news: list[Wires] = []
        for k, transform in enumerate(transforms):
            places = [i for i, stage in enumerate(stages) if stage == k]
            own = memory[len(news) : len(news) + len(transform.slots)]
            given = [directions[i] for i in places]
            found, new = transform.update(given, own, parameters.part(places))
            made.update(zip(places, found, strict=True))
            news += new
        return [made[i] for i in range(len(stages))], news

    def on(slot: Slot, k: int) -> Choice:
        inner = slot.on
        return lambda name, p: which(name, p) == k and (inner is None or inner(name, p))

    slots = [
        replace(slot, on=on(slot, k))
        for k, transform in enumerate(transforms)
        for slot in transform.slots
    ]
    return made_of(transforms, update, slots)


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


def named(parameters: Wires) -> dict[str, Unit]:
    """Wires by their own names, or by number where they have none."""
    names = [p.name or f"parameter{k}" for k, p in enumerate(parameters, start=1)]
    return dict(zip(numbered(names), parameters, strict=True))


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


def _copied(value: Value) -> Value:
    """The same numbers in memory of their own, which a step may write into."""
    return value if is_number(value) else np.array(value)
