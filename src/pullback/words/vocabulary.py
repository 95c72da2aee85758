"""In: a corpus. Out: its words and how often each stands there, and the corpus as numbers.

It is read once. Words get numbers as they are first seen, and these are kept; when all has been
counted, they are mapped to rows of the vocabulary, where the most frequent word comes first.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.progress import working
from pullback.words.corpus import Sentences, corpus_of, words_of
from pullback.words.numbers import Numbers

END = -1  # of a sentence, among the numbers of words
UNKNOWN = -2  # a word that the vocabulary lacks
_TOLD = 1 << 16  # words after which numbers are put away, and progress is shown
_POWER = 0.75  # of counts, by which noise is drawn


@dataclass(frozen=True)
class Vocabulary:
    """Words, the most frequent first, and how often each stands in the corpus, (V,) of int64.

    >>> words = Vocabulary(("a", "b"), np.array([9, 1]))
    >>> words.keep(sample=0.1).round(3).tolist()
    [0.444, 1.0]
    >>> words.noise().round(3).tolist()
    [0.839, 0.161]
    """

    words: tuple[str, ...]
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.words)

    def keep(self, sample: float) -> np.ndarray:
        """The chance (V,) that a word which stands somewhere is kept, min(1, sqrt(s/f) + s/f).

        f is its share of all words and s is `sample`; 0 keeps all. It is word2vec's own formula;
        that of the paper is 1 - sqrt(s/f), of what is dropped. Source: Mikolov and others,
        "Distributed representations of words and phrases and their compositionality" (NIPS 2013).
        """
        if not sample:
            return np.ones(len(self))
        share = np.maximum(self.counts, 1) / self.counts.sum()
        return np.minimum(1.0, np.sqrt(sample / share) + sample / share)

    def noise(self) -> np.ndarray:
        """The chance (V,) that a word is drawn as noise: by its count to the power of 3/4."""
        powers = self.counts.astype(float) ** _POWER
        return powers / powers.sum()


@dataclass(frozen=True)
class Encoded:
    """A corpus as numbers: the vocabulary, all that was read, and the row of each word in it.

    `read` counts all words of the corpus, `known` those of the vocabulary.
    """

    vocabulary: Vocabulary
    numbers: Numbers
    rows: np.ndarray  # of each number: END behind the last one, so that rows[END] is END
    read: int
    known: int

    def pieces(self, size: int) -> Iterator[np.ndarray]:
        """The rows of all words by pieces, END at the end of each sentence, UNKNOWN for others."""
        for piece in self.numbers.pieces(size):
            yield self.rows[piece]

    def longest(self) -> int:
        """How many words of the vocabulary stand in one sentence, at most."""
        most = before = 0  # words of a sentence that began in the pieces before
        for piece in self.pieces(_TOLD):
            rows = piece[piece != UNKNOWN]
            ends = np.flatnonzero(rows == END)
            most = max(most, int(np.diff(ends, prepend=-1 - before).max(initial=1)) - 1)
            before = len(rows) - 1 - int(ends[-1]) if ends.size else before + len(rows)
        return most

    def sentences(self, size: int) -> Iterator[np.ndarray]:
        """The same by pieces that end with a sentence, but where one is longer than a piece."""
        held = np.zeros(0, np.int64)
        for piece in self.pieces(size):
            ends = np.flatnonzero(piece == END)
            cut = int(ends[-1]) + 1 if ends.size else len(piece)
            yield np.concatenate([held, piece[:cut]])
            held = piece[cut:]


class _Seen(dict[str, int]):
    """A number for each word, given as it is first asked for."""

    def __missing__(self, word: str) -> int:
        if not isinstance(word, str) or not word:
            raise CircuitError(f"words are texts of one character at least, got {word!r:.40}")
        number = self[word] = len(self)
        return number


def encode(
    corpus: Any,
    *,
    min_count: int = 5,
    max_words: int | None = None,
    also: Sequence[str] = (),
    progress: bool | None = None,
) -> Encoded:
    """The vocabulary of a corpus, of words that stand there `min_count` times, and its numbers.

    `max_words` is how many of them are kept, the most frequent. The words `also` are part of it,
    whether they stand in the corpus or not.

    Raises `CircuitError` for what is no corpus, see `corpus_of`; for sentences that are texts and
    words that are none; where the corpus is empty, and where no word is frequent enough.

    >>> found = encode([["a", "b", "a"], ["a", "c"]], min_count=1)
    >>> found.vocabulary.words, next(found.pieces(10)).tolist()
    (('a', 'b', 'c'), [0, 1, 0, -1, 0, 2, -1])
    """
    sentences = corpus_of(corpus)
    seen, numbers = _Seen(), Numbers()
    counts = np.zeros(0, np.int64)
    read = 0
    with working("words read", None, progress) as line:
        for some in _blocks(sentences, seen):
            numbers.append(some)
            words = some[some != END]
            found = np.bincount(words, minlength=max(len(seen), len(counts)))
            found[: len(counts)] += counts
            counts = found
            read += len(words)
            line.advance(len(words))
    if not read:
        raise CircuitError("the corpus is empty: it has no words")
    vocabulary, rows = _chosen(list(seen), counts, min_count, max_words, also)
    return Encoded(vocabulary, numbers, rows, read, int(vocabulary.counts.sum()))


def _blocks(sentences: Sentences, seen: _Seen) -> Iterator[np.ndarray]:
    """The numbers of all words, with END behind each sentence, some sentences at a time."""
    held: list[int] = []
    for number, sentence in enumerate(sentences):
        words = words_of(sentence, number)
        try:
            held += map(seen.__getitem__, words)
        except TypeError as error:  # of a word that is a list, or of the sentence itself
            raise CircuitError(
                f"sentence {number} of the corpus must be a list of words, got "
                f"{type(sentence).__name__} {sentence!r:.60}: {error}"
            ) from error
        except CircuitError as error:
            raise CircuitError(f"sentence {number} of the corpus: {error}") from None
        held.append(END)
        if len(held) >= _TOLD:
            yield np.array(held, np.int64)
            held = []
    yield np.array(held, np.int64)


def _chosen(
    words: list[str],
    counts: np.ndarray,
    min_count: int,
    max_words: int | None,
    also: Sequence[str],
) -> tuple[Vocabulary, np.ndarray]:
    """The words that are kept, and the row of each that was seen; END stands behind them."""
    there = dict(zip(words, itertools.count()))
    given = np.array([there[word] for word in also if word in there], np.int64)
    frequent = counts >= min_count
    if not frequent.any() and not given.size:
        most = int(counts.max())
        raise CircuitError(
            f"no word stands in the corpus {counted(min_count, 'time')}: the most frequent, "
            f"{words[int(counts.argmax())]!r:.60}, stands there {counted(most, 'time')}; "
            f"min_count={most} would keep {counted(int((counts >= most).sum()), 'word')}"
        )
    kept = sorted(np.flatnonzero(frequent).tolist(), key=lambda k: (-counts[k], words[k]))
    kept = sorted({*kept[:max_words], *given.tolist()}, key=lambda k: (-counts[k], words[k]))
    rows = np.full(len(words) + 1, UNKNOWN, np.int64)
    rows[kept], rows[END] = np.arange(len(kept)), END
    unseen = [word for word in also if word not in there]
    names = (*(words[k] for k in kept), *unseen)
    return Vocabulary(names, np.append(counts[kept], np.zeros(len(unseen), np.int64))), rows
