"""In: texts, as people write them in tables. Out: which are gaps, numbers or dates, and of what.

How a column writes its numbers or dates is named by one word of `NUMBER_STYLES` or `DATE_FORMATS`,
so that whoever reads another table later reads it in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

GAPS = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "?", "-", "--"})


def is_gap(text: str) -> bool:
    """Whether a text says that there is no value.

    >>> [is_gap(text) for text in ("", "NA", "n/a", " ? ", "0", "no")]
    [True, True, True, True, False, False]
    """
    return text.strip().lower() in GAPS


def shown(thing: Any) -> str:
    """A value as messages quote it: on one line, and cut where it is long.

    >>> shown("two\\nlines"), shown("x" * 100)
    ("'two\\\\nlines'", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'")
    """
    text = repr(thing)
    return text if len(text) <= 41 else f"{text[:37]}...{text[0] if isinstance(thing, str) else ''}"


def brief(x: float) -> str:
    """A number as sentences show it, with six digits at most after a point.

    >>> brief(3.0), brief(0.1234567), brief(1234567.0)
    ('3', '0.123457', '1,234,567')
    """
    return f"{int(x):,}" if abs(x) < 1e15 and float(x).is_integer() else f"{x:.6g}"


def number_text(x: float) -> str:
    """A number as text, whole ones without a point.

    >>> number_text(3.0), number_text(0.5)
    ('3', '0.5')
    """
    return str(int(x)) if abs(x) < 1e15 and float(x).is_integer() else repr(float(x))


# Numbers -----------------------------------------------------------------------------------------


class NumberStyle:
    """How a column writes its numbers: what groups thousands, what marks decimals, and a % or none.

    >>> NumberStyle(".", ",", percent=False).number("1.234,5")
    1234.5
    """

    def __init__(self, groups: str, decimal: str, percent: bool) -> None:
        grouped = rf"[1-9]\d{{0,2}}([{groups}])\d{{3}}(?:\1\d{{3}})*"  # "0.126" groups nothing
        whole = rf"(?:{grouped}|\d+)" if groups else r"\d+"
        point = re.escape(decimal)
        number = rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:e[+-]?\d+)?|[+-]?inf(?:inity)?"
        ending = r"\s*%" if percent else ""
        pattern = re.compile(rf"(?:{number}){ending}", re.ASCII | re.IGNORECASE)
        self._dropped = str.maketrans({decimal: ".", **dict.fromkeys(groups + "% ", "")})
        self.matches: Callable[[str], object] = pattern.fullmatch
        self.plain = decimal == "." and not groups and not percent

    def number(self, text: str) -> float:
        """The number that a text of this style spells."""
        return float(text.translate(self._dropped))


_SPACES = " \u00a0\u202f\u2009'’"
_MARKS = {
    "plain": ("", "."),
    "thousands commas": (",", "."),
    "decimal commas": ("." + _SPACES, ","),
    "thousands spaces": (_SPACES, "."),
}
NUMBER_STYLES: dict[str, NumberStyle] = {
    name + " with %" * percent: NumberStyle(*marks, percent=bool(percent))
    for percent in (0, 1)
    for name, marks in _MARKS.items()
}


def has_decimal_comma(text: str) -> bool:
    """Whether a text is a number with a decimal comma.

    >>> [has_decimal_comma(text) for text in ("1,5", "1.234,5", "-0,5 %", "1.234", "5", "a,b")]
    [True, True, True, False, False, False]
    """
    styles = (NUMBER_STYLES["decimal commas"], NUMBER_STYLES["decimal commas with %"])
    return "," in text and any(style.matches(text.strip()) for style in styles)


def is_number(text: str) -> bool:
    """Whether a text is a number in any style.

    >>> [is_number(text) for text in ("-1e5", "1,234.5", "12 %", "1.2.3", "one")]
    [True, True, True, False, False]
    """
    return any(style.matches(text.strip()) for style in NUMBER_STYLES.values())


def parse_numbers(texts: Sequence[str], name: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers that texts of this style spell, and which texts spell none.

    >>> parse_numbers(["1,5", "x"], "decimal commas")
    (array([1.5, nan]), array([False,  True]))
    """
    style = NUMBER_STYLES[name]
    if style.plain and not re.search(r"[^0-9eE+\-.]", "".join(texts)):
        try:
            return np.array(texts, dtype=object).astype(np.float64), np.zeros(len(texts), bool)
        except ValueError:
            pass  # some are no numbers, such as "1-2": look at each
    right = [bool(style.matches(text)) for text in texts]
    numbers = [
        style.number(text) if fine else np.nan for text, fine in zip(texts, right, strict=True)
    ]
    return np.array(numbers, np.float64), ~np.array(right, bool)


# Dates -------------------------------------------------------------------------------------------

_DAYS = (
    *("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y"),
    *("%d %B %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S")
DATE_FORMATS = ("ISO8601", *(day + time for time in _TIMES for day in _DAYS))
_DATE_LENGTHS = (6, 40)
_DIGIT = re.compile(r"[0-9]")
_OFFSET = re.compile(r"(:\d\d(?:\.\d+)?)\s*(?:[zZ]|[+-]\d\d(?::?\d\d)?)$", re.ASCII)


def parse_dates(texts: Sequence[str], name: str) -> np.ndarray:
    """The moments, to the second, that texts of this format spell; NaT where they do not.

    What a clock showed counts, wherever it hung: an offset from UTC is passed over.

    >>> [str(x) for x in parse_dates(["31.12.2024", "today"], "%d.%m.%Y")]
    ['2024-12-31T00:00:00', 'NaT']
    >>> [str(x) for x in parse_dates(["2001-01-01T00:00:00+01:00"], "ISO8601")]
    ['2001-01-01T00:00:00']
    """
    import pandas as pd

    possible = [  # "today" is no date here
        _OFFSET.sub(r"\1", text) if _DIGIT.search(text) else None for text in texts
    ]
    moments = pd.to_datetime(
        pd.Series(possible, dtype=object), format=name, utc=True, errors="coerce"
    )
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
