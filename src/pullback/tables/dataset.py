"""In: rows of numbers and a label each. Out: parts of them, to train and to judge by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.tables.prepare import Preparation


@dataclass(frozen=True)
class Dataset:
    """Rows of numbers with a label each.

    inputs (rows, ...), float32; labels (rows,): class numbers from 0, which `classes` names, or,
    where there are no classes, quantities. `features` names the inputs' columns, `source` says
    where they are from, and `preparation`, if they were made of a table, how. Of a part,
    `places` (rows,) are the numbers that its rows have in the whole, from 0.
    """

    name: str
    inputs: np.ndarray
    labels: np.ndarray
    classes: tuple[Any, ...] = ()
    features: tuple[str, ...] = ()
    source: str = ""
    notes: tuple[str, ...] = ()
    preparation: Preparation | None = None
    places: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def task(self) -> str:
        """ "classification" or "regression"."""
        return "classification" if self.classes else "regression"

    def rows(self, which: np.ndarray) -> Dataset:
        """These rows alone, by their numbers."""
        places = which if self.places is None else self.places[which]
        return replace(self, inputs=self.inputs[which], labels=self.labels[which], places=places)

    def split(self, *shares: float, seed: int = 0) -> list[Dataset]:
        """Parts of these shares, drawn at random, each with every class in its proportion.

        Raises `CircuitError` where the shares do not add up to 1 or a part would lack a class.

        >>> data = Dataset("two", np.zeros((10, 1)), np.array([0, 1] * 5), ("a", "b"))
        >>> [len(part) for part in data.split(0.6, 0.4)]
        [6, 4]
        """
        drawn = split_rows(self.labels if self.classes else len(self), shares, seed)
        if self.classes:
            counts = np.bincount(self.labels, minlength=len(self.classes))
            rarest = int(counts.argmin())
            if counts[rarest] < len(shares):
                raise CircuitError(
                    f"class {self.classes[rarest]!r} has {counts[rarest]} rows, too few for "
                    f"{len(shares)} parts"
                )
        return [self.rows(rows) for rows in drawn]


def split_rows(labels: np.ndarray | int, shares: Sequence[float], seed: int) -> list[np.ndarray]:
    """The numbers of the rows of each part, in order: rows with class numbers, or so many rows.

    Each class is divided by the shares, and has a row in the first part at least.
    Raises `CircuitError` where the shares do not add up to 1, or there are fewer rows than parts.

    >>> [rows.tolist() for rows in split_rows(np.array([0, 1, 0, 1]), (0.5, 0.5), seed=0)]
    [[0, 1], [2, 3]]
    """
    if not shares or abs(sum(shares) - 1.0) > 1e-9 or min(shares) <= 0.0:
        raise CircuitError(f"shares must be positive and add up to 1, got {tuple(shares)}")
    rng = np.random.default_rng(seed)
    bounds = np.cumsum(shares)[:-1]
    labels = np.zeros(labels, np.int64) if isinstance(labels, int) else labels
    if len(labels) < len(shares):
        raise CircuitError(f"{len(labels)} rows are too few for {len(shares)} parts")
    parts: list[list[int]] = [[] for _ in shares]
    for k in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == k))
        cuts = np.maximum(np.rint(bounds * len(rows)).astype(int), 1)
        for part, piece in zip(parts, np.split(rows, cuts), strict=True):
            part.extend(piece.tolist())
    for part in parts:  # the classes' shares, rounded, may have left a part without a row
        if not part:
            part.append(max(parts, key=len).pop())
    return [np.sort(np.array(part, np.int64)) for part in parts]
