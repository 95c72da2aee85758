"""In: addresses and strides. Out: one tile of a product of matrices, held in vector registers.

A tile has a few rows and a few vectors of columns, and all of its sums stay in registers while
the reduction runs. Each step loads one row of B as vectors and one number of A for each row:

    C[t, :] = start[t, :] + sum_{p < outer, q < inner} A[offsets[t] + p a_outer + q a_inner] B[k, :]

where k = p inner + q counts the rows of B. The rows of A are found through a table of offsets and
the reduction has two strides, so that the very same tile is a matrix product, a convolution, and
both of its gradients. Rows past the end of a matrix are computed as copies of the last one, columns
past the end are masked, so any size is right.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic

from pullback.engines.native.kernels.lower import fused, kernel
from pullback.engines.native.kernels.symbols import native


def _processor() -> tuple[str, set[str]]:
    """The name and the features of the processor that Numba compiles for."""
    if config.CPU_NAME is not None or config.CPU_FEATURES is not None:
        features = (config.CPU_FEATURES or "").split(",")
        return config.CPU_NAME or "", {f[1:] for f in features if f.startswith("+")}
    features = llvm.get_host_cpu_features()
    return llvm.get_host_cpu_name(), {name for name, there in features.items() if there}


PROCESSOR, FEATURES = _processor()
AVX512 = {"avx512f", "avx512vl"} <= FEATURES
X86 = platform.machine().lower() in ("x86_64", "amd64", "i686", "x86")
BYTES = 64 if AVX512 else 32 if "avx" in FEATURES else 16
"""The width of a vector register."""
REGISTERS = 16 if X86 and not AVX512 else 32

INTEGER, LANE, ADDRESS = ir.IntType(64), ir.IntType(32), ir.PointerType()


class Shape(NamedTuple):
    """A tile's rows, its vectors in a row, and the bytes of each vector."""

    rows: int
    vectors: int
    bytes: int


# Widest first; the narrowest decides how finely columns are cut. The sums, a row of B and one
# number of A have to fit the registers. Zen 4 runs an instruction of 64 bytes as two of 32, so
# narrow vectors cost nothing there and waste less; elsewhere too, half a vector makes 8 channels
# cost as much as 8.
if AVX512 and PROCESSOR == "znver4":
    SHAPES = [
        Shape(6, 4, 64), Shape(8, 2, 64), Shape(8, 3, 32), Shape(8, 1, 64), Shape(8, 1, 32)
    ]  # fmt: skip
elif AVX512:
    SHAPES = [Shape(6, 4, 64), Shape(8, 2, 64), Shape(8, 1, 64), Shape(8, 1, 32)]
elif REGISTERS == 32:
    SHAPES = [Shape(6, 4, BYTES), Shape(8, 2, BYTES), Shape(8, 1, BYTES)]
else:
    SHAPES = [Shape(6, 2, BYTES), Shape(8, 1, BYTES)]
FLAT = len(SHAPES)
"""The kind of a tile for few rows: as wide as the registers allow, and never chosen by width."""
SHAPES.append(Shape(2, 8 if REGISTERS == 32 else 4, BYTES))
FEW = 4
"""Up to so many rows it is the quickest."""
ROWS = tuple(shape.rows for shape in SHAPES)
WIDTHS = tuple(shape.vectors * shape.bytes for shape in SHAPES)
"""The bytes of a tile's row, by kind of tile (its place in SHAPES)."""
MORE_THAN = (*(width - WIDTHS[FLAT - 1] for width in WIDTHS[: FLAT - 1]), 0)
"""A kind of tile is worth its width where more than this many bytes are left."""


@kernel
def kind_for(left):
    """The widest kind of tile that is worth its width where `left` bytes of columns remain."""
    kind = 0
    while left <= MORE_THAN[kind]:
        kind += 1
    return kind


def _splat(builder: ir.IRBuilder, value: ir.Value, lanes: int) -> ir.Value:
    """A vector of copies of one number."""
    unknown = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    first = builder.insert_element(unknown, value, LANE(0))
    order = ir.Constant(ir.VectorType(LANE, lanes), [0] * lanes)
    return builder.shuffle_vector(first, unknown, order)


