"""In: stacks of square matrices. Out: solutions, determinants and Cholesky factors, of each one.

A matrix is copied to the workspace, in double precision and with rows of whole registers, beside
its right-hand sides. Elimination takes the largest pivot of each column. Threads share the stack.
Source: Golub and Van Loan, "Matrix Computations", 3.4 and 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pullback.engines.native import elementary
from pullback.engines.native.code import Code
from pullback.engines.native.number import Array, Cell, Number
from pullback.engines.native.target import Target
from pullback.engines.native.threads import Thread, portion


@dataclass(frozen=True)
class Matrices:
    """A stack of `count` matrices of n x n numbers, and of n x m right-hand sides.

    `number` is what the counters tell where a matrix is singular, or not positive definite.
    """

    kind: str
    count: int
    n: int
    m: int = 0
    number: int = 0

    def row(self, target: Target) -> int:
        """The numbers of a row in the workspace."""
        lanes = target.lanes("f8")
        return -(-(self.n + self.m) // lanes) * lanes

    def workspace(self, target: Target) -> int:
        """The bytes that each thread needs."""
        return 8 * self.n * self.row(target)


def _each(k: Code, s: Matrices, thread: Thread) -> Iterator[tuple[Any, Array]]:
    """A thread's matrices by their numbers, and the workspace, filled with zeros."""
    work = k.array(thread.workspace, "f8")
    for b in k.range(*portion(s.count, thread)):
        k.clear(work, s.n * s.row(k.target))
        yield b, work


def _copied(k: Code, s: Matrices, work: Array, at: int, source: Array, columns: int) -> None:
    """Copy a matrix of so many columns to the workspace, from column `at` on."""
    for i in k.range(s.n):
        for j in k.range(columns):
            work[i * s.row(k.target) + (j + at)] = k.convert(source[i * columns + j], "f8")


def _eliminated(k: Code, s: Matrices, work: Array) -> tuple[Cell, Cell]:
    """Make the matrix triangular, and the right-hand sides with it.

    Gives 1 or -1 as the rows were exchanged evenly or not, and the number of pivots that are 0.
    """
    row, lanes = s.row(k.target), k.target.lanes("f8")
    sign, lost = k.cell(1.0, "f8"), k.cell(0)
    for j in k.range(s.n):
        best, at = k.cell(elementary.size(k, work[j * row + j])), k.cell(j)
        for i in k.range(j + 1, s.n):
            here = elementary.size(k, work[i * row + j])
            larger = here > best.value
            at.set(k.select(larger, i, at.value))
            best.set(k.select(larger, here, best.value))
        start = j // lanes * lanes  # to the left of it are zeros
        with k.when(at.value != j):
            sign.set(-sign.value)
            for c in k.range(start, row, lanes):
                one, other = work.after(j * row), work.after(at.value * row)
                a, b = one.load(c, lanes), other.load(c, lanes)
                one.store(c, b)
                other.store(c, a)
        with k.when(best.value == 0.0):
            lost.set(lost.value + 1)
        with k.when(best.value != 0.0):
            for i in k.range(j + 1, s.n):
                factor = work[i * row + j] / work[j * row + j]
                for c in k.range(start, row, lanes):
                    _take_away(work.after(i * row), work.after(j * row), factor, c, lanes)
                work[i * row + j] = 0.0  # and not what rounding leaves
    return sign, lost


def _take_away(to: Array, of: Array, factor: Number, c: Any, lanes: int) -> None:
    """to[c:] -= factor * of[c:], as many as there are lanes."""
    k = to.k
    to.store(c, to.load(c, lanes) - k.splat(factor, lanes) * of.load(c, lanes))


