"""In: columns of boxes. Out: an order in each, in which few wires cross, and that of free ports."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

from pullback.inspect.boxes import Box, Link


def order(vertices: Sequence[Box], columns: list[list[int]], links: Sequence[Link]) -> None:
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


def sort_free_ports(
    vertices: Sequence[Box], columns: list[list[int]], links: Sequence[Link]
) -> None:
    """Where the order of ports means nothing, it becomes that of the wires that come or leave."""
    rank = {v: k for column in columns for k, v in enumerate(column)}
    leaving: dict[int, dict[int, list[Link]]] = {}
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
    arriving: dict[int, list[Link]] = {}
    for link in links:
        if vertices[link.v].free:
            arriving.setdefault(link.v, []).append(link)
    for found in arriving.values():
        heights = sorted(link.arrives for link in found)
        found.sort(key=lambda link: (rank[link.u], link.leaves, link.entry))
        for link, height in zip(found, heights, strict=True):
            link.arrives = height
