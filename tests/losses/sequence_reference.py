"""What losses of sequences cost, by going through every alignment and every tagging.

`m` is NumPy or JAX's NumPy, as in `reference`.
"""

from __future__ import annotations

import itertools

import numpy as np

_RNG = np.random.default_rng(7)
STEP_SCORES = _RNG.normal(size=(7, 4, 3)) * 2.0
STEP_LABELS = _RNG.integers(3, size=(7, 4))
STEP_LABELS[np.arange(7), _RNG.integers(4, size=7)] = -1
CTC_SCORES = _RNG.normal(size=(7, 5, 4)) * 2.0
CTC_LABELS = np.array(
    [[1, 2, 3], [1, 1, -1], [-1, -1, -1], [3, 3, 3], [2, -1, -1], [3, 1, 3], [2, 2, 1]]
)
CHAIN_SCORES = _RNG.normal(size=(7, 4, 3, 3)) * 2.0
CHAIN_LABELS = np.array(
    [[0, 1, 2], [2, 2, 2], [1, -1, -1], [0, 0, -1], [1, 0, 1], [2, 1, -1], [0, 2, 0]]
)


def log_softmax(m, s):
    return s - m.log(m.exp(s).sum(axis=-1, keepdims=True))


def of_steps(smoothing):
    def cost(m, s, y):
        q = (1 - smoothing) * np.eye(s.shape[2])[y] + smoothing / s.shape[2]
        counts = y >= 0
        each = -(q * log_softmax(m, s)).sum(axis=2)
        return (each * counts).sum(axis=1) / counts.sum(axis=1)

    return cost


def collapsed(alignment, blank=0):
    """What an alignment says: one of each repetition, without blanks."""
    return [k for k, _ in itertools.groupby(alignment) if k != blank]


def alignments(labels, steps, classes, blank=0):
    """All alignments of labels, (count, steps)."""
    wanted = [k for k in labels if k >= 0]
    every = itertools.product(range(classes), repeat=steps)
    return np.array([a for a in every if collapsed(a, blank) == wanted])


def ctc(m, s, y, lengths=None, blank=0):
    logs, costs = log_softmax(m, s), []
    for r in range(len(y)):
        steps = s.shape[1] if lengths is None else lengths[r]
        paths = alignments(y[r], steps, s.shape[2], blank)
        costs.append(-m.log(m.exp(logs[r][np.arange(steps), paths].sum(axis=1)).sum()))
    return m.stack(costs)


def score(s, y):
    """The score of taggings y (..., steps) of one row."""
    y = np.asarray(y)
    before = np.concatenate([np.zeros_like(y[..., :1]), y[..., :-1]], axis=-1)
    return s[np.arange(y.shape[-1]), before, y].sum(axis=-1) + s[-1, y[..., -1], 0]


def taggings(length, tags):
    return list(itertools.product(range(tags), repeat=length))


def chain(combine):
    """`combine(m, scores of all taggings, all taggings, labels)` less the score of the labels."""

    def cost(m, s, y):
        costs = []
        for r in range(len(y)):
            labels = y[r][y[r] >= 0]
            every = np.array(taggings(len(labels), s.shape[2]))
            costs.append(combine(m, score(s[r], every), every, labels) - score(s[r], labels))
        return m.stack(costs)

    return cost


def all_together(m, scores, every, labels):
    return m.log(m.exp(scores).sum())


def the_best(m, scores, every, labels):
    return scores.max()


def the_worst(margin):
    def combine(m, scores, every, labels):
        return (scores + margin * (every != labels).sum(axis=1)).max()

    return combine
