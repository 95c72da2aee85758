"""In: a Program. Out: the native engine's step, run by Python, which sees every byte touched.

What the engine records, loops, kernels, tiles and the step that calls them, is run as it stands:
the words in which it is written do at once what they would else be written down to do. Nothing is
compiled, so that thousands of circuits can be tried; and a byte that belongs to no buffer is
refused when it is read as well, not only when it is written.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

import pullback as pb
from pullback.engines.native import engine, guard
from pullback.engines.native.code import Code
from pullback.engines.native.engine import Native
from pullback.engines.native.number import SIZES, Array, Number
from pullback.engines.native.step import write
from pullback.engines.native.target import host

DTYPES = {kind: np.dtype(kind if kind[0] in "fiu" else np.bool_) for kind in SIZES if kind != "p"}
DTYPES["p"] = np.dtype(np.int64)

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "and": operator.and_,
    "or": operator.or_, "xor": operator.xor, "shl": operator.lshift, "shr": operator.rshift,
}  # fmt: skip
COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "fabs": np.abs, "sqrt": np.sqrt, "floor": np.floor, "rint": np.rint, "pow": np.power,
    "copysign": np.copysign, "sin": np.sin, "cos": np.cos, "log1p": np.log1p, "erf": special.erf,
}  # fmt: skip


@dataclass
class Region:
    """Memory that may be touched, but for the bytes `outside` of all buffers."""

    memory: np.ndarray
    outside: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.start = self.memory.ctypes.data
        self.stop = self.start + self.memory.nbytes
        self.bytes = self.memory.reshape(-1).view(np.uint8)

    def part(self, address: int, size: int) -> np.ndarray:
        at = address - self.start
        if self.outside is not None and self.outside[at : at + size].any():
            raise IndexError(f"byte {at} of the memory of {self.memory.dtype} is in no buffer")
        return self.bytes[at : at + size]


class Held:
    """A number that may change."""

    def __init__(self, k: Machine, first: Number) -> None:
        self.k, self.kind, self.lanes, self.value = k, first.kind, first.lanes, first

    def set(self, x: Any) -> None:
        if self.k.active:
            self.value = self.k.like(x, self)  # pyright: ignore[reportArgumentType]


class Machine(Code):
    """The words of a kernel, done at once: the text of a number is its value, an array of lanes."""

    def __init__(self, regions: Sequence[Region]) -> None:
        super().__init__("machine", [], host())
        self.regions, self.active = regions, True

    def _made(self, kind: str, value: Any) -> Number:
        value = np.atleast_1d(np.asarray(value, DTYPES[kind]))
        return Number(self, kind, len(value), value)  # pyright: ignore[reportArgumentType]

    def _part(self, address: int, size: int) -> np.ndarray:
        for region in self.regions:
            if region.start <= address and address + size <= region.stop:
                return region.part(address, size)
        raise IndexError(f"{size} bytes at {address} belong to nobody")

    # Numbers -------------------------------------------------------------------------------------

    def constant(self, value: Any, kind: str, lanes: int = 1) -> Number:
        if kind[0] in "iu":
            value = int(value) % (1 << 8 * SIZES[kind])
            whole = np.array([value], np.uint64).astype(DTYPES[kind])
            return self._made(kind, np.repeat(whole, lanes))
        return self._made(kind, np.full(lanes, value))

    def binary(self, name: str, a: Any, b: Any) -> Number:
        a, b = self.alike(a, b)
        x, y = self._values(a, b)
        if name in ("div", "rem"):
            if a.is_float:
                return self._made(a.kind, x / y)
            y = np.where(y == 0, 1, y)
            return self._made(a.kind, x // y if name == "div" else x % y)
        return self._made(a.kind, BINARY[name](x, y))

    @staticmethod
    def _values(*xs: Number) -> list[Any]:
        return [x.text for x in xs]

    def negative(self, x: Number) -> Number:
        return self._made(x.kind, np.negative(x.text))

    def compare(self, sign: str, a: Any, b: Any) -> Number:
        a, b = self.alike(a, b)
        return self._made("b1", COMPARED[sign](*self._values(a, b)))

    def select(self, condition: Number, a: Any, b: Any) -> Number:
        a, b = self.alike(a, b)
        return self._made(a.kind, np.where(*self._values(condition, a, b)))

    def muladd(self, a: Any, b: Any, c: Any) -> Number:
        a, b = self.alike(a, b)
        a, c = self.alike(a, c)
        x, y, z = self._values(a, b, c)
        return self._made(a.kind, np.asarray(x, np.longdouble) * y + z)

    def convert(self, x: Number, kind: str) -> Number:
        if kind == "b1":
            return self._made(kind, np.asarray(x.text) != 0)
        return self._made(kind, np.asarray(x.text).astype(DTYPES[kind]))

    def bits(self, x: Number, kind: str) -> Number:
        return self._made(kind, np.asarray(x.text).view(DTYPES[kind]))

    def intrinsic(self, name: str, *xs: Number) -> Number:
        return self._made(xs[0].kind, FUNCTIONS[name](*self._values(*xs)))

    each = intrinsic

    def any(self, mask: Number) -> Number:
        return self._made("b1", np.any(mask.text))

    def apart(self, name: str, function: Callable[[Any, Number], Any], x: Number) -> Any:
        return function(self, x)

    def opaque(self, x: Number) -> Number:
        return x

    # Lanes ---------------------------------------------------------------------------------------

    def undefined(self, kind: str, lanes: int) -> Number:
        return self._made(kind, np.zeros(lanes))

    def insert(self, whole: Number, x: Number, lane: int) -> Number:
        lanes = np.array(whole.text)
        lanes[lane] = x.text[0]
        return self._made(whole.kind, lanes)

    def extract(self, x: Number, lane: int) -> Number:
        return self._made(x.kind, x.text[lane])

    def shuffle(self, a: Number, b: Number, order: Sequence[int]) -> Number:
        return self._made(a.kind, np.concatenate([a.text, b.text])[list(order)])

    def splat(self, x: Number, lanes: int) -> Number:
        return x if x.lanes == lanes else self._made(x.kind, np.repeat(x.text, lanes))

    def lane_numbers(self, kind: str, lanes: int) -> Number:
        return self._made(kind, np.arange(lanes))

    def first_lanes(self, count: Number | int, lanes: int) -> Number:
        return self._made(
            "b1", np.arange(lanes) < (count if isinstance(count, int) else count.text)
        )

    # Memory --------------------------------------------------------------------------------------

    def offset(self, address: Number, n: Any, kind: str) -> Number:
        return self._made(
            "p", address.text + SIZES[kind] * (n.text if isinstance(n, Number) else n)
        )

    def pointer(self, word: Number) -> Number:
        return self._made("p", word.text)

    word = pointer

    def load(self, address: Number, kind: str, lanes: int = 1) -> Number:
        if not self.active:
            return self.undefined(kind, lanes)
        (at,) = address.text
        found = self._part(int(at), lanes * SIZES[kind]).view(DTYPES[kind])
        return self._made(kind, found.copy())

    def store(self, x: Number, address: Number) -> None:
        if self.active:
            (at,) = address.text
            self._part(int(at), x.lanes * SIZES[x.kind])[:] = np.asarray(x.text).view(np.uint8)

    def _partial(
        self,
        name: str,
        kind: str,
        mask: Number,
        at: Number,
        *,
        zero: bool = False,
        written: Any = "",
    ) -> Any:
        places = np.asarray(at.text)
        if len(places) == 1:
            places = places + SIZES[kind] * np.arange(mask.lanes)
        lanes = [self._made("p", place) for place in places]
        if zero:
            zeros = self.undefined(kind, 1)
            found = [
                self.load(place, kind) if inside else zeros
                for place, inside in zip(lanes, mask.text, strict=True)
            ]
            return self._made(kind, np.concatenate([x.text for x in found]))
        for lane, (place, inside) in enumerate(zip(lanes, mask.text, strict=True)):
            if inside:
                self.store(self.extract(written, lane), place)
        return None

    def masked_store(self, x: Number, address: Number, mask: Number) -> None:
        self._partial("store", x.kind, mask, address, written=x)

    scatter = masked_store

    def copy(self, target: Array, source: Array, count: Any) -> None:
        for i in self.range(count):
            target[i] = source[i]

    def clear(self, target: Array, count: Any) -> None:
        for i in self.range(count):
            target[i] = 0

    # Loops and branches --------------------------------------------------------------------------

    def cell(self, first: Any, kind: str = "i8", lanes: int = 1) -> Any:
        return Held(self, first if isinstance(first, Number) else self.constant(first, kind, lanes))

    def range(
        self, start: Any, stop: Any = None, step: int = 1, *, unroll: bool = True
    ) -> Iterator[Any]:
        if stop is None:
            start, stop = 0, start
        known = isinstance(start, int) and isinstance(stop, int)
        first, last = (int(x.text[0]) if isinstance(x, Number) else x for x in (start, stop))
        once = known and abs(last - first) <= abs(step)
        for i in range(first, last, step) if self.active else ():
            yield i if once else self.constant(i, "i8")

    @contextmanager
    def when(self, condition: Any) -> Iterator[None]:
        before = self.active
        known = condition.text[0] if isinstance(condition, Number) else condition
        self.active = before and bool(known)
        try:
            yield
        finally:
            self.active = before

    def prefetch(self, address: Number, *, write: bool = False) -> None:
        pass

    def run(self, code: Any, *xs: Any) -> None:
        given = []
        for x, kind in zip(xs, code.arguments, strict=True):
            x = x.address if isinstance(x, Array) else 0 if x is None else x
            given.append(x if isinstance(x, Number) else self.constant(x, kind))
        if self.active:
            write(self, code, given)

    def call(self, name: str, *xs: Number, kind: str = "", lanes: int = 1) -> None:
        assert name == "pullback_barrier"


class Interpreted(Native):
    """The native engine, but that Python runs what it has recorded."""

    def __init__(self, program: pb.Program) -> None:
        load, margin = engine.store.load, guard.margin
        engine.store.load, guard.margin = lambda code: [0], lambda: guard.MARGIN
        try:
            super().__init__(program, threads=1)
        finally:
            engine.store.load, guard.margin = load, margin
        assert self._guard is not None
        areas = self._guard._areas[: len(self._arenas)]
        arenas = zip(self._arenas.values(), areas, strict=True)
        others = (self._workspace, self._counters, self._block)
        self._machine = Machine([*(Region(a, x.outside) for a, x in arenas), *map(Region, others)])
        self._step = self._interpret

    def _interpret(self, block: int, t: int) -> None:
        k = self._machine
        with np.errstate(all="ignore"):
            write(k, self.compiled.step, [k.constant(block, "p"), k.constant(t, "i8")])