def _apart(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """The same value, of which LLVM no longer knows how it was computed.

    It would rather keep the distances between rows than their addresses, and run out of registers.
    """
    kind = ir.FunctionType(value.type, [value.type])
    return builder.asm(kind, "", "=r,0", [value], side_effect=False)


@contextmanager
def _tight_range(builder: ir.IRBuilder, count: ir.Value, first: ir.Value, step: ir.Value) -> Any:
    """A loop of `count` rounds that LLVM does not unroll, and a number that grows by `step`."""
    before, after = builder.block, builder.append_basic_block("after")
    body = builder.append_basic_block("body")
    builder.cbranch(builder.icmp_signed(">", count, INTEGER(0)), body, after)
    builder.position_at_end(body)
    left, number = builder.phi(INTEGER), builder.phi(INTEGER)
    yield number
    fewer = builder.sub(left, INTEGER(1))
    following = _apart(builder, builder.add(number, step))
    for phi, start, end in ((left, count, fewer), (number, first, following)):
        phi.add_incoming(start, before)
        phi.add_incoming(end, builder.block)
    jump = builder.cbranch(builder.icmp_signed(">", fewer, INTEGER(0)), body, after)
    once = builder.module.add_metadata(["llvm.loop.unroll.disable"])
    loop = builder.module.add_metadata([once, INTEGER(len(builder.module.metadata))])
    loop.operands = (loop, once)  # what LLVM knows a loop by: metadata that refers to itself
    jump.set_metadata("llvm.loop", loop)
    builder.position_at_end(after)


class Writer:
    """Writes the instructions of one tile: what `tile` says, for one shape and precision."""

    def __init__(self, builder: ir.IRBuilder, shape: Shape, scalar: Any, size: int) -> None:
        self.builder, self.shape, self.scalar, self.size = builder, shape, scalar, size
        self.lanes = shape.bytes // size
        self.vector = ir.VectorType(scalar, self.lanes)
        self.zero = ir.Constant(self.vector, [0.0] * self.lanes)
        self.grid = [(t, v) for t in range(shape.rows) for v in range(shape.vectors)]
        self.mask: Any = None

    def at(self, base: ir.Value, offset: ir.Value) -> ir.Value:
        return self.builder.gep(base, [offset], source_etype=self.scalar)

    def place(self, row: ir.Value, v: int) -> ir.Value:
        """The address of vector v in a row."""
        return self.at(row, INTEGER(v * self.lanes))

    def row(self, base: ir.Value, step: ir.Value, t: ir.Value) -> ir.Value:
        start = self.builder.inttoptr(base, ADDRESS)
        return self.at(start, self.builder.mul(t, step))

    def _masked(self, name: str, result: Any, arguments: list[ir.Value]) -> ir.Value:
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        name = f"llvm.masked.{name}.v{self.lanes}f{8 * self.size}.p0"
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, arguments)

    def _partial(self, v: int) -> bool:
        return self.mask is not None and v == self.shape.vectors - 1

    def load(self, row: ir.Value, v: int) -> ir.Value:
        where = self.place(row, v)
        if not self._partial(v):
            return self.builder.load(where, align=self.size, typ=self.vector)
        arguments = [where, LANE(self.size), self.mask, self.zero]
        return self._masked("load", self.vector, arguments)

    def store(self, value: ir.Value, row: ir.Value, v: int) -> None:
        where = self.place(row, v)
        if self._partial(v):
            self._masked("store", ir.VoidType(), [value, where, LANE(self.size), self.mask])
        else:
            self.builder.store(value, where, align=self.size)

    def write(self, arguments: list[ir.Value]) -> None:
        """The tile; its columns may end before its last vector does."""
        before = INTEGER((self.shape.vectors - 1) * self.lanes)
        self.both(self.builder.sub(arguments[13], before), lambda: self.reduce(*arguments))

    def both(self, left: ir.Value, body: Callable[[], None]) -> None:
        """Write `body` with a mask for a last vector of which `left` lanes are real, and without.

        The version without is left out where the processor's masks cost nothing.
        """
        builder = self.builder
        lane = ir.Constant(ir.VectorType(LANE, self.lanes), list(range(self.lanes)))
        real = _splat(builder, builder.trunc(left, LANE), self.lanes)
        mask = builder.icmp_signed("<", lane, real)
        if AVX512:
            self.mask = mask
            body()
            return
        full = builder.icmp_signed(">=", left, INTEGER(self.lanes))
        with builder.if_else(full) as (then, otherwise):
            with then:
                self.mask = None
                body()
            with otherwise:
                self.mask = mask
                body()

    def reduce(
        self, a, offsets, rows, outer, a_outer, inner, a_inner, b, b_step,
        start, start_step, c, c_step, columns, floor,
    ) -> None:  # fmt: skip
        builder, shape = self.builder, self.shape
        last = builder.sub(rows, INTEGER(1))
        real, a_rows = [], []
        for t in range(shape.rows):
            inside = builder.icmp_signed("<", INTEGER(t), last)
            real.append(builder.select(inside, INTEGER(t), last))
            table = builder.inttoptr(offsets, ADDRESS)
            entry = builder.gep(table, [real[t]], source_etype=INTEGER)
            offset = builder.load(entry, typ=INTEGER)
            a_rows.append(_apart(builder, self.at(builder.inttoptr(a, ADDRESS), offset)))

        sums = {key: cgutils.alloca_once(builder, self.vector) for key in self.grid}
        fresh = builder.icmp_signed("==", start, INTEGER(0))
        with builder.if_else(fresh) as (then, otherwise):
            with then:
                for key in self.grid:
                    builder.store(self.zero, sums[key])
            with otherwise:
                for t, v in self.grid:
                    row = self.row(start, start_step, real[t])
                    builder.store(self.load(row, v), sums[t, v])

        b_row = cgutils.alloca_once_value(builder, builder.inttoptr(b, ADDRESS))
        with cgutils.for_range(builder, outer) as p:
            first = builder.mul(p.index, a_outer)
            with _tight_range(builder, inner, first, a_inner) as offset:
                here = builder.load(b_row, typ=ADDRESS)
                line = [self.load(here, v) for v in range(shape.vectors)]
                for t in range(shape.rows):
                    one = builder.load(self.at(a_rows[t], offset), typ=self.scalar)
                    many = _splat(builder, one, self.lanes)
                    for v in range(shape.vectors):
                        total = builder.load(sums[t, v], typ=self.vector)
                        builder.store(fused(builder, many, line[v], total), sums[t, v])
                builder.store(self.at(here, b_step), b_row)

        low = _splat(builder, floor, self.lanes)
        for t, v in self.grid:
            total = builder.load(sums[t, v], typ=self.vector)
            below = builder.fcmp_ordered("<", total, low)  # a NaN is not: it stays
            total = builder.select(below, low, total)
            self.store(total, self.row(c, c_step, real[t]), v)