def record_solve(k: Code, s: Matrices, thread: Thread, y: Any, a: Any, b: Any) -> None:
    """y[i] = x where a[i] @ x = b[i]; whatever comes out where a[i] is singular."""
    y, a, b = (k.array(x, s.kind) for x in (y, a, b))
    row, lanes = s.row(k.target), k.target.lanes("f8")
    for t, work in _each(k, s, thread):
        _copied(k, s, work, 0, a.after(t * (s.n * s.n)), s.n)
        _copied(k, s, work, s.n, b.after(t * (s.n * s.m)), s.m)
        _, lost = _eliminated(k, s, work)
        with k.when(lost.value != 0):
            k.array(thread.counters, "i8")[1] = s.number
        first = s.n // lanes * lanes  # what is divided in vain to the left is read no more
        for back in k.range(s.n):
            j = s.n - 1 - back
            pivot = work[j * row + j]
            mine = work.after(j * row)
            for c in k.range(s.m):
                mine[c + s.n] = mine[c + s.n] / pivot
            for i in k.range(j):
                factor = work[i * row + j]
                kept = work.after(i * row)
                for c in k.range(first, row, lanes):
                    _take_away(kept, mine, factor, c, lanes)
        for i in k.range(s.n):
            for c in k.range(s.m):
                whole = work[i * row + (c + s.n)]
                y[t * (s.n * s.m) + i * s.m + c] = k.convert(whole, s.kind)


def record_det(k: Code, s: Matrices, thread: Thread, y: Any, a: Any) -> None:
    """y[i] = the determinant of a[i]: the product of its pivots."""
    y, a, row = k.array(y, s.kind), k.array(a, s.kind), s.row(k.target)
    for t, work in _each(k, s, thread):
        _copied(k, s, work, 0, a.after(t * (s.n * s.n)), s.n)
        whole, _ = _eliminated(k, s, work)
        for j in k.range(s.n):
            whole.set(whole.value * work[j * row + j])
        y[t] = k.convert(whole.value, s.kind)


def record_slogdet(k: Code, s: Matrices, thread: Thread, y: Any, a: Any) -> None:
    """y[i] = the sign of the determinant of a[i] and the logarithm of its size."""
    y, a, row = k.array(y, s.kind), k.array(a, s.kind), s.row(k.target)
    for t, work in _each(k, s, thread):
        _copied(k, s, work, 0, a.after(t * (s.n * s.n)), s.n)
        sign, _ = _eliminated(k, s, work)
        total = k.cell(0.0, "f8")
        for j in k.range(s.n):
            pivot = work[j * row + j]
            total.set(total.value + elementary.log(k, elementary.size(k, pivot)))
            signed = k.select(pivot < 0.0, -sign.value, sign.value)
            sign.set(k.select(pivot == 0.0, 0.0, k.select(pivot != pivot, pivot, signed)))
        y[t * 2] = k.convert(sign.value, s.kind)
        y[t * 2 + 1] = k.convert(total.value, s.kind)


def record_cholesky(k: Code, s: Matrices, thread: Thread, y: Any, a: Any) -> None:
    """y[i] = L where L @ Lᵀ = (a[i] + a[i]ᵀ) / 2, or NaN where there is none."""
    y, a, row = k.array(y, s.kind), k.array(a, s.kind), s.row(k.target)
    lanes = k.target.lanes("f8")
    for t, work in _each(k, s, thread):
        given = a.after(t * (s.n * s.n))

        def rest(i: Any, j: Any, given: Array = given, work: Array = work) -> Number:
            """What the columns before j leave of an element; beyond those, rows are still zero."""
            total = k.cell(k.constant(0.0, "f8", lanes))
            for c in k.range(0, j, lanes):
                one, other = work.after(i * row), work.after(j * row)
                total.set(total.value + one.load(c, lanes) * other.load(c, lanes))
            done = k.folded(total.value, lambda p, q: p + q)
            pair = (k.convert(given[x * s.n + z], "f8") for x, z in ((i, j), (j, i)))
            return 0.5 * sum(pair) - done

        for j in k.range(s.n):
            square = rest(j, j)
            with k.when(square <= 0.0):  # NaN goes on to be seen
                k.array(thread.counters, "i8")[1] = s.number
            pivot = k.intrinsic("sqrt", square)
            for i in k.range(j + 1, s.n):
                work[i * row + j] = rest(i, j) / pivot
            work[j * row + j] = pivot
        for i in k.range(s.n):
            for j in k.range(s.n):
                y[t * (s.n * s.n) + i * s.n + j] = k.convert(work[i * row + j], s.kind)
