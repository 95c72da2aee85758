"""In: what records code. Out: numbers in registers, and arrays in memory, to write kernels with.

Operators on numbers are instructions, which `Instructions` writes down.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pullback.engines.native.instructions import Instructions

KINDS = {
    "f2": "half", "f4": "float", "f8": "double", "b1": "i1", "p": "ptr",
    "i1": "i8", "i2": "i16", "i4": "i32", "i8": "i64",
    "u1": "i8", "u2": "i16", "u4": "i32", "u8": "i64",
}  # fmt: skip
"""What a number may be, as LLVM calls it: floats, truth values, addresses, whole numbers with and
without a sign. Behind the letter stand the bytes in memory."""

SIZES = {kind: int(kind[1:] or 8) for kind in KINDS}


def single(value: float) -> float:
    """The float32 that is nearest to a number."""
    try:
        return struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def _operator(name: str, swapped: bool = False) -> Callable[[Number, Any], Number]:
    """An operator of Python on two numbers of one kind, or a number and one of Python."""
    if swapped:
        return lambda a, b: a.k.binary(name, b, a)
    return lambda a, b: a.k.binary(name, a, b)


def _comparison(sign: str) -> Callable[[Number, Any], Number]:
    return lambda a, b: a.k.compare(sign, a, b)


class Number:
    """What will be in a register: one number, or `lanes` of them side by side."""

    __slots__ = ("k", "kind", "lanes", "text")

    def __init__(self, k: Instructions, kind: str, lanes: int, text: str) -> None:
        self.k, self.kind, self.lanes, self.text = k, kind, lanes, text

    @property
    def type(self) -> str:
        """The name that LLVM has for its type."""
        return KINDS[self.kind] if self.lanes == 1 else f"<{self.lanes} x {KINDS[self.kind]}>"

    @property
    def is_float(self) -> bool:
        return self.kind[0] == "f"

    def __neg__(self) -> Number:
        return self.k.negative(self)

    def __invert__(self) -> Number:
        return self.k.binary("xor", self, True if self.kind == "b1" else -1)

    __add__, __radd__ = _operator("add"), _operator("add", swapped=True)
    __sub__, __rsub__ = _operator("sub"), _operator("sub", swapped=True)
    __mul__, __rmul__ = _operator("mul"), _operator("mul", swapped=True)
    __truediv__, __rtruediv__ = _operator("div"), _operator("div", swapped=True)
    __floordiv__, __mod__ = _operator("div"), _operator("rem")  # of numbers that are not negative
    __and__, __or__, __xor__ = _operator("and"), _operator("or"), _operator("xor")
    __lshift__, __rshift__ = _operator("shl"), _operator("shr")
    __lt__, __le__, __gt__, __ge__ = map(_comparison, ("<", "<=", ">", ">="))

    def __eq__(self, other: Any) -> Number:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.k.compare("==", self, other)

    def __ne__(self, other: Any) -> Number:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.k.compare("!=", self, other)

    def __bool__(self) -> bool:
        raise TypeError(
            "a number in a register is known when the code runs; use k.when or k.select"
        )

    __hash__ = None  # pyright: ignore[reportAssignmentType]


class Cell:
    """A number that may change; LLVM keeps it in a register."""

    def __init__(self, k: Instructions, first: Number) -> None:
        self.k, self.kind, self.lanes, self.type = k, first.kind, first.lanes, first.type
        self._place = k.room(first.type)
        self.set(first)

    @property
    def value(self) -> Number:
        """What is in it now."""
        return self.k.emit(self.kind, self.lanes, f"load {self.type}, ptr {self._place}")

    def set(self, x: Any) -> None:
        """Let it be another number."""
        x = self.k.like(x, self)
        self.k.line(f"store {x.type} {x.text}, ptr {self._place}")


class Array:
    """Numbers of one kind in memory, from an address on, `step` elements apart."""

    def __init__(self, k: Instructions, address: Number, kind: str, step: int | Number = 1) -> None:
        self.k, self.address, self.kind, self.step = k, address, kind, step

    def after(self, n: Any) -> Array:
        """The same array from element n on."""
        if isinstance(n, int) and n == 0:
            return self
        return Array(self.k, self._at(n), self.kind, self.step)

    def _at(self, i: Any) -> Number:
        return self.k.offset(self.address, i * self.step, self.kind)

    def __getitem__(self, i: Any) -> Number:
        return self.load(i)

    def __setitem__(self, i: Any, x: Any) -> None:
        self.store(i, x)

    def load(self, i: Any, lanes: int = 1, mask: Number | None = None) -> Number:
        """Element i; or those from i on, as many as there are lanes, and zero where `mask` is not.

        An element of which the mask is false is not looked at.
        """
        k, step = self.k, self.step
        if lanes == 1 or (isinstance(step, int) and abs(step) == 1 and mask is None):
            back = lanes - 1 if isinstance(step, int) and step == -1 else 0
            x = k.load(self._at(i + back), self.kind, lanes)
            return k.reversed(x) if back else x
        if isinstance(step, int) and step == 1 and mask is not None:
            return k.masked_load(self._at(i), self.kind, mask)
        if mask is not None:
            return k.gather(self._places(i, lanes), self.kind, mask)
        whole = k.undefined(self.kind, lanes)
        for lane in range(lanes):
            whole = k.insert(whole, self.load(i + lane), lane)
        return whole

    def store(self, i: Any, x: Any, mask: Number | None = None) -> None:
        """Let element i be x; or those from i on, where `mask` is true, what the lanes of x are."""
        k, step = self.k, self.step
        x = x if isinstance(x, Number) else k.constant(x, self.kind)
        if x.lanes == 1 or (isinstance(step, int) and step == 1 and mask is None):
            k.store(x, self._at(i))
        elif isinstance(step, int) and step == 1 and mask is not None:
            k.masked_store(x, self._at(i), mask)
        elif mask is not None:
            k.scatter(x, self._places(i, x.lanes), mask)
        else:
            for lane in range(x.lanes):
                self.store(i + lane, k.extract(x, lane))

    def _places(self, i: Any, lanes: int) -> Number:
        steps = self.k.lane_numbers("i8", lanes) * self.step
        return self.k.offset(self._at(i), steps, self.kind)
