"""In: sequences of different lengths. Out: batches of one, filled up behind each end; the lengths.

What is behind an end does not count where layers take the lengths and losses the labels of -1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.values import plain_array
from pullback.inspect.arguments import at_least_one
from pullback.train.data import several

Padded = tuple[np.ndarray, np.ndarray]
Batch = tuple[tuple[np.ndarray, ...], np.ndarray]


def padded(sequences: Sequence[Any], *, fill: float = 0, steps: int | None = None) -> Padded:
    """Sequences (length, ...) as one array (rows, steps, ...), and their lengths (rows,).

    `fill` stands behind the end of each. `steps` is the longest length by default. Whole numbers,
    of characters or words say, become int64; floats, of sounds or measurements, stay as they are.

    Raises `CircuitError` where a sequence is not of numbers, is of another shape or kind than the
    first but for its length, or is longer than `steps`.

    >>> padded([[1, 2, 3], [4]], fill=-1)
    (array([[ 1,  2,  3],
           [ 4, -1, -1]]), array([3, 1]))
    >>> padded([np.ones(1), np.ones(2)])[0]
    array([[1., 0.],
           [1., 1.]])
    """
    rows = _rows(sequences)
    lengths = np.array([len(row) for row in rows], np.int64)
    longest = int(lengths.max(initial=0))
    if steps is not None and longest > steps:
        raise CircuitError(
            f"sequence {int(lengths.argmax())} has {longest} steps, and there is room for {steps}: "
            "give more steps, or cut it"
        )
    of_a_step, dtype = (rows[0].shape[1:], rows[0].dtype) if rows else ((), np.dtype(np.int64))
    array = np.full((len(rows), longest if steps is None else steps, *of_a_step), fill, dtype)
    for k, row in enumerate(rows):
        array[k, : len(row)] = row
    return array, lengths


class PaddedBatches:
    """Sequences in batches of like lengths, as a function that `Trainer.fit` calls once an epoch.

    A batch is ((numbers, lengths), labels): numbers (rows, steps, ...), whole or floats, as those
    of a time series, 0 behind the end of each, and lengths (rows,), as layers take them. `labels`
    are one whole number for each sequence, or as many as it has steps, and -1 behind its end.
    Sequences of like lengths come together, in an order that is drawn anew for each epoch, from
    `seed`; steps are a multiple of `multiple`, so that few shapes are compiled. `epoch` is how many
    have begun, and may be set.

    A model of several inputs takes a tuple: the words of each sentence, say, and the characters of
    each word, (steps, longest), as of `character_matrix`. Then a batch is ((words, characters,
    lengths), labels), and `fill`, what stands behind an end, is a number for each.

    Raises `CircuitError` where sequences and labels do not fit together, or one is empty.

    >>> batches = PaddedBatches([[5, 6, 7], [8], [9]], [0, 1, 0], rows=2, multiple=2, seed=1)
    >>> for (numbers, lengths), labels in batches():
    ...     print(numbers.tolist(), lengths, labels)
    [[5, 6, 7, 0]] [3] [0]
    [[9, 0], [8, 0]] [1 1] [0 1]
    """

    def __init__(
        self,
        sequences: Sequence[Any] | tuple[Sequence[Any], ...],
        labels: Sequence[Any] | np.ndarray,
        rows: int = 32,
        *,
        multiple: int = 16,
        fill: float | tuple[float, ...] = 0,
        seed: int = 0,
    ) -> None:
        at_least_one(rows=rows, multiple=multiple)
        if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
            raise CircuitError(f"a seed is a whole number from 0 on, got {seed!r}")
        given = several(sequences)
        fills = fill if isinstance(fill, tuple) else (fill,) * len(given)
        if len(fills) != len(given):
            raise CircuitError(
                f"a fill is one number, or one for each of {len(given)} inputs; got {fill!r}"
            )
        self.inputs = [_rows(x) for x in given]
        self.fills = fills
        self.lengths = _lengths(self.inputs)
        if len(labels) != len(self.lengths):
            raise CircuitError(
                f"batches need labels for each sequence; got {len(self.lengths)} sequences and "
                f"labels for {len(labels)}"
            )
        self.stepwise = bool(np.ndim(labels[0]))
        self.labels = [_labels(y, k) if self.stepwise else y for k, y in enumerate(labels)]
        for k, (length, y) in enumerate(zip(self.lengths, self.labels, strict=True)):
            if self.stepwise and y.shape != (length,):
                raise CircuitError(
                    f"sequence {k} has {length} steps and labels of shape {y.shape}; there is one "
                    "for each step"
                )
        self.rows, self.multiple = int(rows), int(multiple)
        self.seed, self.epoch = int(seed), 0

    def __len__(self) -> int:
        """The batches of an epoch."""
        return -(-len(self.lengths) // self.rows)

    def __repr__(self) -> str:
        return f"<{len(self.lengths):,} sequences in {len(self):,} batches>"

    def __call__(self) -> Iterator[Batch]:
        """The batches of the next epoch."""
        rng = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        return self._drawn(rng)

    def _drawn(self, rng: np.random.Generator) -> Iterator[Batch]:
        blocks = -(-self.lengths // self.multiple)
        order = np.lexsort((rng.random(len(blocks)), blocks))
        for batch in rng.permutation(len(self)):
            which = order[batch * self.rows : (batch + 1) * self.rows]
            steps = int(blocks[which].max()) * self.multiple
            inputs = [
                padded([x[k] for k in which], fill=fill, steps=steps)[0]
                for x, fill in zip(self.inputs, self.fills, strict=True)
            ]
            labels = [self.labels[k] for k in which]
            if self.stepwise:
                y = padded(labels, fill=-1, steps=steps)[0]
            else:
                y = np.array(labels, np.int64)
            yield (*inputs, self.lengths[which]), y


def _rows(sequences: Sequence[Any]) -> list[np.ndarray]:
    """Sequences as arrays (steps, ...) of one kind of number, alike but for their steps."""
    rows = [_row(sequence, k) for k, sequence in enumerate(sequences)]
    kinds = {row.dtype for row in rows if row.size}
    if len(kinds) > 1:
        first = next(row for row in rows if row.size)
        k = next(k for k, row in enumerate(rows) if row.size and row.dtype != first.dtype)
        raise CircuitError(
            f"sequence {k} is of {rows[k].dtype}, and others of {first.dtype}: give all of one kind"
        )
    dtype = kinds.pop() if kinds else None
    for k, row in enumerate(rows):
        if row.shape[1:] != rows[0].shape[1:]:
            raise CircuitError(
                f"sequence {k} has the shape {row.shape}, and sequence 0 {rows[0].shape}: they may "
                "differ in their steps alone"
            )
        if dtype is not None and not row.size:  # an empty list tells of no kind
            rows[k] = row.astype(dtype)
    return rows


def _row(sequence: Any, k: int) -> np.ndarray:
    """A sequence as an array of numbers, whole ones as int64."""
    array = plain_array(sequence, f"sequence {k}")
    if not array.size and not isinstance(sequence, np.ndarray):  # an empty list
        array = array.astype(np.int64)
    if not array.ndim or array.dtype.kind not in "iuf":
        raise CircuitError(
            f"sequence {k} must be numbers (steps, ...), got {array.dtype} of shape "
            f"{array.shape}: encode it first"
        )
    return array.astype(np.int64, copy=False) if array.dtype.kind in "iu" else array


def _labels(labels: Any, k: int) -> np.ndarray:
    """The labels of a sequence's steps, whole numbers."""
    array = _row(labels, k)
    if array.size and array.dtype.kind == "f":
        raise CircuitError(f"the labels of sequence {k} must be whole numbers, got {array.dtype}")
    return array.astype(np.int64)


def _lengths(inputs: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """How long each sequence is, (rows,), as all inputs agree."""
    counts = [len(rows) for rows in inputs]
    if not counts or not counts[0] or len(set(counts)) > 1:
        said = " and ".join(map(str, counts)) or "none"
        raise CircuitError(
            f"batches need one sequence at least, and as many of each input; got {said}"
        )
    first, *others = ([len(row) for row in rows] for rows in inputs)
    for k, (length, *rest) in enumerate(zip(first, *others, strict=True)):
        if not length:
            raise CircuitError(f"sequence {k} is empty: leave it out")
        if set(rest) - {length}:
            said = " and ".join(map(str, (length, *rest)))
            raise CircuitError(
                f"sequence {k} has {said} steps in its inputs; give it as many in each"
            )
    return np.array(first, np.int64)
