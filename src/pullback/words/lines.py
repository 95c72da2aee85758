"""In: a file of word vectors as text. Out: its words and numbers, batch by batch; and back.

Each line is a word and D numbers between single spaces. In word2vec's and fastText's files a line
"V D" stands before them, in GloVe's none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from statistics import mode
from typing import IO

import numpy as np

from pullback.core.errors import CircuitError
from pullback.files.words import text_of
from pullback.words.rows import Batch

_BATCH = 1 << 18  # numbers that are read together
_LONGEST = 1 << 22  # bytes of a line
_LOOKED_AT = 100  # lines of a file without a first line, which tell D


def batches(file: IO[bytes], count: int | None, dimensions: int) -> Iterator[Batch]:
    """The words and numbers of the lines from here on; `count` is how many there should be.

    A word may have spaces in it: the last D parts of a line are its numbers.

    Raises `CircuitError`, with the number of the line, where a line has too few numbers or what is
    none, and where there are fewer or more lines than `count`.
    """
    numbered = enumerate(_lines(file), 1 if count is None else 2)
    written = ((k, line) for k, line in numbered if line)
    found = 0
    while part := list(islice(written, max(1, _BATCH // dimensions))):
        found += len(part)
        if count is not None and found > count:
            raise CircuitError(f"it announces {count:,} words, and after them more follows")
        pairs = [_parted(k, line, dimensions) for k, line in part]
        yield [word for word, _ in pairs], _numbers(part, [rest for _, rest in pairs], dimensions)
    if count is not None and found < count:
        raise CircuitError(f"it ends after {found:,} of the {count:,} words that it announces")


def dimensions_of(file: IO[bytes]) -> int:
    """D of a file that does not tell it, from its first lines.

    Raises `CircuitError` where they are no words and numbers.
    """
    lines = [line for line in islice(_lines(file), _LOOKED_AT) if line]
    file.seek(0)
    usual = mode(sorted(line.count(b" ") for line in lines)) if lines else 0
    if usual < 1 or not are_numbers(lines[0].rsplit(b" ", usual)[1:]):
        raise CircuitError(
            "it begins neither with how many words and dimensions it has, nor with a word and its "
            "numbers"
        )
    return usual


def is_row(start: bytes, dimensions: int = 1, whole: bool = True) -> bool:
    """Whether bytes begin with a line of a word and so many written numbers.

    Where the line goes on beyond the bytes, which are not the `whole`, those that are there count.
    """
    line, end, _ = start.partition(b"\n")
    fields = line.rstrip().split(b" ")[1:]
    if not end and not whole:
        return len(fields) > 1 and are_numbers(fields[-dimensions - 1 : -1])
    return len(fields) >= dimensions and are_numbers(fields[-dimensions:])


def are_numbers(fields: Sequence[bytes]) -> bool:
    """Whether all of these are written numbers."""
    try:
        list(map(float, fields))
    except ValueError:
        return False
    return True


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines without their ends, and without the space that fastText leaves there."""
    while line := file.readline(_LONGEST):
        if len(line) == _LONGEST and not line.endswith(b"\n"):
            raise CircuitError(f"it has a line of more than {_LONGEST:,} bytes")
        yield line.rstrip(b" \t\r\n")


def _parted(number: int, line: bytes, dimensions: int) -> tuple[bytes, bytes]:
    """The word of a line, and all its numbers."""
    word, _, rest = line.partition(b" ")
    if rest.count(b" ") == dimensions - 1:
        return word, rest
    parts = line.rsplit(b" ", dimensions)
    if len(parts) <= dimensions:
        there = f"{len(parts) - 1} of the {dimensions} numbers"
        raise CircuitError(f"line {number:,} has {there}: {_brief(line)}")
    return parts[0], line[len(parts[0]) + 1 :]


def _numbers(part: Sequence[tuple[int, bytes]], texts: list[bytes], dimensions: int) -> np.ndarray:
    """The numbers (n, D) of the lines of a part."""
    try:
        numbers = np.fromstring(b" ".join(texts), np.float32, sep=" ")
    except ValueError:
        numbers = np.empty(0, np.float32)
    if len(numbers) == len(texts) * dimensions:
        return numbers.reshape(-1, dimensions)
    for (number, _), text in zip(part, texts, strict=True):
        fields = text.split(b" ")
        if not are_numbers(fields):
            worst = next(x for x in fields if not are_numbers([x]))
            raise CircuitError(f"line {number:,} has {_brief(worst)} where a number should be")
    raise CircuitError(f"the numbers from line {part[0][0]:,} on cannot be read")


def _brief(line: bytes) -> str:
    """The beginning of a line, to be printed."""
    text = text_of(line[:40].decode("utf-8", "surrogateescape"))
    return repr(text if len(line) <= 40 else f"{text}…")


def write(file: IO[bytes], words: Sequence[str], matrix: np.ndarray) -> Iterator[int]:
    """Write all of it, with a first line; gives the number of words of each part that is written.

    Numbers are written in as few digits as tell them from all other float32.
    """
    file.write(b"%d %d\n" % matrix.shape)
    for start in range(0, len(words), 256):
        part = words[start : start + 256]
        rows = (
            f"{word} {' '.join(map(str, row))}\n"
            for word, row in zip(part, matrix[start : start + 256], strict=True)
        )
        file.write("".join(rows).encode())
        yield len(part)
