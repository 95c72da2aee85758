"""What the processor itself allows: multiply-adds in registers, and bandwidth of its memories.

Counted: of multiply-adds two operations each, as many as a loop of independent ones in full vector
registers does, with no memory touched; one thread, and two on two cores. Of reading the bytes of a
buffer that half fills the level-1 or level-2 cache of a core, or is far larger than all caches,
read over and over by one thread. Of copying both the bytes read and those written; the two buffers
together are as large. These are rates, and there is nobody to compare with: other works say by such
limits, measured again in turn with them, what share of our time the limit alone takes.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from benchmarks.functions import Together, recorded
from benchmarks.measure import Line, Work, Works, threads, turns
from benchmarks.processor import this
from pullback.engines.native.code import Code
from pullback.engines.native.target import host

THREADS = 2
KIB, MIB = 2**10, 2**20
GIGA = 1e9
TURNS = 1_000_000  # of the loop of multiply-adds: some milliseconds
BYTES = 32 * MIB  # that are moved in a run, at least
KINDS = {"float32": "f4", "float64": "f8"}


def measure(quick: bool) -> list[Line]:
    times = turns("limits", {"limit": rates}, ("limit",), quick=quick)["limit"]
    return [
        Line(case, "limit", t.median, best=t.best, per="GFLOP" if "adds" in case else "GB")
        for case, t in times.items()
    ]


def rates() -> Works:
    """Of everything a billion."""
    works = {
        f"multiply-adds, {dtype}, {many}": multiply_adds(dtype, GIGA, count)
        for dtype in KINDS
        for count, many in ((1, "one thread"), (2, "two threads"))
    }
    sizes = {
        "level-1 cache": (this().l1d or 32 * KIB) // 2,
        "level-2 cache": (this().l2 or 512 * KIB) // 2,
        "memory": max(256 * MIB, 2 * (this().l3 or 0)),
    }
    for how in ("reading", "copying"):
        for where, size in sizes.items():
            works[f"{how}, {where}"] = bandwidth(how, size, GIGA, 1)
    return works


def multiply_adds(dtype: str, operations: float, count: int | None = None) -> Work:
    """So many operations, two for each multiply-add, on as many threads as everyone has."""
    count = count or threads()
    run, each = _multiply_adds(KINDS[dtype])
    buffers = [np.ones(8 * KIB) for _ in range(count)]
    parts = [partial(run, buffer.ctypes.data, TURNS) for buffer in buffers]
    return Work(Together(parts, buffers), count * TURNS * each / operations)


@cache
def _multiply_adds(kind: str) -> tuple[Any, int]:
    """A loop of independent multiply-adds, and its operations in each turn."""
    target = host()
    lanes, sums = target.lanes(kind), target.registers - 4
    k = Code(f"benchmarks_multiply_adds_{kind}", ["p", "i8"], target)
    place, n = k.arguments
    numbers = k.array(place, kind)
    cells = [k.cell(0.0, kind, lanes) for _ in range(sums)]
    x, y = numbers.load(0, lanes), numbers.load(lanes, lanes)
    for _ in k.range(0, n, unroll=False):
        for cell in cells:
            cell.set(k.muladd(x, y, cell.value))
    for at, cell in enumerate(cells, 2):
        numbers.store(at * lanes, cell.value)
    return recorded(k), 2 * lanes * sums


def bandwidth(how: str, size: int, amount: float, count: int | None = None) -> Work:
    """Reading or copying `amount` bytes in memory of `size` bytes, which threads share."""
    count = count or threads()
    run, step = _moving(how)
    part = max(step, size // count // step * step)
    times = -(-BYTES // (part * count))
    buffers = [np.ones(part + 64, np.uint8) for _ in range(count)]
    places = [-(-buffer.ctypes.data // 64) * 64 for buffer in buffers]
    parts = [partial(run, place, part, times) for place in places]
    return Work(Together(parts, buffers), part * count * times / amount)


@cache
def _moving(how: str) -> tuple[Any, int]:
    """A loop that goes n times over a buffer of some bytes, and by how many it steps.

    Reading joins all that it meets, so that it must read it; copying goes from the buffer's first
    half into its second.
    """
    target, at_once = host(), 8
    lanes = target.lanes("i8")
    step = at_once * lanes * (8 if how == "reading" else 16)
    k = Code(f"benchmarks_{how}", ["p", "i8", "i8"], target)
    place, size, n = k.arguments
    words = k.array(place, "i8")
    found = [k.cell(0, "i8", lanes) for _ in range(at_once)]
    half = size // 16
    for _ in k.range(0, n, unroll=False):
        for i in k.range(0, size // 8 if how == "reading" else half, at_once * lanes, unroll=False):
            for j, cell in enumerate(found):
                x = words.load(i + j * lanes, lanes)
                if how == "reading":
                    cell.set(cell.value | x)
                else:
                    words.store(half + i + j * lanes, x)
    for j, cell in enumerate(found):
        words.store(j * lanes, cell.value)
    return recorded(k), step
