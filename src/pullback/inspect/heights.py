"""In: columns of boxes in their order. Out: the height of each, in the middle of its neighbours.

What follows one after another without a fork is brought to one level.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf

from pullback.inspect.boxes import CLEARANCE, Box, Link


def heights(vertices: Sequence[Box], columns: list[list[int]], links: Sequence[Link]) -> None:
    """Sweep columns, each to its least-squares fit to its neighbours that keeps boxes apart."""
    before: list[list[tuple[int, float, float]]] = [[] for _ in vertices]
    after: list[list[tuple[int, float, float]]] = [[] for _ in vertices]
    for link in links:
        before[link.v].append((link.u, link.leaves - link.arrives, link.weight))
        after[link.u].append((link.v, link.arrives - link.leaves, link.weight))
    for column in columns:
        for box in (vertices[v] for v in column):
            box.y = 0.0
        _fit([vertices[v] for v in column], [(0.0, 1.0)] * len(column))

    def settle(column: list[int], sides: Sequence[list[list[tuple[int, float, float]]]]) -> None:
        wishes = []
        for v in column:
            near = [(vertices[u].y + shift, w) for side in sides for u, shift, w in side[v]]
            weight = sum(w for _, w in near)
            wishes.append(
                (sum(y * w for y, w in near) / weight, weight) if near else (vertices[v].y, 0.01)
            )
        _fit([vertices[v] for v in column], wishes)

    rounds = max(2, min(12, 200_000 // len(vertices)))
    for _ in range(rounds):
        for column in columns:
            settle(column, [before])
        for column in reversed(columns):
            settle(column, [after])
    for _ in range(rounds):
        for column in [*columns, *reversed(columns)]:
            settle(column, [before, after])


def _fit(column: Sequence[Box], wishes: Sequence[tuple[float, float]]) -> None:
    """The heights nearest to `wishes` (height, weight) at which no two boxes touch.

    With the distances that boxes need taken off, heights only have to ascend: the isotonic
    regression, which pooling neighbours that violate the order solves exactly.
    """
    offsets, offset = [], 0.0
    for k, box in enumerate(column):
        if k:
            offset += column[k - 1].down + CLEARANCE + box.up
        offsets.append(offset)
    pools: list[tuple[float, float, int]] = []  # (mean, weight, how many)
    for (wish, weight), offset in zip(wishes, offsets, strict=True):
        mean, count = wish - offset, 1
        while pools and pools[-1][0] > mean:
            other, other_weight, others = pools.pop()
            mean = (mean * weight + other * other_weight) / (weight + other_weight)
            weight, count = weight + other_weight, count + others
        pools.append((mean, weight, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    for box, mean, offset in zip(column, means, offsets, strict=True):
        box.y = mean + offset


def straighten(vertices: Sequence[Box], columns: list[list[int]], links: Sequence[Link]) -> None:
    """Level each chain of links that do not fork, as far as the boxes beside it leave room."""
    above: dict[int, Box] = {}
    below: dict[int, Box] = {}
    for column in columns:
        for u, v in pairwise(column):
            above[v], below[u] = vertices[u], vertices[v]
    leaving: dict[int, list[Link]] = {}
    into: dict[int, int] = {}
    for link in links:
        leaving.setdefault(link.u, []).append(link)
        into[link.v] = into.get(link.v, 0) + 1
    following = {}
    for u, found in leaving.items():
        # A trunk goes on level where branches leave it.
        on = [x for x in found if x.entry < 0 and not vertices[u].head] or found
        if len(on) == 1 and into[on[0].v] == 1 and (len(found) == 1 or on[0].entry < 0):
            following[u] = on[0]
    followers = {link.v for link in following.values()}
    for start in (v for column in columns for v in column if v not in followers):
        chain, shifts, low, high = [], [], -inf, inf
        v, shift = start, 0.0
        while True:
            box, least, most = vertices[v], -inf, inf
            if v in above:
                least = above[v].y + above[v].down + CLEARANCE + box.up - shift
            if v in below:
                most = below[v].y - below[v].up - CLEARANCE - box.down - shift
            if max(low, least) > min(high, most):
                _level(chain, shifts, low, high)
                chain, shifts, low, high = [], [], -inf, inf
            chain.append(box)
            shifts.append(shift)
            low, high = max(low, least), min(high, most)
            if v not in following:
                break
            link = following[v]
            v, shift = link.v, shift + link.leaves - link.arrives
        _level(chain, shifts, low, high)


def _level(chain: Sequence[Box], shifts: Sequence[float], low: float, high: float) -> None:
    """Bring these boxes to one height, but for their ports' shifts, between low and high."""
    if len(chain) > 1:
        mean = sum(box.y - shift for box, shift in zip(chain, shifts, strict=True)) / len(chain)
        for box, shift in zip(chain, shifts, strict=True):
            box.y = min(max(mean, low), high) + shift
