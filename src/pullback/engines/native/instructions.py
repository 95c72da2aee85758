"""In: numbers. Out: the instructions that make others of them, written down for LLVM.

All text that LLVM reads stands here, in `number`, whose cells are memory, and in `code`, which
makes functions of it; but for the barrier of `threads`, which is a text as it is.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

from pullback.engines.native.number import KINDS, SIZES, Array, Cell, Number, single

_BINARY = {
    "add": ("fadd", "add"), "sub": ("fsub", "sub"), "mul": ("fmul", "mul"),
    "div": ("fdiv", "sdiv"), "rem": ("frem", "srem"), "and": ("", "and"), "or": ("", "or"),
    "xor": ("", "xor"), "shl": ("", "shl"), "shr": ("", "ashr"),
}  # fmt: skip
_COMPARISONS = {
    "<": ("olt", "slt"), "<=": ("ole", "sle"), ">": ("ogt", "sgt"), ">=": ("oge", "sge"),
    "==": ("oeq", "eq"), "!=": ("une", "ne"),
}  # fmt: skip


class Instructions:
    """Writes instructions one after another."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._rooms: list[str] = []
        self._declared: dict[str, None] = {}
        self._count = 0

    # Writing -------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """Add an instruction that makes nothing."""
        self._lines.append(f"  {text}")

    def emit(self, kind: str, lanes: int, text: str) -> Number:
        """Add an instruction that makes a number."""
        self._count += 1
        name = f"%v{self._count}"
        self._lines.append(f"  {name} = {text}")
        return Number(self, kind, lanes, name)

    def room(self, type: str) -> str:
        """Room for what changes, in the function's frame."""
        self._count += 1
        self._rooms.append(f"  %r{self._count} = alloca {type}")
        return f"%r{self._count}"

    def declare(self, text: str) -> None:
        """Declare a function that others bring: LLVM, the C library, or another kernel."""
        self._declared[f"declare {text}"] = None

    def call(self, name: str, *xs: Number, kind: str = "", lanes: int = 1) -> Any:
        """Call a function; with a `kind`, of what it answers."""
        made = "void" if not kind else Number(self, kind, lanes, "").type
        self.declare(f"{made} @{name}({', '.join(x.type for x in xs)})")
        text = f"call {made} @{name}({', '.join(f'{x.type} {x.text}' for x in xs)})"
        return self.emit(kind, lanes, text) if kind else self.line(text)

    def intrinsic(self, name: str, *xs: Number) -> Number:
        """An instruction of LLVM on floats that has the form of a function of one type."""
        first = xs[0]
        suffix = f"{'' if first.lanes == 1 else f'v{first.lanes}'}f{8 * SIZES[first.kind]}"
        return self.call(f"llvm.{name}.{suffix}", *xs, kind=first.kind, lanes=first.lanes)

    def prefetch(self, address: Number, *, write: bool = False) -> None:
        """Ask for the cache line at an address, which is about to be read.

        With `write` the other cores lose theirs: only of what is about to be written.
        """
        self.declare("void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        self.line(
            f"call void @llvm.prefetch.p0(ptr {address.text}, i32 {int(write)}, i32 3, i32 1)"
        )

    def each(self, name: str, *xs: Number) -> Number:
        """A function of the C library, of each lane of numbers of one kind."""
        first = xs[0]
        if first.lanes == 1:
            return self.call(name, *xs, kind=first.kind)
        whole = self.undefined(first.kind, first.lanes)
        for lane in range(first.lanes):
            given = (self.extract(x, lane) for x in xs)
            whole = self.insert(whole, self.call(name, *given, kind=first.kind), lane)
        return whole

    # Numbers -------------------------------------------------------------------------------------

    def constant(self, value: Any, kind: str, lanes: int = 1) -> Number:
        """A number that is known."""
        if kind[0] == "f":
            value = float(value)
            if kind == "f4" and math.isfinite(value):
                value = single(value)
            text = f"0x{struct.pack('>d', value).hex()}"
        elif kind == "b1":
            text = "true" if value else "false"
        elif kind == "p":
            text = "null"
        else:
            bits = 8 * SIZES[kind]
            text = str((int(value) + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1))
        return Number(self, kind, lanes, text if lanes == 1 else f"splat ({KINDS[kind]} {text})")

    def like(self, x: Any, y: Number | Cell) -> Number:
        """x as a number of the kind of y and of as many lanes; Python's numbers are of any kind."""
        if not isinstance(x, Number):
            return self.constant(x, y.kind, y.lanes)
        assert x.kind == y.kind, f"{x.kind} where {y.kind} is expected"
        return self.splat(x, y.lanes) if x.lanes != y.lanes else x

    def alike(self, a: Any, b: Any) -> tuple[Number, Number]:
        """Two numbers of one kind and as many lanes."""
        if isinstance(a, Number) and (not isinstance(b, Number) or a.lanes >= b.lanes):
            return a, self.like(b, a)
        return self.like(a, b), b

    def binary(self, name: str, a: Any, b: Any) -> Any:
        """An operator of two numbers of one kind."""
        a, b = self.alike(a, b)
        for x, y in ((a, b), (b, a)):
            if a.kind == "i8" and x.text == "0" and name == "add":
                return y
        if a.kind == "i8" and name == "mul" and "1" in (a.text, b.text):
            return b if a.text == "1" else a
        word = _BINARY[name][not a.is_float]
        if a.kind[0] in "up" and word in ("sdiv", "srem", "ashr"):
            word = {"sdiv": "udiv", "srem": "urem", "ashr": "lshr"}[word]
        return self.emit(a.kind, a.lanes, f"{word} {a.type} {a.text}, {b.text}")

    def negative(self, x: Number) -> Number:
        """-x; of a float also of 0 and of a NaN."""
        if not x.is_float:
            return self.binary("sub", 0, x)
        return self.emit(x.kind, x.lanes, f"fneg {x.type} {x.text}")

    def compare(self, sign: str, a: Any, b: Any) -> Number:
        """Whether a is less than b, say; of floats false where one is not a number, but for !=."""
        a, b = self.alike(a, b)
        word = _COMPARISONS[sign][not a.is_float]
        if a.kind[0] in "ubp" and word[0] == "s":
            word = f"u{word[1:]}"
        name = "fcmp" if a.is_float else "icmp"
        return self.emit("b1", a.lanes, f"{name} {word} {a.type} {a.text}, {b.text}")

    def select(self, condition: Number, a: Any, b: Any) -> Number:
        """a where the condition holds, else b, both already computed: never a jump."""
        a, b = self.alike(a, b)
        lanes = max(condition.lanes, a.lanes)
        condition, a, b = (self.splat(x, lanes) for x in (condition, a, b))
        text = f"{condition.type} {condition.text}, {a.type} {a.text}, {b.type} {b.text}"
        return self.emit(a.kind, lanes, f"select {text}")

    def muladd(self, a: Any, b: Any, c: Any) -> Number:
        """a * b + c, rounded once where the processor has such an instruction."""
        a, b = self.alike(a, b)
        a, c = self.alike(a, c)
        return self.intrinsic("fmuladd", a, self.like(b, a), c)

    def convert(self, x: Number, kind: str) -> Number:
        """x as a number of another kind; a float that is cut to a whole number loses its rest."""
        if x.kind == "f2" != kind:
            x = self._widened(x)
        if KINDS[x.kind] == KINDS[kind]:
            return Number(self, kind, x.lanes, x.text)
        if kind == "b1":
            return x != 0
        if kind == "f2":  # not all processors have an instruction, and LLVM has no function
            raise TypeError("data may be halves, but none are made")
        whole, narrower = not x.is_float, SIZES[kind] < SIZES[x.kind]
        unsigned = x.kind[0] in "ub"
        to = Number(self, kind, x.lanes, "").type
        if kind[0] == "f":
            word = "fptrunc" if narrower else "fpext"
            if whole:
                word = "uitofp" if unsigned else "sitofp"
        elif whole:
            word = "trunc" if narrower else "zext" if unsigned else "sext"
        else:  # out of range it is any number, but one and the same
            cut = self.emit(kind, x.lanes, f"fptosi {x.type} {x.text} to {to}")
            return self.emit(kind, x.lanes, f"freeze {to} {cut.text}")
        return self.emit(kind, x.lanes, f"{word} {x.type} {x.text} to {to}")

    def _widened(self, x: Number) -> Number:
        """A half in single precision; where processors have no instruction, LLVM has no function.

        Its bits in their new places, times 2 to the power by which the exponents' biases differ.
        """
        half = self.convert(self.bits(x, "u2"), "u4")
        size = (half & 0x7FFF) << 13
        finite, special = self.bits(size, "f4") * 2.0**112, self.bits(size | 0x7F800000, "f4")
        y = self.select(size < 0x7C00 << 13, finite, special)
        return self.bits(self.bits(y, "u4") | (half & 0x8000) << 16, "f4")

    def bits(self, x: Number, kind: str) -> Number:
        """The same bits, read as a number of another kind of the same width."""
        to = Number(self, kind, x.lanes, "")
        return self.emit(kind, x.lanes, f"bitcast {x.type} {x.text} to {to.type}")

    def opaque(self, x: Number) -> Number:
        """The same number, of which LLVM no longer knows how it was made.

        It would rather keep the distances between rows than their addresses, and run out of
        registers.
        """
        return self.emit(x.kind, 1, f'call {x.type} asm "", "=r,0"({x.type} {x.text})')

    def minimum(self, a: Any, b: Any) -> Any:
        """The smaller of two whole numbers."""
        if isinstance(a, int) and isinstance(b, int):
            return min(a, b)
        return self.select(self.compare("<", a, b), a, b)

    def maximum(self, a: Any, b: Any) -> Any:
        """The larger of two whole numbers."""
        if isinstance(a, int) and isinstance(b, int):
            return max(a, b)
        return self.select(self.compare(">", a, b), a, b)

    # Lanes ---------------------------------------------------------------------------------------

    def undefined(self, kind: str, lanes: int) -> Number:
        return Number(self, kind, lanes, "poison")

    def insert(self, whole: Number, x: Number, lane: int) -> Number:
        """The same lanes, but for one."""
        text = f"insertelement {whole.type} {whole.text}, {x.type} {x.text}, i32 {lane}"
        return self.emit(x.kind, whole.lanes, text)

    def extract(self, x: Number, lane: int) -> Number:
        """One of the lanes."""
        return self.emit(x.kind, 1, f"extractelement {x.type} {x.text}, i32 {lane}")

    def shuffle(self, a: Number, b: Number, order: Sequence[int]) -> Number:
        """Lanes of a, and behind them those of b, in this order."""
        mask = ", ".join(f"i32 {i}" for i in order)
        text = f"{a.type} {a.text}, {b.type} {b.text}, <{len(order)} x i32> <{mask}>"
        return self.emit(a.kind, len(order), f"shufflevector {text}")

    def splat(self, x: Number, lanes: int) -> Number:
        """One number in all lanes."""
        if x.lanes == lanes:
            return x
        first = self.insert(self.undefined(x.kind, lanes), x, 0)
        return self.shuffle(first, self.undefined(x.kind, lanes), [0] * lanes)

    def reversed(self, x: Number) -> Number:
        """The lanes from the last to the first."""
        return self.shuffle(x, self.undefined(x.kind, x.lanes), range(x.lanes)[::-1])

    def folded(self, x: Number, join: Callable[[Number, Number], Number]) -> Number:
        """All lanes joined to one number, halves first."""
        while x.lanes > 2:
            half = x.lanes // 2
            x = join(*(self.shuffle(x, x, range(at, at + half)) for at in (0, half)))
        return join(self.extract(x, 0), self.extract(x, 1)) if x.lanes == 2 else x

    def any(self, mask: Number) -> Number:
        """Whether some lane of a truth value is true."""
        if mask.lanes == 1:
            return mask
        return self.call(f"llvm.vector.reduce.or.v{mask.lanes}i1", mask, kind="b1")

    def lane_numbers(self, kind: str, lanes: int) -> Number:
        """0, 1, 2, … side by side."""
        if lanes == 1:
            return self.constant(0, kind)
        return Number(
            self, kind, lanes, f"<{', '.join(f'{KINDS[kind]} {i}' for i in range(lanes))}>"
        )

    def first_lanes(self, count: Number | int, lanes: int) -> Number:
        """A mask that is true in the first `count` lanes."""
        if isinstance(count, int):
            return Number(
                self, "b1", lanes,
                f"<{', '.join('i1 true' if i < count else 'i1 false' for i in range(lanes))}>",
            )  # fmt: skip
        most = self.minimum(count, lanes)  # for an i4 cannot be as much as the count
        return self.lane_numbers("i4", lanes) < self.convert(most, "i4")

    # Memory --------------------------------------------------------------------------------------

    def array(self, address: Number, kind: str, step: int | Number = 1) -> Array:
        return Array(self, address, kind, step)

    def offset(self, address: Number, n: Any, kind: str) -> Number:
        """The address n numbers of a kind further on; many, of a number n with lanes."""
        if isinstance(n, int):
            if n == 0:
                return address
            n = self.constant(n, "i8")
        stored = "i8" if kind == "b1" else KINDS[kind]
        text = f"getelementptr {stored}, ptr {address.text}, {n.type} {n.text}"
        return self.emit("p", n.lanes, text)

    def pointer(self, word: Number) -> Number:
        """A whole number as the address that it is."""
        return self.emit("p", 1, f"inttoptr i64 {word.text} to ptr")

    def word(self, address: Number) -> Number:
        """An address as a whole number."""
        return self.emit("i8", 1, f"ptrtoint ptr {address.text} to i64")

    def aligned(self, address: Number) -> Number:
        """The next address that begins a cache line."""
        return self.pointer((self.word(address) + 63) & -64)

    def _stored(self, kind: str, lanes: int) -> tuple[str, str]:
        """The type and the alignment of numbers in memory, where a truth value is a byte."""
        one = "i8" if kind == "b1" else KINDS[kind]
        return one if lanes == 1 else f"<{lanes} x {one}>", f"align {SIZES[kind]}"

    def _read(self, kind: str, lanes: int, text: str) -> Number:
        if kind != "b1":
            return self.emit(kind, lanes, text)
        byte, zero = self.emit("b1", lanes, text), "0" if lanes == 1 else "zeroinitializer"
        return self.emit("b1", lanes, f"icmp ne {self._stored(kind, lanes)[0]} {byte.text}, {zero}")

    def _written(self, x: Number) -> str:
        if x.kind != "b1":
            return f"{x.type} {x.text}"
        stored = self._stored("b1", x.lanes)[0]
        byte = self.emit("b1", x.lanes, f"zext {x.type} {x.text} to {stored}")
        return f"{stored} {byte.text}"

    def load(self, address: Number, kind: str, lanes: int = 1) -> Number:
        type, align = self._stored(kind, lanes)
        return self._read(kind, lanes, f"load {type}, ptr {address.text}, {align}")

    def store(self, x: Number, address: Number) -> None:
        align = self._stored(x.kind, x.lanes)[1]
        self.line(f"store {self._written(x)}, ptr {address.text}, {align}")

    def masked_load(self, address: Number, kind: str, mask: Number) -> Number:
        """Numbers side by side, zero where the mask is false; those are not looked at."""
        return self._partial("load", kind, mask, address, zero=True)

    def masked_store(self, x: Number, address: Number, mask: Number) -> None:
        self._partial("store", x.kind, mask, address, written=f"{self._written(x)}, ")

    def gather(self, places: Number, kind: str, mask: Number) -> Number:
        """Numbers that lie anywhere, zero where the mask is false; those are not looked at."""
        return self._partial("gather", kind, mask, places, zero=True)

    def scatter(self, x: Number, places: Number, mask: Number) -> None:
        self._partial("scatter", x.kind, mask, places, written=f"{self._written(x)}, ")

    def _partial(
        self,
        name: str,
        kind: str,
        mask: Number,
        at: Number,
        *,
        zero: bool = False,
        written: str = "",
    ) -> Any:
        """A load or a store of the lanes where the mask is true."""
        lanes, pointers = mask.lanes, "p0" if at.lanes == 1 else f"v{at.lanes}p0"
        type = self._stored(kind, lanes)[0]
        letter = "f" if kind[0] == "f" else "i"
        name = f"llvm.masked.{name}.v{lanes}{letter}{8 * SIZES[kind]}.{pointers}"
        before, behind = f"{type}, " * bool(written), f", {type}" * zero
        made = type if zero else "void"
        self.declare(f"{made} @{name}({before}{at.type}, i32, {mask.type}{behind})")
        text = (
            f"call {made} @{name}({written}{at.type} {at.text}, i32 {SIZES[kind]}, "
            f"{mask.type} {mask.text}{f', {type} zeroinitializer' * zero})"
        )
        return self._read(kind, lanes, text) if zero else self.line(text)

    def copy(self, target: Array, source: Array, count: Any) -> None:
        """Copy numbers that lie side by side, of two arrays that lie apart."""
        self._bytes("memcpy", "ptr", target, f"ptr {source.address.text}", count)

    def clear(self, target: Array, count: Any) -> None:
        """Let numbers that lie side by side be zero."""
        self._bytes("memset", "i8", target, "i8 0", count)

    def _bytes(self, name: str, second: str, target: Array, given: str, count: Any) -> None:
        length = count * SIZES[target.kind]
        length = length if isinstance(length, Number) else self.constant(length, "i8")
        pointers = "p0.p0.i64" if second == "ptr" else "p0.i64"
        self.declare(f"void @llvm.{name}.{pointers}(ptr, {second}, i64, i1)")
        text = f"ptr {target.address.text}, {given}, i64 {length.text}, i1 false"
        self.line(f"call void @llvm.{name}.{pointers}({text})")
