"""In: what users call data: arrays, tables, batches without end. Out: columns of numbers, checked.

A column is an array with a row for each example, under the name of the wire that it goes to:
"inputs", "labels" and "weights", or "inputs1", "inputs2" and so on where there are several.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.values import plain_array
from pullback.losses.loss import Loss
from pullback.train.sampling import Sampling


@dataclass(frozen=True)
class Rows:
    """Examples in memory, column by column; `sampling` is how often they come in an epoch."""

    columns: Mapping[str, np.ndarray]
    sampling: Sampling | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def take(self, which: Any) -> Rows:
        """These rows alone."""
        return Rows({name: column[which] for name, column in self.columns.items()})

    def sampled(self, given: Any, losses: Sequence[Loss]) -> Rows:
        """The same rows, drawn by what a user gives as sampling, for these losses.

        Raises `CircuitError` where they cannot be.
        """
        if (sampling := Sampling.of(given)) is None:
            return self
        sampling.check(losses, of_kind("labels", self.columns))
        return replace(self, sampling=sampling)

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """The numbers of the rows of an epoch in its order: each epoch of a seed has its own."""
        rng = np.random.default_rng([seed, epoch])
        if self.sampling is None:
            return rng.permutation(len(self))
        return self.sampling.order(of_kind("labels", self.columns)[0], rng)

    @property
    def counted(self) -> Mapping[str, np.ndarray]:
        """The columns, with weights by which a row counts in an epoch: as often as it comes."""
        if self.sampling is None:
            return self.columns
        times = self.sampling.times(of_kind("labels", self.columns)[0])
        return {**self.columns, "weights": self.columns.get("weights", 1.0) * times / times.mean()}

    def split(self, share: float, seed: int) -> tuple[Rows, Rows]:
        """The rows without a random share of them, and that share, in which each comes once.

        Raises `CircuitError` where either would have no rows, or none that counts.
        """
        if not 0.0 < share < 1.0:
            raise CircuitError(f"validation must be a share between 0 and 1, got {share}")
        count = round(share * len(self))
        if not 0 < count < len(self):
            raise CircuitError(f"a validation share of {share} leaves no rows of {len(self)}")
        order = np.random.default_rng(seed).permutation(len(self))
        kept, held_out = self.take(order[count:]), self.take(order[:count])
        for part, rows in {"training": kept, "validation": held_out}.items():
            if not np.any(rows.columns.get("weights", 1.0)):
                raise CircuitError(
                    f"all weights of the rows drawn for {part} are 0; leave such rows out before, "
                    "or give validation data"
                )
        sampling = None if self.sampling is None else self.sampling.take(order[count:])
        return replace(kept, sampling=sampling), held_out


class Batches:
    """Examples in batches that come one after another and need not fit into memory.

    Made of something that can be gone through once an epoch, or of a function that answers such a
    thing. Each batch is (inputs, labels) or (inputs, labels, weights). How many there are is known
    of what has a length, and what draws an order for each epoch may count them as its `epoch`.
    """

    def __init__(self, source: Any, epochs: int, sampling: Any = None) -> None:
        if sampling is not None:
            raise CircuitError("batches have an order of their own: sampling is for rows")
        self._source = source
        self.count = len(source) if hasattr(source, "__len__") else None  # in an epoch, if known
        # To ask others than iterators for one would begin an epoch of those that count them.
        self.once = isinstance(source, Iterator) and not callable(source)
        if self.once and epochs > 1:
            raise CircuitError(
                f"an iterator can be gone through once, and {epochs} epochs were asked for; give "
                "a function that makes a new one, or a list of batches"
            )

    @property
    def epoch(self) -> int | None:
        """How many epochs have begun, of batches that count them."""
        return getattr(self._source, "epoch", None)

    def first(self) -> dict[str, np.ndarray] | None:
        """The arrays of the first batch of all; None of batches that cannot be looked at twice.

        Those are an iterator, and a function that does not count its epochs.
        """
        source: Any = self._source
        batch: Any = None
        if self.epoch is None:
            batch = source[0] if isinstance(source, Sequence) and len(source) else None
        else:
            before = self.epoch
            self._begin_after(0)
            batches: Any = source() if callable(source) else source
            batch = next(iter(batches), None)
            self._begin_after(before)
        return None if batch is None else {str(k): x for k, x in enumerate(_arrays(batch))}

    def go_on_after(self, begun: int | None, epochs: int, *, within: bool) -> None:
        """Let the next epoch be the one after those that have `begun`, or so many `epochs`.

        `within` says that it goes on in the middle of it.

        Raises `CircuitError` where the batches cannot be gone on with.
        """
        if self.once and (epochs or within):
            raise CircuitError(
                "an iterator can be gone through once, and a run of it is not gone on with; give a "
                "function that makes a new one, or a list of batches"
            )
        if (begun is None) != (self.epoch is None):
            raise CircuitError("the batches of the run were of another kind: give the same again")
        if begun is not None:
            self._begin_after(begun)

    @contextlib.contextmanager
    def again(self, why: str) -> Iterator[None]:
        """While inside, the epochs that begin are not counted by a source that counts them.

        Raises `CircuitError`, with `why`, of an iterator, which would be gone through.
        """
        if self.once:
            raise CircuitError(
                f"{why}, and an iterator can be gone through once; give a function that makes a "
                "new one, or a list of batches"
            )
        before = self.epoch
        try:
            yield
        finally:
            if before is not None:
                self._begin_after(before)

    def _begin_after(self, epochs: int) -> None:
        """Let what counts its epochs begin the one after so many."""
        source: Any = self._source
        source.epoch = epochs

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        found = False
        batches: Any = self._source() if callable(self._source) else self._source
        for batch in batches:
            found = True
            if not isinstance(batch, tuple) or len(batch) not in (2, 3):
                raise CircuitError(
                    "a batch is (inputs, labels) or (inputs, labels, weights), got "
                    f"{type(batch).__name__}"
                )
            yield batch
        if not found:
            raise CircuitError("there are no training batches")


def _arrays(batch: Any) -> list[np.ndarray]:
    """All arrays of a batch, be they in tuples of tuples."""
    if isinstance(batch, tuple):
        return [x for part in batch for x in _arrays(part)]
    return [np.asarray(batch)]


def in_batches(
    data: Rows | Batches, size: int, seed: Sequence[int], ready: Callable[[Any, str], Rows]
) -> Iterator[Rows]:
    """The data once more, in batches; rows in the order of the seed, what is left of them last."""
    if isinstance(data, Batches):
        with data.again("running statistics are measured with averaged weights over all data"):
            for batch in data:
                yield ready(batch, "training")
        return
    order = np.random.default_rng(seed).permutation(len(data))
    for start in range(0, len(data), size):
        yield data.take(order[start : start + size])


def are_batches(inputs: Any, labels: Any) -> bool:
    """Whether what a user gives as inputs is batches of inputs and labels."""
    if labels is not None:
        return False
    return callable(inputs) or (hasattr(inputs, "__iter__") and not hasattr(inputs, "shape"))


def with_validation(
    data: Rows | Batches,
    validation: Any,
    seed: int,
    ready: Callable[[tuple[Any, ...], str], Rows],
) -> tuple[Rows | Batches, Rows | None]:
    """Data to train on, and those to measure by: a share of them held out, or others, or none.

    `ready` makes rows of a tuple of inputs and labels, and weights. Raises `CircuitError` where
    `validation` is neither such a tuple nor a share, or a share of what has no rows to hold out.
    """
    if validation is None:
        return data, None
    if isinstance(validation, tuple | list):
        return data, ready(tuple(validation), "validation")
    if not isinstance(validation, Real):
        raise CircuitError(
            "validation is a share of the rows, or a tuple of inputs and labels, got "
            f"{validation!r}"
        )
    if isinstance(data, Batches):
        raise CircuitError("batches have no rows to hold out; give validation data")
    return data.split(float(validation), seed)


def several(x: Any) -> tuple[Any, ...]:
    """One thing or a tuple of them, as a tuple."""
    return x if isinstance(x, tuple) else (x,)


def named(kind: str, columns: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Columns under the names of their wires.

    >>> list(named("inputs", [np.zeros(2)])), list(named("labels", [np.zeros(2), np.ones(2)]))
    (['inputs'], ['labels1', 'labels2'])
    """
    if len(columns) == 1:
        return {kind: columns[0]}
    return {f"{kind}{k}": column for k, column in enumerate(columns, start=1)}


