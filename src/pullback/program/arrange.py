"""In: gates that move elements, and products of stacks. Out: fewer of them, on fewer elements."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from pullback.core.gate import constant
from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.program.contract import contract
from pullback.program.patterns import Inputs, Rule, made_by
from pullback.program.sparse import sum_of_squares

Walks = tuple[tuple[int, int, int], ...]  # start, count and step along each axis
_PIECES = 16  # in a sum of embedded pieces, at most: longer sums are something else


def _unchanged(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    return inputs[0]  # kept only where shape and dtype did not change


def _reshape(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    (x,) = inputs
    if x.shape == static["shape"]:
        return x
    return GATES["reshape"](x.inputs[0], **static) if made_by(x, "reshape") else None


def _transpose(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    (x,) = inputs
    axes = static["axes"]
    if axes == tuple(range(len(axes))):
        return x
    if made_by(x, "transpose"):
        inner = x.static["axes"]
        return GATES["transpose"](x.inputs[0], axes=tuple(inner[a] for a in axes))
    return None


def _sum(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    (x,) = inputs
    axes = static["axis"]
    if made_by(x, "matmul") and axes == tuple(range(len(x.shape) - 2)) and axes:
        product = _sum_of_products(*x.inputs)
        if product is not None:
            return GATES["reshape"](product, shape=_summed_shape(x, **static))
    if any(x.shape[a] != 1 for a in axes):
        return sum_of_squares(x, static)
    return GATES["reshape"](x, shape=_summed_shape(x, **static))


def _summed_shape(x: Unit, axis: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    ones = (1,) if keepdims else ()
    return tuple(m for a, n in enumerate(x.shape) for m in (ones if a in axis else (n,)))


def _sum_of_products(a: Unit, b: Unit) -> Unit | None:
    """The sum of a batch of products whose left sides stand upside down is a single product."""
    lead = a.shape[:-2]
    upside_down = (*range(len(lead)), len(lead) + 1, len(lead))
    if lead != b.shape[:-2] or not made_by(a, "transpose"):
        return None
    if a.static["axes"] != upside_down:
        return None
    rows = _matrix(a.inputs[0])
    return GATES["matmul"](GATES["transpose"](rows, axes=(1, 0)), _matrix(b))


def _matrix(x: Unit) -> Unit:
    """All rows of a stack of matrices under each other."""
    return GATES["reshape"](x, shape=(prod(x.shape[:-1]), x.shape[-1]))


def _matmul(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    """A stack of matrices, each times the same matrix, is one tall matrix times that."""
    a, b = inputs
    if len(b.shape) != 2 or len(a.shape) == 2 or made_by(a, "transpose"):
        return None
    product = GATES["matmul"](_matrix(a), b)
    return GATES["reshape"](product, shape=(*a.shape[:-1], b.shape[1]))


def _slice(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    """A part of what was put together is a part of the piece that lies there."""
    (x,) = inputs
    walks = static["walks"]
    if walks == tuple((0, n, 1) for n in x.shape):
        return x
    if made_by(x, "slice"):
        inner = x.static["walks"]
        return GATES["slice"](
            x.inputs[0],
            walks=tuple(
                (start + first * by, n, by * step)
                for (first, n, step), (start, _, by) in zip(walks, inner, strict=True)
            ),
        )
    if any(step != 1 for _, _, step in walks):
        return None
    if made_by(x, "embed") and all(step == 1 for _, _, step in x.static["walks"]):
        return _slice_of_embedded(x.inputs[0], x.static["walks"], walks)
    if made_by(x, "concatenate"):
        return _slice_of_joined(x.inputs, x.static["axis"], walks)
    return None


def _slice_of_embedded(x: Unit, inner: Walks, walks: Walks) -> Unit | None:
    """The part of an embedded x, which may be all of x, some of it, or the zeros beside it."""
    shape = tuple(n for _, n, _ in walks)
    taken, put = [], []
    for (first, n, _), (start, count, _) in zip(walks, inner, strict=True):
        low, high = max(first, start), min(first + n, start + count)
        if low >= high:
            return constant(np.zeros(shape, x.dtype))
        taken.append((low - start, high - low, 1))
        put.append((low - first, high - low, 1))
    piece = GATES["slice"](x, walks=tuple(taken))
    return piece if piece.shape == shape else GATES["embed"](piece, shape=shape, walks=tuple(put))


def _slice_of_joined(xs: Inputs, axis: int, walks: Walks) -> Unit | None:
    """The part of joined pieces that lies in one of them."""
    first, n, _ = walks[axis]
    for x in xs:
        if first >= 0 and first + n <= x.shape[axis]:
            return GATES["slice"](x, walks=(*walks[:axis], (first, n, 1), *walks[axis + 1 :]))
        first -= x.shape[axis]
    return None


def sum_of_embedded(a: Unit, b: Unit) -> Unit | None:
    """Pieces put side by side in zeros and added are joined pieces."""
    pieces = _embedded_terms(a, b)
    if not pieces:
        return None
    whole = [(0, n, 1) for n in a.shape]
    axes = {k for x in pieces for k, walk in enumerate(x.static["walks"]) if walk != whole[k]}
    if len(axes) != 1:
        return None
    axis = axes.pop()
    pieces.sort(key=lambda x: x.static["walks"][axis])
    at = start = pieces[0].static["walks"][axis][0]
    for x in pieces:
        first, n, step = x.static["walks"][axis]
        if first != at or step != 1:
            return None
        at = first + n
    joined = GATES["concatenate"](*(x.inputs[0] for x in pieces), axis=axis)
    if joined.shape == a.shape:
        return joined
    walks = (*whole[:axis], (start, at - start, 1), *whole[axis + 1 :])
    return GATES["embed"](joined, shape=a.shape, walks=tuple(walks))


def _embedded_terms(*sums: Unit) -> list[Unit]:
    """What sums of embedded pieces add up; nothing where they add up anything else."""
    found: list[Unit] = []
    pending = list(sums)
    while pending:
        x = pending.pop()
        if made_by(x, "add"):
            pending.extend(x.inputs)
        elif made_by(x, "embed"):
            found.append(x)
        else:
            return []
        if len(found) + len(pending) > _PIECES:
            return []
    return found


def _concatenate(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    if len(inputs) == 1:
        return inputs[0]
    axis = static["axis"]
    flat = [
        piece
        for x in inputs
        for piece in (x.inputs if made_by(x, "concatenate") and x.static["axis"] == axis else (x,))
    ]
    return None if len(flat) == len(inputs) else GATES["concatenate"](*flat, axis=axis)


def _einsum(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    return contract(inputs, static["subscripts"])


RULES: dict[str, Rule] = {
    "stop_gradient": _unchanged,
    "astype": _unchanged,
    "broadcast_to": _unchanged,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "concatenate": _concatenate,
    "sum": _sum,
    "matmul": _matmul,
    "einsum": _einsum,
}
