"""In: the scores of classes, step by step. Out: which class won from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from pullback.core.errors import CircuitError


class Heard(NamedTuple):
    """A label, and when it was heard, in seconds."""

    label: Any
    begin: float
    end: float


def heard_when(
    scores: Any, seconds: float, classes: Sequence[Any] | None = None, blank: int | None = None
) -> list[Heard]:
    """The classes of the highest score, and when: runs of steps in which the same one wins.

    scores (steps, classes), `seconds` the time from a step to the next, which is 0.010 for the
    frames of a `LogMel`. `classes` names the classes, by default their numbers; `blank` is the
    number of the class that means nothing was heard, which has no name where names are given for
    the others alone.

    Raises `CircuitError` for scores of another shape, or names that are too few.

    >>> scores = np.eye(3)[[2, 2, 0, 0, 0, 2, 1]]
    >>> heard_when(scores, 0.5, ["no", "yes"], blank=2)
    [Heard(label='no', begin=1.0, end=2.5), Heard(label='yes', begin=3.0, end=3.5)]
    """
    scores = np.asarray(scores)
    if scores.ndim != 2 or not scores.shape[1] or scores.dtype.kind not in "fiu":
        raise CircuitError(f"scores are numbers of shape (steps, classes), got {scores.shape}")
    names = class_names(classes, scores.shape[1], blank)
    best = scores.argmax(axis=1)
    edges = np.flatnonzero(np.diff(best, prepend=-1, append=-1))
    return [
        Heard(names[best[start]], float(start * seconds), float(end * seconds))
        for start, end in pairwise(edges)
        if best[start] != blank
    ]


def class_names(classes: Sequence[Any] | None, count: int, blank: int | None) -> list[Any]:
    """A name for each class: those given, or numbers; "blank" for one that has none.

    >>> class_names(["no", "yes"], 3, blank=0)
    ['blank', 'no', 'yes']
    """
    if classes is None:
        return list(range(count))
    names = list(classes)
    if blank is not None and len(names) == count - 1:
        names.insert(blank, "blank")
    if isinstance(classes, str) or len(names) != count:
        raise CircuitError(f"{count} classes need a name each, got {classes!r}")
    return names
