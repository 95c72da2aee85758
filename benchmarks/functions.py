"""In: machine code, recorded or found at an address. Out: functions that Python calls.

A kernel is called here by itself, outside of a step of training, as others' libraries are, but made
for the processor as measured, as it is in a step.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from pullback.engines.native import store, tuning
from pullback.engines.native import target as machine
from pullback.engines.native.code import Code
from pullback.engines.native.kernels import Kernel
from pullback.engines.native.target import Target
from pullback.engines.native.trial import tune

Run = Callable[[], object]

_TYPES = {"i8": ctypes.c_int64, "p": ctypes.c_void_p}
_workers = ThreadPoolExecutor(64)


def tuned() -> Target:
    """This processor, measured if nobody did before."""
    tune()
    return tuning.host()


def function(code: Any) -> Callable[..., None]:
    """What a record of code becomes."""
    return _callable(store.load(code)[0], code.arguments)


def recorded(k: Code) -> Callable[..., None]:
    """What was recorded, which calls nothing but the processor."""
    machine.load([machine.host().object_code(k.text())])
    return _callable(machine.address(k.name), [x.kind for x in k.arguments])


def _callable(address: int, kinds: list[str]) -> Callable[..., None]:
    return ctypes.CFUNCTYPE(None, *(_TYPES[kind] for kind in kinds))(address)


def kernel(
    threads: int, name: str, sizes: Any, *arrays: np.ndarray
) -> tuple[int, list[tuple[int, ...]], Any]:
    """Where a kernel begins, what each thread gives it, and what must live as long as it runs."""
    room = -(-sizes.workspace(tuned()) // 64) * 64 + 64
    (address,) = store.load(Kernel(name, sizes, len(arrays)))
    spaces, counters = np.zeros((threads, room), np.uint8), np.zeros(2, np.int64)
    places = [x.ctypes.data for x in (counters, *arrays)]
    each = [(t, threads, spaces[t].ctypes.data, *places) for t in range(threads)]
    return address, each, (spaces, counters, arrays)


def shared(threads: int, name: str, sizes: Any, *arrays: np.ndarray) -> Run:
    """A kernel on these arrays, which so many threads run at once."""
    address, each, kept = kernel(threads, name, sizes, *arrays)
    kinds = Kernel(name, sizes, len(arrays)).arguments
    return Together([partial(_callable(address, kinds), *given) for given in each], kept)


@dataclass(frozen=True)
class Together:
    """A call of all parts at once, each on its thread, the first on the caller's.

    What they use by its address is kept as long.
    """

    parts: Sequence[Run]
    kept: Any

    def __call__(self) -> None:
        others = [_workers.submit(part) for part in self.parts[1:]]
        self.parts[0]()
        for other in others:
            other.result()


def repeated(address: int, times: int, words: tuple[int, ...], kept: Any) -> Run:
    """So many calls of the function there, in a loop of machine code: nothing of Python is counted.

    Words are whole numbers and addresses; `kept` must live as long.
    """
    run = partial(_repeat(len(words)), address, times, *words)
    return Together([run], kept)


@cache
def _repeat(count: int) -> Callable[..., None]:
    """A function that calls another one n times with so many words."""
    k = Code(f"benchmarks_repeat_{count}", ["p", "i8", *["p"] * count], machine.host())
    called, n, *words = k.arguments
    given = ", ".join(f"ptr {word.text}" for word in words)
    for _ in k.range(0, n, unroll=False):
        k.line(f"call void {called.text}({given})")
    return recorded(k)
