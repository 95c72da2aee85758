"""In: characters of any text. Out: what stands for them where they are drawn one by one."""

from __future__ import annotations

import unicodedata
from functools import cache

from matplotlib.font_manager import findfont, get_font

_SIGNS = {"\n": "↵", "\r": "↵", "\t": "→", " ": "·"}
_MISSING = "□"


def shown(text: str) -> str:
    """A text whose every character can be seen: signs for spaces, and what the font lacks as "□".

    >>> shown("a b\\n"), shown("🦉")
    ('a·b↵', '□')
    """
    return "".join(_sign(c) for c in text)


@cache
def _sign(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if unicodedata.category(character)[0] == "C" or not _has(character):
        return _MISSING
    return f"◌{character}" if unicodedata.category(character)[0] == "M" else character


def _has(character: str) -> bool:
    """Whether matplotlib's own font draws it."""
    return get_font(findfont("DejaVu Sans")).get_char_index(ord(character)) != 0
