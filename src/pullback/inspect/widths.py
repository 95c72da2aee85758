"""In: words. Out: how wide they are, and words that a picture can carry.

Which font a reader's machine has is not known, so each character is as wide as in the wider of the
two usual ones, Helvetica (with its likes, Arial and Liberation Sans) and DejaVu Sans.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SIZES = {"small": 11.0, "symbol": 17.0, "word": 12.5, "title": 12.5}
SIZE = 12.0  # of all other words

# What XML cannot carry, escaped or not, and what would turn the direction of the words around.
_FORBIDDEN = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)

# Widths in hundredths of the font's size, and the characters that are so wide at most.
_PLAIN = {
    28: "'ijl",
    32: " ,.I·",
    36: "/:;\\f|",
    40: "()-[]t",
    44: "!r",
    52: '"*J`',
    56: "?L_csz",
    60: "kvxy",
    64: "$0123456789FTabdeghnopqu{}",
    68: "EKPSY",
    72: "ABVXZ",
    76: "CHNRU",
    80: "&DGOQ",
    84: "#+<=>^w~×−≤≥≠→",
    88: "M",
    104: "%Wm@…—",
}
_BOLD = {
    36: "' ijl",
    40: ",./:;I\\|·",
    44: "-f",
    48: "!()[]t",
    56: '"*_J`r',
    60: "?csz",
    64: "L",
    68: "aekvxy",
    72: "$0123456789EFTbdghnopqu{}",
    76: "CPSYZ",
    80: "ABKRVX",
    84: "#+<=>DGHNU^~×−≤≥≠→",
    88: "&OQ",
    96: "w",
    104: "%@M…—",
    112: "mW",
}
_OTHER = 84  # a letter of another alphabet that is no wider than ours


def _by_character(groups: dict[int, str]) -> dict[str, int]:
    return {character: width for width, group in groups.items() for character in group}


_WIDTHS = {False: _by_character(_PLAIN), True: _by_character(_BOLD)}


def clean(words: str) -> str:
    """Words as one line of XML text can carry them, not escaped yet."""
    return " ".join(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", words).split())


def short(words: str, most: int) -> str:
    """At most so many characters.

    >>> short("a_very_long_name", 8)
    'a_very_…'
    """
    words = clean(words)
    return words if len(words) <= most else words[: most - 1] + "…"


@lru_cache(maxsize=4096)
def width(words: str, classes: str = "") -> float:
    """How wide these words are at most, in pixels.

    >>> width("x") < width("x", "bold") < width("x", "symbol")
    True
    """
    names = classes.split()
    size = max((SIZES[name] for name in names if name in SIZES), default=SIZE)
    widths = _WIDTHS["bold" in names]
    units = 0
    for character in words:
        if unicodedata.combining(character):
            continue
        if unicodedata.east_asian_width(character) in "WF":
            units += 105
        else:
            units += widths.get(character, _OTHER)
    return units * size / 100
