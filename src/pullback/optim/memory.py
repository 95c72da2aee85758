"""In: the parameters that move at present. Out: what an optimizer remembers of just these."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite
from pullback.core.unit import Unit
from pullback.optim.optimizer import Optimizer


@dataclass(frozen=True)
class Piece:
    """One wire of a memory, written down: its slot, the parameters it is of, and its value.

    What all parameters have in common is of none of them.
    """

    slot: str
    parameters: tuple[str, ...]
    value: np.ndarray


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

    def pieces(self, parameters: Mapping[str, Unit]) -> tuple[Piece, ...]:
        """All that is remembered, of those of these parameters of which anything is."""
        found = [
            Piece(slot, (), np.array(wire.value))
            for slot, wires in self._common.items()
            for wire in wires
        ]
        for slot, own in self._own.items():
            sharing: dict[Unit, list[str]] = {}
            for name, p in parameters.items():
                if p in own:
                    sharing.setdefault(own[p], []).append(name)
            found += [
                Piece(slot, tuple(names), np.array(wire.value)) for wire, names in sharing.items()
            ]
        return tuple(found)

    def restore(self, pieces: Sequence[Piece], parameters: Mapping[str, Unit]) -> None:
        """Remember these pieces, and nothing else, on new wires.

        Raises `CircuitError` where they are not of this optimizer and these parameters.
        """
        slots = {slot.name: slot for slot in self._optimizer.slots}
        common: dict[str, list[Unit]] = {}
        own: dict[str, dict[Unit, Unit]] = {}
        for piece in pieces:
            slot = slots.get(piece.slot)
            of = [parameters.get(name) for name in piece.parameters]
            known = [p for p in of if p is not None]
            if slot is None:
                raise CircuitError(f"the optimizer has no memory {piece.slot!r:.60}")
            shared = slot.number is not None
            alone = shared and not slot.each
            if len(known) < len(of) or bool(of) == alone:
                raise CircuitError(f"the memory {piece.slot!r} is of other parameters")
            if len(of) > 1 and not shared:
                raise CircuitError(f"the memory {piece.slot!r} is of each parameter by itself")
            wire = slot.sources(dict(zip(piece.parameters, known, strict=True)))[0]
            if piece.value.shape != wire.shape or piece.value.dtype != wire.dtype:
                raise CircuitError(
                    f"the memory {wire.name!r} should be {wire.dtype} of shape {wire.shape}, got "
                    f"{piece.value.dtype} of {piece.value.shape}"
                )
            if not is_finite(piece.value):
                raise CircuitError(f"the memory {wire.name!r} has values that are not finite")
            wire.value = piece.value
            if alone:
                common.setdefault(slot.name, []).append(wire)
            for p in known:
                if own.setdefault(slot.name, {}).setdefault(p, wire) is not wire:
                    raise CircuitError(f"the memory {wire.name!r} is there twice")
        if any(len(wires) > 1 for wires in common.values()):
            raise CircuitError("a memory that parameters have in common is there twice")
        self._common, self._own = common, own


def _part(own: dict[Unit, Unit], moving: Collection[Unit]) -> None:
    """Let those that rest keep to themselves a number that they shared with some that move."""
    moving = set(moving)
    shared = {own[p] for p in moving}
    rest: dict[Unit, Unit] = {}
    for p, wire in own.items():
        if p not in moving and wire in shared:
            own[p] = rest.setdefault(wire, Unit(wire.value, wire.name))
