"""In: a column as understood, and its cells in any table. Out: those as its kind has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from pullback.core.errors import CircuitError
from pullback.tables.cells import Cells, Dates, Numbers, Other, Texts, as_texts
from pullback.tables.column import Column
from pullback.tables.gaps import TRUTHS, YES
from pullback.tables.numerals import DECIMALS, NUMBER_STYLES, is_number
from pullback.tables.quantities import HUGE
from pullback.tables.spelling import EXACT, shown

if TYPE_CHECKING:
    import pandas as pd


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
        return as_texts(cells).without(column.is_gap)
    if column.kind == "boolean":
        return _yes_or_no(column, as_texts(cells), index)
    if isinstance(cells, Texts) and not cells.truth:
        return _spelled(column, cells, index)
    if column.kind == "date" and isinstance(cells, Dates):
        return cells
    if column.kind == "number" and isinstance(cells, Numbers):
        return Numbers(_measurable(cells.values), cells.exact)
    if cells.gaps.all():
        nothing = Numbers(np.full(len(index), np.nan))
        return nothing if column.kind == "number" else Dates(nothing.values.astype("datetime64[s]"))
    first = int(np.argmin(cells.gaps))
    text = as_texts(cells)
    raise _not_of_kind(column, f"{place(index, first)} has {shown(text.values[text.codes[first]])}")


def _yes_or_no(column: Column, texts: Texts, index: pd.Index) -> Numbers:
    """0 for no and 1 for yes, which may be written as another of the usual pairs."""
    texts = texts.without(column.is_gap)
    known = {text.casefold(): float(k) for k, text in enumerate(column.values)}
    if TRUTHS.issuperset(known) and len(YES.intersection(known)) == 1:
        known = {text: float(text in YES) for text in TRUTHS} | known
    found = [known.get(text.casefold(), np.nan) for text in texts.values]
    numbers = texts.spread(np.array(found, np.float64), np.nan)
    wrong = np.isnan(numbers) & ~texts.gaps
    if wrong.any():
        first = int(np.argmax(wrong))
        no, yes = map(shown, column.values)
        text = shown(texts.values[texts.codes[first]])
        raise CircuitError(
            f"column {shown(column.name)} should hold {no} or {yes}, as in training, but "
            f"{place(index, first)} has {text}"
        )
    return Numbers(numbers)


def _spelled(column: Column, cells: Texts, index: pd.Index) -> Numbers | Dates:
    """The numbers or dates that texts spell."""
    cells = cells.without(column.is_gap)
    values, wrong = cells.spelled(column.spelling)
    if wrong.any():
        first = int(np.argmax(cells.spread(wrong, False)))
        text = cells.values[cells.codes[first]]
        written = ""
        if column.kind == "number" and is_number(text):
            mark = NUMBER_STYLES[column.spelling].decimal
            other = next(x for x in DECIMALS if x != mark)
            written = (
                f" with {DECIMALS[mark]}, as in training (--decimal '{other}' tells otherwise)"
            )
        raise _not_of_kind(column, f"{place(index, first)} has {shown(text)}", written)
    if column.kind == "date":
        return Dates(cells.spread(values, np.datetime64("NaT")))
    numbers = _measurable(values)
    if not (np.abs(numbers) >= EXACT).any():
        return Numbers(cells.spread(numbers, np.nan))
    exact = np.array([*map(_exact, cells.values, numbers.tolist())], dtype=object)
    return Numbers(cells.spread(numbers, np.nan), cells.spread(exact, None))


def _exact(text: str, number: float) -> int | float:
    """The whole number that a text of digits alone spells, as no double may; else the number."""
    return int(text) if re.fullmatch(r"[+-]?\d+", text, re.ASCII) else number


def _measurable(values: np.ndarray) -> np.ndarray:
    return np.where(np.abs(values) <= HUGE, values, np.nan)


def _not_of_kind(column: Column, reason: str, written: str = "") -> CircuitError:
    wanted = f"{column.kind}s{written}"
    return CircuitError(f"column {shown(column.name)} should hold {wanted}, but {reason}")
