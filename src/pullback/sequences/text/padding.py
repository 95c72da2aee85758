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
from pullback.sequences.text.characters import Characters
from pullback.train.data import several

Padded = tuple[np.ndarray, np.ndarray]
Batch = tuple[tuple[np.ndarray, ...], np.ndarray]


def padded(sequences: Sequence[Any], *, fill: int = 0, steps: int | None = None) -> Padded:
    """Sequences of whole numbers as one array (rows, steps) of int64, and their lengths (rows,).

    `fill` stands behind the end of each. `steps` is the longest length by default. Where each step
    has several numbers, as many in all sequences, the array is (rows, steps, numbers).

    Raises `CircuitError` where a sequence is not of whole numbers, or is longer than `steps`.

    >>> padded([[1, 2, 3], [4]], fill=-1)
    (array([[ 1,  2,  3],
           [ 4, -1, -1]]), array([3, 1]))
    """
    rows = _rows(sequences)
    lengths = np.array([len(row) for row in rows], np.int64)
    longest = int(lengths.max(initial=0))
    if steps is not None and longest > steps:
        raise CircuitError(
            f"sequence {int(lengths.argmax())} has {longest} steps, and there is room for {steps}: "
            "give more steps, or cut it"
        )
    of_a_step = rows[0].shape[1:] if rows else ()
    shape = (len(rows), longest if steps is None else steps, *of_a_step)
    array = np.full(shape, fill, np.int64)
    for k, row in enumerate(rows):
        array[k, : len(row)] = row
    return array, lengths


def character_matrix(
    sentences: Sequence[Sequence[str]],
    characters: Characters,
    *,
    steps: int | None = None,
    longest: int | None = None,
) -> np.ndarray:
    """The characters of each word of sentences: (rows, steps, longest) of int64.

    Behind the end of a word, and of a sentence, stands the number `len(characters)`, which is of no
    character: give an `Embedding` of them one row more. `steps` and `longest` are those of the
    longest sentence and word by default; of longer words the beginning is taken.

    Raises `CircuitError` as `Characters` does, with the sentence and the word, and where a
    sentence has more words than `steps`.

    >>> from pullback.sequences.text import Characters
    >>> character_matrix([["a", "bab"], ["b"]], Characters.of("ab"))
    array([[[0, 2, 2],
            [1, 0, 1]],
    <BLANKLINE>
           [[1, 2, 2],
            [2, 2, 2]]])
    """
    told = {"steps": steps, "longest": longest}
    at_least_one(**{name: count for name, count in told.items() if count is not None})
    most = max(map(len, sentences), default=0)
    if steps is not None and most > steps:
        raise CircuitError(f"a sentence has {most} words, and there is room for {steps}: cut it")
    ends = np.zeros((len(sentences), most if steps is None else steps), np.int64)
    for row, words in enumerate(sentences):
        ends[row, : len(words)] = [len(word) for word in words]
    widest = int(ends.max(initial=0)) if longest is None else longest
    matrix = np.full((*ends.shape, widest), len(characters), np.int64)
    inside = np.arange(widest) < ends[:, :, None]
    if not inside.any():
        return matrix
    try:  # all at once, in the order in which they stand in the matrix
        matrix[inside] = characters.encode("".join(w[:widest] for row in sentences for w in row))
    except CircuitError:
        _refuse_word(sentences, characters, widest)
        raise
    return matrix


def _refuse_word(sentences: Sequence[Sequence[str]], characters: Characters, longest: int) -> None:
    """Raise `CircuitError` for the first word whose beginning cannot be encoded."""
    for row, words in enumerate(sentences):
        for k, word in enumerate(words):
            try:
                characters.encode(word[:longest])
            except CircuitError as error:
                raise CircuitError(f"word {k} of sentence {row}: {error}") from None


class PaddedBatches:
    """Sequences in batches of like lengths, as a function that `Trainer.fit` calls once an epoch.

    A batch is ((numbers, lengths), labels): numbers (rows, steps), 0 behind the end of each, and
    lengths (rows,), as layers take them. `labels` are one whole number for each sequence, or as
    many as it has steps, and -1 behind its end. Sequences of like lengths come together, in an
    order that is drawn anew for each epoch, from `seed`; steps are a multiple of `multiple`, so
    that few shapes are compiled. `epoch` is how many have begun, and may be set.

    A model of several inputs takes a tuple: the words of each sentence, say, and the characters of
    each word, (steps, longest), from `character_matrix`. Then a batch is ((words, characters,
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
        fill: int | tuple[int, ...] = 0,
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
        self.fills = [int(number) for number in fills]
        self.lengths = _lengths(self.inputs)
        if len(labels) != len(self.lengths):
            raise CircuitError(
                f"batches need labels for each sequence; got {len(self.lengths)} sequences and "
                f"labels for {len(labels)}"
            )
        self.stepwise = bool(np.ndim(labels[0]))
        self.labels = [_row(y, k) if self.stepwise else y for k, y in enumerate(labels)]
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
    """Sequences as arrays of whole numbers (steps, ...), alike but for their steps."""
    rows = [_row(sequence, k) for k, sequence in enumerate(sequences)]
    for k, row in enumerate(rows):
        if row.shape[1:] != rows[0].shape[1:]:
            raise CircuitError(
                f"sequence {k} has the shape {row.shape}, and sequence 0 {rows[0].shape}: they may "
                "differ in their steps alone"
            )
    return rows


def _row(sequence: Any, k: int) -> np.ndarray:
    """A sequence as an array of whole numbers."""
    array = plain_array(sequence, f"sequence {k}")
    if array.size == 0:
        array = array.astype(np.int64)
    if not array.ndim or array.dtype.kind not in "iu":
        raise CircuitError(
            f"sequence {k} must be whole numbers (steps, ...), got {array.dtype} of shape "
            f"{array.shape}: encode it first"
        )
    return array


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
