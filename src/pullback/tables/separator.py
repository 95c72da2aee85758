"""In: the text of a file. Out: what stands between its cells, and readers of its rows.

The separator is what gives most rows the same number of cells, with the fewest lines above them.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pullback.tables.gaps import is_gap
from pullback.tables.numerals import is_number
from pullback.tables.options import SEPARATORS

ALIKE = 0.8  # of the rows, which have the same number of cells where the separator is right
BLANKS = " "
_ANY = re.compile(r"[,;\t|]")
_SAMPLE = 65536  # characters that show the separator


@dataclass(frozen=True)
class _Fit:
    """How well a separator fits: the rows it makes, of which those from `start` are the table."""

    separator: str
    rows: list[list[str]]
    width: int
    start: int
    alike: float

    @property
    def score(self) -> tuple[bool, bool, int, bool, float]:
        enough, single = self.alike >= ALIKE, self.separator != BLANKS
        return (enough, self._clean(), -self.start, single, self.alike * self.width)

    def _clean(self) -> bool:
        """Whether few cells hold what separates cells elsewhere, unless it is in a number."""
        cells = [cell for row in self.rows[self.start :] for cell in row]
        unclean = sum(bool(_ANY.search(cell)) and not is_number(cell) for cell in cells)
        return unclean <= (1.0 - ALIKE) * len(cells)


def find_separator(text: str, asked: str | None) -> tuple[str, bool, str]:
    """What separates the cells, whether it was found at all, and the text of the cells."""
    said = re.match(r"(\s*)sep=([,;\t|])\r?\n", text)  # as Excel writes it
    if said:
        ends = re.sub(r"[^\r\n]", "", said[0])
        return asked or said[2], True, ends + text[said.end() :]
    if asked is not None:
        return asked, True, text
    sample = text[:_SAMPLE]
    if len(sample) < len(text):  # up to the last whole line
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    fits = [fit for separator in SEPARATORS if (fit := _fit(sample, separator))]
    fits = fits or [fit for x in SEPARATORS if (fit := _fit(sample, x, strict=False))]
    tabs = {fit.width: fit for fit in fits if fit.separator == "\t" and fit.alike >= ALIKE}
    if fits and fits[-1].separator == BLANKS and fits[-1].width in tabs:
        fits.pop()  # a tab is a blank too
    if not fits:
        return ",", False, text
    best = max(fits, key=lambda fit: fit.score)
    blanks = fits[-1]
    if blanks.separator == BLANKS and blanks.start <= best.start and _cut_by_blanks(best, blanks):
        best = blanks
    return best.separator, True, text


def _fit(text: str, separator: str, strict: bool = True) -> _Fit | None:
    """How well this separator fits; None where it separates nothing, or quotes are against it."""
    rows = []
    try:
        with cells_of_any_length(text):
            rows.extend(row for row in reader_of(text, separator, strict) if not is_blank(row))
    except csv.Error as error:
        if "unexpected end" not in str(error):  # a sample may end between quotes
            return None
    widths = [len(row) for row in rows]
    width = usual(widths)
    if width < 2:
        return None
    body = rows[first_row(widths, width, separator) :]
    alike = sum(len(row) == width for row in body) / len(body)
    if separator == BLANKS and not (alike >= ALIKE and _has_numbers(body, width)):
        return None
    return _Fit(separator, rows, width, len(rows) - len(body), alike)


def _has_numbers(rows: list[list[str]], width: int) -> bool:
    """Whether some column under its name holds numbers."""
    below = [row for row in rows[1:] if len(row) == width] or rows[:1]
    for column in zip(*below, strict=True):
        filled = [cell for cell in column if not is_gap(cell)]
        if filled and sum(map(is_number, filled)) >= ALIKE * len(filled):
            return True
    return False


def _cut_by_blanks(fit: _Fit, blanks: _Fit) -> bool:
    """Whether the cells of another separator hold several numbers each, which blanks part."""
    if fit.separator == BLANKS:
        return False
    body = [row for row in fit.rows[fit.start :] if len(row) == fit.width]
    several = (
        sum(bool(re.search(r"[\d.]\s+[-+.\d]", row[k])) and not is_number(row[k]) for row in body)
        for k in range(fit.width)
    )
    if max(several) < ALIKE * len(body):
        return False
    cells = [cell for row in blanks.rows[blanks.start + 1 :] for cell in row]
    return 2 * sum(map(is_number, cells)) >= len(cells)


def usual(widths: list[int]) -> int:
    """The number of cells that most rows have, the larger of two that are as common."""
    counts = Counter(widths)
    return max(counts, key=lambda width: (counts[width], width), default=0)


def first_row(widths: list[int], width: int, separator: str) -> int:
    """The first row that can be the table's: those above have too few cells, or too many blanks."""
    for k, cells in enumerate(widths):
        if cells == width or cells == width - 1 > 1 or (cells > width and separator != BLANKS):
            return k
    return 0


# Rows --------------------------------------------------------------------------------------------


def reader_of(text: str, separator: str, strict: bool = True) -> Any:
    """The rows of a text."""
    if separator == BLANKS:
        text = re.sub(r" +(?=[\r\n]|\Z)", "", text.replace("\t", " "))
    lines = io.StringIO(text, newline="")
    return csv.reader(lines, delimiter=separator, strict=strict, skipinitialspace=True)


@contextmanager
def cells_of_any_length(text: str) -> Iterator[None]:
    """While this lasts, a cell may be as long as the text."""
    limit = csv.field_size_limit(min(len(text) + 1, 2**31 - 1, sys.maxsize))
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def is_blank(row: list[str]) -> bool:
    return len(row) < 2 and not "".join(row).strip()
