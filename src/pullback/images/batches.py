"""In: files with a class each, more than memory holds. Out: batches, read ahead of training.

Threads read the pictures of a few batches to come while one is trained on. Order and numbers depend
on the seed and the epoch alone, not on the threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pullback.core.errors import CircuitError
from pullback.files.threads import checked_threads
from pullback.images.reading import checked_channels, checked_size, decoded
from pullback.train.settings import refuse_counts

_AHEAD = 3  # batches that are read before they are asked for


class _Batch(NamedTuple):
    """A batch that threads are filling."""

    inputs: np.ndarray
    labels: np.ndarray
    reads: list[Future[None]]

    def filled(self) -> tuple[np.ndarray, np.ndarray]:
        for read in self.reads:
            read.result()
        return self.inputs, self.labels


class PictureBatches:
    """Pictures in batches, as a function that `Trainer.fit` calls once an epoch.

    Each batch is (inputs, labels): float32 from 0 to 1 of shape (rows, height, width, channels),
    and class numbers. `size`, `channels` and `how` are those of `read_picture`. The order is drawn
    anew for each epoch, from `seed`; `epoch` is how many have begun, and may be set: to go on with
    a run that was interrupted.

    Raises `CircuitError` where an argument is not what it should be, and, while it is gone through,
    where a file cannot be read, naming it.

    >>> files = [Path("a.png"), Path("b.png"), Path("c.png")]
    >>> PictureBatches(files, [0, 1, 0], size=28, channels=1, batch_size=2)
    <3 pictures of 28x28x1 in 2 batches>
    """

    def __init__(
        self,
        files: Sequence[Path],
        labels: Sequence[int] | np.ndarray,
        size: int | tuple[int, int],
        channels: int,
        how: str = "crop",
        *,
        batch_size: int = 32,
        seed: int = 0,
        shuffle: bool = True,
        threads: int | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.files = tuple(map(Path, files))
        self.labels = np.asarray(labels)
        self.size = checked_size(size, how)
        if channels is None:
            raise CircuitError("channels are 1 for grey or 3 for colour, the same for all batches")
        checked_channels(channels)
        if self.labels.shape != (len(self.files),) or self.labels.dtype.kind not in "iu":
            raise CircuitError(
                f"labels are one class number for each of {len(self.files)} files, got "
                f"{self.labels.dtype} of shape {self.labels.shape}"
            )
        if not self.files:
            raise CircuitError("there are no files to make batches of")
        refuse_counts(batch_size=batch_size)
        if not isinstance(seed, Integral) or seed < 0:
            raise CircuitError(f"a seed is a whole number from 0 on, got {seed!r}")
        self.channels, self.how, self.batch_size = channels, how, int(batch_size)
        self.seed, self.shuffle, self.notes, self.epoch = seed, shuffle, notes, 0
        self._threads = checked_threads(threads)

    def __len__(self) -> int:
        """The batches of an epoch."""
        return -(-len(self.files) // self.batch_size)

    def __repr__(self) -> str:
        height, width = self.size
        pictures = f"{len(self.files):,} pictures of {height}x{width}x{self.channels}"
        return f"<{pictures} in {len(self):,} batches>"

    def __call__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The batches of the next epoch. Its threads end with it, or when it is abandoned."""
        order = np.arange(len(self.files))
        if self.shuffle:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(order)
        self.epoch += 1
        return self._read(order)

    def _read(self, order: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        pool = ThreadPoolExecutor(self._threads, "pullback-read")
        waiting: deque[_Batch] = deque()
        try:
            for start in range(0, len(order), self.batch_size):
                waiting.append(self._begun(pool, order[start : start + self.batch_size]))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().filled()
            while waiting:
                yield waiting.popleft().filled()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _begun(self, pool: ThreadPoolExecutor, rows: np.ndarray) -> _Batch:
        """A batch of these rows, whose pictures threads will read."""
        inputs = np.empty((len(rows), *self.size, self.channels), np.float32)

        def read(place: int, path: Path) -> None:
            picture = decoded(path, self.channels, self.size, self.how)
            np.divide(picture, np.float32(255.0), out=inputs[place])

        reads = [pool.submit(read, k, self.files[row]) for k, row in enumerate(rows)]
        return _Batch(inputs, self.labels[rows].astype(np.int64), reads)
