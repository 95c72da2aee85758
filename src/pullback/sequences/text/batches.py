"""In: the numbers of a long text. Out: batches of it, with labels one step further on.

The numbers may lie in a file that is mapped into memory: a batch reads its own alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.values import plain_array
from pullback.inspect.arguments import at_least_one

Batch = tuple[np.ndarray, np.ndarray]


class TextStreams:
    """A long text as parallel streams in batches that go on, for truncated backpropagation.

    Stream k is the k-th of `rows` equal parts of the text; a batch has the next `steps` numbers of
    each, (rows, steps) of int64, and as labels those one further on, so that row k of a batch goes
    on where row k of the one before ended. What is left at a part's end is left out. It is a
    function that `Trainer.fit` calls once an epoch, when all streams begin again: let a recurrent
    layer with `stateful=True` then forget, by its `reset_state`. As a state of zero is seen so
    rarely, a network may be lost when it begins with one, as predictions and samples do: limit the
    gradients (`clip_norm=1.0`), and see that validation is as good as training, or take
    `TextWindows`, which begin with it always.

    Raises `CircuitError` where the text is too short, or an argument is not what it should be.
    Source: Graves, "Generating sequences with recurrent neural networks" (2013).

    >>> streams = TextStreams(np.arange(9), rows=2, steps=2)
    >>> for inputs, labels in streams():
    ...     print(inputs.tolist(), labels.tolist())
    [[0, 1], [4, 5]] [[1, 2], [5, 6]]
    [[2, 3], [6, 7]] [[3, 4], [7, 8]]
    """

    def __init__(self, numbers: Any, rows: int = 32, steps: int = 64) -> None:
        self.numbers = _checked(numbers, rows=rows, steps=steps)
        self.rows, self.steps = int(rows), int(steps)
        need = self.rows * self.steps + 1
        if len(self.numbers) < need:
            raise CircuitError(
                f"the text has {len(self.numbers):,} numbers, and {rows} streams of a sequence of "
                f"{steps} steps, with the label behind it, need {need:,}: take a longer text, or "
                "fewer rows or steps"
            )

    def __len__(self) -> int:
        """The batches of an epoch."""
        return (len(self.numbers) - 1) // self.rows // self.steps

    def __repr__(self) -> str:
        return f"<{self.rows} streams of {self.steps} steps in {len(self):,} batches>"

    def __call__(self) -> Iterator[Batch]:
        """The batches of an epoch, from the beginning of all streams."""
        starts = np.arange(self.rows) * ((len(self.numbers) - 1) // self.rows)
        for batch in range(len(self)):
            yield _cut(self.numbers, starts + batch * self.steps, self.steps)


class TextWindows:
    """Windows of a long text from anywhere in it, in batches, as for transformers.

    A batch has `rows` windows of `steps` numbers, (rows, steps) of int64, and as labels those one
    further on. It is a function that `Trainer.fit` calls once an epoch, which has as many `batches`
    as are asked for, by default as many as the text has numbers for. Where windows begin is drawn
    anew for each epoch, from `seed`; `epoch` is how many have begun, and may be set: to go on with
    a run that was interrupted.

    Raises `CircuitError` where the text is too short, or an argument is not what it should be.

    >>> windows = TextWindows(np.arange(100), rows=2, steps=3, batches=1, seed=0)
    >>> for inputs, labels in windows():
    ...     print(inputs.tolist(), labels.tolist())
    [[82, 83, 84], [61, 62, 63]] [[83, 84, 85], [62, 63, 64]]
    """

    def __init__(
        self,
        numbers: Any,
        rows: int = 32,
        steps: int = 64,
        *,
        batches: int | None = None,
        seed: int = 0,
    ) -> None:
        self.numbers = _checked(numbers, rows=rows, steps=steps)
        self.rows, self.steps = int(rows), int(steps)
        if len(self.numbers) <= steps:
            raise CircuitError(
                f"the text has {len(self.numbers):,} numbers, and a window of {steps} steps, with "
                f"the label behind it, needs {steps + 1:,}: take a longer text, or fewer steps"
            )
        usual = max(1, (len(self.numbers) - 1) // (self.rows * self.steps))
        at_least_one(batches=usual if batches is None else batches)
        self.batches = usual if batches is None else int(batches)
        if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
            raise CircuitError(f"a seed is a whole number from 0 on, got {seed!r}")
        self.seed, self.epoch = int(seed), 0

    def __len__(self) -> int:
        """The batches of an epoch."""
        return self.batches

    def __repr__(self) -> str:
        return f"<{self.rows} windows of {self.steps} steps in {len(self):,} batches>"

    def __call__(self) -> Iterator[Batch]:
        """The batches of the next epoch."""
        rng = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        return self._drawn(rng)

    def _drawn(self, rng: np.random.Generator) -> Iterator[Batch]:
        for _ in range(self.batches):
            starts = rng.integers(0, len(self.numbers) - self.steps, self.rows)
            yield _cut(self.numbers, starts, self.steps)


def _cut(numbers: np.ndarray, starts: np.ndarray, steps: int) -> Batch:
    """The numbers from each start on, and those one further on."""
    both = numbers[starts[:, None] + np.arange(steps + 1)].astype(np.int64)
    return np.ascontiguousarray(both[:, :-1]), np.ascontiguousarray(both[:, 1:])


def _checked(numbers: Any, **counts: int) -> np.ndarray:
    """Numbers of a text, which stay where they are, and counts from 1 on."""
    at_least_one(**counts)
    if isinstance(numbers, str):
        raise CircuitError("batches are made of a text's numbers: give tokenizer.encode(text)")
    array = numbers if isinstance(numbers, np.memmap) else plain_array(numbers, "a text's numbers")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise CircuitError(
            f"a text's numbers are whole numbers in one row, got {array.dtype} of shape "
            f"{array.shape}"
        )
    return array
