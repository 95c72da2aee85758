"""In: a function that scores what follows a prefix. Out: the likeliest sequences of a beam."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.values import plain_array
from pullback.gates.reduction import log_softmax
from pullback.inspect.arguments import at_least_one, not_negative


@dataclass(frozen=True)
class Found:
    """A sequence of numbers, without the prefix that it began from; `ended` by the end symbol.

    `log_probability` is the sum over its steps, and `score` that divided as the length asks for.
    """

    numbers: tuple[int, ...]
    log_probability: float
    score: float
    ended: bool


def beam_search(
    scores: Callable[[np.ndarray], Any],
    start: Any = (),
    *,
    width: int = 4,
    longest: int = 100,
    end: int | None = None,
    length_power: float = 0.0,
) -> list[Found]:
    """The `width` best sequences that a beam of so many prefixes finds, the best first.

    `scores` is a function of prefixes (n, steps), whole numbers, all of one length, to scores
    (n, classes) of what follows each, of which the log-softmax is taken: of a `StepModel`, `lambda
    prefixes: model.step(prefixes, model.start(len(prefixes)))[0]`. A sequence ends with the
    number `end`, which it holds, or is `longest` numbers long. Its score is

        sum of log P(number | numbers before) / length ** length_power

    so that 0 prefers short sequences, and 1 is the mean. A beam keeps the likeliest prefixes alone:
    it finds the best sequence for certain where `width` is no less than the prefixes there are.

    Raises `CircuitError` for arguments that are not what they should be, and for scores that are
    nan or of another shape.
    Source: Lowerre, "The Harpy speech recognition system" (1976); Wu and others, "Google's neural
    machine translation system" (2016), section 7, for the length.

    >>> found = beam_search(lambda prefixes: np.log([[0.6, 0.4]] * len(prefixes)), longest=2)
    >>> found[0].numbers, round(float(np.exp(found[0].log_probability)), 2)
    ((0, 0), 0.36)
    """
    at_least_one(width=width, longest=longest)
    not_negative(length_power=length_power)
    first = plain_array(start, "the start")
    if first.ndim != 1 or (first.size and first.dtype.kind not in "iu"):
        raise CircuitError("a start is whole numbers in one row, such as a prompt's")
    live = first.astype(np.int64)[None]
    totals = np.zeros(1)
    done: list[Found] = []
    for length in range(1, longest + 1):
        sums = totals[:, None] + _log_probabilities(scores(live), len(live))
        classes = sums.shape[1]
        if end is not None and not 0 <= end < classes:
            raise CircuitError(f"the end is a class from 0 to {classes - 1}, got {end}")
        flat = sums.ravel()
        ranked = np.argsort(-flat, kind="stable")
        ranked = ranked[np.isfinite(flat[ranked])]
        which, number = np.divmod(ranked, classes)
        ends = number == end if length < longest else np.ones(len(number), bool)
        for k in np.flatnonzero(ends)[:width]:
            numbers = (*live[which[k], len(first) :].tolist(), int(number[k]))
            total = float(flat[ranked[k]])
            ended = end is not None and int(number[k]) == end
            done.append(Found(numbers, total, total / length**length_power, ended))
        done = sorted(done, key=lambda found: -found.score)[:width]
        on = np.flatnonzero(~ends)[:width]
        live = np.concatenate([live[which[on]], number[on, None]], axis=1)
        totals = flat[ranked[on]]
        if not on.size or (
            len(done) == width and done[-1].score >= totals[0] / longest**length_power
        ):  # what is left can only become less likely
            break
    return done


def _log_probabilities(scores: Any, rows: int) -> np.ndarray:
    array = plain_array(scores, "scores")
    if array.ndim != 2 or len(array) != rows or not array.shape[1] or array.dtype.kind not in "fiu":
        raise CircuitError(
            f"scores of {rows} prefixes have the shape ({rows}, classes), got {array.shape}"
        )
    array = array.astype(np.float64)
    if not np.isfinite(array.max(axis=1)).all():
        raise CircuitError("scores hold nan or infinity, or are all -infinity: nothing follows")
    return log_softmax(array, axis=1)
