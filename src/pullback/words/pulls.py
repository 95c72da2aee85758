"""In: what training added up of a watched word. Out: which words moved it where, and how far.

A word's vector moves by minus the rate times the gradient of the loss: a sum over words that stood
near it, each of which pulls it towards its own output vector, and over noise, which pushes it away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gradient import gradient
from pullback.core.shown import Shown, Table
from pullback.core.text import number
from pullback.core.unit import Unit
from pullback.gates.elementary import softplus
from pullback.gates.linear import matmul
from pullback.inspect.arguments import at_least_one
from pullback.words.corpus import corpus_of
from pullback.words.step import Step
from pullback.words.vectors import WordVectors
from pullback.words.vocabulary import Vocabulary


@dataclass(frozen=True)
class Pull:
    """How far a word moved a watched one: by `distance` along `direction` (D,), in so many pairs.

    All its moves are added up: those back and forth cancel.
    """

    word: str
    distance: float
    direction: np.ndarray = field(repr=False)
    pairs: int


_PRINTED = 10  # pulls of each kind


@dataclass(frozen=True, repr=False)
class Pulls(Shown):
    """What moved the vector of a word, the farthest first.

    `attracted` by words that stood near it, `pushed` by noise. The moves of all are together
    how far the vector came, `total` (D,). Printed are the ten strongest of both.

    >>> cup, coal = Pull("cup", 2.0, np.array([1.0, 0.0]), 9), Pull("coal", 1.0, np.ones(2), 5)
    >>> print(Pulls("tea", (cup,), (coal,)))
    what moved 'tea', by 3.162 in all
    attracted by  distance  pairs  pushed by  distance  pairs
    cup                  2      9  coal              1      5
    """

    word: str
    attracted: tuple[Pull, ...]
    pushed: tuple[Pull, ...]

    @property
    def total(self) -> np.ndarray:
        """From the first vector to the last (D,)."""
        some = [*self.attracted, *self.pushed]
        return np.sum([pull.distance * pull.direction for pull in some], axis=0)

    def _says(self) -> Iterator[str | Table]:
        kinds = [
            [_cells(pull) for pull in some[:_PRINTED]] for some in (self.attracted, self.pushed)
        ]
        nothing = ("", "", "")
        rows = [(*near, *noise) for near, noise in zip_longest(*kinds, fillvalue=nothing)]
        came = number(float(np.linalg.norm(self.total)))
        yield f"what moved {self.word!r}, by {came} in all"
        head = ("attracted by", "distance", "pairs", "pushed by", "distance", "pairs")
        yield Table(head, rows, right=(1, 2, 4, 5))
        more = [max(0, len(some) - _PRINTED) for some in (self.attracted, self.pushed)]
        if any(more):
            yield f"and {more[0]:,} more that attracted it, {more[1]:,} that pushed it"


def _cells(pull: Pull) -> tuple[str, str, str]:
    return pull.word, number(pull.distance), f"{pull.pairs:,}"


def pulls_of(word: str, step: Step, vocabulary: Vocabulary) -> Pulls:
    """The pulls on a watched word, from a step that has run."""
    near, far = (
        _sorted(vocabulary.words, np.asarray(moved.by.value), np.asarray(moved.pairs.value))
        for moved in step.moved[word]
    )
    return Pulls(word, near, far)


def pulls(
    vectors: WordVectors, corpus: Any, word: str, *, window: int = 5, negatives: int = 5
) -> Pulls:
    """What pulls a word now, where nobody watched: a pass of skip-gram at these vectors, at rate 1.

    For n(c) pairs of the word with c, as windows of 1 to `window` words make them in the mean, and
    noise by counts to the power of 3/4, of which each pair has so many `negatives`:
    n(c) (1 - sigmoid(h . u_c)) u_c attracts, and -negatives N p(z) sigmoid(h . u_z) u_z pushes,
    where N are all pairs. No frequent word is dropped.

    Raises `CircuitError` for a corpus that is none, a word without a row, and for vectors without
    output vectors or counts.

    >>> from pullback.words import Word2Vec
    >>> text = [["tea", "cup"], ["tea", "pot"], ["coal", "fire"]] * 20
    >>> vectors = Word2Vec(8, min_count=1, sample=0, engine="eager").fit(text)
    >>> sorted(pull.word for pull in pulls(vectors, text, "tea").attracted)
    ['cup', 'pot']
    """
    at_least_one(window=window, negatives=negatives)
    row = vectors.row(word)
    if row is None:
        raise CircuitError(f"{word!r} has no vector of its own, so nothing pulls it")
    if vectors.context is None or vectors.counts is None:
        raise CircuitError(
            "what pulls a word is told by the output vectors and the counts of words, which these "
            "vectors lack: train them by negative sampling, and save them as .safetensors"
        )
    near = _neighbours(vectors, corpus, word, window)
    noise = Vocabulary(vectors.words, vectors.counts).noise()
    far = negatives * noise * (near.sum() - near)  # no pair is compared with its own word
    outputs = vectors.context.astype(float)
    scores = matmul(outputs, Unit(vectors.matrix[row].astype(float), word))

    def moved(times: np.ndarray, losses: Unit) -> tuple[Pull, ...]:
        force = np.asarray(gradient((times * losses).sum(), scores, -1.0).value)
        return _sorted(vectors.words, force[:, None] * outputs, times)

    return Pulls(word, moved(near, softplus(-scores)), moved(far, softplus(scores)))


def _neighbours(vectors: WordVectors, corpus: Any, word: str, window: int) -> np.ndarray:
    """In how many windows of a word each word stands, in the mean (V,)."""
    found = np.zeros(len(vectors))
    for sentence in corpus_of(corpus):
        rows = [row for row in map(vectors.row, sentence) if row is not None]
        for at in (k for k, row in enumerate(rows) if vectors.words[row] == word):
            for k in range(1, window + 1):
                for place in (at - k, at + k):
                    if 0 <= place < len(rows):
                        found[rows[place]] += (window + 1 - k) / window
    return found


def _sorted(words: tuple[str, ...], by: np.ndarray, pairs: np.ndarray) -> tuple[Pull, ...]:
    """Moves (V, D) in so many pairs (V,) as pulls, the farthest first."""
    by = by.astype(float)
    lengths = np.linalg.norm(by, axis=1)
    rows = np.flatnonzero(pairs)
    return tuple(
        Pull(
            words[k], float(lengths[k]), by[k] / (lengths[k] or 1.0), max(1, round(float(pairs[k])))
        )
        for k in rows[np.argsort(-lengths[rows], kind="stable")]
    )
