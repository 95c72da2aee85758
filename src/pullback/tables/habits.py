"""In: a table of texts. Out: how whoever wrote it writes numbers and gaps.

A cell such as "1.234" or "NA" can be read in two ways. All columns together tell which is meant;
what they do not tell is guessed, the same everywhere, and said.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pullback.tables.gaps import is_gap
from pullback.tables.numerals import DECIMALS, decimal_votes, either_way, grouping_mark, is_number
from pullback.tables.options import ReadOptions
from pullback.tables.sample import sample

if TYPE_CHECKING:
    import pandas as pd

_MOSTLY = 0.5  # of a column's cells, which are numbers where gaps and slips of the pen are the rest
_MOST = 0.9  # of a column's votes, beside which the others are slips of the pen
_ENOUGH = 4  # different numbers of a column, which are no longer names of kinds such as 1.0 and 2.0


@dataclass(frozen=True)
class Habits:
    """How a table writes what can be read in two ways.

    `decimal` marks decimals; `sure` says that numbers which can be read in one way alone showed it,
    and `given` that a person did. `marks` are the decimal marks that such numbers show. `gaps` are
    the texts that a person named as gaps, and `among_numbers` those that stand among numbers for no
    value. `typed` is set where the table has true gaps of its own, so that a text is a text.
    `class_numbers` makes classes of numbers, and not of their texts.
    """

    decimal: str = "."
    sure: bool = False
    given: bool = False
    marks: frozenset[str] = frozenset()
    gaps: frozenset[str] | None = None
    among_numbers: frozenset[str] = field(default_factory=frozenset)
    typed: bool = False
    class_numbers: bool = False

    def is_gap(self, text: str) -> bool:
        """Whether a text among numbers or dates stands for no value."""
        return is_gap(text) or text in (self.gaps or ())

    def spares(self, text: str) -> bool:
        """Whether a person tells that a text which is a gap elsewhere is a value of a category."""
        return self.gaps is not None and bool(text) and is_gap(text) and text not in self.gaps

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        options: ReadOptions | None = None,
        *,
        separator: str = "",
        typed: bool = False,
    ) -> Habits:
        """The habits that all columns of a table show, or a person tells.

        >>> import pandas as pd
        >>> Habits.of(pd.DataFrame({"a": ["1,5", "20,25"], "b": ["1.034", "NA"]})).decimal
        ','
        """
        options = options or ReadOptions()
        columns = [texts for texts in map(_numbers, _columns(frame)) if texts]
        spellings = {text for texts in columns for text in texts if is_gap(text)}
        votes = _votes(columns)
        decimal, sure = _decimal(columns, separator, votes)
        gaps = None if options.gaps is None else frozenset(options.gaps)
        by_number = options.classes == "number"
        return cls(
            options.decimal or decimal,
            sure,
            options.decimal is not None,
            frozenset(votes),
            gaps,
            frozenset(spellings),
            typed,
            by_number,
        )


def _columns(frame: pd.DataFrame) -> list[np.ndarray]:
    """The columns that may hold texts."""
    import pandas as pd

    texts = (pd.api.types.is_object_dtype, pd.api.types.is_string_dtype)
    series = (frame.iloc[:, k] for k in range(frame.shape[1]))
    return [x.to_numpy(dtype=object) for x in series if any(of(x.dtype) for of in texts)]


def _numbers(cells: np.ndarray) -> list[str]:
    """The different texts of a column of numbers; none of another."""
    counts = Counter(x for x in cells if isinstance(x, str))
    texts = list(counts)
    places, stand_for = sample(texts, np.fromiter(counts.values(), np.float64, len(counts)))
    numbers = filled = 0.0
    for place, number_of_cells in zip(places, stand_for, strict=True):
        if not is_gap(texts[place]):
            filled += number_of_cells
            numbers += number_of_cells * is_number(texts[place])
    if not filled or round(numbers) < _MOSTLY * round(filled):
        return []
    return [text.strip() for text in texts]


def _votes(columns: list[list[str]]) -> dict[str, list[int]]:
    """For each decimal mark, its numbers in each column where they show it and no other mark."""
    votes: dict[str, list[int]] = {}
    for texts in columns:
        counts = decimal_votes(texts)
        for mark in DECIMALS:
            if counts[mark] > _MOST * sum(counts.values()):
                votes.setdefault(mark, []).append(counts[mark])
    return votes


def _decimal(
    columns: list[list[str]], separator: str, votes: dict[str, list[int]]
) -> tuple[str, bool]:
    """What marks decimals, and whether that is sure: no number of the file speaks against it."""
    if votes:
        decimal = max(DECIMALS, key=lambda mark: len(votes.get(mark, ())))
        # beside semicolons a comma is usual, so that points may be of one column alone
        usual = separator != ";" or decimal == ","
        return decimal, len(votes) == 1 and max(votes[decimal]) >= _ENOUGH and usual
    filled = [[text for text in texts if not is_gap(text)] for texts in columns]
    groups = Counter(filter(None, map(grouping_mark, filled)))
    if groups:
        return ("." if max(groups, key=lambda mark: groups[mark]) == "," else ","), False
    commas = any(either_way(text) == "," for texts in columns for text in texts)
    return ("," if separator == ";" and commas else "."), False
