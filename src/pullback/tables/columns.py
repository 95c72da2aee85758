"""In: the cells of a column. Out: what kind of thing it holds, and why, in one line.

A network takes numbers. A column of numbers, dates, yes and no, or categories becomes some; one
that only tells rows apart, never changes, or is prose is left out. Whoever knows better says so:
`kinds={"zip": "category"}`, or of dates how they are written, `{"day": "date:%d/%m/%Y"}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.registry import Registry
from pullback.tables.cells import Cells, Dates, Numbers, Other, Texts, as_texts, read_cells
from pullback.tables.column import DOUBT, KINDS, Column, gap_note
from pullback.tables.extract import extract
from pullback.tables.gaps import TRUTHS, YES, is_gap, may_be_value
from pullback.tables.habits import Habits
from pullback.tables.numerals import DECIMALS, NUMBER_STYLES, holds_number
from pullback.tables.quantities import (
    STRAY_SHARE,
    ZEROS,
    nearly_numbers,
    number_column,
    stray_note,
)
from pullback.tables.sample import sample
from pullback.tables.spelling import DATE_FORMATS, likely_dates, listed, shown

if TYPE_CHECKING:
    import pandas as pd

_FEW = 20  # so many distinct texts are categories, however few rows there are
_COMMON = 0.5  # as often as the other texts of a column, a word for a gap may be one of them,
_COMMON_ELSEWHERE = 0.1  # and so often, where gaps are written otherwise
_PROSE = 30  # characters on average, from which texts that hardly repeat are prose
_IDENTIFIER = re.compile(
    r"(?i:(.*[\W_])?(id|idx|index|key|nr|no|number|uuid|guid|row|rownames?|index_level_0__))"
    r"|.*[a-z]I[dD]"
)
_UNNAMED = "column1"  # the first of a file, such as pandas' index


def understand(
    name: str, cells: Cells, kind: str | None = None, habits: Habits | None = None
) -> Column:
    """The column as it is best used, or as `kind` tells.

    Raises `CircuitError` where it cannot be of the kind chosen.

    >>> from pullback.tables.cells import read_cells
    >>> import pandas as pd
    >>> understand("age", read_cells(pd.Series(["17", "n/a", "97"]))).note
    "numbers from 17 to 97, 1 gap such as 'n/a'"
    >>> understand("pet", read_cells(pd.Series(["cat", "dog", "cat", "cow", "dog"]))).note
    'categories: 3 different texts'
    """
    habits = habits or Habits()
    if kind is not None:
        return _told(name, cells, kind, habits)
    if isinstance(cells, Other):
        return Column(name, "ignore", f"left out: it holds {cells.what}")
    column = number_column(name, cells, habits) or _date_column(name, cells, habits)
    nearly = "" if column is not None else nearly_numbers(name, cells, habits)
    column = column or _categories(name, as_texts(cells), habits, nearly)
    if isinstance(cells, Texts):
        cells = cells.without(column.is_gap)
    if cells.gaps.all():
        return Column(name, "ignore", "left out: no cell has a value")
    return _useless(column, cells, nearly) or column


def understand_table(
    frame: pd.DataFrame,
    kinds: Mapping[str, str] | None = None,
    habits: Habits | None = None,
) -> tuple[tuple[Column, ...], dict[str, Numbers | Dates | Texts]]:
    """Every column of a table, and the cells of those that are not left out.

    Raises `CircuitError` where `kinds` names no column or what it cannot be.
    """
    series = columns_of(frame)
    chosen = dict(kinds or {})
    for name in chosen:
        series[name]  # an unknown one is refused with the names there are
    habits = habits or Habits.of(frame)
    read = {name: read_cells(series[name]) for name in series}
    columns = [understand(name, cells, chosen.get(name), habits) for name, cells in read.items()]
    columns = [_ordered(column, columns, read[column.name], habits) for column in columns]
    used = (column for column in columns if column.kind != "ignore")
    found = {c.name: extract(c, read[c.name], frame.index) for c in used}
    return tuple(columns), found


def _ordered(column: Column, columns: Sequence[Column], cells: Cells, habits: Habits) -> Column:
    """The column, its day and month in the order that is sure in the other columns of dates."""
    if column.kind != "date" or DOUBT not in column.note:
        return column
    sure = {
        other.spelling.startswith("%d"): other
        for other in columns
        if other.kind == "date" and DOUBT not in other.note and _can_be_swapped(other.spelling)
    }
    if len(sure) != 1:
        return column
    ((day_first, other),) = sure.items()
    spelling = column.spelling
    spelling = spelling if spelling.startswith("%d") == day_first else _swapped(spelling)
    ordered = _date_column(column.name, cells, habits, (spelling,), 1.0)
    assert ordered is not None
    note = f"{ordered.note}, the day {'first' if day_first else 'second'} as in {shown(other.name)}"
    return replace(column, spelling=spelling, note=note)


def _can_be_swapped(spelling: str) -> bool:
    return _swapped(spelling) != spelling and _swapped(spelling) in DATE_FORMATS


def doubts(columns: Sequence[Column], habits: Habits) -> list[str]:
    """A note on each column that could as well be read in another way, and what takes that."""
    return [
        f"column {shown(column.name)}: {note}"
        for column in columns
        if column.kind != "ignore"
        for note in _doubts(column, habits)
    ]


def _doubts(column: Column, habits: Habits) -> list[str]:
    if column.kind == "date":
        other = f"--kind '{column.name}=date:{_swapped(column.spelling)}' takes the other"
        return [f"{column.note}; {other}"] if DOUBT in column.note else []
    if column.kind == "number":
        notes = [f"{column.note}; {other_decimal(column)}"] if DOUBT in column.note else []
        if ZEROS in column.note:
            notes.append(f"{column.note}; --kind '{column.name}=category' keeps them as texts")
        return notes
    return gap_doubts(column, habits)


def other_decimal(column: Column) -> str:
    """The option that reads a column's numbers with the other decimal mark."""
    mark = NUMBER_STYLES[column.spelling].decimal
    other = next(x for x in DECIMALS if x != mark)
    return f"--decimal '{other}' takes the other"


