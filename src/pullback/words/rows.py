"""In: words and numbers of a file, batch by batch. Out: a matrix that never was larger than needed.

No size that a file claims is believed: the matrix grows as rows come, up to what is claimed.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.words import listed, text_of

Batch = tuple[list[bytes], np.ndarray]
"""Words as bytes, and their numbers (n, D)."""
_FIRST = 1 << 20  # numbers that are made room for at first


@dataclass
class Rows:
    """The words that came so far, and their rows; of a word that comes twice, the first."""

    path: str
    dimensions: int
    most: int  # rows at most, as the file claims and the caller wants
    words: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _twice: list[str] = field(default_factory=list)
    _foreign: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        first = min(self.most, max(1, _FIRST // self.dimensions))
        self._matrix = np.empty((first, self.dimensions), np.float32)

    @property
    def read(self) -> int:
        """How many rows came, those of words that came twice among them."""
        return len(self.words) + len(self._twice)

    def take(self, batch: Batch) -> None:
        """Keep the rows of a batch."""
        words, numbers = batch
        kept = [k for k, word in enumerate(words) if self._new(word)]
        if len(kept) < len(words):
            numbers = numbers[kept]
        start, stop = len(self.words) - len(kept), len(self.words)
        if stop > len(self._matrix):
            room = min(self.most, max(stop, len(self._matrix) * 3 // 2))
            self._matrix.resize((room, self.dimensions), refcheck=False)  # mostly without a copy
        self._matrix[start:stop] = numbers

    def _new(self, given: bytes) -> bool:
        """Whether a word is new; it is one of the words from then on."""
        try:
            word = given.decode("utf-8")
        except UnicodeDecodeError:
            word = given.decode("utf-8", "backslashreplace")
            self._foreign.append(word)
        if not word:
            raise CircuitError(f"row {self.read + 1:,} has no word")
        if word in self._seen:
            self._twice.append(word)
            return False
        self._seen.add(word)
        self.words.append(word)
        return True

    def matrix(self) -> np.ndarray:
        """All rows (V, D)."""
        self._matrix.resize((len(self.words), self.dimensions), refcheck=False)
        return self._matrix

    def tell(self) -> None:
        """Say, as warnings, what was decided about words that are not as they should be."""
        name = text_of(self.path)
        if self._twice:
            words = counted(len(self._twice), "word")
            warnings.warn(
                f"{name} has {words} twice, of which the first row counts: {listed(self._twice)}",
                stacklevel=5,
            )
        if self._foreign:
            words = counted(len(self._foreign), "word")
            warnings.warn(
                f"{name} has {words} that are no UTF-8, whose bytes are written out: "
                f"{listed(self._foreign)}",
                stacklevel=5,
            )
