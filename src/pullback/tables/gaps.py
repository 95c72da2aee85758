"""In: a text of a cell. Out: whether it says that there is no value, and whether it must."""

from __future__ import annotations

import re

# What programs write for no value, and nobody for a value.
_SURE = frozenset(
    {
        *("", "nan", "-nan", "+nan", "nan(ind)", "-nan(ind)", "nat", "<na>", "null", "(null)"),
        *("\\n", "#na", "#n/a", "#n/a n/a", "#nv", "#div/0!", "#value!", "#ref!", "#name?"),
        *("#num!", "#null!", "#wert!", "#bezug!", "#zahl!", "?", "??"),
    }
)
# What stands for no value too, and may be one: North America, no disorder, a strand of DNA.
_UNSURE = frozenset(
    {
        *("na", "n/a", "n.a.", "n.a", "none", "nil", "missing", "-", "--", "---", "–", "—", "−"),
        *(".", "..", "...", "…", "*", "**"),
    }
)
# of C's runtime on Windows, of Stata and SAS, and of a spreadsheet's column that is too narrow
_CODES = re.compile(r"[+-]?1\.#(?:s?nan|qnan|ind|inf)0*|\.[a-z_]|#+")
YES = frozenset({"yes", "true", "y", "t", "on", "1"})
TRUTHS = YES | {"no", "false", "n", "f", "off", "0"}


def is_gap(text: str) -> bool:
    """Whether a text stands for no value where numbers or dates are expected.

    >>> [is_gap(text) for text in ("", "NA", "n/a", " ? ", "#DIV/0!", "1.#QNAN", ".", "0", "no")]
    [True, True, True, True, True, True, True, False, False]
    """
    if (text[:1].isdigit() or text[1:2].isdigit()) and "#" not in text:
        return False  # most cells are numbers
    text = text.strip().lower()
    return text in _SURE or text in _UNSURE or bool(_CODES.fullmatch(text))


def may_be_value(text: str) -> bool:
    """Whether a text that `is_gap` may as well be a category's name.

    >>> [may_be_value(text) for text in ("NA", "None", "-", "NaN", "#N/A", "")]
    [True, True, True, False, False, False]
    """
    return text.strip().lower() in _UNSURE
