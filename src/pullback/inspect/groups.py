"""In: the wires of a circuit. Out: the parts of its picture, groups of gates within groups.

A group is a scope ("model/dense1"), or a loop. Where gates without a scope are too many to be shown
one by one, those that one line of the user's code made form a group, or those of one function, or
all. What is the same again and again is one group too, see `repeats`.

A closed group is one box, so the picture flows one way only if no path leaves a group and comes
back. A group is therefore a run of gates in one running order of the circuit; a layer that is
applied twice may be two boxes of the same name, of which each has the layer's parameters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from pullback.core.errors import CircuitError
from pullback.core.gate import OUTPUT
from pullback.core.unit import Unit
from pullback.core.walk import inside
from pullback.inspect.parts import Part, loop_part
from pullback.inspect.repeats import folded
from pullback.inspect.runs import FEW, MANY, REST, Run, key_of, runs, runs_by_code, too_large

_LOOSE_SOURCES = 6  # that one group alone uses; more are shown as part of it


class Groups:
    """Which groups a picture opens: those named, all (True), or none (False) but the whole.

    For None, and beside those named, a group is opened that holds little else than groups, and one
    that holds all the rest, as long as the picture stays small.
    """

    def __init__(self, wires: Iterable[Unit], opened: Collection[str] | bool | None) -> None:
        self.all = opened is True
        self.unasked = opened is not True and opened is not False
        self.asked = [] if opened is None or isinstance(opened, bool) else list(opened)
        self.names: set[str] = set()  # of every group known
        self.loops: dict[Unit, str] = {}
        self.users: dict[Unit, list[Unit]] = {}
        self.opened = set(self.asked)
        self._learn(list(wires), "", ())

    def _learn(self, wires: Sequence[Unit], outer: str, around: tuple[str, ...]) -> None:
        """Note the groups among these wires, of scope `outer`, within those `around` them."""
        for unit in wires:
            for x in unit.inputs:
                self.users.setdefault(x, []).append(unit)
        loops: dict[str, int] = {}
        for scope in {unit.scope for unit in wires}:
            if scope and not f"{outer}/".startswith(f"{scope}/"):
                self._note(scope, around)
        for unit in wires:
            if unit.static and unit.gate is not OUTPUT and (step := list(inside(unit))):
                name = f"{unit.scope}/loop" if unit.scope else "loop"
                loops[name] = loops.get(name, 0) + 1
                name = name if loops[name] == 1 else f"{name}{loops[name]}"
                self.loops[unit] = name
                self._learn(step, unit.scope, self._note(name, around))

    def _note(self, name: str, around: tuple[str, ...]) -> tuple[str, ...]:
        """Note a group and those around it, and open all if it is asked for."""
        steps = name.split("/")
        path = tuple("/".join(steps[: k + 1]) for k in range(len(steps)))
        self.names.update(path)
        if any(_is_called(name, asked) for asked in self.asked):
            self.opened.update(around, path)
        return (*around, *path)

    def opens(self, name: str) -> bool:
        """Whether it was asked to open this group; it is known from now on."""
        self.names.add(name)
        return self.all or name in self.opened

    def check(self, names: Iterable[str]) -> None:
        """Refuse names that no group known by now has."""
        for asked in names:
            if not any(_is_called(name, asked) for name in self.names):
                shown = ", ".join(sorted(self.names)[:20]) or "none; pb.scope makes them"
                more = len(self.names) - 20
                tail = f" and {more:,} more" if more > 0 else ""
                raise CircuitError(f"no group is named {asked!r}; groups: {shown}{tail}")


def _is_called(name: str, asked: str) -> bool:
    return name == asked or name.endswith(f"/{asked}")


def divide(
    wires: Sequence[Unit], outputs: Collection[Unit], groups: Groups, fold: bool = True
) -> Part:
    """The whole picture as one opened part; `fold` what is there again and again.

    Raises `CircuitError` where a name to open is no group's, or the picture has too many boxes.

    >>> x = Unit(2.0, "x")
    >>> y = x * x + x
    >>> wires = [x, y.inputs[0], y]
    >>> whole = divide(wires, {y}, Groups(wires, None))
    >>> [part.wires[0].gate and part.wires[0].gate.name for part in whole.parts]
    [None, 'multiply', 'add']
    """
    whole = Part(list(wires), is_group=True, is_open=True)
    builder = _Builder(outputs, groups, fold and not groups.all)
    builder.fill(whole)
    pending, holding_all = deque([whole]), {whole}
    while pending:
        part = pending.popleft()
        sole = _sole_group(part)
        if sole is not None and part in holding_all:
            holding_all.add(sole)
        for child in part.parts:
            if child.is_open:
                builder.fill(child)
            elif groups.unasked and child.is_group and child.is_scope:
                is_sole = child in holding_all or (child is sole and child.times == 1)
                if is_sole or _holds_groups(child, groups):
                    builder.open_if_small(child)
        _connect(part, outputs)
        pending += [child for child in part.parts if child.is_open]
    groups.check(groups.asked)
    return whole


def _sole_group(part: Part) -> Part | None:
    """The group in which all gates of a part stand, if there is one."""
    inner = [child for child in part.parts if child.gates]
    return inner[0] if len(inner) == 1 and inner[0].is_group else None


def _holds_groups(part: Part, groups: Groups) -> bool:
    """Whether a group is a frame around others: it has several, and few gates beside them."""
    if part.steps is not None:
        return False
    keys = [key_of(part, unit, groups.loops) for unit in part.shown if unit.inputs]
    inner = len(set(keys) - {None})
    return inner >= 2 and keys.count(None) <= 3 * inner


class _Builder:
    """Makes the parts of a part."""

    def __init__(self, outputs: Collection[Unit], groups: Groups, fold: bool) -> None:
        self._outputs = outputs
        self._groups = groups
        self._fold = fold
        self._boxes = 0

    def fill(self, part: Part) -> None:
        """Give an opened part its parts."""
        part.parts = part.parts or self._parts(part)
        self._boxes += len(part.parts)
        if self._boxes > MANY:
            raise too_large(self._boxes, self._groups.all or bool(self._groups.asked))

    def open_if_small(self, part: Part) -> None:
        """Open a part that nobody asked for, where the picture stays small."""
        found = self._parts(part)
        if self._boxes + len(found) <= FEW:
            part.is_open, part.parts = True, found
            self.fill(part)

    def _parts(self, part: Part) -> list[Part]:
        """The parts of an opened part: its sources, then gates and groups in running order.

        Gates without a scope are shown as they are if they are few, or else by code: at the finest
        level that is easy to read, or the finest that can be drawn.
        """
        wires = part.shown
        gates = [unit for unit in wires if unit.inputs]
        keys = [key_of(part, unit, self._groups.loops) for unit in gates]
        loose = keys.count(None)
        if not part.is_scope or self._groups.all:
            if loose > MANY:
                raise too_large(loose, self._groups.all)
            return self._of_runs(part, wires, runs(gates, keys))
        if loose <= FEW or loose < len(keys):  # many may become few by being folded
            found = self._of_runs(part, wires, runs(gates, keys))
            shown = sum(1 for one in found if one.gates and not one.is_group)
            if shown <= FEW and len(found) <= MANY:
                return found
        drawable: list[Part] = []
        for level in runs_by_code(gates, keys):
            found = self._of_runs(part, wires, level)
            if len(found) <= FEW:
                return found
            if len(found) <= MANY // 2 and not drawable:
                drawable = found
        return drawable or self._of_runs(part, wires, [(REST, gates)])

    def _of_runs(self, part: Part, wires: Sequence[Unit], runs: Sequence[Run]) -> list[Part]:
        own = self._own_sources(part, wires, runs)
        inside = {source for mine in own for source in mine}
        is_whole = not part.name
        found = [
            Part([unit])
            for unit in wires
            if not unit.inputs
            and unit not in inside
            and not self._enters(part, unit)
            and (unit.gate is None or (unit in self._outputs and is_whole))
        ]
        for (key, run), mine in zip(runs, own, strict=True):
            if key is not None and key.is_loop:
                found.append(loop_part(run, key.name, self._groups.opens(key.name)))
            elif key is None or (len(run) == 1 and not mine):
                found.append(Part(run, key.name if key else ""))
                if key is not None:
                    self._groups.opens(key.name)
            else:
                is_open = self._groups.opens(key.name)
                scope = key.name if key.is_scope else part.scope
                found.append(Part(mine + run, key.name, True, is_open, key.is_scope, scope))
        if not self._fold:
            return found
        outputs = {*self._outputs, *part.carried} if part.carried else self._outputs
        return folded(found, self._groups.users, outputs, self._groups.opened)

    def _enters(self, part: Part, unit: Unit) -> bool:
        """Whether a source inside a loop stands for a wire outside it."""
        return unit in part.entering and not part.entering[unit].is_constant

    def _own_sources(
        self, part: Part, wires: Sequence[Unit], runs: Sequence[Run]
    ) -> list[list[Unit]]:
        """The sources that stand within each run: those made in its scope, for every run of it.

        A crowd of others that nothing else uses joins a group as well.
        """
        users: dict[Unit, list[int]] = {}
        for k, (_, run) in enumerate(runs):
            for unit in run:
                for x in unit.inputs:
                    if x.gate is None and (x not in users or users[x][-1] != k):
                        users.setdefault(x, []).append(k)
        own: list[list[Unit]] = [[] for _ in runs]
        crowd: list[list[Unit]] = [[] for _ in runs]
        for source in wires:
            if source.gate is not None or source not in users or source in self._outputs:
                continue
            if self._enters(part, source):
                continue
            first = users[source][0]
            key = runs[first][0]
            if key is not None and key == key_of(part, source, {}):
                for k in users[source]:
                    if runs[k][0] == key:
                        own[k].append(source)
            elif key is not None and not key.is_loop and len(users[source]) == 1:
                crowd[first].append(source)
        for mine, more in zip(own, crowd, strict=True):
            if len(more) > _LOOSE_SOURCES:
                mine += more
        return own


def _connect(part: Part, outputs: Collection[Unit]) -> None:
    """Find what comes into and what leaves each of the parts of `part`."""
    owner: dict[Unit, Part] = {}
    for child in part.parts:
        for unit in child.wires:
            owner.setdefault(unit, child)
    leaving: dict[Part, set[Unit]] = {child: set() for child in part.parts}
    for child in part.parts:
        own = set(child.wires)
        for unit in child.wires:
            for x in unit.inputs:
                if (x.inputs or x.gate is None) and x not in own:
                    child.ins.append(x)
                    if x in owner:
                        leaving[owner[x]].add(x)
        if child.is_group:
            child.ins = list(dict.fromkeys(child.ins))
    for x in (*(part.leaving.get(x, x) for x in part.outs), *part.carried):
        if x in owner:
            leaving[owner[x]].add(x)
    for child, leaves in leaving.items():
        if not child.is_group:
            leaves.update(child.wires)
        elif not child.is_open or child.shows_one_of_many:
            leaves.update(unit for unit in child.wires if unit in outputs)
        child.outs = sorted(leaves, key=lambda unit: unit.index)
