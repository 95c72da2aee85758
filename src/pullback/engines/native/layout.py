"""What running a compiled step takes beside its code, as data that the store keeps.

With it a later process runs the step of an equal Program without going through the passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pullback.core.values import Value

MEMORY = ("f4", "f8", "i8", "b1")
"""The kinds of numbers that lie in memory, each kind in an arena of its own."""

WORDS = (
    *("threads", "counters", "workspace", "share", *MEMORY),
    *("asked", "every", "passed", "first", "last", "order", "record"),
)
"""What is in the block that compiled code is given, a word each; then the address of each input's
data.

`share` is the bytes of workspace for each thread, `record` where numbers go, one row for each
number, of as many columns as the word behind the inputs' says. `asked` is whether a step makes what
is needed seldom; in an epoch that is so at every `every`-th step, counted on from the `passed` ones
since it was last asked for.
"""


@dataclass(frozen=True)
class View:
    """How elements lie in the arena of their kind: where the first is, and the steps to others."""

    kind: str
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, arenas: Mapping[str, np.ndarray]) -> np.ndarray:
        """The elements themselves."""
        arena = arenas[self.kind]
        strides = tuple(step * arena.itemsize for step in self.strides)
        return np.lib.stride_tricks.as_strided(arena[self.start :], self.shape, strides)


@dataclass(frozen=True)
class Layout:
    """What a step runs on: the length of each arena, and where in them its wires lie.

    `sources` are wires by their numbers, see `numbered`; `constants` what the passes have made,
    with their values. `work` counts the operations of a step, roughly, and `workspace` the bytes
    that each thread needs. `refusals` say what is wrong where one of the gates that look for it
    finds an index out of bounds, in the order of their numbers, which begin at 1. `epoch` is the
    pickled loop code of an epoch, or of None.
    """

    sizes: dict[str, int]
    sources: dict[int, View]
    constants: tuple[tuple[View, Value], ...]
    outputs: dict[str, View]
    work: int
    workspace: int
    refusals: tuple[str, ...]
    epoch: bytes
