"""In: the step of a loop as parts. Out: of how many rows all is made that it makes, each alone.

The rows are those of a batch. Where each row of whatever a step makes is made of the same row of
what it and the steps before it made, and of things that no step changes, threads can share the rows
for the whole loop: each goes through all steps with its own, and waits for nobody on the way.
"""

from __future__ import annotations

from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.engines.native.access import Access
from pullback.engines.native.parts import Fused, Inside, Part, Single, is_reduction


def rows_of(inside: Inside) -> int:
    """The rows that all wires of a step have; 0 where they are not apart, or are not two."""
    carries = inside.body.carries
    if not carries or not carries[0].ndim or inside.body.sums or carries[0].shape[0] < 2:
        return 0
    n = carries[0].shape[0]
    changing = {*carries}  # whose elements a step writes, or the one before it has
    for part in inside.parts:
        changing |= set(part.results if isinstance(part, Single) else part.gates)
    if any(unit.shape[:1] != (n,) for unit in changing):
        return 0
    apart = all(_keeps_apart(part, n, changing, inside) for part in inside.parts)
    return n if apart else 0


def _keeps_apart(part: Part, n: int, changing: set[Unit], inside: Inside) -> bool:
    """Whether a part makes each row of the same row of what changes."""

    def by_rows(x: Unit, shape: tuple[int, ...]) -> bool:
        where = inside.access[x]
        return where.root not in changing or _is_of_rows(where.spread(shape), n)

    if isinstance(part, Fused):
        return part.shape[:1] == (n,) and all(
            not (unit.gate and unit.gate.indexed)
            and not (is_reduction(unit) and 0 in unit.static["axis"])
            and all(by_rows(x, part.shape) for x in unit.inputs if x not in part.gates)
            for unit in part.gates
        )
    first, *after = part.gates
    if first.gate is GATES["concatenate"]:
        return first.static["axis"] > 0 and all(by_rows(x, x.shape) for x in first.inputs)
    if first.gate is GATES["embed"]:
        (x,) = first.inputs
        return first.static["walks"][:1] == ((0, n, 1),) and by_rows(x, x.shape)
    if first.gate is not GATES["matmul"] or first.ndim != 2 or first.shape[0] != n:
        return False
    a, b = first.inputs
    added = ((x, unit.shape) for unit in after for x in unit.inputs if x not in part.gates)
    return (
        by_rows(a, a.shape)
        and inside.access[b].root not in changing
        and all(by_rows(x, shape) for x, shape in added)
    )


def _is_of_rows(where: Access, n: int) -> bool:
    """Whether row i of these elements lies within row i of the buffer, which has n."""
    width = where.root.size // n
    rest = list(zip(where.shape[1:], where.strides[1:], strict=True))
    low = where.offset + sum(min(0, (m - 1) * by) for m, by in rest)
    high = where.offset + sum(max(0, (m - 1) * by) for m, by in rest)
    return where.shape[0] == n and where.strides[0] == width and low >= 0 and high < width
