"""In: wires. Out: the wires they are made from, in an order in which a circuit can run.

A wire is always younger than the wires it was made from, so sorting by age is a topological order:
linear in time but for the sort, and without recursion, however deep the circuit is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING

from pullback.core.abstract import refuse_abstract

if TYPE_CHECKING:
    from pullback.core.unit import Unit

tick = count().__next__  # the moments at which wires are made, set and computed; see `lift`
age = attrgetter("index")
IN_USE = float("inf")  # the time of a wire on which something is being written
_lifting = threading.Lock()


def lift(past: float) -> None:
    """Let all moments to come be later than this one, which another process may have counted."""
    global tick
    with _lifting:
        if tick() <= past:
            tick = count(int(past) + 1).__next__


def order(outputs: Iterable[Unit]) -> list[Unit]:
    """All wires that `outputs` are made from, themselves included, every wire after its inputs."""
    seen: dict[Unit, None] = {}  # a set that keeps its order: a wire and its copy are of one age
    pending = list(outputs)
    while pending:
        unit = pending.pop()
        if unit not in seen:
            seen[unit] = None
            pending.extend(unit.inputs)
    return sorted(seen, key=age)


def inside(unit: Unit) -> Iterator[Unit]:
    """The wires of the circuits that a gate was value, as a loop is value its step."""
    for value in unit.static.values():
        yield from getattr(value, "wires", ())


def with_inside(wires: Iterable[Unit]) -> Iterator[Unit]:
    """These wires, and those of the circuits inside their gates, and inside those."""
    pending = [iter(wires)]
    while pending:
        unit = next(pending[-1], None)
        if unit is None:
            pending.pop()
            continue
        yield unit
        if unit.static:
            pending.append(inside(unit))


def leading_to(outputs: Iterable[Unit], sources: Iterable[Unit]) -> list[Unit]:
    """The wires on any path from `sources` to `outputs`, both ends included, inputs first."""
    reached = set(sources)
    path = []
    for unit in order(outputs):
        if unit in reached or any(x in reached for x in unit.inputs):
            reached.add(unit)
            path.append(unit)
    return path


def forward(outputs: Iterable[Unit]) -> None:
    """Compute the value of every wire that `outputs` are made from again, from the sources."""
    replay(order(outputs))


def replay(wires: Iterable[Unit]) -> None:
    """Compute the values of `wires`, which stand in running order; sources keep theirs."""
    now = tick()
    for unit in wires:
        if unit.inputs:
            gate = unit.gate
            assert gate is not None
            unit._value = gate.evaluate(unit.inputs, unit.static)
            unit.time = now
        elif unit.gate is None:
            refuse_abstract(unit)
