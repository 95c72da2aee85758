"""In: a processor that nobody has measured. Out: what pays on it, found in less than half a second.

Two questions are asked, each by running both answers in turns and comparing their shortest times:
from how many rows on a copy of a panel pays, and whether half a vector is quicker than a whole one.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.engines.native import store, tuning
from pullback.engines.native import target as machine
from pullback.engines.native.kernels import Kernel
from pullback.engines.native.kernels.pack import Pack
from pullback.engines.native.kernels.product import PAGE, Product
from pullback.engines.native.kernels.tile import Tile, shapes
from pullback.engines.native.target import Target, Tuning

ROWS, DEPTH, TURNS = 252, 512, 7
NEVER = 1 << 30  # rows

Run = Callable[[], Any]


def tune() -> None:
    """Measure this machine, unless that was done or is not wanted."""
    plain = machine.host()
    if tuning.wanted() and tuning.kept(plain) is None:
        tuning.keep(plain, measured(plain))


def measured(target: Target) -> Tuning:
    """What the trials say of a processor, which must be the one that this process runs on."""
    return Tuning(packed=_rows_that_pay(target), half=_half_pays(target))


def _rows_that_pay(target: Target) -> int:
    """Rows of A that must use a panel of B, whose rows lie pages apart, for a copy of it to pay.

    With a copy a product takes P + a rows, without one b rows: it pays from P / (b - a) on.
    """
    tile = shapes(target).best
    n = PAGE // 4
    a, b = np.ones((ROWS, DEPTH), np.float32), np.ones((DEPTH, n), np.float32)
    c = np.empty((ROWS, n), np.float32)
    panel = np.empty(DEPTH * tile.columns, np.float32)
    pack = _function(Pack("f4", tile.columns, True, False))

    def copies() -> None:
        for at in range(0, n, tile.columns):
            source = b.ctypes.data + 4 * at
            pack(panel.ctypes.data, source, n, 1, DEPTH, tile.columns)

    def product(packed: bool) -> Run:
        sizes = Product("f4", ROWS, n, DEPTH, (DEPTH, 1), (n, 1), packed=packed)
        run = _function(Kernel("product", sizes, 3))
        space, counters = np.empty(sizes.workspace(target), np.uint8), np.zeros(2, np.int64)
        kept = space, counters, c, a, b
        return lambda: run(0, 1, *(x.ctypes.data for x in kept))

    copying, without, copied = _shortest(product(True), product(False), copies)
    with_one, without_one = (copying - copied) / ROWS, without / ROWS
    if without_one <= with_one:
        return NEVER
    return min(NEVER, max(1, round(copied / (without_one - with_one))))


def _half_pays(target: Target) -> bool:
    """Whether a tile of half a vector takes at most four fifths of the time of one of a whole."""
    rows, half = 8, target.vector // 8
    a, b = np.ones((rows, DEPTH), np.float32), np.ones(half, np.float32)
    c, table = np.empty((rows, half), np.float32), np.arange(rows) * DEPTH

    def tile(bytes: int) -> Run:
        """As many columns as half a vector has, of the same row of B again and again."""
        run = _function(Tile(rows, 1, bytes))
        kept = a, table, b, c, np.zeros(20, np.int64)
        at = [x.ctypes.data for x in kept]
        return lambda: run(at[0], at[1], 20, at[4], DEPTH, 1, at[2], 0, 0, 0, at[3], half, 0, half)

    whole, of_half = _shortest(tile(target.vector), tile(target.vector // 2))
    return of_half <= 0.8 * whole


def _function(code: Any) -> Callable[..., None]:
    """What a record of code becomes."""
    types = {"i8": ctypes.c_int64, "p": ctypes.c_void_p, "f4": ctypes.c_float}
    (address,) = store.load(code)
    return ctypes.CFUNCTYPE(None, *(types[kind] for kind in code.arguments))(address)


def _shortest(*runs: Run) -> list[float]:
    """The shortest time of each, of some that take turns, in seconds."""
    times = [[] for _ in runs]
    for _ in range(TURNS):
        for run, spent in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            spent.append(time.perf_counter() - start)
    return [min(spent) for spent in times]
