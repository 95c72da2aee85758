"""In: matrices as addresses, strides and sizes. Out: C = start + A B, written in place.

The columns of C are cut into panels as wide as a tile. A panel of B is read where it lies, or,
where its rows lie far apart or it is transposed, copied to the workspace first; all rows of A then
pass over it while it is in the cache. Nothing is allocated: the caller gives a workspace, and
`workspace_size` says how large.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pullback.engines.native.kernels.lower import (
    itemsize,
    kernel,
    no_limit,
    numbers_at,
    select,
    zero,
)
from pullback.engines.native.kernels.pack import pack
from pullback.engines.native.kernels.symbols import native
from pullback.engines.native.kernels.tile import FEW, FLAT, ROWS, WIDTHS, kind_for, tile

LONGEST = 256
"""Rows of B in a packed panel: 256 rows of 64 float32 are 64 KiB, well inside a level-2 cache."""

FAR = 1024
"""Bytes between rows of B from which copying pays, because few cache sets would serve them all."""


@kernel
def workspace_size(m, n, k, itemsize):
    """The bytes of workspace for a product of m x k and k x n: little more than one panel."""
    return 8 * m + min(k, LONGEST) * WIDTHS[0] + 64


@njit(forceinline=True, error_model="numpy", fastmath={"contract", "reassoc"})
def _dot(a, b, count, like):
    """The sum of a[p] b[p], as many sums side by side as a vector has lanes."""
    x, y = numbers_at(a, like), numbers_at(b, like)
    total = zero(like)
    for p in range(count):
        total += x[p] * y[p]
    return total


@kernel
def _products_of_rows(c, c_step, start, start_step, a, a_row, b, b_column, m, n, k, floor):
    """C = maximum(start + A B, floor) where the rows of A and the columns of B are adjacent.

    For a few rows of A this saves turning B round, which would cost more than the product.
    """
    size = itemsize(floor)
    to, begin = numbers_at(c, floor), numbers_at(start, floor)
    for j in range(n):
        for i in range(m):
            total = _dot(a + i * a_row * size, b + j * b_column * size, k, floor)
            if start != 0:
                total += begin[i * start_step + j]
            to[i * c_step + j] = select(total < floor, floor, total)


def _gemm(
    c, c_step, start, start_step, a, a_row, a_column, b, b_row, b_column, m, n, k, workspace, floor
):
    """C = maximum(start + A B, floor) for A of m x k, B of k x n and C of m x n.

    c, start, a, b, workspace are addresses, the last of `workspace_size` bytes aligned to 8. C has
    adjacent columns; A and B have any strides (in elements). start is 0 (nothing), C itself (to
    accumulate) or one row (a bias, with a start_step of 0). floor gives the precision; -inf is no
    limit, 0 a ReLU.
    """
    size = itemsize(floor)
    if m <= FEW and b_row == 1 and a_column == 1 and n > 1:
        _products_of_rows(c, c_step, start, start_step, a, a_row, b, b_column, m, n, k, floor)
        return
    offsets = numbers_at(workspace, np.int64(0))
    for i in range(m):
        offsets[i] = i * a_row
    panel = (workspace + 8 * m + 63) // 64 * 64
    packing = b_column != 1 or (b_row * size >= FAR and m > 2 * ROWS[0])
    column = 0
    while column < n:
        kind = kind_for((n - column) * size)
        if m <= FEW and not packing and (n - column) * size >= WIDTHS[FLAT]:
            kind = FLAT
        width = min(WIDTHS[kind] // size, n - column)
        done = 0
        while True:
            length = min(k - done, LONGEST) if packing else k
            there, step = b + column * size, b_row
            if packing:
                there, step = panel, WIDTHS[kind] // size
                source = b + (done * b_row + column * b_column) * size
                pack(panel, step, source, b_row, b_column, length, width, floor)
            begin, begin_step = (start, start_step) if done == 0 else (c, c_step)
            if begin != 0:
                begin += column * size
            limit = floor if done + length == k else no_limit(floor)
            for i in range(0, m, ROWS[kind]):
                tile(
                    kind, a + done * a_column * size, workspace + 8 * i, min(ROWS[kind], m - i),
                    1, 0, length, a_column, there, step,
                    begin + i * begin_step * size, begin_step,
                    c + (i * c_step + column) * size, c_step, width, limit,
                )  # fmt: skip
            done += length
            if done >= k:
                break
        column += width


gemm = native("gemm", _gemm, 14)
