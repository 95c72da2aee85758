"""In: arenas, and where in them the operands lie. Out: one structural gate's output, in its place.

`t` and `T` are the thread's number and how many there are; a kernel does its part of the work.
Numbers behind the arenas are sizes, then starts in elements, then steps.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from pullback.engines.native.kernels.convolution import convolve as _convolve
from pullback.engines.native.kernels.convolution import convolve_input as _convolve_input
from pullback.engines.native.kernels.convolution import convolve_weights as _convolve_weights
from pullback.engines.native.kernels.gemm import gemm
from pullback.engines.native.kernels.lower import address, no_limit
from pullback.engines.native.kernels.threads import portion
from pullback.gates.random import threefry

part = njit(error_model="numpy", nogil=True, no_cfunc_wrapper=True)
_loop = "void(i8, i8, f4[::1], f8[::1], i8[::1], b1[::1]{})"


def loop(numbers, **options):
    """Compile a loop, or read its code from disk: one of so many numbers behind the arenas.

    With its types told, Numba does not compile it anew for every other number that it is called
    with.
    """
    signature = _loop.format(", i8" * numbers)
    options |= {"error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True, "cache": True}
    return njit(signature, **options)


entry = njit(error_model="numpy", nogil=True, cache=True)


@part
def matmul(
    t, T, arena, W, m, n, k, c, a, b, a_row, a_column, b_row, b_column, begin, begin_row, rectified
):  # fmt: skip
    """c = begin + a @ b, of m by n elements row by row; threads share its longer side.

    `begin` is c itself or another matrix, or, with a `begin_row` of 0, one row for all; -1 is
    nothing. If `rectified`, what is below 0 becomes 0. `W` is room for the panels that `gemm`
    packs, of which each thread has its share.
    """
    size = arena.itemsize
    start = address(arena)
    space = _share(t, T, W)
    floor = arena.dtype.type(0) if rectified else no_limit(arena.dtype.type(0))
    skipped = 0
    if n >= m:
        first, last = _piece(n, T, t, 64), _piece(n, T, t + 1, 64)
        rows, columns = m, last - first
        c, b, skipped = c + first, b + first * b_column, first
    else:
        first, last = _piece(m, T, t, 24), _piece(m, T, t + 1, 24)
        rows, columns = last - first, n
        c, a, skipped = c + first * n, a + first * a_row, first * begin_row
    if last > first:
        gemm(
            start + c * size, n, 0 if begin < 0 else start + (begin + skipped) * size, begin_row,
            start + a * size, a_row, a_column,
            start + b * size, b_row, b_column,
            rows, columns, k, space, floor,
        )  # fmt: skip


@part
def matmuls(
    t, T, arena, W, count, c_step, a_step, b_step,
    m, n, k, c, a, b, a_row, a_column, b_row, b_column,
):  # fmt: skip
    """`count` products, the matrices of each a step behind the last ones; threads share them."""
    size, start, space = arena.itemsize, address(arena), _share(t, T, W)
    for i in range(count * t // T, count * (t + 1) // T):
        gemm(
            start + (c + i * c_step) * size, n, 0, 0,
            start + (a + i * a_step) * size, a_row, a_column,
            start + (b + i * b_step) * size, b_row, b_column,
            m, n, k, space, no_limit(arena.dtype.type(0)),
        )  # fmt: skip


@part
def _piece(length, T, t, grain):
    """Where the part of thread t begins: a multiple of `grain` where every thread gets one."""
    grain = grain if length >= 2 * T * grain else 8
    return min(length, (length * t // T + grain - 1) // grain * grain) if t < T else length


@part
def _share(t, T, W):
    """A thread's own part of the workspace, as an address."""
    return address(W) + t * (W.size // T // 64 * 64)


@part
def convolve(
    t, T, arena, W, images, y, x, w, H, WI, C, OH, OW, O, KH, KW, SH, SW, top, left
):  # fmt: skip
    """y = x convolved with w; threads share the images. See `kernels/convolution.py`."""
    size, start = arena.itemsize, address(arena)
    _convolve(
        start + y * size, start + x * size, start + w * size, 0,
        images * t // T, images * (t + 1) // T, H, WI, C, OH, OW, O, KH, KW, SH, SW, top, left,
        _share(t, T, W), no_limit(arena.dtype.type(0)),
    )  # fmt: skip


@part
def convolve_input(
    t, T, arena, W, images, x, y, w, H, WI, C, OH, OW, O, KH, KW, SH, SW, top, left
):  # fmt: skip
    """x = what y passes back through w; threads share the images."""
    size, start = arena.itemsize, address(arena)
    _convolve_input(
        start + x * size, start + y * size, start + w * size,
        images * t // T, images * (t + 1) // T, H, WI, C, OH, OW, O, KH, KW, SH, SW, top, left,
        _share(t, T, W), arena.dtype.type(0),
    )  # fmt: skip


@part
def convolve_weights(
    t, T, arena, W, images, w, x, y, H, WI, C, OH, OW, O, KH, KW, SH, SW, top, left
):  # fmt: skip
    """w = what y passes back to the weights; threads share the rows of w as a matrix."""
    size, start = arena.itemsize, address(arena)
    rows = KH * KW * C
    first, last = _piece(rows, T, t, 8), _piece(rows, T, t + 1, 8)
    if last > first:
        _convolve_weights(
            start + w * size, start + x * size, start + y * size, first, last,
            images, H, WI, C, OH, OW, O, KH, KW, SH, SW, top, left,
            _share(t, T, W), arena.dtype.type(0),
        )  # fmt: skip


@part
def fill(t, T, arena, start, count):
    """Zeros."""
    for i in range(count * t // T, count * (t + 1) // T):
        arena[start + i] = 0


@part
def gather(t, T, arena, size, width, start, batch, order, data):
    """The rows of a batch, by their place in the order, from the data into a step's input."""
    first, last = portion(size, t, T)
    for i in range(first, last):
        row = order[batch * size + i]
        for j in range(width):
            arena[start + i * width + j] = data[row, j]


@part
def take(t, T, arena, whole, counters, number, outer, n, inner, count, y, x, indices):
    """y[i, j, :] = x[i, indices[j], :]; an index from the end is counted from there.

    Where an index is out of bounds, y is 0 and counters[1] becomes the number of this gate.
    """
    for j in range(count * t // T, count * (t + 1) // T):
        row = whole[indices + j]
        row = row + n if row < 0 else row
        inside = row >= 0 and row < n
        if not inside:
            counters[1] = number
        for i in range(outer):
            to, of = y + (i * count + j) * inner, x + (i * n + row) * inner
            if inside:
                for k in range(inner):
                    arena[to + k] = arena[of + k]
            else:
                for k in range(inner):
                    arena[to + k] = 0


@part
def scatter_add(t, T, arena, whole, counters, number, outer, n, inner, count, x, indices, updates):
    """x[i, indices[j], :] += updates[i, j, :], in the order of the indices.

    Where an index is out of bounds, counters[1] becomes the number of this gate.
    """
    for j in range(count):
        row = whole[indices + j]
        row = row + n if row < 0 else row
        if row < 0 or row >= n:
            counters[1] = number
            continue
        for i in range(outer):
            for k in range(inner):
                arena[x + (i * n + row) * inner + k] += arena[updates + (i * count + j) * inner + k]


@part
def argmax(t, T, whole, arena, outer, n, inner, y, x):
    """The position of the largest of n elements, the first of several, or of the first nan."""
    for i in range(outer):
        for k in range(inner):
            at = 0
            best = arena[x + i * n * inner + k]
            for j in range(1, n):
                value = arena[x + (i * n + j) * inner + k]
                if value > best or (value != value and best == best):
                    best = value
                    at = j
            whole[y + i * inner + k] = at


@part
def argmin(t, T, whole, arena, outer, n, inner, y, x):
    """The position of the smallest of n elements, the first of several, or of the first nan."""
    for i in range(outer):
        for k in range(inner):
            at = 0
            best = arena[x + i * n * inner + k]
            for j in range(1, n):
                value = arena[x + (i * n + j) * inner + k]
                if value < best or (value != value and best == best):
                    best = value
                    at = j
            whole[y + i * inner + k] = at


@part
def _word(x):
    return np.uint32(x)


_bits = part(threefry)


@part
def random(t, T, arena, seed, step, stream, normal, count, y):
    """The numbers of the gate `random`: 24 or 53 random bits each, or Box and Muller's normals."""
    key = (_word(seed), _word(step))
    for i in range(count * t // T, count * (t + 1) // T):
        a, b = _bits(_word, key, (_word(i), _word(stream)))
        if normal:
            radius = math.sqrt(-2.0 * math.log((float(a) + 1.0) * 2.0**-32))
            arena[y + i] = radius * math.cos((2.0 * math.pi * 2.0**-32) * float(b))
        elif arena.itemsize == 8:
            arena[y + i] = (float(a >> 5) * 2.0**26 + float(b >> 6)) * 2.0**-53
        else:
            arena[y + i] = float(a >> 8) * 2.0**-24
