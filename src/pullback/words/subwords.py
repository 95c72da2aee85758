"""In: words. Out: the rows of their n-grams in a table, and vectors of words never seen.

Two n-grams that hash to the same bucket share a row. The hash is fastText's, so that a table that
was trained there means the same here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.inspect.arguments import at_least_one

BUCKETS = 1 << 18
_LONGEST = 50  # letters of a word that are looked at: all words get as much room as the longest


@dataclass(frozen=True)
class Subwords:
    """The n-grams of `<word>`, of `low` to `high` letters, in so many `buckets`.

    There are 262,144 buckets where nothing else is asked for; fastText has 2,000,000, of which a
    text of some million words fills few. `table` (buckets, D) has the vector of each once they are
    trained, zeros where no word has such an n-gram, and `vector` makes those of unseen words.

    Raises `CircuitError` for lengths or buckets below 1, or where `high` is below `low`.

    Source: Bojanowski, Grave, Joulin, Mikolov, "Enriching word vectors with subword information"
    (TACL 5, 2017).

    >>> Subwords(3, 4).ngrams("cat")
    ['<ca', '<cat', 'cat', 'cat>', 'at>']
    """

    low: int = 3
    high: int = 6
    buckets: int = BUCKETS
    table: np.ndarray | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        at_least_one(low=self.low, high=self.high, buckets=self.buckets)
        if self.high < self.low:
            raise CircuitError(
                f"n-grams have {self.low} letters at least and {self.high} at most: nothing is left"
            )
        if self.table is not None and (self.table.ndim != 2 or len(self.table) != self.buckets):
            raise CircuitError(
                f"the table of n-grams has a row for each of {counted(self.buckets, 'bucket')}, "
                f"got shape {self.table.shape}"
            )

    def ngrams(self, word: str) -> list[str]:
        """The n-grams of a word with its ends marked; a mark alone is none.

        Of a word of more than 50 letters, a web address say, they are those of the first 50.
        """
        marked = f"<{word}>" if len(word) <= _LONGEST else f"<{word[:_LONGEST]}"
        return [marked[a:b] for a, b in _spans(len(marked), self.low, self.high)]

    def rows(self, word: str) -> list[int]:
        """The bucket of each n-gram of a word."""
        return [_hash(ngram) % self.buckets for ngram in self.ngrams(word)]

    def vector(self, word: str) -> np.ndarray | None:
        """The mean of its n-grams' vectors (D,); None where none of them was trained."""
        rows = self.rows(word)
        if self.table is None or not rows:
            return None
        found = self.table[rows].mean(axis=0)
        return found if found.any() else None

    def parts(self, words: Sequence[str]) -> np.ndarray:
        """The rows that a word is the mean of, (V, n) of int64: its own, and those of its n-grams.

        Those of n-grams come behind the words' own; -1 fills up.
        """
        rows = [self.rows(word) for word in words]
        parts = np.full((len(words), 1 + max(map(len, rows), default=0)), -1)
        parts[:, 0] = np.arange(len(words))
        for k, some in enumerate(rows):
            parts[k, 1 : 1 + len(some)] = np.array(some, np.int64) + len(words)
        return parts


def _spans(length: int, low: int, high: int) -> list[tuple[int, int]]:
    """From where to where n-grams lie, as fastText goes through them."""
    return [
        (first, first + n)
        for first in range(length)
        for n in range(low, min(high, length - first) + 1)
        if n > 1 or 0 < first < length - 1
    ]


def _hash(text: str) -> int:
    """FNV-1a of 32 bits over UTF-8, whose bytes fastText takes for signed.

    Source: Fowler, Noll, Vo, "The FNV non-cryptographic hash algorithm" (draft-eastlake-fnv).

    >>> _hash("a")
    3826002220
    """
    found = 2166136261
    for byte in text.encode("utf-8", "surrogatepass"):
        found = ((found ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619) & 0xFFFFFFFF
    return found
