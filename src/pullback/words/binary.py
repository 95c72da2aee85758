"""In: a file in word2vec's binary format. Out: its words and numbers, batch by batch; and back.

After the line "V D" stands, for each word: the word, a space, D numbers as float32 with the lowest
byte first, and from some programs a line end.

Source: the programs of Mikolov and others that came with "Efficient estimation of word
representations in vector space" (2013).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np

from pullback.core.errors import CircuitError
from pullback.words.rows import Batch

_CHUNK = 1 << 20  # bytes that are read at once
_LONGEST = 1 << 16  # bytes of a word
_NUMBER = np.dtype("<f4")


def batches(file: IO[bytes], count: int, dimensions: int) -> Iterator[Batch]:
    """The words and numbers that follow the first line.

    Raises `CircuitError` where there are fewer than `count`, or more.
    """
    held, found = b"", 0
    while found < count:
        more = file.read(_CHUNK)
        held += more
        words, numbers, used = _whole(held, count - found, dimensions)
        held = held[used:]
        found += len(words)
        if words:
            yield words, numbers
        elif not more:
            raise CircuitError(f"it ends after {found:,} of the {count:,} words that it announces")
        elif b" " not in held[:_LONGEST] and len(held) >= _LONGEST:
            raise CircuitError(f"what should be word {found + 1:,} has no end")
    if (held + file.read(_LONGEST)).strip():
        raise CircuitError(f"it announces {count:,} words, and after them more follows")


def _whole(held: bytes, most: int, dimensions: int) -> tuple[list[bytes], np.ndarray, int]:
    """The words that are there with all their numbers, and how many bytes they take."""
    size = dimensions * _NUMBER.itemsize
    words, rows, at = [], [], 0
    while len(words) < most:
        space = held.find(b" ", at, at + _LONGEST)
        if space < 0 or space + 1 + size > len(held):
            break
        words.append(held[at:space].lstrip(b"\n"))
        rows.append(np.frombuffer(held, _NUMBER, dimensions, space + 1))
        at = space + 1 + size
    return words, np.stack(rows) if rows else np.empty((0, dimensions), np.float32), at


def write(file: IO[bytes], words: Sequence[str], matrix: np.ndarray) -> Iterator[int]:
    """Write all of it; gives the number of words of each part that is written."""
    file.write(b"%d %d\n" % matrix.shape)
    for start in range(0, len(words), 1024):
        block = matrix[start : start + 1024].astype(_NUMBER)
        part = words[start : start + 1024]
        for word, row in zip(part, block, strict=True):
            file.write(word.encode() + b" " + row.tobytes())
        yield len(part)
