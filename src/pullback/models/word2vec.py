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

    >>> mean_of([[2.0], [4.0], [9.0]], [1.0, 1.0, 0.0])
    array([3.])
    """
    share = there / maximum(there.sum(axis=-1, keepdims=True), 1.0)
    return (vectors * expand_dims(share, -1)).sum(axis=-2)


@dataclass(frozen=True)
class Asked:
    """What a loss found, as wires: the loss of a batch, and how many pairs it is of.

    `pairs_near` (R, n) counts them by word. With negative sampling there are also the scores of
    words that were there, `near` (R, n), which pull, and of noise, `far` (R, k), which pushes, and
    with how many words each of it was compared, `pairs_far`.
    """

    loss: Unit
    pairs: Unit
    pairs_near: Unit
    pairs_far: Unit | None = None
    near: Unit | None = None
    far: Unit | None = None


def negative_sampling(hidden: Any, outputs: Any, words: Any, noise: Any) -> Asked:
    """The loss of telling words (R, n) from noise (R, k), given what stands for each window (R, D).

    sum over words w, and for each over noise z other than w, of
    softplus(-h . u_w) + softplus(h . u_z),
    where u are rows of `outputs` (V, D). All words of a window are compared with the same noise.

    Source: Mikolov and others (NIPS 2013), equation 4; noise that is shared by a window as in Ji,
    Satish, Li, Dubey, "Parallelizing Word2Vec in shared and distributed memory" (2016).
    """
    h = expand_dims(hidden, 1)
    near = (h * take(outputs, words)).sum(axis=-1)
    far = (h * take(outputs, noise)).sum(axis=-1)
    there = is_word(words, near.dtype)
    other = astype(not_equal(expand_dims(words, 2), expand_dims(noise, 1)), near.dtype)
    times = (expand_dims(there, 2) * other).sum(axis=1)  # each noise word is compared with
    loss = (there * softplus(-near)).sum() + (times * softplus(far)).sum()
    return Asked(loss, there.sum(), there, times, near, far)


def hierarchical_softmax(hidden: Any, nodes: Any, path: Any, turns: Any, there: Any) -> Asked:
    """The loss of finding the way to a word in a binary tree, -log P(word | h).

    sum over the turns t = +1 or -1 on the way of softplus(-t h . n), for each h of `hidden`
    (R, n, D) that is `there` (R, n), where n are rows of `nodes`; `path` (R, L) are the nodes that
    the way to each window's word passes, and `turns` (R, L) are 0 behind its end.

    Source: Morin, Bengio, "Hierarchical probabilistic neural network language model" (AISTATS
    2005); the tree is Huffman's, as in Mikolov and others (2013).
    """
    scores = matmul(hidden, swapaxes(take(nodes, path), 1, 2))
    signs = expand_dims(turns, 1)
    counted = expand_dims(there, 2) * (signs * signs)
    return Asked((counted * softplus(-(signs * scores))).sum(), there.sum(), there)
