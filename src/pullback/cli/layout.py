"""In: cells and sentences. Out: lines for a terminal of some width.

Where there is little room, words are cut and numbers are not.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from pullback.tables.spelling import brief

GAP = 2
_MOST_OF = 0.7  # of the room, which whole words must fill


def table(
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    right: Collection[int] = (),
    least: Mapping[int, int] | None = None,
) -> list[str]:
    """Rows of cells as lines, in columns; those in `right` are set to the right.

    Columns in `least` are cut where the lines would be wider than `width`, in its order, down to so
    many characters; the others are never cut.

    >>> print(*table([("name", "n"), ("elephant", "10")], 10, right=[1], least={0: 4}), sep="\\n")
    name     n
    eleph…  10
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for column, fewest in (least or {}).items():
        excess = sum(widths) + GAP * (len(widths) - 1) - width
        widths[column] = max(min(widths[column], fewest), widths[column] - max(0, excess))
    lines = []
    for row in rows:
        cells = []
        for k, (cell, room) in enumerate(zip(row, widths, strict=True)):
            text = shortened(cell, room)
            space = " " * (room - cell_len(text))
            cells.append(space + text if k in right else text + space)
        lines.append((" " * GAP).join(cells).rstrip())
    return lines


def shortened(text: str, room: int) -> str:
    """Text in so many columns of a terminal; where it is longer, its first words and "…".

    >>> shortened("numbers from 10 to 2000", 21), shortened("unbreakable", 6)
    ('numbers from 10 to…', 'unbre…')
    """
    if cell_len(text) <= room:
        return text
    start = set_cell_size(text, room - 1).rstrip()
    words, _, _ = start.rpartition(" ")
    in_two = not text.startswith(f"{start} ")
    if in_two and (_ends_in_number(text, start) or cell_len(words) > _MOST_OF * room):
        start = words or start
    return f"{start.rstrip(',')}…"


def _ends_in_number(text: str, start: str) -> bool:
    """Whether a number would be cut in two."""
    return bool(
        re.search(r"\d[\d.,e+-]*$", start) and re.match(r"[\d.,e+-]*\d", text[len(start) :])
    )


def sentence(text: str, width: int, indent: int = 2) -> list[str]:
    """A sentence as lines, of which all but the first are indented; no word is broken."""
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def cell(thing: Any) -> str:
    """A value of a table as one line shows it.

    >>> cell(3.14159265), cell("two\\nlines"), cell(None), cell(2)
    ('3.14159', 'two lines', '', '2')
    """
    if thing is None:
        return ""
    if isinstance(thing, float):
        return brief(thing)
    text = " ".join(str(thing).split())
    return "".join(c if c.isprintable() else "?" for c in text)


def bar(share: float, width: int) -> str:
    """A share from 0 to 1 as a bar; what is not 0 is to be seen.

    >>> bar(0.5, 4), bar(0.001, 4), bar(0.0, 4)
    ('██', '▏', '')
    """
    eighths = max(round(share * width * 8), 1 if share > 0.0 else 0)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
