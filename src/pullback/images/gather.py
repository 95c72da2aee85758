"""In: many files. Out: their pictures in one array, read by several threads at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.progress import working
from pullback.files.threads import Broken, attempt, machine_memory
from pullback.images.reading import Head, checked_size, decoded, quiet, read_head

LARGEST_SIDE = 128  # of pictures whose size nobody told
_LARGE = 256  # pixels of the shorter side, from which on it is said that smaller ones would do
MOST_BYTES = 1 << 30  # of pictures that are kept in the size they all have


def survey(
    files: Sequence[Path], threads: int, progress: bool | None
) -> tuple[list[Head | None], Broken]:
    """What the beginning of each file tells, None where nothing, and why."""
    heads: list[Head | None] = [None] * len(files)

    def look(k: int) -> None:
        heads[k] = read_head(files[k])

    with quiet(), working("looking at pictures", len(files), progress) as line:
        return heads, attempt(look, len(files), threads, line.advance)


def gather(
    files: Sequence[Path],
    size: tuple[int, int],
    channels: int,
    how: str,
    threads: int,
    progress: bool | None,
) -> tuple[np.ndarray, Broken]:
    """The pictures in these files, zeros where one cannot be read, and why.

    Raises `CircuitError` where they do not fit into memory.
    """
    shape = (len(files), *size, channels)
    need, memory = int(np.prod(shape, dtype=np.int64)), machine_memory()
    if memory is not None and need > memory:
        raise CircuitError(
            f"{len(files):,} pictures of {size[0]}x{size[1]} take {need / 1e9:,.1f} GB of memory, "
            f"and there are {memory / 1e9:,.1f}: give a smaller size, or train on batches"
        )
    images = np.zeros(shape, np.uint8)

    def read(k: int) -> None:
        images[k] = decoded(files[k], channels, size, how)

    with quiet(), working("reading pictures", len(files), progress) as line:
        return images, attempt(read, len(files), threads, line.advance)


def choose_channels(heads: Sequence[Head], asked: int | None) -> tuple[int, list[str]]:
    """In how many channels to read, and what is to be said of it.

    >>> grey, colour = Head(8, 8, 1, False), Head(8, 8, 3, False)
    >>> choose_channels([grey, colour], None)[0], choose_channels([grey, grey], None)
    (3, (1, []))
    """
    grey = sum(head.channels == 1 for head in heads)
    if asked is not None or grey in (0, len(heads)):
        return asked or (1 if grey else 3), []
    return 3, [
        f"{counted(grey, 'picture')} of {len(heads):,} "
        f"{'is' if grey == 1 else 'are'} grey: all are read in colour; channels=1 reads all in grey"
    ]


def choose_size(
    heads: Sequence[Head], channels: int, asked: int | tuple[int, int] | None, how: str
) -> tuple[tuple[int, int], list[str]]:
    """In what size to read, and what is to be said of it.

    What all, or more than half of them, have, where that is small enough; else a square as wide as
    the median of their shorter sides, and no wider than 128: a multiple of 8, which pooling divides
    evenly.

    >>> choose_size([Head(28, 28, 1, False)] * 3, 1, None, "crop")
    ((28, 28), [])
    >>> choose_size([Head(480, 640, 3, False), Head(300, 200, 3, False)], 3, None, "crop")[0]
    (128, 128)
    """
    if asked is not None:
        return checked_size(asked, how), []
    sizes = Counter((head.height, head.width) for head in heads)
    (height, width), most = sizes.most_common(1)[0]
    small = height * width * channels * len(heads) <= MOST_BYTES
    if len(sizes) == 1 and small:
        large = [
            f"all pictures are {_text((height, width))} (height x width), and are learned from so; "
            f"size={LARGEST_SIDE} makes them smaller, and training far quicker"
        ]
        return (height, width), large if min(height, width) >= _LARGE else []
    if 2 * most > len(heads) and max(height, width) <= LARGEST_SIDE:
        why = f"as most of them are, {most:,} of {len(heads):,}"
    else:
        middle = int(np.median([min(head.height, head.width) for head in heads]))
        height = width = min(LARGEST_SIDE, middle if middle < 8 else middle // 8 * 8)
        why = f"the median of their shorter sides being {middle}"
    if len(sizes) == 1:
        had = f"all pictures are {_text(next(iter(sizes)))} (height x width), too much for memory"
    else:
        first, *_, last = sorted(sizes, key=lambda side: (side[0] * side[1], side))
        span = f"from {_text(first)} to {_text(last)} (height x width)"
        had = f"the pictures have {len(sizes)} sizes, {span}"
    done = "scaled until they fill it and cut" if how == "crop" else "stretched"
    return (height, width), [
        f"{had}: all are read as {_text((height, width))}, {why}, {done}; size= takes another"
    ]


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
