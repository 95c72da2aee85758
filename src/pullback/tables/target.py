"""In: the column to predict. Out: labels that a loss takes; and back, answers as the table's own.

A class is a number from 0 in training and keeps its own label outside. A quantity is standardised
in training, by the training rows alone, and turned back outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.tables.cells import Cells, Dates, Numbers, Other, Texts, as_texts, read_cells
from pullback.tables.column import DOUBT, Column
from pullback.tables.columns import (
    category_column,
    columns_of,
    gap_doubts,
    merged_note,
    other_decimal,
)
from pullback.tables.extract import extract, place
from pullback.tables.gaps import is_gap
from pullback.tables.habits import Habits
from pullback.tables.numerals import NUMBER_STYLES, styles
from pullback.tables.quantities import HUGE, number_column
from pullback.tables.spelling import EXACT, listed, number_text, shown
from pullback.tables.standard import centre_and_scale

if TYPE_CHECKING:
    import pandas as pd

TASKS = ("classification", "regression")
_NAMES = ("target", "label", "class", "y", "outcome")
_FEW_CLASSES = 20
_ROWS_A_CLASS = 5  # whole numbers that repeat less than this are quantities


@dataclass(frozen=True)
class Target:
    """The column to predict, and how its values become labels.

    `classes` are its labels as the table has them: the texts of a file, as they stand there, or the
    texts, numbers or truth values of a typed table. There are none in regression, where a label is
    (value - centre) / scale.

    >>> Target(Column("pet", "category", ""), ("cat", "dog")).decode([[0.1, 2.0], [3.0, 1.0]])
    array(['dog', 'cat'], dtype='<U3')
    >>> Target(Column("price", "number", "", "plain"), centre=10.0, scale=2.0).decode([[1.5]])
    array([13.])
    """

    column: Column
    classes: tuple[Any, ...] = ()
    centre: float = 0.0
    scale: float = 1.0

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def task(self) -> str:
        """ "classification" or "regression"."""
        return "classification" if self.classes else "regression"

    def values(self, cells: Cells, index: pd.Index) -> np.ndarray:
        """Class numbers, -1 for a gap, or quantities in their own unit, nan for a gap.

        Raises `CircuitError` at the first value that is none or no class known.
        """
        found = extract(self.column, cells, index)
        if not self.classes:
            return found.values if isinstance(found, Numbers) else np.full(len(index), np.nan)
        texts = as_texts(found)
        known = {_label_text(label): k for k, label in enumerate(self.classes)}
        if isinstance(cells, Numbers):  # of which nobody knows how a file would write them
            known = {**_by_number(self.classes), **known}
        numbers = np.array([known.get(text, -2) for text in texts.values], np.int64)
        labels = texts.spread(numbers, -1)
        if (labels == -2).any():
            first = int(np.argmax(labels == -2))
            raise CircuitError(
                f"{place(index, first)} has {shown(texts.values[texts.codes[first]])} in column "
                f"{shown(self.name)}, which is none of the {len(self.classes)} classes: "
                f"{listed(self.classes)}"
            )
        return labels

    def truth(self, frame: pd.DataFrame) -> np.ndarray | None:
        """The values in a table; None where it has no such column, or no value in it."""
        series = columns_of(frame)
        if self.name not in series:
            return None
        cells = read_cells(series[self.name])
        if not isinstance(cells, Other) and cells.gaps.all():
            return None
        return self.values(cells, frame.index)

    def gaps(self, values: np.ndarray) -> np.ndarray:
        """Which of its values are gaps."""
        return values < 0 if self.classes else np.isnan(values)

    def labels(self, frame: pd.DataFrame) -> np.ndarray:
        """The labels (rows,) of a table that has the target, as a loss takes them.

        Raises `CircuitError` where the column is missing, or at its first gap or unknown class.
        """
        values = self.values(read_cells(columns_of(frame)[self.name]), frame.index)
        gaps = self.gaps(values)
        if gaps.any():
            where = place(frame.index, int(np.argmax(gaps)))
            raise CircuitError(f"{where} has no value in the target {shown(self.name)}")
        return self.encode(values)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """What `values` gave, as a loss takes it: int64 class numbers, or standardised float32."""
        if self.classes:
            return values.astype(np.int64)
        return ((values - self.centre) / self.scale).astype(np.float32)

    def decode(self, scores: Any) -> np.ndarray:
        """A network's scores (rows, classes) or (rows, 1) as answers (rows,) of the table's own."""
        scores = np.asarray(scores)
        if self.classes:
            return label_array(self.classes)[scores.argmax(axis=1)]
        return scores.reshape(len(scores)).astype(np.float64) * self.scale + self.centre

    def fitted(self, values: np.ndarray) -> Target:
        """The target with the centre and scale of these values, those of the training rows."""
        if self.classes:
            return self
        centre, scale = centre_and_scale(values)
        return replace(self, centre=centre, scale=scale)


def label_array(classes: Sequence[Any]) -> np.ndarray:
    """Classes as an array of the narrowest type that changes none of them.

    >>> label_array(["a", "bc"]), label_array([2**64, -1]).tolist()
    (array(['a', 'bc'], dtype='<U2'), [18446744073709551616, -1])
    """
    labels = np.array(classes)
    return labels if labels.tolist() == list(classes) else np.array(classes, dtype=object)


def guess_target(names: list[str]) -> tuple[str, str]:
    """The name of the column that is likely to be predicted, and a note on why.

    >>> guess_target(["label", "height"])
    ('label', "the target is column 'label', by its name")
    """
    for wanted in _NAMES:
        for name in names:
            if name.lower() == wanted:
                return name, f"the target is column {shown(name)}, by its name"
    return names[-1], f"the target is column {shown(names[-1])}, the last"


def understand_target(
    name: str,
    cells: Cells,
    index: pd.Index,
    task: str | None = None,
    habits: Habits | None = None,
) -> tuple[Target, list[str]]:
    """The target, still to be `fitted`, and notes on its task and on what was guessed of it.

    Raises `CircuitError` where its values cannot be predicted, or not as `task` says.
    """
    if task is not None and task not in TASKS:
        raise CircuitError(f"a task is {' or '.join(TASKS)}, got {task!r}")
    if isinstance(cells, Other | Dates):
        what = cells.what if isinstance(cells, Other) else "dates"
        raise CircuitError(f"the target {shown(name)} holds {what}; name another to predict")
    habits = habits or Habits()
    quantity = number_column(name, cells, habits)
    numbers = None if quantity is None else extract(quantity, cells, index)
    guessed = task is None
    if task is None:
        task = "classification" if numbers is None else _likely_task(numbers)
    if task == "regression":
        return _regression(name, quantity, numbers, cells)
    column = _class_column(name, cells, quantity, habits)
    target, note = _classification(column, extract(column, cells, index), quantity is not None)
    if guessed and quantity is not None and len(target.classes) > 2:
        note += "; --task regression predicts its numbers as quantities"
    doubts = [] if column.kind == "number" else gap_doubts(column, habits, bool)  # lost rows
    return target, [note, *(f"the target {shown(name)}: {doubt}" for doubt in doubts)]


def _class_column(
    name: str, cells: Numbers | Texts, quantity: Column | None, habits: Habits
) -> Column:
    """The column as classes: the texts of a file as they stand there, unless numbers are told."""
    if quantity is not None and (isinstance(cells, Numbers) or habits.class_numbers):
        return quantity
    texts = as_texts(cells)
    if quantity is None:
        return category_column(name, texts, habits)
    dropped = tuple(t for t in quantity.gaps if habits.is_gap(t) and not habits.spares(t))
    kept = tuple(text for text in texts.values if is_gap(text) and text not in dropped)
    return Column(name, "category", quantity.note, gaps=dropped, kept=kept)


def _likely_task(numbers: Cells) -> str:
    """Classification for two numbers or a few whole ones that repeat, else regression."""
    assert isinstance(numbers, Numbers)
    filled = numbers.values[~numbers.gaps]
    distinct = np.unique(filled)
    whole = bool(np.all(np.mod(distinct, 1.0) == 0.0))
    count = len(distinct) if numbers.exact is None else len(as_texts(numbers).values)
    few = count <= min(_FEW_CLASSES, len(filled) / _ROWS_A_CLASS)
    return "classification" if count <= 2 or (whole and few) else "regression"


def _regression(
    name: str, column: Column | None, numbers: Cells | None, cells: Numbers | Texts
) -> tuple[Target, list[str]]:
    if column is None or not isinstance(numbers, Numbers):
        example = shown(as_texts(cells).values[0]) if not cells.gaps.all() else "gaps alone"
        raise CircuitError(
            f"regression predicts numbers, and the target {shown(name)} has {example}"
        )
    if numbers.gaps.all():
        raise CircuitError(
            f"the target {shown(name)} has no number below {HUGE:g}: what it has is too large to "
            "learn from; give it in a larger unit"
        )
    _varied(name, np.unique(numbers.values[~numbers.gaps]).tolist())
    notes = [f"the task is regression: {shown(name)} holds {column.note}"]
    if DOUBT in column.note:
        notes.append(f"the target {shown(name)}: {column.note}; {other_decimal(column)}")
    return Target(column), notes


def _classification(
    column: Column, found: Numbers | Dates | Texts, numeric: bool
) -> tuple[Target, str]:
    labels = _labels(found)
    filled = np.count_nonzero(~found.gaps)
    name = shown(column.name)
    _varied(column.name, labels, column.gaps)
    if 2 * len(labels) > filled:
        other = "name another target" + ", or the task regression" * numeric
        raise CircuitError(
            f"the target {name} has {len(labels)} classes in {filled} rows, too few rows of each "
            f"to learn from; {other}"
        )
    note = f"the task is classification: {name} has {len(labels)} classes, {listed(labels)}"
    if len({str(label).casefold() for label in labels}) < len(labels):
        note += ", some of which differ in upper and lower case alone"
    note += merged_note(as_texts(found))
    same = _same_number(labels)
    if same:
        note += f", of which {listed(same)} are the same number; --classes number makes them one"
    return Target(column, tuple(labels)), note


def _varied(name: str, distinct: list[Any], gaps: Sequence[str] = ()) -> None:
    """Refuse a target that has no value, or the same everywhere."""
    cure = "name another"
    if gaps:
        cure += f", or tell by --gaps '' that {listed(gaps)} is no gap"
    if not distinct:
        raise CircuitError(f"the target {shown(name)} has no value in any row; {cure}")
    if len(distinct) == 1:
        raise CircuitError(
            f"the target {shown(name)} is {shown(distinct[0])} in every row, so that there is "
            f"nothing to learn; {cure}"
        )


def _labels(found: Numbers | Dates | Texts) -> list[Any]:
    """The different values in order: texts, truth values, or numbers, whole ones as int.

    Texts that are numbers are in the order of those.
    """
    if isinstance(found, Texts):
        present = found.at(found.counts > 0)
        if found.truth:
            return [text == "True" for text in present]
        numbers = [_number(text) for text in present]
        if None in numbers:
            return sorted(present)
        return [text for _, text in sorted(zip(numbers, present, strict=True))]
    distinct = np.unique(found.values[~found.gaps]).tolist()
    if isinstance(found, Numbers) and found.exact is not None:
        texts = as_texts(found).values
        labels = [int(x) if x.lstrip("-").isdigit() else float(x) for x in texts]
        return labels if list(map(number_text, labels)) == texts else texts
    return [int(x) if x.is_integer() and abs(x) < EXACT else x for x in distinct]


def _number(text: str) -> float | None:
    """The number that a class's text spells, if it spells one."""
    numbers = (NUMBER_STYLES[style].number(text) for style in styles("."))
    return next((x for x in numbers if x is not None), None)


def _same_number(labels: list[Any]) -> list[str]:
    """Two classes of different texts that spell the same number; none where there are none."""
    numbers: dict[float, str] = {}
    for label in labels:
        number = _number(label) if isinstance(label, str) else None
        if number in numbers:
            return [numbers[number], label]
        if number is not None:
            numbers[number] = label
    return []


def _by_number(classes: tuple[Any, ...]) -> dict[str, int]:
    """The classes by the numbers that they alone spell."""
    numbers = [_number(label) if isinstance(label, str) else None for label in classes]
    return {
        number_text(x): k for k, x in enumerate(numbers) if x is not None and numbers.count(x) == 1
    }


def _label_text(label: Any) -> str:
    """A label as `as_texts` writes it."""
    return str(label) if isinstance(label, str | bool) else number_text(label)
