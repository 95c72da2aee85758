"""In: one column of a table, of any type. Out: its cells as numbers, dates or texts, or neither."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.tables.sample import sample
from pullback.tables.spelling import EXACT, number_text, spell

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Numbers:
    """Numbers in double precision; nan is a gap.

    `exact` has them as they are, where double precision may not tell all of them apart.
    """

    values: np.ndarray
    exact: np.ndarray | None = None

    @property
    def gaps(self) -> np.ndarray:
        return np.isnan(self.values)


@dataclass(frozen=True)
class Dates:
    """Moments as a clock on the spot shows them, to the second; NaT is a gap."""

    values: np.ndarray

    @property
    def gaps(self) -> np.ndarray:
        return np.isnat(self.values)


@dataclass(frozen=True)
class Texts:
    """Texts: each cell's place in `values`; -1 is a gap.

    `truth` is set where they were truth values and `values` are "False" and "True". `merged` are
    two texts that only blanks around them told apart, if there are such.
    """

    codes: np.ndarray
    values: list[str]
    truth: bool = False
    merged: tuple[str, ...] = ()
    _spelled: dict[str, tuple[np.ndarray, np.ndarray]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def gaps(self) -> np.ndarray:
        return self.codes < 0

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each text in `values`."""
        return {text: k for k, text in enumerate(self.values)}

    def spelled(self, spelling: str) -> tuple[np.ndarray, np.ndarray]:
        """What each of `values` spells in this number style or date format, and which do not."""
        if spelling not in self._spelled:
            self._spelled[spelling] = spell(self.values, spelling)
        return self._spelled[spelling]

    def best_spelling(self, spellings: Sequence[str]) -> str:
        """The first of these number styles or date formats in which the fewest cells are wrong.

        >>> Texts(np.array([0, 1]), ["1,5", "2.000,5"]).best_spelling(["plain", "decimal commas"])
        'decimal commas'
        """
        counts = self.counts
        some = [self.values[k] for k in sample(self.values, counts)[0]]
        few = len(some) < len(self.values)
        best, fewest = spellings[0], counts.sum() + 1
        for spelling in spellings:
            if few and spell(some, spelling)[1].all():
                continue  # plainly not theirs
            wrong = counts[self.spelled(spelling)[1]].sum()
            if wrong < fewest:
                best, fewest = spelling, wrong
            if not fewest:
                break
        return best

    @property
    def counts(self) -> np.ndarray:
        """How often each of `values` occurs."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    def at(self, which: np.ndarray) -> list[str]:
        """Those of `values` that a mask chooses."""
        return [self.values[k] for k in np.flatnonzero(which)]

    def without(self, gap: Callable[[str], bool]) -> Texts:
        """The cells with these texts as gaps."""
        return self.parted(gap)[0]

    def parted(self, gap: Callable[[str], bool]) -> tuple[Texts, Texts]:
        """The cells with these texts as gaps, and the cells of these texts alone.

        >>> cells = Texts(np.array([0, 1, 0]), ["NA", "b"])
        >>> filled, dropped = cells.parted(lambda text: text == "NA")
        >>> filled.codes.tolist(), filled.values, dropped.codes.tolist(), dropped.values
        ([-1, 0, -1], ['b'], [0, -1, 0], ['NA'])
        """
        gone = np.array([gap(text) for text in self.values], bool)
        if self.truth or not gone.any():
            return self, Texts(np.full_like(self.codes, -1), [])
        return self._only(~gone), self._only(gone)

    def _only(self, kept: np.ndarray) -> Texts:
        """The cells with all but these of `values` as gaps."""
        codes = np.where(kept, np.cumsum(kept) - 1, -1)
        return Texts(np.append(codes, -1)[self.codes], self.at(kept), merged=self.merged)

    def spread(self, by_value: np.ndarray, gap: Any) -> np.ndarray:
        """One item for each cell, from one for each of `values`."""
        return np.append(by_value, np.asarray([gap], by_value.dtype))[self.codes]


@dataclass(frozen=True)
class Other:
    """Cells that no network takes, such as lists."""

    what: str


Cells = Numbers | Dates | Texts | Other


def read_cells(series: pd.Series) -> Cells:
    """The cells of a column, whatever its type.

    >>> import pandas as pd
    >>> read_cells(pd.Series([1, None, 2], dtype="Int64")).values
    array([ 1., nan,  2.])
    >>> read_cells(pd.Series([" a", "b", " ", "a"])).values
    ['a', 'b']
    """
    import pandas as pd

    of = pd.api.types
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object)
    if of.is_bool_dtype(series.dtype):
        values = series.astype("boolean")
        codes = values.to_numpy(dtype=np.int64, na_value=-1)
        return Texts(codes, ["False", "True"], truth=True)
    if of.is_complex_dtype(series.dtype):
        return Other("complex numbers")
    if of.is_numeric_dtype(series.dtype):
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
        return Numbers(
            numbers, None if of.is_float_dtype(series.dtype) else _exact(series, numbers)
        )
    if of.is_datetime64_any_dtype(series.dtype):
        return _dates(series)
    if of.is_timedelta64_dtype(series.dtype):
        return Numbers(series.dt.total_seconds().to_numpy(dtype=np.float64))
    return _of_objects(series)


def _of_objects(series: pd.Series) -> Cells:
    """The cells of a column of Python objects, of which all must be of one family."""
    import pandas as pd

    family = pd.api.types.infer_dtype(series, skipna=True)
    if family in ("string", "empty"):
        return _texts(series.to_numpy(dtype=object))
    if family == "boolean":
        return read_cells(series.astype("boolean"))
    filled = series.notna().to_numpy()
    objects = series.to_numpy(dtype=object)
    if family in ("integer", "floating", "mixed-integer-float", "decimal"):
        numbers = np.full(len(objects), np.nan)
        numbers[filled] = [_float(x) for x in objects[filled]]
        return Numbers(numbers, _exact(series, numbers))
    if family in ("date", "datetime", "datetime64"):
        return _dates(series)
    if all(isinstance(x, str | int | float | Decimal | np.generic) for x in objects[filled]):
        texts = np.full(len(objects), None, dtype=object)
        texts[filled] = [_text(x) for x in objects[filled]]
        return _texts(texts)
    return Other({"bytes": "bytes", "time": "times without a date"}.get(family, "lists or objects"))


def _exact(series: pd.Series, numbers: np.ndarray) -> np.ndarray | None:
    """The numbers as objects, if any of them is more than double precision takes."""
    from pandas.api.types import infer_dtype

    if not (np.abs(numbers) >= EXACT).any() and infer_dtype(series, skipna=True) != "decimal":
        return None
    return series.to_numpy(dtype=object)


def _float(x: Any) -> float:
    try:
        return float(x)
    except OverflowError:
        return np.inf


def _text(x: Any) -> str:
    if isinstance(x, float | np.floating | Decimal):
        return number_text(x if isinstance(x, Decimal) else float(x))
    return str(x)


def _dates(series: pd.Series) -> Dates:
    import pandas as pd

    if isinstance(series.dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_localize(None)
    elif series.dtype == object:
        series = series.map(lambda x: x.replace(tzinfo=None) if isinstance(x, datetime) else x)
    moments = pd.to_datetime(series, utc=True, errors="coerce").dt.tz_localize(None)
    return Dates(moments.to_numpy().astype("datetime64[s]"))


def _texts(objects: np.ndarray) -> Texts:
    """The cells without the blanks around them; what is blank is a gap.

    `values` are sorted, so that nothing said of a column depends on the order of its rows.
    """
    import pandas as pd

    codes, raw = pd.factorize(objects)
    stripped = [x.strip() for x in raw]
    values = sorted(set(stripped) - {""})
    places = {text: k for k, text in enumerate(values)}
    place = [places.get(text, -1) for text in stripped]
    merged: tuple[str, ...] = ()
    if len(set(raw)) > len(values):
        padded = Counter(text for text in stripped if text)
        twice = min((text for text, count in padded.items() if count > 1), default="")
        merged = tuple(sorted(text for text in raw if text.strip() == twice and twice))[:2]
    return Texts(np.array([*place, -1])[codes], values, merged=merged)


def as_texts(cells: Cells) -> Texts:
    """Cells as categories: each distinct number or date is its text."""
    if isinstance(cells, Texts):
        return cells
    if isinstance(cells, Other):
        raise TypeError(f"{cells.what} have no text")
    values = cells.values
    if isinstance(cells, Numbers) and cells.exact is not None:
        values = cells.exact
    distinct, codes = np.unique(values[~cells.gaps], return_inverse=True)
    placed = np.full(len(cells.values), -1)
    placed[~cells.gaps] = codes
    if isinstance(cells, Numbers):
        return Texts(placed, [number_text(x) for x in distinct])
    return Texts(placed, [str(x).replace("T00:00:00", "") for x in distinct])