def gap_doubts(
    column: Column, habits: Habits, doubted: Callable[[str], bool] = may_be_value
) -> list[str]:
    """A note on the texts of categories or classes that were guessed to be gaps, or not to be.

    `doubted` tells which gaps are worth a note: those that may be values, or others too.
    """
    if habits.typed or habits.gaps is not None:
        return []
    notes = []
    kept, gaps = column.kept, [text for text in column.gaps if doubted(text)]
    if kept:
        one = len(kept) == 1
        notes.append(
            f"{listed(kept)} {'is read as a value' if one else 'are read as values'}, being as "
            f"common as the others; --gaps '{','.join(kept)}' makes {'it a gap' if one else 'gaps'}"
        )
    if gaps:
        notes.append(
            f"{listed(gaps)} {'is read as a gap' if len(gaps) == 1 else 'are read as gaps'}; "
            "--gaps '' takes empty cells alone for gaps"
        )
    return notes


def _swapped(date_format: str) -> str:
    """The format with the month where the day is, and the day where the month is."""
    return date_format.translate(str.maketrans("dm", "md"))


def columns_of(frame: pd.DataFrame) -> Registry[pd.Series]:
    """The columns by name.

    Raises `CircuitError` where two have the same.
    """
    columns: Registry[pd.Series] = Registry("column")
    for k, name in enumerate(map(str, frame.columns)):
        if name in columns:
            raise CircuitError(f"two columns are named {shown(name)}; give each its own name")
        columns[name] = frame.iloc[:, k]
    return columns


def _told(name: str, cells: Cells, kind: str, habits: Habits) -> Column:
    """The column as the reader says it is."""
    kind, _, spelling = kind.partition(":")
    KINDS[kind]  # an unknown one is refused with the names there are
    if spelling and (kind != "date" or spelling not in DATE_FORMATS):
        raise CircuitError(
            f"column {shown(name)} cannot be of kind '{kind}:{spelling}'; the kind 'date' alone "
            f"has formats: {', '.join(DATE_FORMATS)}"
        )
    if kind == "ignore":
        return Column(name, kind, "left out, as told")
    if isinstance(cells, Other):
        raise _cannot_be(name, kind, f"holds {cells.what}")
    if cells.gaps.all():
        raise _cannot_be(name, kind, "has no value")
    if kind == "category":
        return category_column(name, as_texts(cells), habits)
    if kind == "boolean":
        column = _boolean(name, as_texts(cells), habits)
    elif kind == "number":
        column = number_column(name, cells, habits, strays=1.0)
    else:
        column = _date_column(name, cells, habits, (spelling,) if spelling else None, strays=1.0)
    if column is None:
        raise _cannot_be(name, kind, f"has {shown(as_texts(cells).values[0])}")
    return column


