"""In: a table and the column to predict. Out: parts of it, as numbers to train and to judge by.

The kinds of the columns are found in the whole table, as is how they are written; what is learned
from values, down to the last median, is learned from the rows of the first part alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.shown import Shown, Table
from pullback.core.text import counted
from pullback.tables.cells import read_cells
from pullback.tables.columns import Column, columns_of, doubts, understand_table
from pullback.tables.dataset import Dataset
from pullback.tables.habits import Habits
from pullback.tables.options import ReadOptions
from pullback.tables.prepare import Extracted, Preparation
from pullback.tables.read import read_table
from pullback.tables.showing import class_table, heading
from pullback.tables.spelling import listed, shown
from pullback.tables.target import Target, guess_target, understand_target
from pullback.train.split import split_rows

if TYPE_CHECKING:
    import pandas as pd

FEWEST_ROWS = 10


@dataclass(frozen=True, repr=False)
class TableDataset(Shown):
    """A table that is understood: its columns, its target, and the rows that have one.

    `frame` keeps the rows used, `columns` says what its inputs are, `values` are the target's:
    class numbers, or quantities in their own unit. `notes` say what was assumed.
    """

    name: str
    frame: pd.DataFrame
    columns: tuple[Column, ...]
    target: Target
    values: np.ndarray
    notes: tuple[str, ...] = ()
    source: str = ""
    found: Mapping[str, Extracted] = field(default_factory=dict)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        target: str | None = None,
        task: str | None = None,
        kinds: Mapping[str, str] | None = None,
        *,
        name: str = "table",
        source: str = "",
        habits: Habits | None = None,
    ) -> TableDataset:
        """A table of a person's own, understood.

        `target` is the column to predict, by default one named target, label, class, y or outcome,
        else the last. `task` is "classification" or "regression", by default whichever its values
        look like. `kinds` tells what columns are: number, boolean, category, date, or ignore; of
        dates also the format, as "date:%d/%m/%Y". `habits` tell how its numbers and gaps are
        written; by default its columns do.

        Raises `CircuitError` where the table cannot be learned from, saying why.

        >>> import pandas as pd
        >>> frame = pd.DataFrame({"x": range(12), "y": ["no", "yes", "yes"] * 4})
        >>> data = TableDataset.from_frame(frame)
        >>> data.task, data.classes
        ('classification', ('no', 'yes'))
        >>> [part.inputs.shape for part in data.split(0.75, 0.25)]
        [(9, 1), (3, 1)]
        """
        series = columns_of(frame)
        if not series:
            raise CircuitError("the table has no columns")
        chosen, guess = (target, "") if target is not None else guess_target(list(series))
        if chosen in (kinds or {}):
            raise CircuitError(
                f"{shown(chosen)} is the target: its task tells what it is, not its kind"
            )
        habits = habits or Habits.of(frame)
        cells = read_cells(series[chosen])
        aim, remarks = understand_target(chosen, cells, frame.index, task, habits)
        notes = [note for note in (guess, *remarks) if note]
        values = aim.values(cells, frame.index)
        kept = values >= 0 if aim.classes else ~np.isnan(values)
        if not kept.all():
            left = int((~kept).sum())
            rows = "1 row without a target is" if left == 1 else f"{left} rows without a target are"
            notes.append(f"{rows} left out")
            frame, values = frame.loc[kept], values[kept]
        if len(values) < FEWEST_ROWS:
            raise CircuitError(
                f"{len(values)} rows with a target are too few to learn from and to judge by: "
                f"give at least {FEWEST_ROWS}"
            )
        inputs = frame.loc[:, [name != chosen for name in series]]
        columns, found = understand_table(inputs, kinds, habits)
        notes += doubts(columns, habits)
        return cls(name, frame, columns, aim, values, tuple(notes), source, found)

    def __len__(self) -> int:
        return len(self.values)

    def _says(self) -> Iterator[str | Table]:
        rows = f"{counted(len(self), 'row')} of {counted(len(self.columns), 'column')}"
        amount = f"{rows}, to predict {shown(self.target.name)}"
        yield from heading(self.name, amount, self.classes, self.source)
        yield Table(("column", "kind", ""), [(x.name, x.kind, x.note) for x in self.columns])
        if self.classes:
            yield class_table(self.values, self.classes)
        yield from self.notes

    @property
    def task(self) -> str:
        """ "classification" or "regression"."""
        return self.target.task

    @property
    def classes(self) -> tuple[Any, ...]:
        """The classes' own labels; none in regression."""
        return self.target.classes

    def split(self, *shares: float, seed: int = 0) -> list[Dataset]:
        """Parts of these shares, drawn at random, each class in its proportion, as numbers.

        The first part is the one to train on: all are prepared by what it alone teaches. A class
        with too few rows for all parts has a row in the first, which the notes say.

        Raises `CircuitError` where the shares do not add up to 1 or no column can be learned from.
        """
        return self.parts(split_rows(self.values if self.classes else len(self), shares, seed))

    def parts(self, parts: Sequence[np.ndarray]) -> list[Dataset]:
        """The rows of each part, by their numbers, as numbers: prepared by the first, as above.

        Raises `CircuitError` where no column can be learned from.
        """
        target = self.target.fitted(self.values[parts[0]])
        preparation = Preparation.learn(self.columns, self.found, parts[0], target)
        inputs, encoded = preparation.inputs(self.found), target.encode(self.values)
        names = tuple(feature.name for feature in preparation.features)
        notes = (*self.notes, *self._rare(len(parts)), *preparation.unknown(self.found))
        return [
            Dataset(
                self.name,
                inputs[rows],
                encoded[rows],
                self.classes,
                names,
                self.source,
                notes,
                preparation,
                rows,
            )
            for rows in parts
        ]

    def _rare(self, parts: int) -> list[str]:
        """A note where a class is too rare to be in every part."""
        if not self.classes:
            return []
        counts = np.bincount(self.values, minlength=len(self.classes))
        rare = [self.classes[k] for k in np.flatnonzero(counts < parts)]
        if not rare:
            return []
        some = (
            f"class {shown(rare[0])} has" if len(rare) == 1 else f"the classes {listed(rare)} have"
        )
        return [f"{some} fewer than {parts} rows: learned, but not judged in every part"]


def read_dataset(
    path: str | os.PathLike[str],
    target: str | None = None,
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    options: ReadOptions | None = None,
) -> TableDataset:
    """The table in a CSV or Parquet file, understood as `TableDataset.from_frame` does.

    `options` tell how the file is to be read, where it could be read otherwise.

    Raises `CircuitError` where the file cannot be read or learned from.
    """
    table = read_table(path, options)
    if len(table.frame.columns) == 1 and not table.separator and table.frame.index.name == "line":
        raise CircuitError(
            f"{os.fspath(path)} has one column, as no separator was found between cells, and a "
            "table to learn from has more; --separator tells what separates them"
        )
    data = TableDataset.from_frame(
        table.frame,
        target,
        task,
        kinds,
        name=os.path.basename(path),
        source=f"the file {os.fspath(path)}",
        habits=table.habits,
    )
    return replace(data, notes=(*table.notes, *data.notes))
