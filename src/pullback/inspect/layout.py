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

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from pullback.inspect.boxes import LANE, Box, Link, Wire
from pullback.inspect.heights import heights, straighten
from pullback.inspect.ordering import order, sort_free_ports


def arrange(
    boxes: Sequence[Box], wires: Sequence[Wire], gap: float = 26.0
) -> tuple[float, float, float]:
    """Place `boxes`, each after all it is made from, and route `wires`.

    Columns stand `gap` apart at least. Returns the width, the top and the bottom of the picture,
    whose left is at 0. Left, right, top and bottom are those of a flow to the right; who draws one
    that flows down exchanges the two axes.

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
    order(vertices, columns, links)
    sort_free_ports(vertices, columns, links)
    heights(vertices, columns, links)
    for _ in range(2):
        straighten(vertices, columns, links)
    return _gaps(vertices, columns, links, gap)


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
) -> tuple[list[Box], list[list[int]], list[Link]]:
    """The vertices (boxes, then bends), the columns in a first order, and the links."""
    vertices = list(boxes)
    where = list(column_of)
    links: list[Link] = []
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
                links.append(Link(trunk, target, leaves, arrives, wire, entry=entry))
                k += 1
            if c < end:
                bend = len(vertices)
                vertices.append(Box(up=LANE, down=LANE))
                where.append(c)
                straight = 2.0 if trunk < len(boxes) else 6.0
                links.append(Link(trunk, bend, leaves, 0.0, wire, straight))
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


def _gaps(
    vertices: Sequence[Box], columns: list[list[int]], links: Sequence[Link], gap: float
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
            x += min(100.0, max(gap, gap - 12.0 + 0.32 * climb[c]))
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
