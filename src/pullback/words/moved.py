"""In: the pulls on a word in training. Out: how far and where each other word moved it, in all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pullback.words.pulls import Pull, Pulls


@dataclass(frozen=True)
class Moved:
    """How far and where a word moved another, `by` (D,): its attraction and its push, added up.

    It stood `near` the other in so many pairs of training, and was noise to it in so many.
    """

    word: str
    by: np.ndarray
    attracted: bool  # more than pushed
    near: int
    noise: int

    @property
    def distance(self) -> float:
        return float(np.linalg.norm(self.by))


def moved_by(pulls: Pulls) -> list[Moved]:
    """What is left of the pulls of each word on another, where attraction and push cancel.

    Frequent words are near a word and noise to it alike; those that are left in the end belong to
    it. The farthest comes first.
    """
    near = {pull.word: pull for pull in pulls.attracted}
    noise = {pull.word: pull for pull in pulls.pushed}
    nothing = Pull("", 0.0, np.zeros_like(pulls.total), 0)
    found = []
    for word in dict.fromkeys((*near, *noise)):
        a, b = near.get(word, nothing), noise.get(word, nothing)
        by = a.distance * a.direction + b.distance * b.direction
        found.append(Moved(word, by, a.distance >= b.distance, a.pairs, b.pairs))
    return sorted(found, key=lambda moved: -moved.distance)
