"""In: class numbers, and what was answered. Out: a warning where plain accuracy would lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_MOST = 0.8  # the share of one class from which on accuracy is mostly about that class
_NOISE = 2.0  # standard deviations


def misleading_accuracy(truth: np.ndarray, answers: np.ndarray, classes: Sequence[Any]) -> str:
    """What to know of the accuracy of these answers, as a sentence; "" where it speaks for itself.

    truth and answers (rows,) are numbers of `classes`. It does not where the accuracy is within
    chance of the share of the commonest class, which always answering that class would reach too,
    or where that share is 80% or more.

    >>> misleading_accuracy(np.array([0] * 97 + [1] * 3), np.zeros(100, int), ("well", "ill"))[:51]
    'accuracy says little: 97.0% of the rows are well, a'
    """
    if not len(truth):
        return ""
    counts = np.bincount(truth, minlength=len(classes))
    share = float(counts.max() / len(truth))
    accuracy = float((truth == answers).mean())
    commonest = classes[int(counts.argmax())]
    within = accuracy <= share + _NOISE * np.sqrt(share * (1.0 - share) / len(truth))
    if not within and share < _MOST:
        return ""
    words = f"accuracy says little: {share:.1%} of the rows are {commonest}"
    if within:
        words += f", and to answer so always is as right as {accuracy:.1%}, but for chance"
    return f"{words}; go by balanced accuracy and average precision"
