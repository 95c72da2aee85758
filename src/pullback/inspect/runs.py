"""In: the gates of a group. Out: runs of them in one running order, each with its key.

A key says which smaller group a gate is in: a scope, a loop, or a line of code.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from pullback.core.errors import CircuitError
from pullback.core.gate import OUTPUT
from pullback.core.unit import Unit
from pullback.inspect.parts import Part

FEW = 40  # gates without a scope that are shown one by one, and boxes that nobody asked for
MANY = 400  # boxes that a picture may have
MANY_TO_SORT = 100_000  # gates; more stay in the order in which they were made


class Key(NamedTuple):
    """The group that a gate is in."""

    name: str
    is_scope: bool = True
    is_loop: bool = False


Run = tuple[Key | None, list[Unit]]
REST = Key("gates", is_scope=False)


def too_large(boxes: int, was_asked: bool) -> CircuitError:
    """What to say of a picture of so many boxes."""
    cure = "open fewer groups" if was_asked else "group them by pb.scope"
    return CircuitError(
        f"a picture has at most {MANY} boxes and this one would have {boxes:,} or more: {cure}, "
        "or draw less of the circuit, up to a wire inside it"
    )


def key_of(part: Part, unit: Unit, loops: Mapping[Unit, str]) -> Key | None:
    """The group just below `part` that a gate is in: a scope, or, of `loops` by name, a loop."""
    scope, outer = unit.scope, part.scope
    if part.is_scope and scope != outer and (not outer or scope.startswith(f"{outer}/")):
        end = scope.find("/", len(outer) + 1)
        return Key(scope if end < 0 else scope[:end])
    made = unit.inputs[0] if unit.gate is OUTPUT else unit
    return Key(loops[made], is_loop=True) if made in loops else None


def runs(gates: Sequence[Unit], keys: Sequence[Key | None]) -> list[Run]:
    """A running order in which each key's gates stand together as far as their wires allow."""
    found: list[Run] = []
    for unit, key in zip(gates, keys, strict=True):
        if key is not None and found and found[-1][0] == key:
            found[-1][1].append(unit)
        else:
            found.append((key, [unit]))
    scattered = sum(1 for key, _ in found if key is not None) > len(set(keys) - {None})
    if not scattered or len(gates) > MANY_TO_SORT:
        return found
    return _regrouped(gates, dict(zip(gates, keys, strict=True)))


def runs_by_code(gates: Sequence[Unit], keys: Sequence[Key | None]) -> Iterator[list[Run]]:
    """Runs in which gates without a key are grouped by line, by function, or altogether."""
    lines: dict[object, Key] = {None: REST}

    def line(unit: Unit) -> Key:
        key = lines.get(unit.origin)
        if key is None:
            name = os.path.basename(unit.where)
            key = lines[unit.origin] = Key(name, is_scope=False) if name else REST
        return key

    def function(unit: Unit) -> Key:
        return Key(unit.place.function.strip("<>"), is_scope=False) if unit.place else REST

    for level in (line, function, lambda unit: REST):
        yield runs(gates, [key or level(u) for u, key in zip(gates, keys, strict=True)])


def _regrouped(gates: Sequence[Unit], key_by_gate: dict[Unit, Key | None]) -> list[Run]:
    """`runs` where age alone scatters them: stay in a group as long as a gate of it is ready."""
    waits = {unit: len({x for x in unit.inputs if x in key_by_gate}) for unit in gates}
    users: dict[Unit, list[Unit]] = {}
    for unit in gates:
        for x in dict.fromkeys(unit.inputs):
            if x in key_by_gate:
                users.setdefault(x, []).append(unit)
    # By their place, which is by age, but that a wire and its copy are of one age.
    place = {unit: k for k, unit in enumerate(gates)}
    ready: dict[Key | None, list[tuple[int, Unit]]] = {}
    oldest: list[tuple[int, Unit]] = []  # of all that are ready; those done since are skipped
    done: set[Unit] = set()

    def offer(unit: Unit) -> None:
        heappush(ready.setdefault(key_by_gate[unit], []), (place[unit], unit))
        heappush(oldest, (place[unit], unit))

    for unit in gates:
        if not waits[unit]:
            offer(unit)
    found: list[Run] = []
    while len(done) < len(gates):
        key = found[-1][0] if found and ready.get(found[-1][0]) else None
        if key is None and not ready.get(None):
            while oldest[0][1] in done:
                heappop(oldest)
            key = key_by_gate[oldest[0][1]]
        unit = heappop(ready[key])[1]
        done.add(unit)
        if key is not None and found and found[-1][0] == key:
            found[-1][1].append(unit)
        else:
            found.append((key, [unit]))
        for user in users.get(unit, ()):
            waits[user] -= 1
            if not waits[user]:
                offer(user)
    return found