def input_arrays(inputs: Any, what: str, dtype: Callable[[np.ndarray], np.dtype]) -> list:
    """Inputs as arrays of finite numbers with as many rows each; `dtype` says what they become.

    Tables of pandas are taken row by row. Raises `CircuitError` for anything else.
    """
    arrays = [_numbers(x, what) for x in several(inputs)]
    if len({len(x) for x in arrays}) > 1:
        counts = " and ".join(str(len(x)) for x in arrays)
        raise CircuitError(f"the {what} inputs must have as many rows each, got {counts}")
    return [in_dtype(x, dtype(x), f"{what} inputs") for x in arrays]


def in_dtype(x: np.ndarray, dtype: np.dtype, what: str) -> np.ndarray:
    """The numbers in another dtype, row by row in memory.

    Raises `CircuitError` for the first row with a number that it cannot hold.

    >>> in_dtype(np.array([1.0, 2.0]), np.dtype(np.float32), "inputs")
    array([1., 2.], dtype=float32)
    """
    with np.errstate(over="ignore"):
        y = np.ascontiguousarray(x, dtype)
    if y.dtype.kind == "f" and y.dtype != x.dtype and not np.isfinite(y).all():
        row = int(np.argwhere(~np.isfinite(y))[0][0])
        raise CircuitError(
            f"{what} contain a number too large for {dtype} (row {row}); scale them first"
        )
    return y


def _numbers(inputs: Any, what: str) -> np.ndarray:
    x = plain_array(inputs, f"the {what} inputs")
    if x.dtype == object:  # a table of columns of several kinds
        with contextlib.suppress(TypeError, ValueError):
            x = x.astype(np.float64)
    if x.dtype.kind not in "fiub":
        raise CircuitError(
            f"{what} inputs must be numbers, got an array of {x.dtype}; encode text and dates first"
        )
    if x.ndim < 1 or len(x) == 0:
        raise CircuitError(f"there are no {what} rows: the inputs have shape {x.shape}")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x))[0][0])
        raise CircuitError(
            f"{what} inputs contain {x[row][~np.isfinite(x[row])].flat[0]} (row {row}); "
            "fill or drop such values first"
        )
    return x


def of_kind(kind: str, columns: Mapping[str, Any]) -> list[Any]:
    """The columns "inputs", or "inputs1", "inputs2" and so on: what `named` named.

    >>> of_kind("inputs", {"inputs1": 1, "inputs2": 2, "labels": 3})
    [1, 2]
    """
    return [column for name, column in columns.items() if name.rstrip("0123456789") == kind]