def _cannot_be(name: str, kind: str, reason: str) -> CircuitError:
    return CircuitError(f"column {shown(name)} cannot be of kind {kind!r}: it {reason}")


# Kinds -------------------------------------------------------------------------------------------


def _date_formats(habits: Habits) -> Sequence[str]:
    """The formats in the order to try: who writes decimal commas writes the day first."""
    return sorted(DATE_FORMATS, key=lambda name: name.startswith("%m") and habits.decimal == ",")


def _date_column(
    name: str,
    cells: Cells,
    habits: Habits,
    formats: Sequence[str] | None = None,
    strays: float = STRAY_SHARE,
) -> Column | None:
    """The column as dates, if no more than this share of its cells are something else."""
    if isinstance(cells, Dates):
        return Column(name, "date", _date_note(cells.values) + gap_note(cells.gaps), "ISO8601")
    if not isinstance(cells, Texts) or cells.truth:
        return None
    filled, dropped = cells.parted(habits.is_gap)
    counts, formats = filled.counts, formats or _date_formats(habits)
    if 2 * counts[likely_dates(filled.values)].sum() < counts.sum():
        return None
    spelling = filled.best_spelling(formats)  # where month and day can be swapped, the first
    moments, wrong = filled.spelled(spelling)
    odd = counts[wrong].sum()
    if odd == counts.sum() or odd > strays * counts.sum():
        return None
    note = _date_note(moments)
    if spelling != "ISO8601":
        swapped = _swapped(spelling)
        note += f", read as {spelling}"
        note += " with years from 1947 to 2046" if "%y" in spelling else ""
        if swapped in formats and not filled.spelled(swapped)[1][~wrong].any():
            note += f", {DOUBT} {swapped} fits too"
    note += stray_note(filled, wrong) + gap_note(filled.gaps, dropped)
    gaps = (*dropped.values, *filled.at(wrong))
    return Column(name, "date", note, spelling, gaps=gaps)


def _date_note(moments: np.ndarray) -> str:
    known = moments[~np.isnat(moments)].astype("datetime64[D]")
    return f"dates from {known.min()} to {known.max()}"


def _categories(name: str, cells: Texts, habits: Habits, nearly: str) -> Column:
    """The column as yes and no, or as one of several texts."""
    column = _boolean(name, cells, habits) or category_column(name, cells, habits)
    return replace(column, note=f"{column.note}; {nearly}") if nearly else column


def _boolean(name: str, cells: Texts, habits: Habits) -> Column | None:
    """The column as yes and no, if it has two values; upper and lower case are the same."""
    kept = _kept(cells, habits)
    filled, dropped = cells.parted(lambda text: habits.is_gap(text) and text not in kept)
    by_count = sorted(zip(filled.counts.tolist(), filled.values, strict=True))
    values = {text.casefold(): text for count, text in by_count if count}  # as most are written
    if len(values) != 2:
        return None
    no, yes = sorted(values, key=lambda text: (text in YES, text))
    note = f"one of two: 0 is {shown(values[no])}, 1 is {shown(values[yes])}"
    note += gap_note(filled.gaps, dropped)
    note += merged_note(cells)
    pair, gaps = (values[no], values[yes]), tuple(dropped.values)
    return Column(name, "boolean", note, values=pair, gaps=gaps, kept=kept)


def category_column(name: str, cells: Texts, habits: Habits) -> Column:
    """The column as one of several texts."""
    kept = _kept(cells, habits)
    filled, dropped = cells.parted(lambda text: habits.is_gap(text) and text not in kept)
    distinct = np.count_nonzero(filled.counts)
    note = "a category: 1 text" if distinct == 1 else f"categories: {distinct:,} different texts"
    note += f", {listed(kept)} among them" if kept else ""
    note += gap_note(filled.gaps, dropped) + merged_note(cells)
    return Column(name, "category", note, gaps=tuple(dropped.values), kept=kept)


