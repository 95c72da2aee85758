"""What a column of a table was understood as: the record that is saved with a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pullback.core.registry import Registry
from pullback.tables.cells import Texts
from pullback.tables.gaps import is_gap
from pullback.tables.numerals import NUMBER_STYLES
from pullback.tables.spelling import shown

KINDS: Registry[str] = Registry("kind of column")
for _kind, _meaning in (
    ("number", "a quantity: standardised"),
    ("boolean", "one of two: 0 or 1, standardised"),
    ("category", "one of several: an input for each"),
    ("date", "a moment: its year, month, weekday, day of the year, days and, if read_with, hour"),
    ("ignore", "left out"),
):
    KINDS.add(_kind, _meaning)

DOUBT = "though"  # in the note of a column that could be read in another way as well


@dataclass(frozen=True)
class Column:
    """What a column was understood as.

    `kind` is one of `KINDS`, `note` says why. `spelling` is how texts spell the numbers or dates,
    `values` the texts for no and yes, `gaps` the texts that stand for no value, `kept` those that
    elsewhere do and are values here.
    """

    name: str
    kind: str
    note: str
    spelling: str = ""
    values: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def read_with(self, decimal: str | None, gaps: tuple[str, ...] | None) -> Column:
        """The same where its numbers have this decimal mark, and these texts are gaps."""
        spelling = self.spelling
        if self.kind == "number" and decimal not in (None, NUMBER_STYLES[spelling].decimal):
            base = "decimal commas" if decimal == "," else "thousands commas"
            spelling = base + " with %" * NUMBER_STYLES[spelling].percent
        kept = tuple(text for text in self.kept if text not in (gaps or ()))
        return replace(self, spelling=spelling, gaps=(*self.gaps, *(gaps or ())), kept=kept)

    def is_gap(self, text: str) -> bool:
        """Whether a text of this column, in any table, stands for no value."""
        return text in self.gaps or (is_gap(text) and text not in self.kept)


def gap_note(gaps: np.ndarray, dropped: Texts | None = None) -> str:
    """How many gaps there are and, of the texts that stand for some, the most common.

    >>> gap_note(np.array([True, False])), gap_note(np.array([False]))
    (', 1 gap', '')
    """
    count = np.count_nonzero(gaps)
    note = f", {count:,} gap{'' if count == 1 else 's'}" if count else ""
    if note and dropped is not None and dropped.values:
        note += f" such as {shown(dropped.values[int(np.argmax(dropped.counts))])}"
    return note
