"""In: what training added up of a watched word. Out: which words moved it where, and how far.

A word's vector moves by minus the rate times the gradient of the loss: a sum over words that stood
near it, each of which pulls it towards its own output vector, and over noise, which pushes it away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pullback.words.step import Step
from pullback.words.vocabulary import Vocabulary


@dataclass(frozen=True)
class Pull:
    """How far a word moved a watched one: by `distance` along `direction` (D,), in so many pairs.

    All its moves added up: those back and forth cancel.
    """

    word: str
    distance: float
    direction: np.ndarray
    pairs: int


@dataclass(frozen=True)
class Pulls:
    """What moved the vector of a word, the farthest first.

    `attracted` by words that stood near it, `pushed` by noise. The moves of all are together
    how far the vector came, `total` (D,).
    """

    word: str
    attracted: tuple[Pull, ...]
    pushed: tuple[Pull, ...]

    @property
    def total(self) -> np.ndarray:
        """From the first vector to the last (D,)."""
        some = [*self.attracted, *self.pushed]
        return np.sum([pull.distance * pull.direction for pull in some], axis=0)


def pulls_of(word: str, step: Step, vocabulary: Vocabulary) -> Pulls:
    """The pulls on a watched word, from a step that has run."""
    kinds = []
    for moved in step.moved[word]:
        by, pairs = np.asarray(moved.by.value, np.float64), np.asarray(moved.pairs.value)
        lengths = np.linalg.norm(by, axis=1)
        rows = np.flatnonzero(pairs)
        kinds.append(
            tuple(
                Pull(
                    vocabulary.words[row],
                    float(lengths[row]),
                    by[row] / (lengths[row] or 1.0),
                    int(pairs[row]),
                )
                for row in rows[np.argsort(-lengths[rows], kind="stable")]
            )
        )
    return Pulls(word, *kinds)
