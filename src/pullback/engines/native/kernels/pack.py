"""In: a panel of a matrix, by address and strides. Out: the same panel, its rows close together.

A panel whose columns are adjacent is copied; a transposed one is turned in registers, a square
block of vectors at a time.
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from pullback.engines.native.kernels.lower import itemsize, numbers_at
from pullback.engines.native.kernels.symbols import native
from pullback.engines.native.kernels.tile import ADDRESS, BYTES, INTEGER, LANE


@intrinsic
def _transpose(typing_context, target, target_step, source, source_step, like):
    """Transpose a square block as wide as a vector register, of numbers of the type of `like`.

    Round s of log2(width) exchanges, between rows that lie s apart, the half of the columns where
    bit s differs: afterwards rows and columns have changed places.
    """

    def generate(context, builder, signature, arguments):
        target, target_step, source, source_step, _ = arguments
        size = like.bitwidth // 8
        lanes = BYTES // size
        scalar = context.get_value_type(like)
        vector = ir.VectorType(scalar, lanes)

        def row(start, step, i):
            place = builder.mul(step, INTEGER(i))
            return builder.gep(builder.inttoptr(start, ADDRESS), [place], source_etype=scalar)

        rows = [
            builder.load(row(source, source_step, i), align=size, typ=vector) for i in range(lanes)
        ]
        apart = 1
        while apart < lanes:
            low = [j if not j & apart else lanes + j - apart for j in range(lanes)]
            high = [j + apart if not j & apart else lanes + j for j in range(lanes)]
            for i in (i for i in range(lanes) if not i & apart):
                pair = rows[i], rows[i + apart]
                for place, order in ((i, low), (i + apart, high)):
                    mask = ir.Constant(ir.VectorType(LANE, lanes), order)
                    rows[place] = builder.shuffle_vector(*pair, mask)
            apart *= 2
        for i in range(lanes):
            builder.store(rows[i], row(target, target_step, i), align=size)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4, like), generate


def _pack(target, step, source, row, column, rows, columns, like):
    """Write `target[p * step + j] = source[p * row + j * column]` for p < rows and j < columns.

    Addresses and strides are int64, strides in elements; `like` is a number of the precision.
    """
    to, of = numbers_at(target, like), numbers_at(source, like)
    size = itemsize(like)
    lanes = BYTES // size
    if column == 1:
        for p in range(rows):
            for j in range(columns):
                to[p * step + j] = of[p * row + j]
        return
    rows_turned = columns_turned = 0
    if row == 1:
        rows_turned, columns_turned = rows // lanes * lanes, columns // lanes * lanes
        for j in range(0, columns_turned, lanes):
            for p in range(0, rows_turned, lanes):
                block = target + (p * step + j) * size
                _transpose(block, step, source + (p + j * column) * size, column, like)
    for p in range(rows):
        for j in range(columns_turned if p < rows_turned else 0, columns):
            to[p * step + j] = of[p * row + j * column]


pack = native("pack", _pack, 7)
