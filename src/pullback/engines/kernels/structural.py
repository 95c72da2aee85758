"""In: arenas, and where in them the operands lie. Out: one structural gate's output, in its place.

`t` and `T` are the thread's number and how many there are; a kernel does its part of the work.
Numbers behind the arenas are sizes, then starts in elements, then steps.
"""

from __future__ import annotations

from numba import njit

part = njit(error_model="numpy", nogil=True)
entry = njit(error_model="numpy", nogil=True, cache=True)


@part
def matmul(t, T, arena, m, n, k, c, a, b, a_row, a_column, b_row, b_column):
    """c = a @ b, of m by n elements; rows are shared by the threads."""
    for i in range(m * t // T, m * (t + 1) // T):
        for j in range(n):
            arena[c + i * n + j] = 0
        for p in range(k):
            x = arena[a + i * a_row + p * a_column]
            for j in range(n):
                arena[c + i * n + j] += x * arena[b + p * b_row + j * b_column]


@part
def fill(t, T, arena, start, count):
    """Zeros."""
    for i in range(count * t // T, count * (t + 1) // T):
        arena[start + i] = 0


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
