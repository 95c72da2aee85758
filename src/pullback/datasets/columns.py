"""In: the cells of a column. Out: what kind of thing it holds, and why, in one line.

A network takes numbers. A column of numbers, dates, yes and no, or categories becomes some; one
that only tells rows apart, never changes, or is prose is left out. Whoever knows better says so:
`kinds={"zip": "category"}`, or of dates how they are written, `{"day": "date:%d/%m/%Y"}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.registry import Registry
from pullback.datasets.cells import Cells, Dates, Numbers, Other, Texts, as_texts, read_cells
from pullback.datasets.spelling import (
    DATE_FORMATS,
    NUMBER_STYLES,
    brief,
    is_number,
    likely_dates,
    shown,
)

if TYPE_CHECKING:
    import pandas as pd

KINDS: Registry[str] = Registry("kind of column")
for _kind, _meaning in (
    ("number", "a quantity: standardised"),
    ("boolean", "one of two: 0 or 1, standardised"),
    ("category", "one of several: an input for each"),
    ("date", "a moment: its year, month, weekday, day of the year, days and, if told, hour"),
    ("ignore", "left out"),
):
    KINDS.add(_kind, _meaning)

STRAY_SHARE = 0.05  # so much text among numbers counts as gaps; more makes them categories
HUGE = 1e100  # beyond it, sums of squares leave double precision
_FEW = 20  # so many distinct texts are categories, however few rows there are
_PROSE = 30  # characters on average, from which texts that hardly repeat are prose
_YES = frozenset({"yes", "true", "y", "t", "on", "1"})
_FITS_TOO = "fits too"
_IDENTIFIER = re.compile(
    r"(?i:(.*[\W_])?(id|idx|index|key|nr|no|number|uuid|guid|row|rownames?|index_level_0__))"
    r"|.*[a-z]I[dD]|column1"
)


@dataclass(frozen=True)
class Column:
    """What a column was understood as.

    `kind` is one of `KINDS`, `note` says why. `spelling` is how texts spell the numbers or dates,
    `values` the texts for no and yes, `strays` the texts among numbers or dates that are gaps.
    """

    name: str
    kind: str
    note: str
    spelling: str = ""
    values: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()


def understand(
    name: str, cells: Cells, kind: str | None = None, *, decimal_comma: bool = False
) -> Column:
    """The column as it is best used, or as `kind` tells.

    Raises `CircuitError` where it cannot be of the kind told.

    >>> from pullback.datasets.cells import read_cells
    >>> import pandas as pd
    >>> understand("age", read_cells(pd.Series(["17", "n/a", "97"]))).note
    'numbers from 17 to 97, 1 gap'
    >>> understand("pet", read_cells(pd.Series(["cat", "dog", "cat", "cow", "dog"]))).note
    'categories: 3 different texts'
    """
    if kind is not None:
        return _told(name, cells, kind, decimal_comma)
    if isinstance(cells, Other):
        return Column(name, "ignore", f"left out: it holds {cells.what}")
    if cells.gaps.all():
        return Column(name, "ignore", "left out: no cell has a value")
    column = (
        number_column(name, cells, decimal_comma=decimal_comma)
        or _date_column(name, cells, _date_formats(decimal_comma))
        or _categories(name, as_texts(cells), decimal_comma)
    )
    return _useless(column, cells) or column


def understand_table(
    frame: pd.DataFrame,
    kinds: Mapping[str, str] | None = None,
    *,
    decimal_comma: bool = False,
) -> tuple[tuple[Column, ...], dict[str, Numbers | Dates | Texts]]:
    """Every column of a table, and the cells of those that are not left out.

    Raises `CircuitError` where `kinds` names no column or what it cannot be.
    """
    series = columns_of(frame)
    told = dict(kinds or {})
    for name in told:
        series[name]  # an unknown one is refused with the names there are
    columns, found = [], {}
    for name in series:
        cells = read_cells(series[name])
        column = understand(name, cells, told.get(name), decimal_comma=decimal_comma)
        columns.append(column)
        if column.kind != "ignore":
            found[name] = extract(column, cells, frame.index)
    return tuple(columns), found


def doubts(columns: Sequence[Column]) -> list[str]:
    """A note on each column whose dates could as well be others."""
    return [
        f"column {shown(column.name)}: {column.note}; "
        f"--kind '{column.name}=date:{_swapped(column.spelling)}' takes the other"
        for column in columns
        if column.kind == "date" and _FITS_TOO in column.note
    ]


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


def _told(name: str, cells: Cells, kind: str, decimal_comma: bool) -> Column:
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
        return Column(name, kind, _category_note(as_texts(cells)))
    if kind == "boolean":
        column = _boolean(name, as_texts(cells))
    elif kind == "number":
        column = number_column(name, cells, decimal_comma=decimal_comma, strays=1.0)
    else:
        formats = (spelling,) if spelling else _date_formats(decimal_comma)
        column = _date_column(name, cells, formats, strays=1.0)
    if column is None:
        raise _cannot_be(name, kind, f"has {shown(as_texts(cells).values[0])}")
    return column


def _cannot_be(name: str, kind: str, reason: str) -> CircuitError:
    return CircuitError(f"column {shown(name)} cannot be of kind {kind!r}: it {reason}")


# Kinds -------------------------------------------------------------------------------------------


def number_column(
    name: str, cells: Cells, *, decimal_comma: bool = False, strays: float = STRAY_SHARE
) -> Column | None:
    """The column as numbers, if no more than this share of its cells are something else."""
    if isinstance(cells, Numbers):
        return Column(name, "number", _number_note(cells.values) + _gap_note(cells.gaps), "plain")
    if not isinstance(cells, Texts) or cells.truth or cells.gaps.all():
        return None
    counts = cells.counts
    styles = list(NUMBER_STYLES)
    if decimal_comma:  # "1,234" and "1.234" are each a number of two styles
        styles.sort(key=lambda name: "decimal commas" not in name)
    style = cells.best_spelling(styles)
    numbers, wrong = cells.spelled(style)
    odd = counts[wrong].sum()
    if odd == counts.sum() or odd > strays * counts.sum():
        return None
    note = _number_note(cells.spread(numbers, np.nan))
    note += _style_note(style, cells.values)
    return _spelled_column(name, "number", note, style, cells, wrong)


def _style_note(style: str, texts: Sequence[str]) -> str:
    """How the numbers are written, unless as everywhere."""
    if "decimal commas" in style and not any("," in text for text in texts):
        told = "thousands dots" if any("." in text for text in texts) else "plain"
        style = style.replace("decimal commas", told)
    return "" if style == "plain" else f", written with {style.removeprefix('plain with ')}"


def _number_note(values: np.ndarray) -> str:
    fine = values[np.abs(values) <= HUGE]  # a comparison with nan is false
    huge = np.count_nonzero(np.abs(values) > HUGE)
    note = f"numbers from {brief(fine.min())} to {brief(fine.max())}" if len(fine) else "numbers"
    return note + (f", {huge} infinite or beyond 1e100 and so missing" if huge else "")


def _date_formats(decimal_comma: bool) -> Sequence[str]:
    """The formats in the order to try: who writes decimal commas writes the day first."""
    return sorted(DATE_FORMATS, key=lambda name: name.startswith("%m") and decimal_comma)


def _date_column(
    name: str, cells: Cells, formats: Sequence[str], strays: float = STRAY_SHARE
) -> Column | None:
    """The column as dates, if no more than this share of its cells are something else."""
    if isinstance(cells, Dates):
        return Column(name, "date", _date_note(cells.values) + _gap_note(cells.gaps), "ISO8601")
    if not isinstance(cells, Texts) or cells.truth:
        return None
    counts = cells.counts
    if 2 * counts[likely_dates(cells.values)].sum() < counts.sum():
        return None
    spelling = cells.best_spelling(formats)  # where month and day can be swapped, the first
    moments, wrong = cells.spelled(spelling)
    odd = counts[wrong].sum()
    if odd == counts.sum() or odd > strays * counts.sum():
        return None
    note = _date_note(moments)
    if spelling != "ISO8601":
        swapped = _swapped(spelling)
        note += f", read as {spelling}"
        if swapped in formats and not cells.spelled(swapped)[1][~wrong].any():
            note += f", though {swapped} {_FITS_TOO}"
    return _spelled_column(name, "date", note, spelling, cells, wrong)


def _date_note(moments: np.ndarray) -> str:
    known = moments[~np.isnat(moments)].astype("datetime64[D]")
    return f"dates from {known.min()} to {known.max()}"


def _spelled_column(
    name: str, kind: str, note: str, spelling: str, cells: Texts, wrong: np.ndarray
) -> Column:
    """A column of texts that spell its kind, but for those that are wrong."""
    strays = tuple(cells.values[k] for k in np.flatnonzero(wrong))
    if strays:
        count = int(cells.counts[wrong].sum())
        note += f", {count} such as {shown(strays[0])} {'is' if count == 1 else 'are'} missing"
    return Column(name, kind, note + _gap_note(cells.gaps), spelling, strays=strays)


def _categories(name: str, cells: Texts, decimal_comma: bool) -> Column:
    """The column as yes and no, or as one of several texts."""
    note = _category_note(cells)
    nearly = number_column(name, cells, decimal_comma=decimal_comma, strays=0.5)
    if nearly is not None:
        note += f"; numbers but for {len(nearly.strays)}, such as {shown(nearly.strays[0])}"
    return _boolean(name, cells) or Column(name, "category", note)


def _boolean(name: str, cells: Texts) -> Column | None:
    """The column as yes and no, if it has two values; upper and lower case are the same."""
    present = [cells.values[k] for k in np.flatnonzero(cells.counts)]
    values = {text.casefold(): text for text in reversed(present)}
    if len(values) != 2:
        return None
    no, yes = sorted(values, key=lambda text: (text in _YES, text))
    note = f"one of two: 0 is {shown(values[no])}, 1 is {shown(values[yes])}"
    return Column(name, "boolean", note + _gap_note(cells.gaps), values=(values[no], values[yes]))


def _category_note(cells: Texts) -> str:
    distinct = np.count_nonzero(cells.counts)
    note = "a category: 1 text" if distinct == 1 else f"categories: {distinct:,} different texts"
    return note + _gap_note(cells.gaps)


def _gap_note(gaps: np.ndarray) -> str:
    count = np.count_nonzero(gaps)
    return f", {count:,} gap{'' if count == 1 else 's'}" if count else ""


# What is left out --------------------------------------------------------------------------------


def _useless(column: Column, cells: Numbers | Dates | Texts) -> Column | None:
    """The column as one to leave out, where no network could learn from it what holds elsewhere."""
    gaps = cells.gaps
    filled = np.count_nonzero(~gaps)
    distinct = _distinct(cells)
    reason = ""
    if distinct == 1 and filled == len(gaps) > 1:
        reason = f"every row has {shown(as_texts(cells).values[0])}"
    elif distinct == filled > 1 and _IDENTIFIER.fullmatch(column.name) and _numbers_rows(cells):
        reason = "by its name, and as its values all differ, it only tells rows apart"
    elif column.kind == "category" and distinct == filled > 2:
        reason = "its texts all differ, so that they only tell rows apart"
    elif column.kind == "category" and distinct > max(_FEW, filled / 2):
        length = np.mean([len(text) for text in as_texts(cells).values])
        what = "prose" if length >= _PROSE else "texts that hardly repeat"
        reason = f"{what}, {distinct:,} different ones in {filled:,} rows"
    return Column(column.name, "ignore", f"left out: {reason}") if reason else None


def _distinct(cells: Numbers | Dates | Texts) -> int:
    """How many different values there are."""
    if isinstance(cells, Texts):
        return int(np.count_nonzero(cells.counts))
    return len(np.unique(cells.values[~cells.gaps]))


def _numbers_rows(cells: Numbers | Dates | Texts) -> bool:
    """Whether the cells could number or name rows: none of them is a measurement."""
    if isinstance(cells, Numbers):
        return bool(np.all(np.mod(cells.values[~cells.gaps], 1.0) == 0.0))
    return isinstance(cells, Texts) and not any("." in text for text in cells.values)


# Cells by kind -----------------------------------------------------------------------------------


def place(index: pd.Index, k: int) -> str:
    """Row k as messages name it: by the line of its file, if it came from one."""
    return f"{index.name or 'row'} {index[k]}"


def extract(column: Column, cells: Cells, index: pd.Index) -> Numbers | Dates | Texts:
    """The cells as this column's kind has them; numbers beyond all measure are gaps.

    Raises `CircuitError` at the first cell that is neither of the kind nor a gap.
    """
    if isinstance(cells, Other):
        raise _not_of_kind(column, f"it holds {cells.what}")
    if column.kind == "category":
        return as_texts(cells)
    if column.kind == "boolean":
        texts = as_texts(cells)
        known = {text.casefold(): float(k) for k, text in enumerate(column.values)}
        found = [known.get(text.casefold(), np.nan) for text in texts.values]
        return Numbers(texts.spread(np.array(found, np.float64), np.nan))
    if isinstance(cells, Texts) and not cells.truth:
        return _spelled(column, cells, index)
    if column.kind == "date" and isinstance(cells, Dates):
        return cells
    if column.kind == "number" and isinstance(cells, Numbers):
        return Numbers(_measurable(cells.values))
    if cells.gaps.all():
        nothing = Numbers(np.full(len(index), np.nan))
        return nothing if column.kind == "number" else Dates(nothing.values.astype("datetime64[s]"))
    first = int(np.argmin(cells.gaps))
    text = as_texts(cells)
    raise _not_of_kind(column, f"{place(index, first)} has {shown(text.values[text.codes[first]])}")


def _spelled(column: Column, cells: Texts, index: pd.Index) -> Numbers | Dates:
    """The numbers or dates that texts spell."""
    values, wrong = cells.spelled(column.spelling)
    if wrong.any():
        strays = set(column.strays)
        wrong = wrong & np.array([text not in strays for text in cells.values])
    if wrong.any():
        first = int(np.argmax(cells.spread(wrong, False)))
        text = cells.values[cells.codes[first]]
        written = ""
        if column.kind == "number" and is_number(text):
            sign = "commas" if "decimal commas" in column.spelling else "points"
            written = f" with decimal {sign}, as in training"
        raise _not_of_kind(column, f"{place(index, first)} has {shown(text)}", written)
    if column.kind == "date":
        return Dates(cells.spread(values, np.datetime64("NaT")))
    return Numbers(cells.spread(_measurable(values), np.nan))


def _measurable(values: np.ndarray) -> np.ndarray:
    return np.where(np.abs(values) <= HUGE, values, np.nan)


def _not_of_kind(column: Column, reason: str, written: str = "") -> CircuitError:
    wanted = f"{column.kind}s{written}"
    return CircuitError(f"column {shown(column.name)} should hold {wanted}, but {reason}")
