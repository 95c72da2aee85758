"""In: texts, as people write numbers in tables. Out: the numbers, and what must mark decimals.

How a column writes its numbers is named by one word of `NUMBER_STYLES`, so that whoever reads
another table later reads it in the same way, and no column is read in two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

DECIMALS = {".": "decimal points", ",": "decimal commas"}
_SPACES = " \u00a0\u2007\u2009\u202f'\u2019"  # some narrow, some not to be broken at; apostrophes
_MINUS = "-\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"  # hyphens, dashes, and the true sign
_OPENS = re.escape("(+" + _MINUS)  # what stands before a number
_SIGNS = str.maketrans(dict.fromkeys(_MINUS, "-"))
_PERCENT = re.compile(rf"[{_SPACES}]*%(?=\)?$)")
_MARKS = {
    "plain": ("", "."),
    "thousands commas": (",", "."),
    "decimal commas": ("." + _SPACES, ","),
    "thousands spaces": (_SPACES, "."),
}


class NumberStyle:
    """How a column writes its numbers: what groups thousands, what marks decimals, and a % or none.

    >>> NumberStyle(".", ",", percent=False).number("1.234,5")
    1234.5
    """

    def __init__(self, groups: str, decimal: str, percent: bool) -> None:
        grouped = rf"[1-9]\d{{0,2}}([{groups}])\d{{3}}(?:\1\d{{3}})*"  # "0.126" groups nothing
        whole = rf"(?:{grouped}|\d+)" if groups else r"\d+"
        point = re.escape(decimal)
        number = rf"(?:{whole}(?:{point}\d*)?|{point}\d+)(?:e[+-]?\d+)?|inf(?:inity)?"
        self.unsigned = re.compile(number, re.ASCII | re.IGNORECASE)
        self._dropped = str.maketrans({decimal: ".", **dict.fromkeys(groups, "")})
        self.decimal, self.percent = decimal, percent
        self.plain = decimal == "." and not groups and not percent

    def number(self, text: str) -> float | None:
        """The number that a text of this style spells; None where it spells none.

        A minus may be any dash before the number, a pair of parentheses, or, beside a decimal mark,
        stand behind it.

        >>> [NUMBER_STYLES["plain"].number(x) for x in ("-1.5", "\u22121.5", "(1.5)", "1.5-", "1-")]
        [-1.5, -1.5, -1.5, -1.5, None]
        """
        if self.percent:
            text, signs = _PERCENT.subn("", text)
            if signs != 1:
                return None
        negative, unsigned = _taken_apart(text.translate(_SIGNS))
        if not self.unsigned.fullmatch(unsigned):
            return None
        number = float(unsigned.translate(self._dropped))
        return -number if negative else number


NUMBER_STYLES: dict[str, NumberStyle] = {
    name + " with %" * percent: NumberStyle(*marks, percent=bool(percent))
    for percent in (0, 1)
    for name, marks in _MARKS.items()
}
_UNSIGNED = [style.unsigned for style in NUMBER_STYLES.values() if not style.percent]


def _taken_apart(text: str) -> tuple[bool, str]:
    """Whether a number's text is negative, and the text without its sign."""
    if text[:1] in ("+", "-"):
        return text[0] == "-", text[1:].strip()
    if text[:1] == "(" and text[-1:] == ")":
        return True, text[1:-1].strip()
    if text[-1:] == "-" and ("." in text or "," in text):  # "1-" is rather a mark at school
        return True, text[:-1].strip()
    return False, text


def negative_otherwise(text: str) -> bool:
    """Whether a number is negative without a sign before it.

    >>> [negative_otherwise(text) for text in ("(1.5)", "1.5-", "-1.5")]
    [True, True, False]
    """
    odd = text[:1] == "(" or text[-1:] in _MINUS
    return odd and text[:1] not in _MINUS and _taken_apart(text.translate(_SIGNS))[0]


def styles(decimal: str) -> list[str]:
    """The number styles in the order to try, those with this decimal mark first."""
    return sorted(NUMBER_STYLES, key=lambda name: NUMBER_STYLES[name].decimal != decimal)


