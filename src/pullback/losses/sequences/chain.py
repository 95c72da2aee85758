"""In: scores of a chain of tags. Out: the score of one tagging, of the best, and of all together.

Scores (rows, steps + 1, tags, tags): [r, t, i, j] is how well tag j at step t suits row r after tag
i at the step before. At step 0 nothing stands before, and i = 0 counts; behind the last step stand
the scores of ending with tag i, of which j = 0 counts. The layer `CRF` makes such scores. A row's
tagging ends where its length says; what lies behind does not count.

All is made of gates: the loop runs over the steps, and marginals are the gradient of the logarithm
of the partition function, as the best tagging is that of the best score.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gradient import gradient
from pullback.core.unit import Unit
from pullback.gates.comparison import equal, greater, greater_equal, where
from pullback.gates.indexing import take
from pullback.gates.loop import loop
from pullback.gates.reduction import logsumexp, max
from pullback.gates.shape import astype, concatenate, expand_dims, reshape, swapaxes
from pullback.losses.sequences.steps import counted


def log_partition(scores: Any, lengths: Any = None) -> Unit:
    """log(sum(exp(score of y))) over all taggings y of each row, (rows,).

    Shapes: scores (rows, steps + 1, tags, tags); lengths (rows,), at least 1, by default all steps.
    Raises `CircuitError` for scores of another shape.
    Source: Lafferty, McCallum, Pereira, "Conditional random fields: probabilistic models for
    segmenting and labeling sequence data" (ICML 2001).

    >>> round(float(np.exp(log_partition(np.zeros((1, 4, 2, 2))).value[0])))  # 2 ** 3 taggings
    8
    """
    return _over_taggings(scores, lengths, logsumexp)


def best_score(scores: Any, lengths: Any = None) -> Unit:
    """The score of each row's best tagging, (rows,). Its gradient is the best tagging.

    Shapes as of `log_partition`. Taggings that tie share the gradient.
    Raises `CircuitError` for scores of another shape.
    Source: Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding
    algorithm" (1967).

    >>> best_score(np.ones((1, 4, 2, 2))).value
    array([4.])
    """
    return _over_taggings(scores, lengths, max)


def marginals(scores: Any, lengths: Any = None) -> Unit:
    """The probability of each tag at each step, (rows, steps, tags), under exp(score) / partition.

    Zeros behind a row's end. It is the gradient of `log_partition`. Shapes as there.
    Raises `CircuitError` for scores of another shape.

    >>> marginals(np.zeros((1, 3, 2, 2))).value
    array([[[0.5, 0.5],
            [0.5, 0.5]]])
    """
    scores = _checked(scores)
    return _of_tags(gradient(log_partition(scores, lengths).sum(), scores))


def chosen(scores: Unit, lengths: Any = None) -> Unit:
    """1 for each tag of the best tagging, 0 for others, (rows, steps, tags); ties share."""
    return _of_tags(gradient(best_score(scores, lengths).sum(), scores))


def path_score(scores: Any, labels: Any) -> Unit:
    """The score of one tagging of each row, (rows,).

    Shapes: scores (rows, steps + 1, tags, tags); labels (rows, steps), -1 behind the end.
    Raises `CircuitError` for scores of another shape.

    >>> path_score(np.ones((1, 4, 2, 2)), [[0, 1, -1]]).value
    array([3.])
    """
    scores = _checked(scores)
    labels = labels if isinstance(labels, Unit) else Unit(np.asarray(labels, np.int64), "labels")
    rows, slots, tags, _ = scores.shape
    here = greater_equal(labels, 0)
    known = where(here, labels, np.zeros(labels.shape, np.int64))
    none = np.zeros((rows, 1), np.int64)
    before = concatenate([none, known], axis=1)
    # Behind the end the scores of ending are read, j = 0; where they stand depends on the row.
    number = expand_dims(counted(labels), 1)
    slot = np.arange(slots).reshape(1, slots)
    place = where(equal(slot, number), np.full((rows, slots), slots - 1), slot)
    after = concatenate([known, none], axis=1)
    first = np.arange(rows).reshape(rows, 1)
    index = ((place + first * slots) * np.array(tags) + before) * np.array(tags) + after
    picked = take(reshape(scores, (scores.size,)), index)
    return where(greater_equal(number, slot), picked, 0.0).sum(axis=1)


def _over_taggings(scores: Any, lengths: Any, combine: Callable[..., Any]) -> Unit:
    """What `combine` makes of the scores of all taggings: a sum in logarithms, or the best."""
    scores = _checked(scores)
    rows, slots = scores.shape[:2]
    steps = slots - 1
    lengths = np.full(rows, steps) if lengths is None else lengths
    inside = greater(reshape(lengths, (1, rows, 1)), np.arange(1, steps).reshape(-1, 1, 1))

    def step(so_far: Unit, move: Unit, within: Unit) -> Unit:
        there = combine(expand_dims(so_far, 2) + move, axis=1)
        return where(greater(within, 0.0), there, so_far)

    last = scores[:, 0, 0, :]
    if steps > 1:
        moves = swapaxes(scores[:, 1:steps], 0, 1)
        (stacked,) = loop(step, last, (moves, astype(inside, scores.dtype)))
        last = stacked[-1]
    return combine(last + scores[:, steps, :, 0], axis=1)


def _of_tags(slope: Unit) -> Unit:
    """Of the gradient by all scores, that by each step's tags."""
    return slope[:, :-1].sum(axis=2)


def _checked(scores: Any) -> Unit:
    scores = scores if isinstance(scores, Unit) else Unit(scores, "scores")
    refuse_no_chain(scores.shape)
    return scores


def refuse_no_chain(shape: tuple[int, ...]) -> None:
    """Raise `CircuitError` where scores of this shape are not those of chains."""
    if len(shape) != 4 or shape[1] < 2 or shape[2] != shape[3]:
        raise CircuitError(
            "a chain needs scores of shape (rows, steps + 1, tags, tags), as the layer CRF makes "
            f"them, got {shape}"
        )
