"""In: what a person gives to make word vectors of, or to ask of them. Out: the same, checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted

_BLOCK = 1 << 18  # numbers of a matrix that are looked at together
_LARGEST = 1e15  # of a number, so that no square of a length leaves what float32 can hold


def checked_words(words: Sequence[str]) -> tuple[str, ...]:
    words = tuple(words)
    for word in words:
        if not isinstance(word, str) or not word:
            raise CircuitError(f"words are texts of at least one letter, got {word!r:.60}")
    return tuple(map(str, words))  # NumPy's texts are printed otherwise


def checked_matrix(name: str, given: Any, count: int) -> np.ndarray:
    """The matrix in float32 and read-only, of a row for each word."""
    try:
        matrix = np.asarray(given, np.float32)
    except (TypeError, ValueError, OverflowError):
        raise CircuitError(f"{name} is a matrix of numbers, got {type(given).__name__}") from None
    if matrix.ndim != 2 or len(matrix) != count or not matrix.shape[1]:
        raise CircuitError(
            f"{name} has a row for each of {counted(count, 'word')}, got shape {matrix.shape}"
        )
    for rows in blocks(matrix):
        fine = np.abs(matrix[rows]) < _LARGEST  # nan is not
        if not fine.all():
            row = rows.start + int(np.flatnonzero(~fine.all(axis=1))[0])
            worst = matrix[row][~fine[row - rows.start]][0]
            raise CircuitError(f"row {row} of {name} holds {worst:g}, which no word vector can")
    matrix = matrix.view()
    matrix.flags.writeable = False
    return matrix


def blocks(matrix: np.ndarray) -> Iterator[slice]:
    """The rows of a matrix by blocks, so that what is computed of one takes little room.

    >>> list(blocks(np.zeros((300_000, 1))))
    [slice(0, 262144, None), slice(262144, 300000, None)]
    """
    step = max(1, _BLOCK // matrix.shape[1])
    for start in range(0, len(matrix), step):
        yield slice(start, min(start + step, len(matrix)))


def checked_counts(given: Any, count: int) -> np.ndarray:
    counts = np.asarray(given)
    if counts.shape != (count,) or counts.dtype.kind not in "iu" or (counts < 0).any():
        raise CircuitError(
            f"counts are {counted(count, 'whole number')} of at least 0, one for each word, got "
            f"{counts.dtype} of shape {counts.shape}"
        )
    return counts.astype(np.int64, copy=False)


def refuse_count(name: str, count: Any) -> None:
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
        raise CircuitError(f"{name} is a whole number of at least 0, got {count!r:.60}")


def first_twice(words: Sequence[str]) -> str:
    seen: set[str] = set()
    return next(word for word in words if word in seen or seen.add(word))
