"""In: how often each word stands in a text. Out: a binary tree in which frequent words are near."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tree:
    """The way from the root to each of V words: the nodes it passes, and how it turns there.

    `path` (V, L) are numbers of the V - 1 inner nodes, the root's being the last, and `turns`
    (V, L) are +1 or -1; behind the end of a way both are 0.
    """

    path: np.ndarray
    turns: np.ndarray


def huffman(counts: np.ndarray) -> Tree:
    """Huffman's tree: the ways, weighed by counts (V,), are as short as they can be.

    Source: Huffman, "A method for the construction of minimum-redundancy codes" (1952).

    >>> huffman(np.array([5, 2, 1])).turns.tolist()
    [[1, 0], [-1, 1], [-1, -1]]
    """
    count = len(counts)
    heap = [(int(weight), -number) for number, weight in enumerate(counts)]
    heapq.heapify(heap)
    above = np.zeros(2 * count - 1, np.int64)
    turn = np.zeros(2 * count - 1, np.int8)
    for node in range(count, 2 * count - 1):
        low, high = heapq.heappop(heap), heapq.heappop(heap)
        above[[-low[1], -high[1]]] = node
        turn[[-low[1], -high[1]]] = -1, 1
        heapq.heappush(heap, (low[0] + high[0], -node))
    depth = np.zeros(2 * count - 1, np.int64)
    for node in range(2 * count - 3, -1, -1):
        depth[node] = depth[above[node]] + 1
    longest = int(depth.max())
    path, turns = (np.zeros((count, longest), np.int64) for _ in range(2))
    at = np.arange(count)
    while (inside := depth[at] > 0).any():  # all ways at once, from the words up
        words, place = np.flatnonzero(inside), depth[at[inside]] - 1
        path[words, place] = above[at[inside]] - count
        turns[words, place] = turn[at[inside]]
        at[inside] = above[at[inside]]
    return Tree(path, turns)
