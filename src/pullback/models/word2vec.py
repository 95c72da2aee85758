"""The circuits of Word2Vec: what stands for a window, and the loss of what it is asked to tell.

A batch has windows: a centre, the words around it, and noise. Words are rows of tables; -1 stands
where there is none, and counts nothing. Skip-gram is the centre asked for each word around it,
CBOW the mean of those asked for the centre; each can be asked by negative sampling, or by the way
to a word in a tree. The gradient, and what pulls a word where, come from these same gates.

Source: Mikolov, Sutskever, Chen, Corrado, Dean, "Distributed representations of words and phrases
and their compositionality" (NIPS 2013); Mikolov, Chen, Corrado, Dean, "Efficient estimation of word
representations in vector space" (2013).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pullback.core.unit import Unit
from pullback.gates.comparison import greater_equal, maximum, not_equal
from pullback.gates.elementary import softplus
from pullback.gates.indexing import take
from pullback.gates.linear import matmul
from pullback.gates.shape import astype, expand_dims, swapaxes


def is_word(words: Any, dtype: Any) -> Unit:
    """1 where there is a word, 0 where there is none."""
    return astype(greater_equal(words, 0), dtype)


def mean_of(vectors: Any, there: Any) -> Unit:
    """The mean over the axis before the last of vectors (..., n, D) that are there (..., n).

    1 stands for there, 0 for not; the mean of none is 0. It is what CBOW makes of the words around
    a centre, and what a word is with its n-grams: Bojanowski, Grave, Joulin, Mikolov, "Enriching
    word vectors with subword information" (TACL 5, 2017).

    >>> mean_of(Unit([[2.0], [4.0], [9.0]]), Unit([1.0, 1.0, 0.0])).value
    array([3.])
    """
    share = there / maximum(there.sum(axis=-1, keepdims=True), 1.0)
    return (vectors * expand_dims(share, -1)).sum(axis=-2)


@dataclass(frozen=True)
class Asked:
    """What a loss found, as wires: the loss of a batch, and how many pairs it is of.

    `pairs_near` (..., n) counts them by word. With negative sampling there are also the scores of
    words that were there, `near` (..., n), which pull, and of noise, `far` (..., m), which pushes,
    and with how many words each of it was compared, `pairs_far`.
    """

    loss: Unit
    pairs: Unit
    pairs_near: Unit
    pairs_far: Unit | None = None
    near: Unit | None = None
    far: Unit | None = None


def negative_sampling(hidden: Any, outputs: Any, words: Any, noise: Any, negatives: float) -> Asked:
    """The loss of telling words from noise, given what stands for each window, h (B, G, D).

    sum over words w (B, G, n) of softplus(-h . u_w) + negatives * mean over z of softplus(h . u_z),
    where u are rows of `outputs` (V, D), and z the noise (B, m) that G windows share; where it is w
    itself, it counts 0. The mean over `negatives` draws of each pair alone has the same expectation
    and varies more.

    Source: Mikolov and others (NIPS 2013), equation 4; noise that is shared as in Ji, Satish, Li,
    Dubey, "Parallelizing Word2Vec in shared and distributed memory" (2016).
    """
    near = (expand_dims(hidden, 2) * take(outputs, words)).sum(axis=-1)
    far = matmul(hidden, swapaxes(take(outputs, noise), 1, 2))
    there = is_word(words, near.dtype)
    other = not_equal(expand_dims(words, 3), expand_dims(expand_dims(noise, 1), 1))
    times = (expand_dims(there, 3) * astype(other, near.dtype)).sum(axis=2)
    share = negatives / noise.shape[-1]
    loss = (there * softplus(-near)).sum() + share * (times * softplus(far)).sum()
    return Asked(loss, there.sum(), there, times, near, far)


def hierarchical_softmax(hidden: Any, nodes: Any, path: Any, turns: Any, there: Any) -> Asked:
    """The loss of finding the way to a word in a binary tree, -log P(word | h).

    sum over the turns t = +1 or -1 on the way of softplus(-t h . n), for each h of `hidden`
    (..., n, D) that is `there` (..., n), where n are rows of `nodes`; `path` (..., L) are the nodes
    that the way to each window's word passes, and `turns` (..., L) are 0 behind its end.

    Source: Morin, Bengio, "Hierarchical probabilistic neural network language model" (AISTATS
    2005); the tree is Huffman's, as in Mikolov and others (2013).
    """
    scores = matmul(hidden, swapaxes(take(nodes, path), -1, -2))
    signs = expand_dims(turns, -2)
    counted = expand_dims(there, -1) * (signs * signs)
    return Asked((counted * softplus(-(signs * scores))).sum(), there.sum(), there)
