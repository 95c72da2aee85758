"""In: the wires of a circuit. Out: the parts of its picture, groups of gates within groups.

A group is a scope ("model/dense1"). Where gates without a scope are too many to be shown one by
one, those that one line of the user's code made form a group, or those of one function, or all.

A closed group is one box, so the picture flows to the right only if no path leaves a group and
comes back. A group is therefore a run of gates in one running order of the circuit; a layer that is
applied twice may be two boxes of the same name.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit

FEW = 40  # gates that are shown one by one without being asked
MANY = 400  # boxes that a picture may have
_MANY_TO_SORT = 100_000  # gates; more stay in the order in which they were made
_LOOSE_SOURCES = 6  # that one group alone uses; more are shown as part of it

_Key = tuple[bool, str] | None  # (is a scope, name) of a group; None for a gate that has none


@dataclass(eq=False)
class Part:
    """A source, a gate, a constant output, or a group of gates with the sources that are its own.

    `ins` is what comes in, one for each port; `outs` what leaves. An opened group has its `parts`
    in running order.
    """

    wires: list[Unit]
    name: str = ""
    is_group: bool = False
    is_open: bool = False
    is_scope: bool = True
    parts: list[Part] = field(default_factory=list)
    ins: list[Unit] = field(default_factory=list)
    outs: list[Unit] = field(default_factory=list)

    @cached_property
    def gates(self) -> int:
        """The number of gates."""
        return sum(1 for unit in self.wires if unit.inputs)


class Groups:
    """Which groups a picture opens: those named, all (True), or, for None, all if gates are few."""

    def __init__(self, wires: Iterable[Unit], opened: Collection[str] | bool | None) -> None:
        few = sum(1 for unit in wires if unit.inputs) <= FEW
        self.all = opened is True or (opened is None and few)
        self.asked = [] if opened is None or isinstance(opened, bool) else list(opened)
        self.names: set[str] = set()  # of every group known
        for scope in {unit.scope for unit in wires if unit.scope}:
            steps = scope.split("/")
            self.names.update("/".join(steps[: k + 1]) for k in range(len(steps)))
        self._opened = set(self.asked)
        for scope in self.names:
            if any(scope == asked or scope.endswith(f"/{asked}") for asked in self.asked):
                steps = scope.split("/")
                self._opened.update("/".join(steps[: k + 1]) for k in range(len(steps)))

    def opens(self, name: str) -> bool:
        """Whether this group is opened; it is known from now on."""
        self.names.add(name)
        return self.all or name in self._opened

    def check(self, names: Iterable[str]) -> None:
        """Refuse names that no group known by now has."""
        for asked in names:
            if not any(name == asked or name.endswith(f"/{asked}") for name in self.names):
                shown = ", ".join(sorted(self.names)[:20]) or "none; pb.scope makes them"
                more = len(self.names) - 20
                tail = f" and {more:,} more" if more > 0 else ""
                raise CircuitError(f"no group is named {asked!r}; groups: {shown}{tail}")


def divide(wires: Sequence[Unit], outputs: Collection[Unit], groups: Groups) -> Part:
    """The whole picture as one opened part.

    Raises `CircuitError` where a name to open is no group's, or the picture has too many boxes.

    >>> x = Unit(2.0, "x")
    >>> y = x * x + x
    >>> wires = [x, y.inputs[0], y]
    >>> whole = divide(wires, {y}, Groups(wires, None))
    >>> [part.wires[0].gate and part.wires[0].gate.name for part in whole.parts]
    [None, 'multiply', 'add']
    """
    whole = Part(list(wires), is_group=True, is_open=True)
    pending, boxes = [whole], 0
    while pending:
        part = pending.pop()
        part.parts = _parts(part, outputs, groups)
        _connect(part, outputs)
        boxes += len(part.parts)
        if boxes > MANY:
            raise _too_large(boxes, groups)
        pending += [child for child in part.parts if child.is_open]
    groups.check(groups.asked)
    return whole


def _too_large(boxes: int, groups: Groups) -> CircuitError:
    cure = "open fewer groups" if groups.all or groups.asked else "group them by pb.scope"
    return CircuitError(
        f"a picture has at most {MANY} boxes and this one would have {boxes:,} or more: {cure}, "
        "or draw less of the circuit, up to a wire inside it"
    )


def _parts(part: Part, outputs: Collection[Unit], groups: Groups) -> list[Part]:
    """The parts of an opened part: its sources, then gates and groups in running order."""
    gates = [unit for unit in part.wires if unit.inputs]
    keys = [_scope_key(part, unit) for unit in gates]
    loose = keys.count(None)
    may_group = part.is_scope and not groups.all
    if may_group and loose > FEW:
        runs = _by_code(gates, keys)
    elif loose > MANY:
        raise _too_large(loose, groups)
    else:
        runs = _runs(gates, keys)
        if may_group and len(runs) > MANY:
            runs = _by_code(gates, keys)
    users: dict[Unit, list[int]] = {}
    for k, (_, run) in enumerate(runs):
        for unit in run:
            for x in unit.inputs:
                if x.gate is None and (x not in users or users[x][-1] != k):
                    users.setdefault(x, []).append(k)
    # A group's own sources are those made in its scope; a crowd that nothing else uses joins it.
    own: list[list[Unit]] = [[] for _ in runs]
    crowd: list[list[Unit]] = [[] for _ in runs]
    for source in part.wires:
        if source.gate is None and source in users and source not in outputs:
            first = users[source][0]
            key = runs[first][0]
            if key is not None and key == _scope_key(part, source):
                own[first].append(source)
            elif key is not None and len(users[source]) == 1:
                crowd[first].append(source)
    for mine, more in zip(own, crowd, strict=True):
        if len(more) > _LOOSE_SOURCES:
            mine += more
    inside = {source for mine in own for source in mine}
    found = [
        Part([unit])
        for unit in part.wires
        if not unit.inputs
        and unit not in inside
        and (unit.gate is None or (unit in outputs and not part.name))
    ]
    for (key, run), mine in zip(runs, own, strict=True):
        if key is None or (len(run) == 1 and not mine):
            found.append(Part(run))
            if key is not None:
                groups.opens(key[1])
        else:
            is_scope, name = key
            found.append(Part(mine + run, name, True, groups.opens(name), is_scope))
    return found


def _scope_key(part: Part, unit: Unit) -> _Key:
    """The group just below `part` that a wire's scope puts it in."""
    scope, name = unit.scope, part.name
    if scope == name or not part.is_scope or (name and not scope.startswith(f"{name}/")):
        return None
    end = scope.find("/", len(name) + 1)
    return True, scope if end < 0 else scope[:end]


