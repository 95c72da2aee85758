"""In: rows of numbers and a label each. Out: parts of them, to train and to judge by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.core.shown import Shown, Table
from pullback.core.text import counted
from pullback.tables.prepare import Preparation
from pullback.tables.showing import class_table, first_rows, heading
from pullback.train.split import refuse_rare, split_rows


@dataclass(frozen=True, repr=False)
class Dataset(Shown):
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

    def _says(self) -> Iterator[str | Table]:
        what = f"{counted(self.inputs.shape[1], 'number')}" if self.inputs.ndim == 2 else "shape "
        what += "" if self.inputs.ndim == 2 else f"{self.inputs.shape[1:]}"
        amount = f"{counted(len(self), 'row')} of {what}"
        yield from heading(self.name, amount, self.classes, self.source)
        if self.inputs.ndim == 2 and len(self):
            yield first_rows(self.inputs, self.features, self.labels, self.classes)
        if self.classes:
            yield class_table(self.labels, self.classes)
        yield from self.notes

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
            refuse_rare(self.labels, self.classes, len(shares))
        return self.parts(drawn)

    def parts(self, parts: Sequence[np.ndarray]) -> list[Dataset]:
        """The rows of each part, by their numbers."""
        return [self.rows(rows) for rows in parts]
