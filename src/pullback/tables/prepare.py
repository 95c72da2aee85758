"""In: a table of a person's own, and the rows to learn from. Out: the numbers a network takes.

What is learned (medians, means, the categories there are) is plain data: each input of the network
is a `Feature` of a few numbers and texts, so that a saved `Preparation` is JSON, loading it runs
nothing, and it gives the same bits afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.plain import from_plain, to_plain
from pullback.tables.cells import Dates, Numbers, Texts, read_cells
from pullback.tables.column import KINDS, Column
from pullback.tables.columns import columns_of, understand_table
from pullback.tables.extract import extract
from pullback.tables.habits import Habits
from pullback.tables.numerals import DECIMALS, NUMBER_STYLES, either_way
from pullback.tables.options import ReadOptions
from pullback.tables.quantities import GROUPS, HUGE
from pullback.tables.spelling import DATE_FORMATS, brief, listed, shown
from pullback.tables.standard import centre_and_scale, median
from pullback.tables.target import Target

if TYPE_CHECKING:
    import pandas as pd

MOST_CATEGORIES = 30  # of one column; the rarer ones share an input
CLIP = 10.0  # standard deviations
_TAIL = 0.01  # quantiles between which lies what is usual
DATE_PARTS = ("year", "month", "weekday", "day of year", "days", "hour")
_PARTS = {
    "number": ("value", "missing"),
    "boolean": ("value", "missing"),
    "date": (*DATE_PARTS, "missing"),
    "category": ("is", "other", "missing"),
}
FORMAT = "pullback preparation, version 2"

Extracted = Numbers | Dates | Texts


@dataclass(frozen=True)
class Feature:
    """One input of the network, made of one column.

    `part` says what of the column: its "value", whether it "is" `value`, is an "other" one or is
    "missing" (1 or 0), or a part of a date. A quantity x, or `fill` where it is missing, becomes
    clip((clip(x, low, high) - centre) / scale, -10, 10).
    """

    name: str
    column: str
    part: str
    value: str = ""
    fill: float = 0.0
    low: float = -HUGE
    high: float = HUGE
    centre: float = 0.0
    scale: float = 1.0

    def standardised(self, x: np.ndarray) -> np.ndarray:
        """The quantity as the network takes it."""
        filled = np.clip(np.where(np.isnan(x), self.fill, x), self.low, self.high)
        return np.clip((filled - self.centre) / self.scale, -CLIP, CLIP)


@dataclass(frozen=True)
class Preparation:
    """How a table becomes the inputs of one network, and its answers the table's own again.

    >>> import pandas as pd
    >>> pets = pd.DataFrame({"kg": [4.0, None, 30.0, 5.0], "kind": ["cat", "cat", "dog", "cow"]})
    >>> preparation = Preparation.fit(pets)
    >>> [feature.name for feature in preparation.features]
    ['kg', 'kg is missing', 'kind=cat', 'kind=cow', 'kind=dog']
    >>> inputs, notes = preparation.transform(pd.DataFrame({"kg": [13.0], "kind": ["emu"]}))
    >>> inputs.shape
    (1, 5)
    >>> print(*notes)
    column 'kind': 1 value unknown from training, such as 'emu', taken as none of the known
    """

    columns: tuple[Column, ...]
    features: tuple[Feature, ...]
    target: Target | None = None

    @classmethod
    def fit(cls, frame: pd.DataFrame, kinds: Mapping[str, str] | None = None) -> Preparation:
        """The preparation learned from all rows of a table of inputs."""
        columns, found = understand_table(frame, kinds)
        return cls.learn(columns, found, np.arange(len(frame)))

    @classmethod
    def learn(
        cls,
        columns: Sequence[Column],
        found: Mapping[str, Extracted],
        rows: np.ndarray,
        target: Target | None = None,
    ) -> Preparation:
        """The preparation learned from these rows of the cells found, and from no other.

        Raises `CircuitError` where every column is left out.
        """
        pairs = [
            pair
            for column in columns
            if column.kind != "ignore"
            for pair in _features(column.name, found[column.name], rows)
        ]
        if not pairs:
            reasons = "; ".join(f"{shown(c.name)} is {c.note}" for c in columns[:6])
            raise CircuitError(f"no column is left to learn from: {reasons or 'there is no other'}")
        features = (f if x is None else replace(f, **_learn(x)) for f, x in pairs)
        return cls(tuple(columns), tuple(features), target)

    def read_with(self, options: ReadOptions) -> Preparation:
        """The same for tables whose decimal mark or gaps a person tells."""
        columns = tuple(column.read_with(options.decimal, options.gaps) for column in self.columns)
        target = self.target and replace(
            self.target, column=self.target.column.read_with(options.decimal, options.gaps)
        )
        return replace(self, columns=columns, target=target)

    def transform(
        self, frame: pd.DataFrame, habits: Habits | None = None
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """The inputs (rows, features), float32 and finite, of another table; and notes on it.

        Gaps are filled as in training; a category that training did not know is none of the known.
        Columns that are not needed are passed over. What is not usual is said in the notes.
        `habits` are those of the table, by default what its columns show.

        Raises `CircuitError` where a column is missing, or holds what is not of its kind.
        """
        series = columns_of(frame)
        needed = [column for column in self.columns if column.kind != "ignore"]
        missing = [column.name for column in needed if column.name not in series]
        if missing:
            raise CircuitError(
                f"the table lacks what the network takes: {_columns(missing)}; it has "
                f"{_columns(list(series))}"
            )
        found = {c.name: extract(c, read_cells(series[c.name]), frame.index) for c in needed}
        known = {column.name for column in self.columns}
        known |= {self.target.name} if self.target else set()
        extra = [name for name in series if name not in known]
        notes = [f"{_columns(extra)} unknown from training passed over"] if extra else []
        target = [self.target.column] if self.target and self.target.name in series else []
        notes += _doubtful_decimals([*needed, *target], series, habits or Habits.of(frame))
        for name, cells in found.items():
            gaps = np.count_nonzero(cells.gaps)
            if gaps:
                notes.append(
                    f"column {shown(name)}: {gaps} without a usable value, filled as in training"
                )
        return self.inputs(found), (*notes, *self.unknown(found))

    def unknown(self, found: Mapping[str, Extracted]) -> list[str]:
        """A note for each column with categories that training did not know."""
        notes, known = [], self._known()
        for name, cells in found.items():
            if not isinstance(cells, Texts) or "other" in self._parts(name):
                continue
            mine = set(known.get(name, ()))
            counts = np.where([text in mine for text in cells.values], 0, cells.counts)
            count = counts.sum()
            if count:
                new = "1 value" if count == 1 else f"{count} values"
                example = shown(cells.values[int(np.argmax(counts > 0))])
                notes.append(
                    f"column {shown(name)}: {new} unknown from training, such as {example}, taken "
                    "as none of the known"
                )
        return notes

    def inputs(self, found: Mapping[str, Extracted]) -> np.ndarray:
        """The inputs (rows, features) that cells make."""
        columns = [(feature, found[feature.column]) for feature in self.features]
        rows = len(columns[0][1].gaps)
        by_feature = np.empty((len(columns), rows), np.float32)
        known = self._known()
        for k, (feature, cells) in enumerate(columns):
            by_feature[k] = _input(feature, cells, known.get(feature.column, ()))
        return np.ascontiguousarray(by_feature.T)

    def _known(self) -> dict[str, list[str]]:
        """The categories that have an input of their own, by column."""
        known: dict[str, list[str]] = {}
        for feature in self.features:
            if feature.part == "is":
                known.setdefault(feature.column, []).append(feature.value)
        return known

    def _parts(self, name: str) -> dict[str, Feature]:
        """The first feature of each part of this column."""
        mine = [feature for feature in reversed(self.features) if feature.column == name]
        return {feature.part: feature for feature in mine}

    def describe(self) -> tuple[str, ...]:
        """A line for each column: what it was understood as, why, and what becomes of its gaps."""
        return tuple(f"{c.name}: {c.note}{self._consequence(c)}" for c in self.columns)

    def _consequence(self, column: Column) -> str:
        parts = self._parts(column.name)
        more = f", all but {MOST_CATEGORIES} of them as one" if "other" in parts else ""
        if "missing" not in parts:
            return more
        filled = {
            "number": lambda: f"the median {brief(parts['value'].fill)}",
            "boolean": lambda: f"the median {brief(parts['value'].fill)}",
            "date": lambda: "the medians of their parts",
            "category": lambda: "none",
        }[column.kind]()
        return f"{more}; missing ones become {filled}, and an input says so"

    # Plain data ------------------------------------------------------------------------------

    def to_json_dict(self) -> dict[str, Any]:
        """All of it as dictionaries, lists, texts and numbers, for `json.dumps`."""
        return {"format": FORMAT, **to_plain(self)}

    @classmethod
    def from_json_dict(cls, data: Any) -> Preparation:
        """What `to_json_dict` gave, to the same bits. Nothing in it can run code.

        Raises `CircuitError` where it is not that, or not whole.
        """
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise CircuitError(f"this is no {FORMAT!r}")
        preparation = from_plain(cls, {k: v for k, v in data.items() if k != "format"})
        preparation._check()
        return preparation

    def _check(self) -> None:
        """Refuse what no fit gives."""
        kinds = {column.name: column.kind for column in self.columns}
        for column in (*self.columns, *([self.target.column] if self.target else ())):
            spellings = {"number": NUMBER_STYLES, "date": DATE_FORMATS}.get(column.kind, ("",))
            if column.kind not in KINDS or column.spelling not in spellings:
                raise CircuitError(f"the preparation of column {shown(column.name)} is damaged")
            if column.kind == "boolean" and len(column.values) != 2:
                raise CircuitError(f"column {shown(column.name)} needs two values")
        for feature in self.features:
            if feature.part not in _PARTS.get(kinds.get(feature.column, ""), ()):
                raise CircuitError(f"feature {shown(feature.name)} is of no column that there is")
            if not (feature.scale > 0.0 and feature.low <= feature.high):
                raise CircuitError(f"feature {shown(feature.name)} has no scale")
        if not self.features or len(kinds) < len(self.columns):
            raise CircuitError("a preparation needs features, and each column once")
        if self.target is not None and not self.target.scale > 0.0:
            raise CircuitError(f"the target {shown(self.target.name)} has no scale")


def _doubtful_decimals(
    columns: Sequence[Column], series: Mapping[str, pd.Series], habits: Habits
) -> Iterator[str]:
    """A note on each column whose decimal mark is of training, where the table never shows it.

    Only numbers such as 1,234 are in doubt: others are refused where they have the other mark. So
    are those alone that the table's other numbers speak against, or whose mark groups thousands
    though it did not in training.
    """
    for column in columns if not habits.given else ():
        mark = NUMBER_STYLES[column.spelling].decimal if column.kind == "number" else ""
        if not mark or mark in habits.marks:
            continue
        cells = read_cells(series[column.name])
        unknown = [x for x in DECIMALS if x != mark and f"with {GROUPS[x]}" not in column.note]
        doubted = DECIMALS if habits.marks else unknown
        texts = cells.values if isinstance(cells, Texts) else ()
        doubtful = next((text for text in texts if either_way(text) in doubted), None)
        if doubtful is not None:
            other = next(x for x in DECIMALS if x != mark)
            why = (
                f"other numbers here have {DECIMALS[other]}"
                if habits.marks
                else f"no number here shows {DECIMALS[mark]}, and it fits {DECIMALS[other]} too"
            )
            yield (
                f"column {shown(column.name)}: {shown(doubtful)} is read as in training, though "
                f"{why}; --decimal '{other}' reads it so"
            )


def _columns(names: Sequence[str]) -> str:
    return f"{'column' if len(names) == 1 else 'columns'} {listed(names)}"


# Learning ----------------------------------------------------------------------------------------


def _features(
    name: str, cells: Extracted, rows: np.ndarray
) -> Iterator[tuple[Feature, np.ndarray | None]]:
    """The features that a column gives, each with the training rows of what is standardised."""
    if isinstance(cells, Numbers):
        yield Feature(name, name, "value"), cells.values[rows]
    elif isinstance(cells, Dates):
        for part in DATE_PARTS:
            x = _date_part(cells.values[rows], part)
            if len(np.unique(x[~np.isnan(x)])) > 1:
                yield Feature(f"{name}: {part}", name, part), x
    else:
        seen = cells.codes[rows]
        counts = np.bincount(seen[seen >= 0], minlength=len(cells.values))
        order = sorted(np.flatnonzero(counts), key=lambda k: (-counts[k], cells.values[k]))
        for k in order[:MOST_CATEGORIES]:
            yield Feature(f"{name}={cells.values[k]}", name, "is", cells.values[k]), None
        if len(order) > MOST_CATEGORIES:
            yield Feature(f"{name} is another", name, "other"), None
    if cells.gaps[rows].any():
        yield Feature(f"{name} is missing", name, "missing"), None


def _learn(x: np.ndarray) -> dict[str, float]:
    """What fills the gaps of a quantity, its usual range, its centre and its scale.

    The usual range goes as far beyond the quantiles 1% and 99% as they lie apart; a normal
    distribution never leaves it, and a slip of the pen does not set the scale.
    """
    fill = median(x)
    x = np.where(np.isnan(x), fill, x)
    first, last = map(float, np.quantile(x, (_TAIL, 1.0 - _TAIL)))
    width = last - first if last > first else HUGE
    low, high = max(first - width, -HUGE), min(last + width, HUGE)
    centre, scale = centre_and_scale(np.clip(x, low, high))
    return {"fill": fill, "low": low, "high": high, "centre": centre, "scale": scale}


# Inputs ------------------------------------------------------------------------------------------


def _input(feature: Feature, cells: Extracted, known: Sequence[str]) -> np.ndarray:
    """The input that a feature makes of a column's cells."""
    if feature.part == "missing":
        return cells.gaps
    if isinstance(cells, Numbers):
        return feature.standardised(cells.values)
    if isinstance(cells, Dates):
        return feature.standardised(_date_part(cells.values, feature.part))
    if feature.part == "is":
        return cells.codes == (cells.places.get(feature.value, len(cells.values)))
    others = np.array([text not in known for text in cells.values], bool)
    return cells.spread(others, False)


def _date_part(moments: np.ndarray, part: str) -> np.ndarray:
    """A part of moments as numbers, nan where there is none.

    >>> moments = np.array(["2024-03-01T18:30:00", "NaT"], "datetime64[s]")
    >>> [_date_part(moments, part).tolist()[0] for part in DATE_PARTS]
    [2024.0, 3.0, 4.0, 61.0, 19783.0, 18.5]
    """
    days, years = moments.astype("datetime64[D]"), moments.astype("datetime64[Y]")
    months = moments.astype("datetime64[M]")
    with np.errstate(invalid="ignore"):  # of NaT, which becomes nan at the end
        number = {
            "year": lambda: years.astype(np.int64) + 1970,
            "month": lambda: (months - years).astype(np.int64) + 1,
            "weekday": lambda: (days.astype(np.int64) + 3) % 7,  # 0 is Monday
            "day of year": lambda: (days - years).astype(np.int64) + 1,
            "days": lambda: days.astype(np.int64),
            "hour": lambda: (moments - days).astype(np.int64) / 3600,
        }[part]()
    return np.where(np.isnat(moments), np.nan, number.astype(np.float64))
