"""In: the parameters that move at present. Out: what an optimizer remembers of just these."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import final

from pullback.core.unit import Unit
from pullback.optim.optimizer import Optimizer


@final
class MemoryByParameter:
    """An optimizer's memory by parameter, of those too that do not move at present.

    A parameter that has rested goes on with what was remembered of it; a new one starts afresh.

    >>> from pullback.optim import SGD
    >>> p, q = Unit(1.0, "p"), Unit(2.0, "q")
    >>> memory = MemoryByParameter(SGD(momentum=0.9))
    >>> both, alone = memory.of({"p": p, "q": q}), memory.of({"q": q})
    >>> alone[0] is both[1]
    True
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._common: dict[str, list[Unit]] = {}  # by slot
        self._own: dict[str, dict[Unit, Unit]] = {}  # by slot and parameter

    @property
    def wires(self) -> list[Unit]:
        """All that is remembered, each wire once."""
        kept = [*self._common.values(), *(own.values() for own in self._own.values())]
        return list(dict.fromkeys(wire for wires in kept for wire in wires))

    def of(self, parameters: Mapping[str, Unit]) -> list[Unit]:
        """The sources for these parameters, as `Optimizer.update` takes them."""
        wires: list[Unit] = []
        for slot in self._optimizer.slots:
            if not slot.of_each:
                wires += self._common.setdefault(slot.name, slot.sources({}))
                continue
            own = self._own.setdefault(slot.name, {})
            moving = slot.chosen(parameters)
            new = {name: p for name, p in moving.items() if p not in own}
            own.update(zip(new.values(), slot.sources(new), strict=True))
            if slot.each:
                _part(own, moving.values())
            wires += [own[p] for p in moving.values()]
        return wires


def _part(own: dict[Unit, Unit], moving: Collection[Unit]) -> None:
    """Let those that rest keep to themselves a number that they shared with some that move."""
    moving = set(moving)
    shared = {own[p] for p in moving}
    rest: dict[Unit, Unit] = {}
    for p, wire in own.items():
        if p not in moving and wire in shared:
            own[p] = rest.setdefault(wire, Unit(wire.value, wire.name))
