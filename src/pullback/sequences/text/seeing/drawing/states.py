"""In: a text and what units held at each character. Out: the text in colours, line by line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pullback.figures.sheet import MARGIN, NOTE, SMALL, TITLE, WIDTH, Scale, Sheet, short
from pullback.sequences.text.seeing.drawing.letters import shown

_LABEL = 0.45  # inches for a unit's number, at least
_NAME = 0.068  # of a letter of a name
_BAR = 0.75
_CELL, _WIDEST = 0.105, 1.0  # of a character, and of the longest word at most
_LETTER = 0.075
_TALL, _LINE = 0.2, 0.13  # of a character with its colour, and of a unit's line
_MOST = 13.0  # inches of all lines


def draw_states(
    parts: Sequence[str],
    values: np.ndarray,
    names: Sequence[str],
    title: str,
    note: str,
    scale: Scale | None = None,
    group: int = 0,
) -> Sheet:
    """Parts of a text in lines, each line with the colours of the units behind or below it.

    `scale` is by default that of the values; so many names of a `group` stand together.
    """
    one = len(names) == 1
    texts = [shown(part) for part in parts]
    texts = [short(text, _WIDEST) for text in texts]
    words = any(len(part) > 1 for part in parts)
    cell = min(_WIDEST, max(map(len, texts)) * _LETTER + 0.05) if words else _CELL
    label = 0.0 if one and not names[0] else max(_LABEL, max(map(len, names)) * _NAME)
    columns = max(1, int((WIDTH - 2 * MARGIN - label - _BAR) / cell))
    lines = _lines(parts, columns)
    height = _TALL if one else _TALL + _LINE * len(names)
    fit = max(1, int(_MOST / (height + 0.08)))
    if len(lines) > fit:
        lines = lines[:fit]
        said = (
            f"the first {lines[-1].stop:,} of {len(parts):,} {'words' if words else 'characters'}"
        )
        note = f"{said}; {note}" if note else said
    top = TITLE + (NOTE if note else 0.0)
    bottom = max(top + len(lines) * (height + 0.08), top + 1.1)
    sheet = Sheet(bottom + MARGIN, title, note)
    scale = scale or Scale.of(values)
    for row, line in enumerate(lines):
        upper = top + row * (height + 0.08)
        count = len(line)
        axes = sheet.place(
            MARGIN + label,
            upper + (0.0 if one else _TALL),
            count * cell,
            height if one else height - _TALL,
        )
        block = values[line.start : line.stop].T
        scale.show(axes, block)
        colours = scale.rgb(block[0]) if one else np.ones((count, 4))
        for k, text in enumerate(texts[line.start : line.stop]):
            dark = colours[k, :3] @ (0.299, 0.587, 0.114) < 0.5
            axes.text(
                k,
                0.0 if one else -0.55,
                text,
                fontsize=SMALL,
                ha="center",
                va="center" if one else "bottom",
                color="white" if dark else "black",
                family="DejaVu Sans",
            )
        for k in range(group, len(names), group) if group else ():
            axes.axhline(k - 0.5, color="white", linewidth=1.6)
        if label:
            axes.set_yticks(range(len(names)), names, fontsize=SMALL - 1)
            axes.tick_params(length=0, pad=3)
    scale.bar(sheet, WIDTH - MARGIN - _BAR + 0.2, top + 0.05, min(1.5, bottom - top - 0.1))
    return sheet


def _lines(parts: Sequence[str], columns: int) -> list[range]:
    """The parts of each line: as many as there is room for, none behind the end of a line.

    >>> _lines("ab\\ncdef", 3)
    [range(0, 3), range(3, 6), range(6, 7)]
    """
    lines, start = [], 0
    for k, part in enumerate(parts, start=1):
        if part == "\n" or k - start == columns or k == len(parts):
            lines.append(range(start, k))
            start = k
    return lines
