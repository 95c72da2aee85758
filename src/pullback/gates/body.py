"""The circuit inside a loop: what one step computes, and the step that is its gradient.

In: the sources of a step and what is made of them. Out: a step that runs on values in any
namespace; and the circuit of its gradient, which is a step again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from math import prod
from typing import Any, TypeVar

import numpy as np

from pullback.core.gradient import gradient
from pullback.core.rewrite import rewrite
from pullback.core.unit import Unit
from pullback.core.values import is_differentiable
from pullback.core.walk import order
from pullback.gates.reduction import sum as sum_of
from pullback.gates.shape import Shape, astype

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

    @cached_property
    def wires(self) -> list[Unit]:
        """The wires that a step needs, in running order."""
        return order(self.results)

    def parts(self, length: int) -> list[tuple[int, Shape]]:
        """Where the loop's output, one flat vector, has what: the start and shape of each part.

        First each carry's stack of length + 1 rows: row t + 1 is its value after step t, and row 0
        its first value. In a reversed loop row t is the value after step t, and the last row is
        the first value. Then each output's stack of `length` rows, then each sum. All row-major.
        """
        shapes = [(length + 1, *unit.shape) for unit in self.nexts]
        shapes += [(length, *unit.shape) for unit in self.outputs]
        shapes += [unit.shape for unit in self.sums]
        starts = np.cumsum([0, *map(prod, shapes)]).tolist()
        return list(zip(starts, shapes, strict=False))

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
        sources = (*self.carries, *self.elements, *self.parameters)
        slots = {unit: k for k, unit in enumerate(sources)}
        values, gates = [], []
        for unit in self.wires:
            if unit in slots:
                continue
            inputs = [slots[x] for x in unit.inputs]
            slots[unit] = len(slots)
            values.append(None if inputs else unit.value)
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
    `parts` has for each input of the loop the part of the output that is its gradient, or None.
    """

    body: Body
    sequences: tuple[int, ...]
    parameters: tuple[int, ...]
    parts: tuple[int | None, ...]
    last: list[Any] = field(default_factory=list)


def _differentiated(body: Body) -> Gradient:
    """The gradient circuit of a step as a step of its own.

    It carries the pull on the carries: given the pull on those after a step, it answers the pull
    on those before. What the step made and the loop has stored is read, not computed again.
    """
    pulls = [Unit(np.zeros(unit.shape, unit.dtype)) for unit in body.results]
    for carry, pull in zip(body.carries, pulls, strict=False):
        pull.name = carry.name and f"d{carry.name}"
    total: Any = 0.0
    for unit, pull in zip(body.results, pulls, strict=True):
        total = sum_of(unit * pull) + total
    count = len(body.nexts)
    inputs = (*body.carries, *body.elements, *body.parameters)
    moving = [x for x in inputs if is_differentiable(x.value)]
    found = dict(zip(moving, gradient(total, moving), strict=True))
    dtype = body.results[0].dtype
    # A constant gradient is that of an input on which nothing depends: zero.
    slopes = {
        x: d if d.dtype == dtype else astype(d, dtype)
        for x, d in found.items()
        if not d.is_constant
    }

    before = [Unit(np.zeros(unit.shape, unit.dtype)) for unit in body.carries]
    kept = [Unit(np.asarray(unit.value)) for unit in (*body.nexts, *body.outputs)]
    nexts = [slopes[x] + b if x in slopes else b for x, b in zip(body.carries, before, strict=True)]
    outputs = [slopes[x] for x in body.elements if x in slopes]
    sums = [slopes[x] for x in body.parameters if x in slopes]
    stacked = len(body.nexts) + len(body.outputs)
    sequences = [*before, *body.carries, *kept, *body.elements, *pulls[count:stacked]]
    parameters = [*body.parameters, *pulls[stacked:]]

    stored = zip((*body.nexts, *body.outputs), kept, strict=True)
    replaced = {unit: source for unit, source in reversed(list(stored)) if unit.inputs}
    fresh = {x: Unit(x.value, x.name) for x in (*pulls[:count], *sequences, *parameters)}
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
    parts = [next(following) if x in slopes else None for x in inputs[count:]]
    return Gradient(back, tuple(some), tuple(others), (*range(count), *parts))
