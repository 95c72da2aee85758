"""In: arenas, and where in them the operands lie. Out: one structural gate's output, in its place.

`t` and `T` are the thread's number and how many there are; a kernel does its part of the work.
Numbers behind the arenas are sizes, then starts in elements, then steps.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from pullback.engines.kernels.gemm import gemm
from pullback.engines.kernels.lower import address, no_limit
from pullback.gates.random import threefry

part = njit(error_model="numpy", nogil=True, no_cfunc_wrapper=True)
entry = njit(error_model="numpy", nogil=True, cache=True)


@part
def matmul(t, T, arena, W, m, n, k, c, a, b, a_row, a_column, b_row, b_column):
    """c = a @ b, of m by n elements in row-major order; threads share its longer side.

    `W` is room for the panels that `gemm` packs, of which each thread has its share.
    """
    size = arena.itemsize
    start = address(arena)
    room = W.size // T // 64 * 64
    space = address(W) + t * room
    floor = no_limit(arena.dtype.type(0))
    if n >= m:
        first, last = _piece(n, T, t, 64), _piece(n, T, t + 1, 64)
        rows, columns = m, last - first
        c, b = c + first, b + first * b_column
    else:
        first, last = _piece(m, T, t, 24), _piece(m, T, t + 1, 24)
        rows, columns = last - first, n
        c, a = c + first * n, a + first * a_row
    if last > first:
        gemm(
            start + c * size, n, 0, 0,
            start + a * size, a_row, a_column,
            start + b * size, b_row, b_column,
            rows, columns, k, space, floor,
        )  # fmt: skip


@part
def _piece(length, T, t, grain):
    """Where the part of thread t begins: a multiple of `grain` where every thread gets one."""
    grain = grain if length >= 2 * T * grain else 8
    return min(length, (length * t // T + grain - 1) // grain * grain) if t < T else length


@part
def fill(t, T, arena, start, count):
    """Zeros."""
    for i in range(count * t // T, count * (t + 1) // T):
        arena[start + i] = 0


@part
def gather(t, T, arena, size, width, start, batch, order, data):
    """The rows of a batch, by their place in the order, from the data into a step's input."""
    for i in range(size * t // T, size * (t + 1) // T):
        row = order[batch * size + i]
        for j in range(width):
            arena[start + i * width + j] = data[row, j]


@part
def take(t, T, arena, whole, outer, n, inner, count, y, x, indices):
    """y[i, j, :] = x[i, indices[j], :]; an index from the end is counted from there."""
    for j in range(count * t // T, count * (t + 1) // T):
        row = whole[indices + j]
        row = row + n if row < 0 else row
        for i in range(outer):
            for k in range(inner):
                arena[y + (i * count + j) * inner + k] = arena[x + (i * n + row) * inner + k]


@part
def scatter_add(t, T, arena, whole, outer, n, inner, count, x, indices, updates):
    """x[i, indices[j], :] += updates[i, j, :], in the order of the indices."""
    for j in range(count):
        row = whole[indices + j]
        row = row + n if row < 0 else row
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