@lru_cache(maxsize=2**15)  # each cell is looked at several times
def is_number(text: str) -> bool:
    """Whether a text is a number in any style.

    >>> [is_number(text) for text in ("-1e5", "1,234.5", "12 %", "1.2.3", "one")]
    [True, True, True, False, False]
    """
    text = text.strip()
    if "%" in text:
        text, signs = _PERCENT.subn("", text)
        if signs != 1:
            return False
    unsigned = _taken_apart(text.translate(_SIGNS))[1]
    return any(pattern.fullmatch(unsigned) for pattern in _UNSIGNED)


_IN_TEXT = re.compile(r"(?:[^\W\d_]{1,3} )?[^\w\s]{0,3} ?\d[\d.,:/' \u00a0-]*\W{0,3}[^\W\d_]{0,6}")


def holds_number(text: str) -> bool:
    """Whether a text is a number with a little around or between, such as a unit.

    >>> [holds_number(text) for text in ("$1.50", "49 kg", "12:30", "12-", "name 7", "a1b2")]
    [True, True, True, True, False, False]
    """
    return bool(_IN_TEXT.fullmatch(text))


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
    numbers = [style.number(text) for text in texts]
    wrong = np.array([x is None for x in numbers], bool)
    return np.array([np.nan if x is None else x for x in numbers], np.float64), wrong


# Which mark is which -----------------------------------------------------------------------------


def _only(decimal: str, group: str) -> re.Pattern[str]:
    """Lines that are a number if this marks decimals, and none if it groups thousands."""
    point, dot = re.escape(decimal), re.escape(group)
    number = "|".join(
        (
            rf"\d*{point}(?:\d{{1,2}}|\d{{4,}})",  # such as 1.5
            rf"(?:0\d*|\d{{4,}})?{point}\d+",  # 0.126, 1234.567
            rf"\d+{point}\d+e[+-]?\d+",
            rf"\d{{1,3}}(?:[{dot}{_SPACES}]\d{{3}})+{point}\d+",  # 1,234.567
            rf"\d{{1,3}}(?:{dot}\d{{3}}){{2,}}",  # 1,234,567
        )
    )
    before, behind = rf"[{_OPENS}]?[{_SPACES}]?", rf"[{_SPACES}%)]*-?"
    return re.compile(rf"^{before}(?:{number}){behind}$", re.ASCII | re.IGNORECASE | re.MULTILINE)


_ONLY = {".": _only(".", ","), ",": _only(",", ".")}
_EITHER = {
    mark: re.compile(
        rf"[{_OPENS}]?[{_SPACES}]?[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}[{_SPACES}%)]*-?",
        re.ASCII,
    )
    for mark in DECIMALS
}
_WHOLE = re.compile(rf"[{_OPENS}]?\d{{1,3}}[{_SPACES}%)]*", re.ASCII)
_MANY = 40  # numbers with three decimals of which none has a 0 at its end: chance is below 2%


def decimal_votes(texts: Sequence[str]) -> dict[str, int]:
    """For each decimal mark, how many of these texts are a number with it and no other.

    >>> decimal_votes(["1,5", "1.234", "1.234.567", "7"])
    {'.': 0, ',': 2}
    """
    lines = "\n".join(texts)
    return {
        mark: len(_ONLY[mark].findall(lines)) if "," in lines or "." in lines else 0
        for mark in DECIMALS
    }


def either_way(text: str) -> str:
    """The mark that may group thousands here as well as mark decimals, such as that of "1.234"."""
    return next((mark for mark, pattern in _EITHER.items() if pattern.fullmatch(text)), "")


def grouping_mark(texts: Sequence[str]) -> str:
    """The mark that is likely to group thousands in a column where it need not; "" for none.

    Whoever rounds to three decimals writes 2.150 and 552.000, or 2.15 and 552: three digits after
    every mark, beside numbers below 1,000 without one, are thousands.

    >>> grouping_mark(["2.150", "552", "31"]), grouping_mark(["2.155", "552"])
    ('.', '')
    """
    marked = [(text, mark) for text in texts if (mark := either_way(text))]
    marks = {mark for _, mark in marked}
    rest = len(texts) - len(marked)
    if len(marks) != 1 or not rest or rest != sum(bool(_WHOLE.fullmatch(text)) for text in texts):
        return ""
    rounded = any(text.rstrip(f"{_SPACES}%)").endswith("0") for text, _ in marked)
    return marks.pop() if rounded or len(marked) >= _MANY else ""
