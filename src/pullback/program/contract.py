"""In: an `einsum`. Out: the same as matrix products, transposes and sums, which engines know."""

from __future__ import annotations

from math import prod

from pullback.core.registry import GATES
from pullback.core.unit import Unit


def contract(operands: tuple[Unit, ...], subscripts: str) -> Unit:
    """The sum of products, two operands at a time, from the left."""
    left, result = subscripts.split("->")
    terms = left.split(",")
    y, term = operands[0], terms[0]
    for k in range(1, len(operands)):
        later = "".join(terms[k + 1 :]) + result
        y, term = _pair(y, term, operands[k], terms[k], later)
    y, term = _sum_out(y, term, result)
    return GATES["transpose"].function(y, tuple(term.index(c) for c in result))


def _sum_out(x: Unit, term: str, needed: str) -> tuple[Unit, str]:
    """x summed over the letters that nothing needs any more."""
    gone = tuple(a for a, c in enumerate(term) if c not in needed)
    if not gone:
        return x, term
    return GATES["sum"].function(x, gone), "".join(c for c in term if c in needed)


def _pair(a: Unit, of_a: str, b: Unit, of_b: str, needed: str) -> tuple[Unit, str]:
    """One matrix product, batched over the letters that both have and someone still needs."""
    a, of_a = _sum_out(a, of_a, of_b + needed)
    b, of_b = _sum_out(b, of_b, of_a + needed)
    sizes = dict(zip(of_a, a.shape, strict=True)) | dict(zip(of_b, b.shape, strict=True))
    batch = "".join(c for c in of_a if c in of_b and c in needed)
    inner = "".join(c for c in of_a if c in of_b and c not in needed)
    rows = "".join(c for c in of_a if c not in of_b)
    columns = "".join(c for c in of_b if c not in of_a)

    def arranged(x: Unit, term: str, *groups: str) -> Unit:
        x = GATES["transpose"].function(x, tuple(term.index(c) for c in "".join(groups)))
        return GATES["reshape"].function(
            x, tuple(sizes[c] for c in groups[0]) + tuple(_size(g, sizes) for g in groups[1:])
        )

    product = GATES["matmul"].function(
        arranged(a, of_a, batch, rows, inner), arranged(b, of_b, batch, inner, columns)
    )
    term = batch + rows + columns
    return GATES["reshape"].function(product, tuple(sizes[c] for c in term)), term


def _size(letters: str, sizes: dict[str, int]) -> int:
    return prod(sizes[c] for c in letters)
