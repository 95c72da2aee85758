"""The circuit inside a loop: what one step computes, and the step that is its gradient.

In: the sources of a step and what is made of them. Out: a step that runs on values in any
namespace; and the circuit of its gradient, which is a step again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from pullback.core.gradient import gradient
from pullback.core.rewrite import rewrite
from pullback.core.unit import Unit
from pullback.core.values import as_array, is_differentiable, zeros_like
from pullback.core.walk import order
from pullback.gates.reduction import sum as sum_of
from pullback.gates.shape import astype

T = TypeVar("T")


@dataclass(frozen=True, eq=False, repr=False)
class Body:
    """The circuit that a loop runs at every step; it shares no wire but constants with any other.

    Its sources are `carries`, `elements` (of each sequence the present one) and `parameters` (the
    same at every step); the gate's inputs are the carries' first values, the sequences and the
    parameters, in that order. Of these a step makes `nexts` (the carries' next values), `outputs`
    (stacked over the steps) and `sums` (added up over the steps, from zero). On the wires are the
    values of the step at which it was recorded. Two bodies are equal only if they are the same.
    """

    carries: tuple[Unit, ...]
    elements: tuple[Unit, ...]
    parameters: tuple[Unit, ...]
    nexts: tuple[Unit, ...]
    outputs: tuple[Unit, ...] = ()
    sums: tuple[Unit, ...] = ()

    @property
    def results(self) -> tuple[Unit, ...]:
        """All that a step makes: nexts, outputs, sums."""
        return *self.nexts, *self.outputs, *self.sums

    def cut(self, results: Sequence[T]) -> tuple[tuple[T, ...], tuple[T, ...], tuple[T, ...]]:
        """What stands in the order of `results`, as nexts, outputs, sums."""
        n, m = len(self.nexts), len(self.nexts) + len(self.outputs)
        return tuple(results[:n]), tuple(results[n:m]), tuple(results[m:])

    @property
    def sources(self) -> tuple[Unit, ...]:
        """Carries, elements and parameters: what stands, in this order, for the gate's inputs."""
        return *self.carries, *self.elements, *self.parameters

    def typed(self, dtypes: Sequence[np.dtype]) -> Body:
        """The same step, as it runs on sources of these dtypes."""
        if all(x.dtype == dtype for x, dtype in zip(self.sources, dtypes, strict=True)):
            return self
        made = {
            x: Unit(as_array(x._value, dtype), x.name)
            for x, dtype in zip(self.sources, dtypes, strict=True)
        }
        results = rewrite(self.results, made)
        carries, elements, parameters = (
            tuple(made[x] for x in kind) for kind in (self.carries, self.elements, self.parameters)
        )
        return Body(carries, elements, parameters, *self.cut(results))

    @cached_property
    def wires(self) -> list[Unit]:
        """The wires that a step needs, in running order."""
        return order(self.results)

    def run(
        self, m: Any, carries: Sequence[Any], elements: Sequence[Any], parameters: Sequence[Any]
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """One step in the namespace `m`: the values of nexts, outputs and sums."""
        values, gates, (nexts, outputs, sums) = self._plan
        values = [*carries, *elements, *parameters, *values]
        for value, inputs, static, slot in gates:
            values[slot] = value(m, *[values[k] for k in inputs], **static)
        return [values[k] for k in nexts], [values[k] for k in outputs], [values[k] for k in sums]

    @cached_property
    def _plan(self) -> tuple[list[Any], list[tuple], list[list[int]]]:
        """Values for the wires that are not sources; each gate with its inputs' places; results."""
        slots = {unit: k for k, unit in enumerate(self.sources)}
        values, gates = [], []
        for unit in self.wires:
            if unit in slots:
                continue
            inputs = [slots[x] for x in unit.inputs]
            slots[unit] = len(slots)
            values.append(None if inputs else unit._value)
            if unit.gate is not None and inputs:
                gates.append((unit.gate.value, inputs, unit.static, slots[unit]))
        results = (self.nexts, self.outputs, self.sums)
        return values, gates, [[slots[unit] for unit in units] for units in results]

    @cached_property
    def gradient(self) -> Gradient:
        """The step that runs backwards, made once."""
        return _differentiated(self)

    def __reduce__(self) -> Any:  # what is kept beside the fields is found again
        return Body, tuple(getattr(self, part.name) for part in fields(self))

    def __repr__(self) -> str:
        count = sum(bool(unit.inputs) for unit in self.wires)
        return f"<step of {count} gate{'' if count == 1 else 's'}>"


@dataclass(frozen=True, eq=False)
class Gradient:
    """The body of a loop's gradient, and how it is wired to the loop.

    `sequences` and `parameters` say which of those on offer it uses, in the order of `_offers`.
    `places` has for each sequence and parameter of the loop the output that is its gradient, or
    None; those of the carries' first values are the first and carried.
    """

    body: Body
    sequences: tuple[int, ...]
    parameters: tuple[int, ...]
    places: tuple[int | None, ...]


def _differentiated(body: Body) -> Gradient:
    """The gradient circuit of a step as a step of its own.

    It carries the pull on the carries: given the pull on those after a step, it answers the pull
    on those before. What the step made and the loop has stored is read, not computed again.
    """
    pulls = [_zeros(unit) for unit in body.results]
    for carry, pull in zip(body.carries, pulls, strict=False):
        pull.name = carry.name and f"d{carry.name}"
    total: Any = 0.0
    for unit, pull in zip(body.results, pulls, strict=True):
        total = sum_of(unit * pull) + total
    count = len(body.nexts)
    moving = [x for x in body.sources if is_differentiable(x._value)]
    found = dict(zip(moving, gradient(total, moving), strict=True))
    dtype = body.results[0].dtype
    # A constant gradient is that of an input on which nothing depends: zero.
    slopes = {
        x: d if d.dtype == dtype else astype(d, dtype)
        for x, d in found.items()
        if not d.is_constant
    }

    before = [_zeros(unit) for unit in body.carries]
    kept = [Unit(as_array(unit._value)) for unit in (*body.nexts, *body.outputs)]
    nexts = [slopes[x] + b if x in slopes else b for x, b in zip(body.carries, before, strict=True)]
    outputs = [slopes[x] for x in body.elements if x in slopes]
    sums = [slopes[x] for x in body.parameters if x in slopes]
    stacked = len(body.nexts) + len(body.outputs)
    sequences = [*before, *body.carries, *kept, *body.elements, *pulls[count:stacked]]
    parameters = [*body.parameters, *pulls[stacked:]]

    stored = zip((*body.nexts, *body.outputs), kept, strict=True)
    replaced = {unit: source for unit, source in reversed(list(stored)) if unit.inputs}
    fresh = {x: Unit(x._value, x.name) for x in (*pulls[:count], *sequences, *parameters)}
    replaced = {unit: fresh[source] for unit, source in replaced.items()}
    copies = rewrite([*nexts, *outputs, *sums], {**fresh, **replaced})
    reached = set(order(copies))
    some = [k for k, x in enumerate(sequences) if fresh[x] in reached]
    others = [k for k, x in enumerate(parameters) if fresh[x] in reached]
    back = Body(
        carries=tuple(fresh[x] for x in pulls[:count]),
        elements=tuple(fresh[sequences[k]] for k in some),
        parameters=tuple(fresh[parameters[k]] for k in others),
        nexts=tuple(copies[:count]),
        outputs=tuple(copies[count : count + len(outputs)]),
        sums=tuple(copies[count + len(outputs) :]),
    )
    following = iter(range(count, len(copies)))
    places = (next(following) if x in slopes else None for x in body.sources[count:])
    return Gradient(back, tuple(some), tuple(others), tuple(places))


def _zeros(like: Unit) -> Unit:
    """A source of zeros as on another wire; an abstract one where that is."""
    return Unit(zeros_like(as_array(like._value)))
