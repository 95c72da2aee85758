"""In: boxes, and wires between their ports. Out: where each box stands, and how each wire runs.

A layered layout (Sugiyama, Tagawa and Toda, 1981) for pictures in which everything flows to the
right, in five steps:

    columns   every box stands right of all it is made from; sources stand close to their first use
    trunks    a wire that passes columns is one trunk of bends, off which its branches leave
    order     the order within a column is swept to and fro until few wires cross
    heights   every box stands as near to the middle of its neighbours as its column allows, and
              what follows one after another without a fork is brought to one level
    gaps      columns stand as far apart as the wires between them climb

Everything is a loop over lists in a fixed order, so the same circuit gives the same picture. A wire
passes a column at a height of its own and bends only between columns: it never runs through a box.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

CLEARANCE = 11.0  # between two boxes of a column, and between a box and a passing wire
LANE = 7.0  # half of what a passing wire takes of a column's height


@dataclass
class Box:
    """Something to place: a head that wires reach from the left, and a stem that they leave from.

    The box reaches `up` and `down` from its axis; ports are heights relative to that axis. The
    layout sets the column's `left`, `middle`, `neck` (where its stems begin) and `right`, and the
    height `y` of the axis.
    """

    head: float = 0.0
    stem: float = 0.0
    up: float = 0.0
    down: float = 0.0
    entries: list[float] = field(default_factory=list)
    exits: list[float] = field(default_factory=lambda: [0.0])
    free: bool = False  # whether wires may reach the entries in any order
    loose: bool = False  # whether the exits, equally far apart, may exchange their places
    edge: float = 0.0  # where wires end, left of the middle
    at: str = ""  # "first" or "last" for the ends of wires at the border of a frame
    left: float = 0.0
    middle: float = 0.0
    neck: float = 0.0
    right: float = 0.0
    y: float = 0.0


@dataclass
class Wire:
    """From one exit of a box to entries of others. The layout sets `strokes`.

    A stroke (x0, y0, x1, y1) leaves its first and reaches its second point horizontally. `forks`
    are the points at which the wire branches.
    """

    source: int
    exit: int
    uses: list[tuple[int, int]]  # (box, entry)
    strokes: list[tuple[float, float, float, float]] = field(default_factory=list)
    forks: list[tuple[float, float]] = field(default_factory=list)


@dataclass
class _Link:
    """A piece of a wire between neighbouring columns."""

    u: int
    v: int
    leaves: float  # relative to the axis of u
    arrives: float  # relative to the axis of v
    wire: Wire
    weight: float = 1.0
    entry: int = -1  # of the box v, or -1 where the wire passes on


def arrange(boxes: Sequence[Box], wires: Sequence[Wire]) -> tuple[float, float, float]:
    """Place `boxes`, each after all it is made from, and route `wires`.

    Returns the width, the top and the bottom of the picture, whose left is at 0.

    >>> x, gate = Box(head=10, stem=30, up=8, down=8), Box(head=40, up=20, down=20, entries=[0.0])
    >>> wire = Wire(0, 0, [(1, 0)])
    >>> width, top, bottom = arrange([x, gate], [wire])
    >>> x.right < gate.left, x.y == gate.y, bottom - top
    (True, True, 40.0)
    """
    if not boxes:
        return 0.0, 0.0, 0.0
    column_of = _columns(boxes, wires)
    vertices, columns, links = _trunks(boxes, wires, column_of)
    _order(vertices, columns, links)
    _sort_free_ports(vertices, columns, links)
    _heights(vertices, columns, links)
    for _ in range(2):
        _straighten(vertices, columns, links)
    return _gaps(vertices, columns, links)


def _columns(boxes: Sequence[Box], wires: Sequence[Wire]) -> list[int]:
    """The longest path from the left; then whatever saves wire by it moves right."""
    feeds: list[list[int]] = [[] for _ in boxes]
    fed_by: list[set[int]] = [set() for _ in boxes]
    for wire in wires:
        for target, _ in wire.uses:
            feeds[wire.source].append(target)
            fed_by[target].add(wire.source)
    column = [0] * len(boxes)
    for v in range(len(boxes)):
        column[v] = max((column[u] + 1 for u in fed_by[v]), default=0)
    # What hangs on one wire alone moves right with it; others move where that shortens wires.
    loose = [False] * len(boxes)
    for u, box in enumerate(boxes):
        loose[u] = not box.at and len(set(feeds[u])) <= 1 and all(loose[x] for x in fed_by[u])
    for u in reversed(range(len(boxes))):
        held = sum(not loose[x] for x in fed_by[u])
        if feeds[u] and not boxes[u].at and (not held or held < len(set(feeds[u]))):
            column[u] = max(column[u], min(column[v] for v in feeds[u]) - 1)
    shift = min(column)
    last = max(column)
    inner = [c for c, box in zip(column, boxes, strict=True) if box.at != "last"]
    last = max(inner, default=0) + 1 if any(box.at == "last" for box in boxes) else last
    return [
        last - shift if box.at == "last" else c - shift
        for c, box in zip(column, boxes, strict=True)
    ]


def _trunks(
    boxes: Sequence[Box], wires: Sequence[Wire], column_of: list[int]
) -> tuple[list[Box], list[list[int]], list[_Link]]:
    """The vertices (boxes, then bends), the columns in a first order, and the links."""
    vertices = list(boxes)
    where = list(column_of)
    links: list[_Link] = []
    for wire in wires:
        start = column_of[wire.source]
        trunk, leaves = wire.source, boxes[wire.source].exits[wire.exit]
        uses = sorted(wire.uses, key=lambda use: column_of[use[0]])
        end = column_of[uses[-1][0]] if uses else start
        k = 0
        for c in range(start + 1, end + 1):
            while k < len(uses) and column_of[uses[k][0]] == c:
                target, entry = uses[k]
                arrives = boxes[target].entries[entry]
                links.append(_Link(trunk, target, leaves, arrives, wire, entry=entry))
                k += 1
            if c < end:
                bend = len(vertices)
                vertices.append(Box(up=LANE, down=LANE))
                where.append(c)
                straight = 2.0 if trunk < len(boxes) else 6.0
                links.append(_Link(trunk, bend, leaves, 0.0, wire, straight))
                trunk, leaves = bend, 0.0
    # A walk from the outputs that takes inputs in order draws a tree without a crossing.
    into: list[list[int]] = [[] for _ in vertices]
    for link in sorted(links, key=lambda link: link.entry):
        into[link.v].append(link.u)
    uses_of = {link.u for link in links}
    columns: list[list[int]] = [[] for _ in range(max(where) + 1)]
    seen = [False] * len(vertices)
    pending = [v for v in reversed(range(len(vertices))) if v not in uses_of]
    while pending:
        v = pending.pop()
        if not seen[v]:
            seen[v] = True
            columns[where[v]].append(v)
            pending.extend(reversed(into[v]))
    return vertices, columns, links


def _order(vertices: Sequence[Box], columns: list[list[int]], links: Sequence[_Link]) -> None:
    """Sweep barycentres and exchanges of neighbours; keep the best order met."""
    rank = [0.0] * len(vertices)
    size = [max(box.up + box.down, 1.0) for box in vertices]
    before: list[list[tuple[int, float, float]]] = [[] for _ in vertices]
    after: list[list[tuple[int, float, float]]] = [[] for _ in vertices]
    for link in links:
        # Ports are fractions of a rank, so that the order of ports counts as a crossing too.
        leaves = 0.0 if vertices[link.u].loose else 0.9 * link.leaves / size[link.u]
        arrives = 0.0 if vertices[link.v].free else 0.9 * link.arrives / size[link.v]
        before[link.v].append((link.u, leaves, arrives))
        after[link.u].append((link.v, arrives, leaves))

    def renumber(column: list[int]) -> None:
        for k, v in enumerate(column):
            rank[v] = k

    def crossings() -> int:
        count = 0
        for column in columns:
            pairs = sorted(
                (rank[u] + leaves, rank[v] + arrives)
                for v in column
                for u, leaves, arrives in before[v]
            )
            seen: list[float] = []
            for _, end in pairs:
                count += len(seen) - bisect_right(seen, end)
                insort(seen, end)
        return count

    def exchange(column: list[int]) -> None:
        for k in range(len(column) - 1):
            u, v = column[k], column[k + 1]
            if _crossed(u, v, before, rank) > _crossed(v, u, before, rank):
                column[k], column[k + 1] = v, u
                rank[u], rank[v] = k + 1, k

    for column in columns:
        renumber(column)
    best, fewest = [list(column) for column in columns], crossings()
    for sweep in range(max(2, min(16, 200_000 // len(vertices)))):
        if fewest == 0:
            break
        sides = before if sweep % 2 == 0 else after
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wish = {
                v: sum(rank[u] + far - 0.5 * near for u, far, near in sides[v]) / len(sides[v])
                if sides[v]
                else rank[v]
                for v in column
            }
            column.sort(key=wish.__getitem__)
            renumber(column)
        for _ in range(3):
            for column in columns:
                exchange(column)
        count = crossings()
        if count < fewest:
            best, fewest = [list(column) for column in columns], count
    columns[:] = best


def _crossed(
    u: int, v: int, before: list[list[tuple[int, float, float]]], rank: list[float]
) -> int:
    """How many wires from the left cross where u stands right above v."""
    return sum(rank[a] + x > rank[b] + y for a, x, _ in before[u] for b, y, _ in before[v])


def _sort_free_ports(
    vertices: Sequence[Box], columns: list[list[int]], links: Sequence[_Link]
) -> None:
    """Where the order of ports means nothing, it becomes that of the wires that come or leave."""
    rank = {v: k for column in columns for k, v in enumerate(column)}
    leaving: dict[int, dict[int, list[_Link]]] = {}
    for link in links:
        if vertices[link.u].loose:
            leaving.setdefault(link.u, {}).setdefault(link.wire.exit, []).append(link)
    for u, by_exit in leaving.items():
        exits = vertices[u].exits
        heights = sorted(exits[k] for k in by_exit)
        mean = {k: sum(rank[x.v] for x in found) / len(found) for k, found in by_exit.items()}
        for k, height in zip(sorted(by_exit, key=lambda k: (mean[k], k)), heights, strict=True):
            exits[k] = height
            for link in by_exit[k]:
                link.leaves = height
    arriving: dict[int, list[_Link]] = {}
    for link in links:
        if vertices[link.v].free:
            arriving.setdefault(link.v, []).append(link)
    for found in arriving.values():
        heights = sorted(link.arrives for link in found)
        found.sort(key=lambda link: (rank[link.u], link.leaves, link.entry))
        for link, height in zip(found, heights, strict=True):
            link.arrives = height


def _heights(vertices: Sequence[Box], columns: list[list[int]], links: Sequence[_Link]) -> None:
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


def _straighten(vertices: Sequence[Box], columns: list[list[int]], links: Sequence[_Link]) -> None:
    """Level each chain of links that do not fork, as far as the boxes beside it leave room."""
    above: dict[int, Box] = {}
    below: dict[int, Box] = {}
    for column in columns:
        for u, v in pairwise(column):
            above[v], below[u] = vertices[u], vertices[v]
    leaving: dict[int, list[_Link]] = {}
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


def _gaps(
    vertices: Sequence[Box], columns: list[list[int]], links: Sequence[_Link]
) -> tuple[float, float, float]:
    """Set every x, then draw the wires; returns width, top and bottom."""
    column_of = {v: c for c, column in enumerate(columns) for v in column}
    climb = [0.0] * (len(columns) + 1)
    for link in links:
        rise = vertices[link.u].y + link.leaves - vertices[link.v].y - link.arrives
        climb[column_of[link.v]] = max(climb[column_of[link.v]], abs(rise))
    x = 0.0
    for c, column in enumerate(columns):
        if c:
            x += min(100.0, max(26.0, 14.0 + 0.32 * climb[c]))
        head = max(vertices[v].head for v in column)
        stem = max(vertices[v].stem for v in column)
        for box in (vertices[v] for v in column):
            box.left, box.middle, box.neck, box.right = x, x + head / 2, x + head, x + head + stem
        x += head + stem
    leaving = Counter((link.u, id(link.wire)) for link in links)
    for link in links:
        u, v = vertices[link.u], vertices[link.v]
        if leaving.pop((link.u, id(link.wire)), 0) > 1:
            link.wire.forks.append((u.right, u.y + link.leaves))
        y0, y1 = u.y + link.leaves, v.y + link.arrives
        if abs(y0 - y1) < _slack(v):
            y1 = y0
        if link.entry < 0:
            link.wire.strokes += [(u.right, y0, v.left, y1), (v.left, y1, v.right, y1)]
        else:
            # Heads of a column differ in width: the last bit to a narrow one is straight.
            link.wire.strokes += [(u.right, y0, v.left, y1), (v.left, y1, v.middle - v.edge, y1)]
    top = min(box.y - box.up for box in vertices)
    bottom = max(box.y + box.down for box in vertices)
    return x, top, bottom


def _slack(box: Box) -> float:
    """How far beside its port a wire may arrive, so that one that is nearly level becomes level."""
    if not box.head or (box.edge and not box.free):
        return 0.1
    between = min((abs(a - b) for a, b in pairwise(box.entries)), default=12.0)
    return min(5.0, between / 3)
