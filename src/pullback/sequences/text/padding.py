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
from pullback.sequences.text.tokenizer import Tokenizer

Padded = tuple[np.ndarray, np.ndarray]


def padded(sequences: Sequence[Any], *, fill: int = 0, steps: int | None = None) -> Padded:
    """Sequences of whole numbers as one array (rows, steps) of int64, and their lengths (rows,).

    `fill` stands behind the end of each. `steps` is the longest length by default.

    Raises `CircuitError` where a sequence is no row of whole numbers, or is longer than `steps`.

    >>> padded([[1, 2, 3], [4]], fill=-1)
    (array([[ 1,  2,  3],
           [ 4, -1, -1]]), array([3, 1]))
    """
    rows = [_row(sequence, k) for k, sequence in enumerate(sequences)]
    lengths = np.array([len(row) for row in rows], np.int64)
    longest = int(lengths.max(initial=0))
    if steps is not None and longest > steps:
        raise CircuitError(
            f"sequence {int(lengths.argmax())} has {longest} steps, and there is room for {steps}: "
            "give more steps, or cut it"
        )
    array = np.full((len(rows), longest if steps is None else steps), fill, np.int64)
    for k, row in enumerate(rows):
        array[k, : len(row)] = row
    return array, lengths


def character_matrix(
    sentences: Sequence[Sequence[str]],
    characters: Tokenizer,
    *,
    steps: int | None = None,
    longest: int | None = None,
) -> np.ndarray:
    """The characters of each word of sentences: (rows, steps, longest) of int64.

    Behind the end of a word, and of a sentence, stands the number `len(characters)`, which is of no
    character: give an `Embedding` of them one row more. `steps` and `longest` are those of the
    longest sentence and word by default; of longer words the beginning is taken.

    Raises `CircuitError` as the tokenizer does, with the sentence and the word, and where a
    sentence has more words than `steps`.

    >>> from pullback.sequences.text import Characters
    >>> character_matrix([["a", "bab"], ["b"]], Characters.of("ab"))
    array([[[0, 2, 2],
            [1, 0, 1]],
    <BLANKLINE>
           [[1, 2, 2],
            [2, 2, 2]]])
    """
    counts = {"steps": steps, "longest": longest}
    at_least_one(**{name: count for name, count in counts.items() if count is not None})
    most = max(map(len, sentences), default=0)
    if steps is not None and most > steps:
        raise CircuitError(f"a sentence has {most} words, and there is room for {steps}: cut it")
    letters = [[len(word) for word in words] for words in sentences]
    widest = max((n for row in letters for n in row), default=0) if longest is None else longest
    matrix = np.full(
        (len(sentences), most if steps is None else steps, widest), len(characters), np.int64
    )
    for row, words in enumerate(sentences):
        for k, word in enumerate(words):
            try:
                numbers = characters.encode(word[:widest])
            except CircuitError as error:
                raise CircuitError(f"word {k} of sentence {row}: {error}") from None
            matrix[row, k, : len(numbers)] = numbers
    return matrix


class PaddedBatches:
    """Sequences in batches of like lengths, as a function that `Trainer.fit` calls once an epoch.

    A batch is ((numbers, lengths), labels): numbers (rows, steps), 0 behind the end of each, and
    lengths (rows,), as layers take them. `labels` are one whole number for each sequence, or as
    many as it has steps, and -1 behind its end. Sequences of like lengths come together, in an
    order that is drawn anew for each epoch, from `seed`; steps are a multiple of `multiple`, so
    that few shapes are compiled. `epoch` is how many have begun, and may be set.

    Raises `CircuitError` where sequences and labels do not fit together, or one is empty.

    >>> batches = PaddedBatches([[5, 6, 7], [8], [9]], [0, 1, 0], rows=2, multiple=2, seed=1)
    >>> for (numbers, lengths), labels in batches():
    ...     print(numbers.tolist(), lengths, labels)
    [[5, 6, 7, 0]] [3] [0]
    [[9, 0], [8, 0]] [1 1] [0 1]
    """

    def __init__(
        self,
        sequences: Sequence[Any],
        labels: Sequence[Any] | np.ndarray,
        rows: int = 32,
        *,
        multiple: int = 16,
        seed: int = 0,
    ) -> None:
        at_least_one(rows=rows, multiple=multiple)
        if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
            raise CircuitError(f"a seed is a whole number from 0 on, got {seed!r}")
        self.sequences = [_row(sequence, k) for k, sequence in enumerate(sequences)]
        if not self.sequences or len(labels) != len(self.sequences):
            raise CircuitError(
                f"batches need labels for each sequence, and one at least; got "
                f"{len(self.sequences)} sequences and labels for {len(labels)}"
            )
        self.stepwise = bool(np.ndim(labels[0]))
        self.labels = [_row(y, k) if self.stepwise else y for k, y in enumerate(labels)]
        for k, row in enumerate(self.sequences):
            if not len(row):
                raise CircuitError(f"sequence {k} is empty: leave it out")
            if self.stepwise and len(self.labels[k]) != len(row):
                raise CircuitError(
                    f"sequence {k} has {len(row)} steps and {len(self.labels[k])} labels; there is "
                    "one for each"
                )
        self.rows, self.multiple = int(rows), int(multiple)
        self.seed, self.epoch = int(seed), 0

    def __len__(self) -> int:
        """The batches of an epoch."""
        return -(-len(self.sequences) // self.rows)

    def __repr__(self) -> str:
        return f"<{len(self.sequences):,} sequences in {len(self):,} batches>"

    def __call__(self) -> Iterator[tuple[Padded, np.ndarray]]:
        """The batches of the next epoch."""
        rng = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        return self._drawn(rng)

    def _drawn(self, rng: np.random.Generator) -> Iterator[tuple[Padded, np.ndarray]]:
        lengths = np.array([len(row) for row in self.sequences])
        blocks = -(-lengths // self.multiple)
        order = np.lexsort((rng.random(len(lengths)), blocks))
        for batch in rng.permutation(len(self)):
            which = order[batch * self.rows : (batch + 1) * self.rows]
            steps = int(blocks[which].max()) * self.multiple
            inputs = padded([self.sequences[k] for k in which], steps=steps)
            labels = [self.labels[k] for k in which]
            if self.stepwise:
                yield inputs, padded(labels, fill=-1, steps=steps)[0]
            else:
                yield inputs, np.array(labels, np.int64)


def _row(sequence: Any, k: int) -> np.ndarray:
    """A sequence as an array of whole numbers."""
    array = plain_array(sequence, f"sequence {k}")
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise CircuitError(
            f"sequence {k} must be whole numbers in one row, got {array.dtype} of shape "
            f"{array.shape}: encode it first"
        )
    return array
