"""In: data. Out: rows to search on, in folds, and rows that no search ever sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.tables.dataset import Dataset
from pullback.tables.study import truth_of
from pullback.tables.table import TableDataset
from pullback.tables.target import Target
from pullback.train.split import SHARES, split_rows

_VALIDATION = 0.125  # of the rows that a fold leaves: what `train` holds out beside 7 times as many


@dataclass(frozen=True)
class Fold:
    """Rows to train on, to end training by, and to judge by, prepared by the first alone."""

    train: Dataset
    validation: Dataset
    held_out: Dataset

    @property
    def target(self) -> Target:
        return target_of(self.train)


@dataclass(frozen=True)
class Folds:
    """The rows of data by what they are for, as numbers: `searched`, in `parts`, and `test`.

    The test part is that of `pullback train` with the same seed. Each class is divided among the
    folds in its proportion.
    """

    data: Dataset | TableDataset
    searched: np.ndarray
    test: np.ndarray
    parts: tuple[np.ndarray, ...]
    seed: int

    @classmethod
    def of(cls, data: Dataset | TableDataset, count: int, seed: int) -> Folds:
        """The folds of these data, so many.

        Raises `CircuitError` where there are too few rows for them, or fewer than two folds.
        """
        if count < 2:
            raise CircuitError(f"cross-validation needs 2 folds at least, got {count}")
        drawn = data.split(*SHARES.values(), seed=seed)
        train, validation, test = (_places(part) for part in drawn)
        searched = np.sort(np.concatenate([train, validation]))
        inner = split_rows(_strata(data, searched), [1.0 / count] * count, seed)
        return cls(data, searched, test, tuple(searched[rows] for rows in inner), seed)

    def __len__(self) -> int:
        return len(self.parts)

    def fold(self, k: int) -> Fold:
        """The fold of this number, held out; of the others an eighth says when training ends."""
        others = np.setdiff1d(self.searched, self.parts[k])
        shares = (1.0 - _VALIDATION, _VALIDATION)
        train, validation = split_rows(_strata(self.data, others), shares, self.seed)
        return Fold(*self.data.parts([others[train], others[validation], self.parts[k]]))

    def whole(self) -> tuple[Dataset, Dataset]:
        """All rows that were searched on, by which both are prepared, and the test part."""
        searched, test = self.data.parts([self.searched, self.test])
        return searched, test

    def truth(self, part: Dataset) -> np.ndarray:
        """What would be right for the rows of a part: class numbers, or quantities."""
        return truth_of(self.data, part)


def target_of(part: Dataset) -> Target:
    """What is predicted of data that were prepared."""
    assert part.preparation is not None  # `load_table` gives no data without
    assert part.preparation.target is not None
    return part.preparation.target


def _places(part: Dataset) -> np.ndarray:
    assert part.places is not None
    return part.places


def _strata(data: Dataset | TableDataset, rows: np.ndarray) -> Any:
    """The classes of these rows, or how many quantities they are."""
    if not data.classes:
        return len(rows)
    return (data.values if isinstance(data, TableDataset) else data.labels)[rows]
