"""In: the cells of a column. Out: the column as numbers, if it holds any, and how it has them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from pullback.tables.cells import Cells, Numbers, Texts
from pullback.tables.column import DOUBT, Column, gap_note
from pullback.tables.habits import Habits
from pullback.tables.numerals import (
    DECIMALS,
    NUMBER_STYLES,
    either_way,
    grouping_mark,
    negative_otherwise,
    styles,
)
from pullback.tables.spelling import brief, shown

STRAY_SHARE = 0.05  # so much text among numbers counts as gaps; more makes them categories
HUGE = 1e100  # beyond it, sums of squares leave double precision
ZEROS = "zeros in front"
_FEW_STRAYS = 3  # different texts, which may be more than that share if they alone are no numbers
_MEASURED = 20  # different numbers, from which a column holds measurements and not numbered kinds
GROUPS = {".": "thousands dots", ",": "thousands commas"}
_ZEROS = re.compile(r"0\d+", re.ASCII)


def number_column(
    name: str, cells: Cells, habits: Habits | None = None, *, strays: float | None = None
) -> Column | None:
    """The column as numbers, if no more than this share of its cells are something else.

    By default they may be few, or a text or two that recur in the place of measurements.
    """
    if isinstance(cells, Numbers):
        return Column(name, "number", number_note(cells.values) + gap_note(cells.gaps), "plain")
    if not isinstance(cells, Texts) or cells.truth or cells.gaps.all():
        return None
    habits = habits or Habits()
    filled, dropped = cells.parted(habits.is_gap)
    if filled.gaps.all():
        return None
    style = filled.best_spelling(styles(habits.decimal))
    numbers, wrong = filled.spelled(style)
    if not _may_stray(filled, wrong, strays):
        return None
    note = number_note(filled.spread(numbers, np.nan))
    note += stray_note(filled, wrong) + gap_note(filled.gaps, dropped)
    note += _written(filled.at(~wrong), style, habits)
    return Column(name, "number", note, style, gaps=(*dropped.values, *filled.at(wrong)))


def stray_note(cells: Texts, wrong: np.ndarray) -> str:
    """How many of these cells are wrong and so missing, and the most common text of them."""
    counts = np.where(wrong, cells.counts, 0)
    count = int(counts.sum())
    if not count:
        return ""
    most = shown(cells.values[int(np.argmax(counts))])
    return f", {count:,} such as {most} {'is' if count == 1 else 'are'} missing"


def _may_stray(cells: Texts, wrong: np.ndarray, strays: float | None) -> bool:
    """Whether the wrong ones among these cells are few enough to be gaps among numbers."""
    counts = cells.counts
    odd, filled = counts[wrong].sum(), counts.sum()
    if odd == filled:
        return False
    if odd <= (STRAY_SHARE if strays is None else strays) * filled:
        return True
    recurring = np.count_nonzero(wrong) <= _FEW_STRAYS and np.count_nonzero(~wrong) >= _MEASURED
    return strays is None and bool(recurring) and 2 * odd <= filled


def nearly_numbers(name: str, cells: Cells, habits: Habits) -> str:
    """What keeps a column of texts from being numbers, where at least half of it is; else ""."""
    column = number_column(name, cells, habits, strays=0.5)
    if column is None or not isinstance(cells, Texts):
        return ""
    counts = dict(zip(cells.values, cells.counts.tolist(), strict=True))
    odd = [text for text in column.gaps if not habits.is_gap(text)]
    count = sum(counts[text] for text in odd)
    most = shown(max(odd, key=lambda text: counts[text]))
    return f"numbers but for {count:,} cell{'' if count == 1 else 's'} such as {most}"


def number_note(values: np.ndarray) -> str:
    """The range of numbers, nan being none."""
    fine = values[np.abs(values) <= HUGE]  # a comparison with nan is false
    huge = np.count_nonzero(np.abs(values) > HUGE)
    note = f"numbers from {brief(fine.min())} to {brief(fine.max())}" if len(fine) else "numbers"
    return note + (f", {huge} infinite or beyond 1e100 and so missing" if huge else "")


# How they are written ----------------------------------------------------------------------------


def _written(texts: Sequence[str], style: str, habits: Habits) -> str:
    """How the numbers are written, unless as everywhere, and whether they could be others."""
    decimal = NUMBER_STYLES[style].decimal
    note = _other_reading(texts, decimal, habits) or _style_note(style, texts)
    otherwise = next(filter(negative_otherwise, texts), None)
    if otherwise is not None:
        note += f", {shown(otherwise)} read as negative"
    padded = next(filter(_ZEROS.fullmatch, texts), None)
    return note + (f", with {ZEROS} such as {shown(padded)}" if padded is not None else "")


def _other_reading(texts: Sequence[str], decimal: str, habits: Habits) -> str:
    """A doubt where the other mark could be that of decimals; "" where there is none."""
    marked = (text for text in texts if "." in text or "," in text)
    mark = either_way(next(marked, ""))
    if not mark or habits.given or not all(either_way(text) == mark for text in marked):
        return ""
    if habits.sure and not (mark == decimal and grouping_mark(texts) == mark):
        return ""
    readings = [DECIMALS[mark], GROUPS[mark]]
    taken, other = readings if mark == decimal else readings[::-1]
    return f", read with {taken}, {DOUBT} {other} fit too"


def _style_note(style: str, texts: Sequence[str]) -> str:
    if "decimal commas" in style and not any("," in text for text in texts):
        plainly = "thousands dots" if any("." in text for text in texts) else "plain"
        style = style.replace("decimal commas", plainly)
    if any("'" in text or "\u2019" in text for text in texts):
        style = style.replace("spaces", "apostrophes")
    return "" if style == "plain" else f", written with {style.removeprefix('plain with ')}"
