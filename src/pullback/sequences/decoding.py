"""In: the scores that a model answers for sequences. Out: the labels that they mean.

Functions of arrays, in NumPy. Scores of `CTC` are (rows, steps, classes), those of chains (rows,
steps + 1, tags, tags); `lengths` (rows,) say how many steps of each row count, by default all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.core.errors import CircuitError
from pullback.gates.reduction import log_softmax
from pullback.losses.sequences.chain import refuse_no_chain

Extension = Callable[[tuple[int, ...], int], float]


class Hypothesis(NamedTuple):
    """Labels that a row may mean, and how likely: the logarithm of their probability."""

    labels: tuple[int, ...]
    log_probability: float


# Labels without places: CTC ----------------------------------------------------------------------


def greedy(scores: Any, lengths: Any = None, *, blank: int = 0) -> list[list[int]]:
    """The labels of the likeliest alignment of each row: repetitions fall away, then blanks.

    Raises `CircuitError` for scores or lengths of another shape.
    Source: Graves, Fernández, Gomez, Schmidhuber, "Connectionist temporal classification" (ICML
    2006), section 3.2, "best path decoding".

    >>> greedy([[[0.0, 3.0], [0.0, 2.0], [4.0, 0.0], [1.0, 2.0]]])  # 1 1 0 1
    [[1, 1]]
    """
    scores, lengths = _given(scores, lengths, blank)
    found = []
    for row, length in zip(scores.argmax(axis=2), lengths, strict=True):
        row = row[:length]
        changed = np.ones(length, bool)
        changed[1:] = row[1:] != row[:-1]
        found.append(row[changed & (row != blank)].tolist())
    return found


def prefix_beam_search(
    scores: Any,
    lengths: Any = None,
    *,
    width: int = 16,
    blank: int = 0,
    extension: Extension | None = None,
) -> list[list[Hypothesis]]:
    """The likeliest labels of each row, best first, each with all its alignments added up.

    From step to step the `width` likeliest beginnings are kept. `extension(labels, label)`, if any,
    is added to the logarithm of the probability whenever a label is put behind labels: what a
    language model says, with its weight, say.

    Raises `CircuitError` for scores or lengths of another shape, or a width below 1.
    Source: Hannun, Maas, Jurafsky, Ng, "First-pass large vocabulary continuous speech recognition
    using bi-directional recurrent DNNs" (2014).

    >>> scores = np.log([[[0.6, 0.4], [0.6, 0.4]]])
    >>> greedy(scores), prefix_beam_search(scores)[0][0].labels  # 0.36 against 0.64
    ([[]], (1,))
    """
    scores, lengths = _given(scores, lengths, blank)
    if width < 1:
        raise CircuitError(f"a beam needs a width of at least 1, got {width}")
    logs = log_softmax(scores, axis=2)
    return [
        _searched(row[:length], width, blank, extension)
        for row, length in zip(logs, lengths, strict=True)
    ]


def _searched(
    logs: np.ndarray, width: int, blank: int, extension: Extension | None
) -> list[Hypothesis]:
    """The best beginnings of one row, (steps, classes), after its last step."""
    # Of each beginning, log-probabilities of the alignments that end with a blank, and with its
    # last label: only behind a blank may the same label stand again.
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
    for step in logs:
        blanks: dict[tuple[int, ...], float] = defaultdict(lambda: -np.inf)
        names: dict[tuple[int, ...], float] = defaultdict(lambda: -np.inf)
        for labels, (ends_blank, ends_name) in beam.items():
            both = np.logaddexp(ends_blank, ends_name)
            blanks[labels] = np.logaddexp(blanks[labels], both + step[blank])
            last = labels[-1] if labels else None
            if last is not None:
                names[labels] = np.logaddexp(names[labels], ends_name + step[last])
            for label, own in enumerate(step):
                if label == blank:
                    continue
                before = ends_blank if label == last else both
                longer = (*labels, label)
                more = 0.0 if extension is None else extension(labels, label)
                names[longer] = np.logaddexp(names[longer], before + own + more)
        found = {x: (blanks[x], names[x]) for x in {**blanks, **names}}
        ranked = sorted(found, key=lambda x: (-np.logaddexp(*found[x]), x))
        beam = {x: found[x] for x in ranked[:width]}
    return [Hypothesis(x, float(np.logaddexp(*pair))) for x, pair in beam.items()]


def _given(scores: Any, lengths: Any, blank: int) -> tuple[np.ndarray, np.ndarray]:
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 3:
        raise CircuitError(f"scores are (rows, steps, classes), got shape {scores.shape}")
    if not 0 <= blank < scores.shape[2]:
        raise CircuitError(f"the blank, class {blank}, is none of {scores.shape[2]} classes")
    return scores, _lengths(lengths, scores.shape[0], scores.shape[1])


def _lengths(lengths: Any, rows: int, steps: int) -> np.ndarray:
    if lengths is None:
        return np.full(rows, steps)
    array = np.asarray(lengths)
    if array.shape != (rows,) or ((array < 0) | (array > steps) | (array % 1 != 0)).any():
        raise CircuitError(
            f"lengths are {rows} whole numbers from 0 to {steps}, one a row; got {lengths!r}"
        )
    return array.astype(np.int64)


# How far from right ------------------------------------------------------------------------------


def edit_distance(found: Sequence[Any], wanted: Sequence[Any]) -> int:
    """The least number of insertions, deletions and replacements that make one of the other.

    Source: Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals"
    (1966).

    >>> edit_distance("sitting", "kitten")
    3
    """
    distances = list(range(len(wanted) + 1))
    for i, a in enumerate(found, start=1):
        diagonal, distances[0] = distances[0], i
        for j, b in enumerate(wanted, start=1):
            replaced = diagonal + (a != b)
            diagonal = distances[j]
            distances[j] = min(replaced, diagonal + 1, distances[j - 1] + 1)
    return distances[-1]


def label_error_rate(found: Sequence[Sequence[Any]], wanted: Sequence[Sequence[Any]]) -> float:
    """The edit distances of all rows, added up, for each label wanted: 0 where all are right.

    With words as labels it is the word error rate. It can be above 1.
    Raises `CircuitError` where there are not as many rows, or no label is wanted at all.

    >>> label_error_rate([[1, 2], []], [[1, 3], [2, 2]])
    0.75
    """
    if len(found) != len(wanted):
        raise CircuitError(f"{len(found)} rows were found, and {len(wanted)} are wanted")
    count = sum(len(row) for row in wanted)
    if not count:
        raise CircuitError("no row wants a label, so there is no rate; count the labels found")
    return sum(edit_distance(a, b) for a, b in zip(found, wanted, strict=True)) / count


# Tags of chains ----------------------------------------------------------------------------------


def viterbi(scores: Any, lengths: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """The best tagging of each row, (rows, steps), -1 behind its end; and its score, (rows,).

    Shapes: scores (rows, steps + 1, tags, tags), as the layer `CRF` makes them. Of taggings that
    tie, that of the lowest tags from the end on.
    Raises `CircuitError` for scores or lengths of another shape, or a length of 0.
    Source: Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding
    algorithm" (1967).

    >>> scores = np.zeros((1, 3, 2, 2))
    >>> scores[0, 0, :, 1] = 2.0  # at step 0, tag 1
    >>> scores[0, 1, 1, 0] = 1.0  # behind tag 1, tag 0
    >>> tags, best = viterbi(scores)
    >>> tags.tolist(), best.tolist()
    ([[1, 0]], [3.0])
    """
    scores = np.asarray(scores)
    refuse_no_chain(scores.shape)
    rows, steps = scores.shape[0], scores.shape[1] - 1
    lengths = _lengths(lengths, rows, steps)
    if (lengths == 0).any():
        raise CircuitError(f"row {lengths.argmin()} has no steps; drop it")
    so_far = scores[:, 0, 0, :]
    origins = np.empty((steps, rows, scores.shape[2]), np.int64)
    for t in range(1, steps):
        paths = so_far[:, :, None] + scores[:, t]
        origins[t] = paths.argmax(axis=1)
        so_far = np.where((lengths > t)[:, None], paths.max(axis=1), so_far)
    ended = so_far + scores[:, steps, :, 0]
    tag, every = ended.argmax(axis=1), np.arange(rows)
    tags = np.full((rows, steps), -1)
    for t in range(steps - 1, -1, -1):
        here = lengths > t
        tags[here, t] = tag[here]
        if t:
            tag = np.where(here, origins[t][every, tag], tag)
    return tags, ended.max(axis=1)


def best_through(scores: Any, lengths: Any = None) -> np.ndarray:
    """The score of the best tagging that has each tag at each step, (rows, steps, tags).

    Its maximum over tags is the score of the best tagging of all, at every step; the next best says
    what another tag would cost there. -inf behind a row's end. Shapes as of `viterbi`.

    Raises `CircuitError` for scores or lengths of another shape.
    Source: Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding
    algorithm" (1967), from both ends.

    >>> scores = np.zeros((1, 3, 2, 2))
    >>> scores[0, 0, :, 1] = 2.0  # at step 0, tag 1
    >>> scores[0, 1, 1, 0] = 1.0  # behind tag 1, tag 0
    >>> best_through(scores)
    array([[[0., 3.],
            [3., 2.]]])
    """
    scores = np.asarray(scores, np.float64)
    refuse_no_chain(scores.shape)
    rows, steps, tags = scores.shape[0], scores.shape[1] - 1, scores.shape[2]
    lengths = _lengths(lengths, rows, steps)
    found = np.full((rows, steps, tags), -np.inf)
    for through, links, length in zip(found, scores, lengths, strict=True):
        if not length:
            continue
        through[0] = links[0, 0]
        for t in range(1, length):
            through[t] = (through[t - 1, :, None] + links[t]).max(axis=0)
        behind = links[steps, :, 0]
        for t in range(length - 1, -1, -1):
            through[t] += behind
            behind = (links[t] + behind).max(axis=1)
    return found
