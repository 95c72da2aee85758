"""In: texts, as people write them in tables. Out: the numbers or dates they are; and back.

How a column writes its numbers or dates is named by one word of `NUMBER_STYLES` or `DATE_FORMATS`,
so that whoever reads another table later reads it in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from pullback.tables.numerals import NUMBER_STYLES, parse_numbers

EXACT = 2**53  # below it, whole numbers are exact in double precision


def shown(thing: Any) -> str:
    """A value as messages quote it: on one line, and cut where it is long.

    >>> shown("two\\nlines"), shown("x" * 100)
    ("'two\\\\nlines'", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'")
    """
    text = repr(thing)
    return text if len(text) <= 41 else f"{text[:37]}...{text[0] if isinstance(thing, str) else ''}"


def listed(labels: Any) -> str:
    """The first few labels, for a message.

    >>> listed(["a", "b", 3])
    "'a', 'b', 3"
    """
    few = ", ".join(map(shown, labels[:6]))
    return few if len(labels) <= 6 else f"{few}, ..."


def brief(x: float) -> str:
    """A number as sentences show it, with six digits at most after a point.

    >>> brief(3.0), brief(0.1234567), brief(1234567.0)
    ('3', '0.123457', '1,234,567')
    """
    return f"{int(x):,}" if abs(x) < 1e15 and float(x).is_integer() else f"{x:.6g}"


def number_text(x: float | Decimal) -> str:
    """A number as text, whole ones without a point; no two different numbers have the same.

    >>> number_text(3.0), number_text(0.5), number_text(2**53 + 1), number_text(Decimal("0.50"))
    ('3', '0.5', '9007199254740993', '0.5')
    """
    if isinstance(x, int | np.integer):
        return str(int(x))
    if isinstance(x, Decimal) and x.is_finite():
        if x == x.to_integral_value():
            return str(int(x))
        if x != Decimal(repr(float(x))):
            return format(x, "f").rstrip("0")
    return str(int(x)) if abs(x) < EXACT and float(x).is_integer() else repr(float(x))


# Dates -------------------------------------------------------------------------------------------

_DAYS = (
    *("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y"),
    *("%d %B %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S")
DATE_FORMATS = ("ISO8601", *(day + time for time in _TIMES for day in _DAYS))
_DATE_LENGTHS = (6, 40)
_LAST_SHORT_YEAR = 2046  # that two digits stand for: 47 is 1947. It must not move with the clock
_DIGIT = re.compile(r"[0-9]")
_OFFSET = re.compile(r"(:\d\d(?:\.\d+)?)\s*(?:[zZ]|[+-]\d\d(?::?\d\d)?)$", re.ASCII)


def parse_dates(texts: Sequence[str], name: str) -> np.ndarray:
    """The moments, to the second, that texts of this format spell; NaT where they do not.

    What a clock showed counts, wherever it hung: an offset from UTC is passed over. Years of two
    digits are those from 1947 to 2046.

    >>> [str(x) for x in parse_dates(["31.12.2024", "today"], "%d.%m.%Y")]
    ['2024-12-31T00:00:00', 'NaT']
    >>> [str(x) for x in parse_dates(["2001-01-01T00:00:00+01:00"], "ISO8601")]
    ['2001-01-01T00:00:00']
    >>> [str(x) for x in parse_dates(["01.02.55", "01.02.25"], "%d.%m.%y")]
    ['1955-02-01T00:00:00', '2025-02-01T00:00:00']
    """
    import pandas as pd

    possible = [  # "today" is no date here
        _OFFSET.sub(r"\1", text) if _DIGIT.search(text) else None for text in texts
    ]
    moments = pd.to_datetime(
        pd.Series(possible, dtype=object), format=name, utc=True, errors="coerce"
    )
    if "%y" in name:
        late = moments.dt.year > _LAST_SHORT_YEAR
        moments = moments.mask(late, moments - pd.DateOffset(years=100))
    return moments.dt.tz_localize(None).to_numpy().astype("datetime64[s]")


def likely_dates(texts: Sequence[str]) -> np.ndarray:
    """Which texts could be dates at all: of some length, with a digit."""
    shortest, longest = _DATE_LENGTHS
    return np.array([shortest <= len(x) <= longest and bool(_DIGIT.search(x)) for x in texts], bool)


def spell(texts: Sequence[str], spelling: str) -> tuple[np.ndarray, np.ndarray]:
    """What texts of this number style or date format spell, and which of them spell nothing.

    >>> spell(["50 %", "half"], "plain with %")
    (array([50., nan]), array([False,  True]))
    """
    if spelling in NUMBER_STYLES:
        return parse_numbers(texts, spelling)
    moments = parse_dates(texts, spelling)
    return moments, np.isnat(moments)
