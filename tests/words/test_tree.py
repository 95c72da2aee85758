"""Huffman's tree against its definition."""

import itertools

import numpy as np
import pytest

from pullback.words.tree import huffman


@pytest.mark.parametrize("count", [2, 3, 5, 64, 101])
def test_ways_are_a_code_without_prefixes_and_as_short_as_can_be(count):
    counts = np.sort(np.random.default_rng(count).integers(1, 1000, count))[::-1]
    tree = huffman(counts)
    length = (tree.turns != 0).sum(axis=1)
    ways = [
        "".join("-+"[int(t > 0)] for t in turns[:n])
        for turns, n in zip(tree.turns, length, strict=True)
    ]
    ordered = sorted(ways)
    assert not any(b.startswith(a) for a, b in itertools.pairwise(ordered))
    assert sum(0.5**n for n in length) == 1.0  # no turn leads nowhere
    assert (counts * length).sum() == merged(counts.tolist())
    assert (np.diff(length) >= 0).all()  # the frequent are nearer


def merged(weights):
    """What Huffman's merges cost: the length of all ways, weighed, that no tree undercuts."""
    total = 0
    while len(weights) > 1:
        weights.sort()
        total += weights[0] + weights[1]
        weights = [weights[0] + weights[1], *weights[2:]]
    return total


def test_words_share_the_nodes_above_them():
    tree = huffman(np.array([4, 3, 2, 2, 1]))
    length = (tree.turns != 0).sum(axis=1)
    assert (tree.path[:, 0] == 3).all()  # the root is the last of 4
    for a in range(5):
        for b in range(5):
            same = 0
            while same < min(length[a], length[b]) and tree.turns[a, same] == tree.turns[b, same]:
                same += 1
            assert (tree.path[a, : same + 1] == tree.path[b, : same + 1])[
                : min(length[[a, b]])
            ].all()
