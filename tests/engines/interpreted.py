"""In: a Program. Out: the native engine's step, run by Python, which sees every element touched.

What the engine writes as source is run as it stands, but for the kernels of vectors, which are
written again here in NumPy's terms. Nothing is compiled, so that thousands of circuits can be
tried; and an element that belongs to no buffer is refused when it is read as well, not only when it
is written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

import pullback as pb
from pullback.engines.native import cache, guard
from pullback.engines.native.engine import Native
from pullback.engines.native.kernels import structural


class Watched:
    """An arena, or the rest of one, that refuses an index outside of all buffers."""

    def __init__(self, memory: np.ndarray, outside: np.ndarray, start: int = 0) -> None:
        self.memory, self.outside, self.start = memory, outside, start
        self.dtype, self.itemsize = memory.dtype, memory.itemsize

    def _place(self, index: int) -> int:
        place = self.start + int(index)
        if not 0 <= place < len(self.memory) or self.outside[place]:
            raise IndexError(f"element {place} of the {self.dtype} arena belongs to no buffer")
        return place

    def __getitem__(self, index: int) -> Any:
        return self.memory[self._place(index)]

    def __setitem__(self, index: int, value: Any) -> None:
        self.memory[self._place(index)] = value

    def walked(self, start: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
        """The places of the elements at these steps from `start` on, each of them looked at."""
        offsets = sum(
            (np.arange(n) * by).reshape(-1, *(1,) * (len(shape) - a - 1))
            for a, (n, by) in enumerate(zip(shape, strides, strict=True))
        )
        places = np.broadcast_to(start + offsets, shape)
        for place in places.ravel():
            self._place(place)
        return places


def after(array: Watched, start: int) -> Watched:
    return Watched(array.memory, array.outside, array.start + start)


def matmul(
    t, T, arena, W, m, n, k, c, a, b, a_row, a_column, b_row, b_column, begin, begin_row, rectified
):
    x = arena.memory[arena.walked(a, (m, k), (a_row, a_column))]
    y = arena.memory[arena.walked(b, (k, n), (b_row, b_column))]
    z = x @ y
    if begin >= 0:
        z = z + arena.memory[arena.walked(begin, (m, n), (begin_row, 1))]
    arena.memory[arena.walked(c, (m, n), (n, 1))] = np.maximum(z, 0) if rectified else z


def matmuls(
    t, T, arena, W, count, c_step, a_step, b_step,
    m, n, k, c, a, b, a_row, a_column, b_row, b_column,
):  # fmt: skip
    for i in range(count):
        places = (c + i * c_step, a + i * a_step, b + i * b_step)
        matmul(t, T, arena, W, m, n, k, *places, a_row, a_column, b_row, b_column, -1, 0, False)


def _same(function: Any = None, **options: Any) -> Any:
    return function if function is not None else lambda function: function


def _numbered(numbers: int, **options: Any) -> Callable[..., Any]:
    return _same


NAMES: dict[str, Any] = {
    "inf": math.inf,
    "nan": math.nan,
    "f4": np.float32,
    "f8": np.float64,
    "i8": np.int64,
    "b1": np.bool_,
    "loop": _numbered,
    "entry": _same,
    "after": after,
    "portion": lambda n, t, T: (0, n),
    "barrier": lambda counters, threads: None,
    "matmul": matmul,
    "matmuls": matmuls,
    "where": lambda condition, a, b: a if condition else b,
    "sigmoid": special.expit,
    "softplus": lambda x: np.logaddexp(x, type(x)(0)),
    "erf": special.erf,
    **{
        name: getattr(structural, name).py_func
        for name in ("take", "scatter_add", "argmax", "argmin", "fill")
    },
    **{
        name: getattr(np, name)
        for name in (
            *("abs", "maximum", "minimum", "sign", "sqrt", "power", "exp", "expm1", "log"),
            *("log1p", "tanh", "sin", "cos", "logical_and", "logical_or", "logical_not"),
        )
    },
}


def _read(name: str) -> SimpleNamespace:
    """The module that a source is, among the names above."""
    lines = [line for line in cache._texts[name].splitlines() if not line.startswith("from ")]
    names = {**NAMES, "load": _read}
    exec(compile("\n".join(lines), name, "exec"), names)
    return SimpleNamespace(**names)


class Interpreted(Native):
    """The native engine, but that Python runs what it has written."""

    def __init__(self, program: pb.Program) -> None:
        load, margin = cache.load, guard.margin
        cache.load, guard.margin = _read, lambda: guard.MARGIN
        try:
            super().__init__(program, threads=1)
        finally:
            cache.load, guard.margin = load, margin
        assert self._guard is not None
        areas = self._guard._areas[: len(self._arenas)]
        self._raw = self._arenas
        self._watched = [
            Watched(arena, area.outside[:: arena.itemsize])
            for arena, area in zip(self._arenas, areas, strict=True)
        ]

    def _together(self, run: Any, *told: Any) -> None:
        self._arenas = self._watched
        try:
            with np.errstate(all="ignore"):
                super()._together(run, *told)
        finally:
            self._arenas = self._raw