@intrinsic
def _tile(
    typing_context, kind, a, offsets, rows, outer, a_outer, inner, a_inner, b, b_step,
    start, start_step, c, c_step, columns, floor,
):  # fmt: skip
    def generate(context, builder, signature, arguments):
        scalar, size = context.get_value_type(floor), floor.bitwidth // 8
        end = builder.append_basic_block("end")
        choice = builder.switch(arguments[0], end)
        for kind in range(len(SHAPES)):
            choice.add_case(INTEGER(kind), builder.append_basic_block(f"tile{kind}"))
        for (_, block), shape in zip(choice.cases, SHAPES, strict=True):
            builder.position_at_end(block)
            Writer(builder, shape, scalar, size).write(arguments[1:])
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 15, floor), generate


def _one_tile(
    kind, a, offsets, rows, outer, a_outer, inner, a_inner, b, b_step,
    start, start_step, c, c_step, columns, floor,
):  # fmt: skip
    """Compute one tile of C, as the head of this module says.

    kind: the place in SHAPES. a, b, c: addresses. offsets: the address of a table of the rows of
    A (int64, in elements); rows: how many of them are real. outer, inner: the lengths of the
    reduction, and a_outer, a_inner its strides in A; b_step: the step between rows of B. start:
    the address that the sums start from (0: they start at zero) and start_step the step between
    its rows (0 repeats one row: a bias). c_step: the step between rows of C. columns: how many are
    real, more than a vector less than the tile has. floor: a lower limit of the result (-inf:
    none; 0: a ReLU); its type, float32 or float64, is the precision. Steps are in elements.
    """
    _tile(
        kind, a, offsets, rows, outer, a_outer, inner, a_inner, b, b_step,
        start, start_step, c, c_step, columns, floor,
    )  # fmt: skip


tile = native("tile", _one_tile, 15)
