"""In: the parts of a group. Out: the same, where what is there again and again is one part.

Twelve blocks one after another are a stretch: parts of the same structure, each of which is made
of the one before it, and of what all have in common. A picture shows the first, and how many times
it is there. Nothing is folded that would hide a wire: one that leaves any time but the last, for
elsewhere than the next, or that comes to one time alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullback.core.unit import Unit
from pullback.inspect.parts import Part

_FEWEST = 3  # times that are worth folding
_LONGEST = 24  # parts that one time may have
_APART = "stream"  # the static argument that makes each draw at random another
_MANY_WIRES = 100_000  # more are not compared

_Same = list[list[int]]
_Port = tuple[str, Hashable, Hashable]  # where an input comes from, as all times have it


@dataclass(frozen=True)
class _Stretch:
    """So many parts from a first one on, so many times."""

    first: int
    period: int
    times: int


def folded(
    parts: Sequence[Part],
    users: Mapping[Unit, Collection[Unit]],
    outputs: Collection[Unit],
    opened: Collection[str],
) -> list[Part]:
    """These parts, in their order, with each stretch of the same as one part.

    `users` are the wires that a wire goes into. One of a stretch is not as the others where groups
    of it are to be `opened`, and of the others not.
    """
    groups = any(part.is_group for part in parts)
    if not groups or sum(len(part.wires) for part in parts) > _MANY_WIRES:
        return list(parts)
    start = next(k for k, part in enumerate(parts) if part.gates)
    sources, runs = list(parts[:start]), list(parts[start:])
    same = _same(_kinds(runs, opened))
    look = _Wiring(runs, users, outputs)
    found: list[Part] = []
    k = 0
    while k < len(runs):
        stretch = next(filter(None, map(look.chain, _stretches(runs, same, k))), None)
        if stretch is None or stretch.first > k:
            found.append(runs[k])
            k += 1
            continue
        part = look.part(stretch)
        inside_it = set(part.wires)
        sources = [source for source in sources if source.wires[0] not in inside_it]
        found.append(part)
        k += stretch.period * stretch.times
    return sources + found


def _stretches(runs: Sequence[Part], same: _Same, first: int) -> Iterator[_Stretch]:
    """What repeats from this part on: what covers most comes first, then what is shortest."""
    found = []
    for period, row in enumerate(same, 1):
        equal = row[first] if first < len(row) else 0
        times = equal // period + 1
        if times >= _FEWEST and any(part.is_group for part in runs[first : first + period]):
            shift = _shift(runs, first, period, equal % period)
            found.append(_Stretch(first + shift, period, times))
    return iter(sorted(found, key=lambda s: (-s.period * s.times, s.period)))


def _same(kinds: Sequence[int]) -> _Same:
    """For each period, how many parts from each one on are as those a period later."""
    rows = []
    for period in range(1, min(_LONGEST, len(kinds) // _FEWEST) + 1):
        row = [0] * (len(kinds) - period + 1)
        for k in reversed(range(len(kinds) - period)):
            row[k] = row[k + 1] + 1 if kinds[k] == kinds[k + period] else 0
        rows.append(row)
    return rows


def _shift(runs: Sequence[Part], first: int, period: int, spare: int) -> int:
    """Where within the period a time begins: with parameters, after something that has none.

    So a layer stands before its activation, not after that of the layer before.
    """

    def has_parameters(k: int) -> bool:
        return runs[k].is_group and any(unit.gate is None for unit in runs[k].wires)

    begins = [
        shift
        for shift in range(min(spare, period - 1) + 1)
        if has_parameters(first + shift) and not has_parameters(first + shift + period - 1)
    ]
    return begins[0] if begins else 0


# What is the same ---------------------------------------------------------------------------------


def _kinds(runs: Sequence[Part], opened: Collection[str]) -> list[int]:
    """A number for each part, which parts of one structure share."""
    known: dict[Hashable, int] = {}
    return [known.setdefault(_structure(part, opened), len(known)) for part in runs]


def _structure(part: Part, opened: Collection[str]) -> Hashable:
    """All that a picture shows of a part but values, and the numbers in its name."""
    name = re.sub(r"\d+", "", part.name.rsplit("/", 1)[-1])
    inside = frozenset(
        other.removeprefix(part.name) for other in opened if f"{other}/".startswith(f"{part.name}/")
    )
    return name, part.is_group, inside, _rows(part.wires, len(part.name))


def _rows(wires: Sequence[Unit], outer: int = 0) -> Hashable:
    """The gates of these wires, and what goes into each, by place."""
    place: dict[Unit, int] = {unit: k for k, unit in enumerate(wires)}
    rows = []
    for unit in wires:
        refs = tuple(
            _constant(x) if x.is_constant else place.setdefault(x, len(place)) for x in unit.inputs
        )
        kind = unit.gate.name if unit.gate else None
        static = tuple(
            (key, _fact(value)) for key, value in sorted(unit.static.items()) if key != _APART
        )
        is_one = type(unit._value) is not tuple
        carried = (unit.shape, unit.dtype) if is_one else None
        rows.append((kind, carried, refs, static, unit.scope[outer:]))
    return tuple(rows)


def _constant(unit: Unit) -> Hashable:
    """A constant, of which a picture shows the number, or the shape."""
    return unit.shape, str(None if unit.shape else unit._value)


def _fact(value: Any) -> Hashable:
    """A static argument, of which a step of a loop is the same if its gates are."""
    wires = getattr(value, "wires", None)
    return str(value) if wires is None else _rows(wires)


# How it hangs together ----------------------------------------------------------------------------


class _Wiring:
    """Which wires run between parts."""

    def __init__(
        self,
        runs: Sequence[Part],
        users: Mapping[Unit, Collection[Unit]],
        outputs: Collection[Unit],
    ) -> None:
        self._runs = runs
        self._users = users
        self._outputs = outputs
        self._run_of: dict[Unit, int] = {}
        for k, part in enumerate(runs):
            for unit in part.wires:
                self._run_of.setdefault(unit, k)

    def chain(self, found: _Stretch) -> _Stretch | None:
        """The first of this stretch's times that hang together, if they are enough."""
        first, second = self._ports(found, 0), self._ports(found, 1)
        times = 1
        if _starts(first, second) and not self._leaks(found, 0):
            times = 2
            while times < found.times and not self._leaks(found, times - 1):
                if self._ports(found, times) != second:
                    break
                times += 1
        return _Stretch(found.first, found.period, times) if times >= _FEWEST else None

    def _members(self, found: _Stretch, time: int) -> dict[Unit, tuple[int, int]]:
        """The wires of one time: which part they are in, and where."""
        first = found.first + time * found.period
        return {
            unit: (q, k)
            for q, part in enumerate(self._runs[first : first + found.period])
            for k, unit in enumerate(part.wires)
        }

    def _ports(self, found: _Stretch, time: int) -> list[_Port]:
        members = self._members(found, time)
        before = self._members(found, time - 1) if time else {}
        ports: list[_Port] = []
        first = found.first + time * found.period
        for q, part in enumerate(self._runs[first : first + found.period]):
            own = set(part.wires)
            for x in dict.fromkeys(x for unit in part.wires for x in unit.inputs):
                if x in own or x.is_constant:
                    continue
                if x in members:
                    ports.append(("within", q, members[x]))
                elif x in before:
                    ports.append(("before", q, before[x]))
                elif self._is_own(x, members):
                    ports.append(("own", q, x.shape))
                else:
                    ports.append(("common", q, x))
        return ports

    def _is_own(self, x: Unit, members: Collection[Unit]) -> bool:
        """Whether a source is used by these wires alone."""
        is_kept = x.gate is None and x not in self._run_of and x not in self._outputs
        return is_kept and all(user in members for user in self._users[x])

    def _leaks(self, found: _Stretch, time: int) -> bool:
        """Whether a wire of this time goes elsewhere than on to the next."""
        here = self._members(found, time)
        near = here | self._members(found, time + 1)
        return any(
            unit in self._outputs or any(user not in near for user in self._users.get(unit, ()))
            for unit in here
            if unit.inputs
        )

    def part(self, found: _Stretch) -> Part:
        """The stretch as one part, which shows its first time."""
        runs = self._runs[found.first : found.first + found.period * found.times]
        times = [self._members(found, time) for time in range(found.times)]
        one = runs[: found.period]
        taken = zip(self._inputs(one), self._ports(found, 1), strict=True)
        sources = list(dict.fromkeys(x for x, port in taken if port[0] == "own"))
        own = [
            x
            for time in times
            for unit in time
            for x in unit.inputs
            if self._is_own(x, time) and (time is not times[0] or x in sources)
        ]
        at = {place: unit for unit, place in times[0].items()}
        whole = Part(
            [*dict.fromkeys(own), *(unit for part in runs for unit in part.wires)],
            _name(runs),
            is_group=True,
            times=found.times,
            leaving={unit: at[place] for unit, place in times[-1].items()},
            carried=[
                x
                for x in times[0]
                if any(user in times[1] for user in self._users.get(x, ())) and x.inputs
            ],
        )
        if found.period == 1:
            whole.inner, whole.scope = [*sources, *one[0].wires], one[0].scope
            whole.is_scope, whole.is_open = one[0].is_scope, one[0].is_open
        else:
            whole.is_open = True
            whole.parts = [*(Part([x]) for x in sources), *one]
        return whole

    def _inputs(self, parts: Sequence[Part]) -> Iterator[Unit]:
        """What comes into each of these parts, as `_ports` counts it."""
        for part in parts:
            own = set(part.wires)
            for x in dict.fromkeys(x for unit in part.wires for x in unit.inputs):
                if x not in own and not x.is_constant:
                    yield x


def _starts(first: Sequence[_Port], others: Sequence[_Port]) -> bool:
    """Whether the first time takes what the others take, but for what comes from before."""
    return len(first) == len(others) and all(
        a == b or (b[0] == "before" and a[1] == b[1] and a[0] != "within")
        for a, b in zip(first, others, strict=True)
    )


def _name(runs: Sequence[Part]) -> str:
    """From the first group to the last: "dense1 … relu12", or "block1 … 12"."""
    names = [part.name.rsplit("/", 1)[-1] for part in runs if part.name]
    first, last = names[0], names[-1]
    stem = last.rstrip("0123456789")
    if first == last:
        return first
    return f"{first} … {last.removeprefix(stem) if first.startswith(stem) else last}"
