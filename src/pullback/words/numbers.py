"""In: whole numbers, as they come. Out: the same by pieces, as often as asked.

Up to 64 MB of them stay in memory; more lie in a file without a name, which ends with the process.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator

import numpy as np

_IN_MEMORY = 1 << 26  # bytes
_KIND = np.dtype(np.int32)


class Numbers:
    """A line of whole numbers (n,) that may be longer than memory.

    >>> numbers = Numbers()
    >>> numbers.append(np.arange(5))
    >>> [piece.tolist() for piece in numbers.pieces(3)]
    [[0, 1, 2], [3, 4]]
    """

    def __init__(self, in_memory: int = _IN_MEMORY) -> None:
        self._file = file = tempfile.SpooledTemporaryFile(in_memory)  # noqa: SIM115
        weakref.finalize(self, file.close)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, numbers: np.ndarray) -> None:
        """Put numbers behind those that are there."""
        self._file.seek(0, 2)
        self._file.write(numbers.astype(_KIND).tobytes())
        self._count += len(numbers)

    def pieces(self, size: int) -> Iterator[np.ndarray]:
        """All numbers, `size` at a time, (size,) of int32; the last piece may be shorter."""
        for first in range(0, self._count, size):
            self._file.seek(first * _KIND.itemsize)
            yield np.frombuffer(self._file.read(size * _KIND.itemsize), _KIND)
