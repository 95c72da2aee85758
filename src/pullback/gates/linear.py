"""Products of matrices and their generalisation, `einsum`. Their gradients are products again."""

from __future__ import annotations

import math
import string
from itertools import compress
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gate import built_in as gate
from pullback.gates.arithmetic import multiply
from pullback.gates.shape import (
    axes_of,
    broadcast_to,
    expand_dims,
    input_dtype,
    input_shape,
    reshape,
    squeeze,
    swapaxes,
    transpose,
)


def _matmul_samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
    shapes = [((2, 3), (3, 4)), ((5, 2, 3), (3, 1)), ((2, 1, 1, 3), (4, 3, 2)), ((0, 3), (3, 2))]
    return [((rng.normal(size=a), rng.normal(size=b)), {}) for a, b in shapes]


@gate(
    pullback=(
        lambda g, y, a, b: matmul(g, swapaxes(b, -1, -2)),
        lambda g, y, a, b: matmul(swapaxes(a, -1, -2), g),
    ),
    symbol="@",
    samples=_matmul_samples,
)
def _matmul(m, a, b):
    return m.matmul(a, b)


@_matmul.gate.public
def matmul(a: Any, b: Any) -> Any:
    """The matrix product a @ b, batched over leading axes as NumPy's; a vector is a row or column.

    Shapes (..., n, k) @ (..., k, m) -> (..., n, m). Raises `CircuitError` where they do not fit.

    >>> matmul([[1.0, 2.0]], [3.0, 4.0])
    array([11.])
    """
    left, right = input_shape(a, "matmul"), input_shape(b, "matmul")
    if not left or not right:
        raise CircuitError("matmul takes vectors and matrices; multiply numbers with *")
    if left[-1] != right[-2 if len(right) > 1 else 0]:
        raise CircuitError(
            f"matmul cannot take shapes {left} and {right}: the last axis of the first has "
            f"{left[-1]} elements, the rows of the second {right[-2 if len(right) > 1 else 0]}"
        )
    y = _matmul(
        expand_dims(a, 0) if len(left) == 1 else a, expand_dims(b, 1) if len(right) == 1 else b
    )
    if len(left) == 1:
        y = squeeze(y, -2)
    return squeeze(y, -1) if len(right) == 1 else y


def dot(a: Any, b: Any) -> Any:
    """The sums of products of rows of a and columns of b, as NumPy's `dot`: of vectors, a number.

    The last axis of a meets the last but one of b, or its only one; a number multiplies all.

    >>> float(dot([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    left, right = input_shape(a, "dot"), input_shape(b, "dot")
    if not left or not right:
        return multiply(a, b)
    if len(right) < 3:  # of these it is what `matmul` is
        return matmul(a, b)
    return tensordot(a, b, (-1, -2))


def inner(a: Any, b: Any) -> Any:
    """The sums of products along the last axis of each, for all pairs of rows of a and of b.

    Shapes (..., k), (___, k) -> (..., ___); a number multiplies all.

    >>> inner([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]])
    array([[11., 17.]])
    """
    if not input_shape(a, "inner") or not input_shape(b, "inner"):
        return multiply(a, b)
    return tensordot(a, b, (-1, -1))


def outer(a: Any, b: Any) -> Any:
    """The product of each element of a and each of b, in rows: (a.size, b.size).

    >>> outer([1.0, 2.0], [3.0, 4.0])
    array([[3., 4.],
           [6., 8.]])
    """
    return multiply(reshape(a, (-1, 1)), reshape(b, (1, -1)))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The sums of products along axes of a and as many of b; the other axes follow each other.

    `axes` is how many, the last of a and the first of b, or a pair: those of a and those of b.
    Raises `CircuitError` where they are not as many or not as long.

    >>> tensordot([[1.0, 2.0]], [[3.0], [4.0]], axes=1)
    array([[11.]])
    """
    left, right = input_shape(a, "tensordot"), input_shape(b, "tensordot")
    if np.ndim(axes) == 0:
        of_a, of_b = tuple(range(-axes, 0)), tuple(range(axes))
    else:
        of_a, of_b = (tuple(x) if np.ndim(x) else (x,) for x in axes)
    axes_of(a, of_a, "tensordot")
    axes_of(b, of_b, "tensordot")
    of_a, of_b = tuple(x % len(left) for x in of_a), tuple(x % len(right) for x in of_b)
    shared = tuple(left[x] for x in of_a)
    if shared != tuple(right[x] for x in of_b):
        raise CircuitError(f"tensordot cannot take shapes {left} and {right} along {axes}")
    rows = tuple(x for x in range(len(left)) if x not in of_a)
    columns = tuple(x for x in range(len(right)) if x not in of_b)
    size, wide, high = (
        math.prod(x) for x in (shared, (right[x] for x in columns), (left[x] for x in rows))
    )
    y = _matmul(
        reshape(transpose(a, (*rows, *of_a)), (high, size)),
        reshape(transpose(b, (*of_b, *columns)), (size, wide)),
    )
    return reshape(y, (*(left[x] for x in rows), *(right[x] for x in columns)))