def _by_code(gates: Sequence[Unit], keys: Sequence[_Key]) -> list[tuple[_Key, list[Unit]]]:
    """Runs in which gates without a scope are grouped by line, by function, or altogether."""
    lines: dict[object, _Key] = {None: (False, "gates")}

    def line(unit: Unit) -> _Key:
        key = lines.get(unit.origin)
        if key is None:
            key = lines[unit.origin] = (False, os.path.basename(unit.where))
        return key

    def function(unit: Unit) -> _Key:
        return False, unit.place.function.strip("<>") if unit.place else "gates"

    # The finest level that is easy to read, else the finest that can be drawn.
    drawable: list[tuple[_Key, list[Unit]]] = []
    for level in (line, function, lambda unit: (False, "gates")):
        runs = _runs(gates, [key or level(u) for u, key in zip(gates, keys, strict=True)])
        if len(runs) <= FEW:
            return runs
        if len(runs) <= MANY // 2 and not drawable:
            drawable = runs
    return drawable or [((False, "gates"), list(gates))]


def _runs(gates: Sequence[Unit], keys: Sequence[_Key]) -> list[tuple[_Key, list[Unit]]]:
    """A running order in which each key's gates stand together as far as their wires allow."""
    runs: list[tuple[_Key, list[Unit]]] = []
    for unit, key in zip(gates, keys, strict=True):
        if key is not None and runs and runs[-1][0] == key:
            runs[-1][1].append(unit)
        else:
            runs.append((key, [unit]))
    scattered = sum(1 for key, _ in runs if key is not None) > len(set(keys) - {None})
    if not scattered or len(gates) > _MANY_TO_SORT:
        return runs
    return _regrouped(gates, dict(zip(gates, keys, strict=True)))


def _regrouped(gates: Sequence[Unit], key_of: dict[Unit, _Key]) -> list[tuple[_Key, list[Unit]]]:
    """`_runs` where age alone scatters them: stay in a group as long as a gate of it is ready."""
    waits = {unit: len({x for x in unit.inputs if x in key_of}) for unit in gates}
    users: dict[Unit, list[Unit]] = {}
    for unit in gates:
        for x in dict.fromkeys(unit.inputs):
            if x in key_of:
                users.setdefault(x, []).append(unit)
    # By their place, which is by age, but that a wire and its copy are of one age.
    place = {unit: k for k, unit in enumerate(gates)}
    ready: dict[_Key, list[tuple[int, Unit]]] = {}
    oldest: list[tuple[int, Unit]] = []  # of all that are ready; those done since are skipped
    done: set[Unit] = set()

    def offer(unit: Unit) -> None:
        heappush(ready.setdefault(key_of[unit], []), (place[unit], unit))
        heappush(oldest, (place[unit], unit))

    for unit in gates:
        if not waits[unit]:
            offer(unit)
    runs: list[tuple[_Key, list[Unit]]] = []
    while len(done) < len(gates):
        key = runs[-1][0] if runs and ready.get(runs[-1][0]) else None
        if key is None and not ready.get(None):
            while oldest[0][1] in done:
                heappop(oldest)
            key = key_of[oldest[0][1]]
        unit = heappop(ready[key])[1]
        done.add(unit)
        if key is not None and runs and runs[-1][0] == key:
            runs[-1][1].append(unit)
        else:
            runs.append((key, [unit]))
        for user in users.get(unit, ()):
            waits[user] -= 1
            if not waits[user]:
                offer(user)
    return runs


def _connect(part: Part, outputs: Collection[Unit]) -> None:
    """Find what comes into and what leaves each of the parts of `part`."""
    owner = {unit: child for child in part.parts for unit in child.wires}
    leaving: dict[Part, set[Unit]] = {child: set() for child in part.parts}
    for child in part.parts:
        for unit in child.wires:
            for x in unit.inputs:
                if (x.inputs or x.gate is None) and owner.get(x) is not child:
                    child.ins.append(x)
                    if x in owner:
                        leaving[owner[x]].add(x)
        if child.is_group:
            child.ins = list(dict.fromkeys(child.ins))
    for x in part.outs:
        leaving[owner[x]].add(x)
    for child, leaves in leaving.items():
        if not child.is_group:
            leaves.update(child.wires)
        elif not child.is_open:
            leaves.update(unit for unit in child.wires if unit in outputs)
        child.outs = sorted(leaves, key=lambda unit: unit.index)
