"""In: the memory of a native step, and where its buffers lie. Out: a refusal if the step strayed.

A test mode of the native engine, which `PULLBACK_GUARD=1` asks for. Bytes that belong to no buffer
lie around every buffer, and must be the same after a run as before it. What is not given from
outside is made NaN before a run, and whole numbers far beyond any index, so that a kernel which
reads what nobody wrote shows it in its results.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pullback.engines.native.compile import Compiled
    from pullback.engines.native.memory import Memory

MARGIN = 256  # bytes before and behind every buffer
_FRESH = {"f": 0xFF, "i": 0x5A, "b": 0xA5}  # every byte of fresh memory, by the kind of numbers

Buffer = tuple[np.dtype, int, int]  # in the arena of which dtype, where it begins, how long it is


def margin() -> int:
    """The bytes to lay around every buffer: none, unless the environment asks to watch the code."""
    return MARGIN if os.environ.get("PULLBACK_GUARD", "0") not in ("", "0") else 0


@dataclass(frozen=True)
class _Area:
    """Memory that is watched: which bytes nobody has set before a run, and which belong to none."""

    name: str
    memory: np.ndarray
    fresh: int
    unset: np.ndarray
    outside: np.ndarray

    def lay(self) -> None:
        self.memory[self.unset] = self.fresh

    def check(self) -> None:
        strayed = self.outside & (self.memory != self.fresh)
        if strayed.any():
            first, count = int(np.argmax(strayed)), int(strayed.sum())
            raise RuntimeError(
                f"native code wrote outside of its buffers: {count} bytes of {self.name}, the "
                f"first at byte {first} of {len(self.memory)}; please report the circuit"
            )


class Guard:
    """Watches the arenas of a step, one for each dtype, and the workspaces of its threads."""

    def __init__(
        self,
        arenas: Iterable[np.ndarray],
        workspaces: Sequence[np.ndarray],
        compiled: Compiled,
    ) -> None:
        layout = compiled.layout
        views = (*layout.sources.values(), *(view for view, _ in layout.constants))
        given = [(np.dtype(view.kind), view.start, prod(view.shape)) for view in views]
        self._areas = [
            _Area(
                f"the {arena.dtype} arena",
                arena.view(np.uint8),
                _FRESH[arena.dtype.kind],
                unset=_without(arena, given),
                outside=_without(arena, _buffers(compiled.memory)),
            )
            for arena in arenas
        ]
        for thread, workspace in enumerate(workspaces):
            every = np.ones(len(workspace), bool)
            outside = np.arange(len(workspace)) >= len(workspace) - MARGIN
            name = f"the workspace of thread {thread}"
            self._areas.append(_Area(name, workspace, _FRESH["f"], every, outside))

    def lay(self) -> None:
        """Before a run: make fresh all that is not given from outside."""
        for area in self._areas:
            area.lay()

    def check(self) -> None:
        """After a run: raise `RuntimeError` where a byte changed that belongs to no buffer."""
        for area in self._areas:
            area.check()


def _buffers(memory: Memory) -> Iterator[Buffer]:
    """The buffer of every wire with a place; also of the steps of loops."""
    for unit, start in memory.offsets.items():
        yield unit.dtype, start, unit.size
    for inside in memory.inside.values():
        yield from _buffers(inside)


def _without(arena: np.ndarray, buffers: Iterable[Buffer]) -> np.ndarray:
    """Which bytes of an arena lie in none of these buffers."""
    rest = np.ones(arena.shape, bool)
    for dtype, start, size in buffers:
        if dtype == arena.dtype:
            rest[start : start + size] = False
    return np.repeat(rest, arena.itemsize)