def _einsum_rule(i: int) -> Any:
    def rule(g: Any, y: Any, *xs: Any, subscripts: str) -> Any:
        operands, result = subscripts.split("->")
        operands = operands.split(",")
        mine, others = operands[i], [x for k, x in enumerate(xs) if k != i]
        terms = [result, *(t for k, t in enumerate(operands) if k != i)]
        # Letters that only this operand has were summed out: each of its elements gets the same.
        kept = "".join(c for c in mine if any(c in t for t in terms))
        d = _einsum(g, *others, subscripts=f"{','.join(terms)}->{kept}")
        for axis, c in enumerate(mine):
            if c not in kept:
                d = expand_dims(d, axis)
        return broadcast_to(d, xs[i].shape)

    return rule


def _einsum_samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
    def case(subscripts: str, *shapes: tuple[int, ...]) -> tuple[tuple, dict]:
        return tuple(rng.normal(size=n) for n in shapes), {"subscripts": subscripts}

    return [case("ij,jk->ik", (2, 3), (3, 4)), case("bij,bj,k->bk", (2, 3, 4), (2, 4), (3,))]


@gate(pullback=_einsum_rule, samples=_einsum_samples)
def _einsum(m, *xs, subscripts):
    return m.einsum(subscripts, *xs)


@_einsum.gate.public
def einsum(subscripts: str, *operands: Any) -> Any:
    """The sum of products that Einstein's notation describes, as NumPy's `einsum`.

    Takes `->` or leaves it out, `...`, and letters repeated within an operand (diagonals).
    Raises `CircuitError` where subscripts and shapes do not fit.

    >>> einsum("ij,j->i", [[1.0, 2.0]], [3.0, 4.0])
    array([11.])
    """
    shapes = [input_shape(x, "einsum") for x in operands]
    terms, result = _plain_subscripts(subscripts, shapes)
    sizes = _sizes(terms, shapes)
    factors: list[Any] = []
    for k, x in enumerate(operands):
        # Along an axis of size 1 that another operand stretches nothing varies: it goes.
        varies = [n != 1 or sizes[c] == 1 for c, n in zip(terms[k], shapes[k], strict=True)]
        factors.append(x if all(varies) else reshape(x, tuple(compress(shapes[k], varies))))
        terms[k] = "".join(compress(terms[k], varies))
    spare = (c for c in string.ascii_letters if c not in "".join(terms))
    for k, term in enumerate(terms):
        for at, c in enumerate(term):
            if c in term[:at]:  # a diagonal: the second letter becomes its own, tied by an identity
                other = next(spare)
                terms[k] = terms[k][:at] + other + terms[k][at + 1 :]
                terms.append(c + other)
                factors.append(np.eye(sizes[c], dtype=input_dtype(factors[k])))
    return _einsum(*factors, subscripts=f"{','.join(terms)}->{result}")


def _sizes(terms: list[str], shapes: list[tuple[int, ...]]) -> dict[str, int]:
    """How many elements each letter counts, where that is 1 for some operands and more for others.

    Raises `CircuitError` where an operand has no diagonal that a repeated letter could walk.
    """
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for c, n in zip(term, shape, strict=True):
            if n != shape[term.index(c)]:
                raise CircuitError(f"einsum: shape {shape} has no diagonal for {c!r} of {term!r}")
            sizes[c] = n if sizes.get(c, 1) == 1 else sizes[c]
    return sizes


def _plain_subscripts(subscripts: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """The operands' letters and the result's, with `...` spelled out and `->` added."""
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise CircuitError(f"einsum {subscripts!r} names {len(terms)} operands, got {len(shapes)}")
    spare = [c for c in reversed(string.ascii_letters) if c not in subscripts]
    longest = 0
    for k, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        extra = len(shape) - len(term.replace("...", ""))
        if extra < 0 or (extra > 0 and "..." not in term):
            raise CircuitError(f"einsum {term!r} does not fit an operand of shape {shape}")
        dots = "".join(reversed(spare[:extra]))
        terms[k] = term.replace("...", dots)
        longest = longest if longest >= extra else extra
    dots = "".join(reversed(spare[:longest]))
    if not arrow:
        once = sorted(c for c in set("".join(terms)) if "".join(terms).count(c) == 1)
        return terms, dots + "".join(c for c in once if c not in dots)
    return terms, result.replace("...", dots)