def merged_note(cells: Texts) -> str:
    """Two texts that were read as one, blanks around them aside; "" where there are none."""
    if not cells.merged:
        return ""
    return f", {' and '.join(map(shown, cells.merged))} read as one, without the blanks around them"


def _kept(cells: Texts, habits: Habits) -> tuple[str, ...]:
    """The texts that stand for gaps elsewhere and are values in this column.

    Those are as common as the others, and stand for no gap among the numbers of the table.
    """
    counts = dict(zip(cells.values, cells.counts.tolist(), strict=True))
    known = [text for text in cells.values if is_gap(text) and counts[text]]
    if habits.gaps is not None:
        return tuple(filter(habits.spares, known))
    if habits.typed:
        return tuple(known)
    others = sorted(n for text, n in counts.items() if n and not is_gap(text))
    truths = all(text.casefold() in TRUTHS for text in counts if not is_gap(text))
    if truths or not 0 < len(others) <= _FEW:
        return ()
    usual = others[(len(others) - 1) // 2]
    elsewhere = cells.gaps.any() or not habits.among_numbers <= set(known)
    common = _COMMON_ELSEWHERE if elsewhere else _COMMON
    return tuple(
        text
        for text in known
        if may_be_value(text)
        and text not in habits.among_numbers
        and counts[text] >= max(2, common * usual)
    )


# What is left out --------------------------------------------------------------------------------


def _useless(column: Column, cells: Numbers | Dates | Texts, nearly: str) -> Column | None:
    """The column as one to leave out, where no network could learn from it what holds elsewhere."""
    gaps = cells.gaps
    filled = np.count_nonzero(~gaps)
    distinct = _distinct(cells)
    reason = ""
    if distinct == 1 and filled == len(gaps) > 1:
        reason = f"every row has {shown(as_texts(cells).values[0])}"
    elif distinct == filled > 1 and _numbers_rows(column, cells):
        reason = "by its name, and as its values all differ, it only tells rows apart"
    elif column.kind == "category" and distinct == filled > 2:
        reason = "its texts all differ, so that they only tell rows apart"
    elif column.kind == "category" and distinct > max(_FEW, filled / 2):
        length = np.mean([len(text) for text in as_texts(cells).values])
        what = "prose" if length >= _PROSE else "texts that hardly repeat"
        reason = f"{what}, {distinct:,} different ones in {filled:,} rows"
    if not reason:
        return None
    if column.kind == "category" and _hold_numbers(cells):
        example = next(filter(holds_number, as_texts(cells).values))
        reason = f"it holds numbers with other text, such as {shown(example)}, and {reason}"
    return Column(column.name, "ignore", f"left out: {reason}" + f"; {nearly}" * bool(nearly))


def _hold_numbers(cells: Numbers | Dates | Texts) -> bool:
    """Whether most of the different texts are numbers with something around or between."""
    if not isinstance(cells, Texts):
        return False
    places, _ = sample(cells.values, cells.counts)
    return 2 * sum(holds_number(cells.values[k]) for k in places) > len(places)


def _distinct(cells: Numbers | Dates | Texts) -> int:
    """How many different values there are."""
    if isinstance(cells, Texts):
        return int(np.count_nonzero(cells.counts))
    if isinstance(cells, Numbers) and cells.exact is not None:
        return len(as_texts(cells).values)
    return len(np.unique(cells.values[~cells.gaps]))


def _numbers_rows(column: Column, cells: Numbers | Dates | Texts) -> bool:
    """Whether a column is there to number or name rows: no cell of it is a measurement."""
    named = bool(_IDENTIFIER.fullmatch(column.name))
    if isinstance(cells, Dates) or not (named or column.name == _UNNAMED):
        return False
    if column.kind != "number":
        return named
    numbers = cells.spelled(column.spelling)[0] if isinstance(cells, Texts) else cells.values
    numbers = numbers[np.isfinite(numbers)]
    whole = bool(np.all(np.mod(numbers, 1.0) == 0.0))
    return whole and (named or bool(np.all(np.diff(np.sort(numbers)) == 1.0)))
