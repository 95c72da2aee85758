"""In: weights of heads between words. Out: a map of each head."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pullback.figures.sheet import (
    MARGIN,
    SMALL,
    TITLE,
    WIDTH,
    Scale,
    Sheet,
    caption,
    short,
)
from pullback.sequences.text.seeing.drawing.letters import shown

_LABEL = 1.1  # inches for a word at the side, and the most above
_LETTER = 0.075
_CELL = 0.4  # at most
_SMALLEST = 0.16  # of a cell whose word is written
_SIDE = 3.6  # of a map, at most, beside others


def draw_attention(
    heads: np.ndarray, words: Sequence[str], memory: Sequence[str], title: str
) -> Sheet:
    """A map for each head, on one scale from 0; words are written where there is room."""
    count, rows, columns = heads.shape
    words, memory = [[short(shown(word), _LABEL) for word in x] for x in (words, memory)]
    room = WIDTH - 2 * MARGIN - _LABEL - 0.7
    across = 1 if count == 1 else min(count, max(1, int(room / 1.6), 1), 4 if count > 2 else 2)
    width = (room - 0.12 * (across - 1)) / across
    cell = min(_CELL, width / columns, (_SIDE if count > 1 else 6.5) / rows)
    wide, high = cell * columns, cell * rows
    written = cell >= _SMALLEST
    turned = max(map(len, memory)) * _LETTER > cell
    longest = max(map(len, memory)) * _LETTER
    above = (0.15 + (longest if turned else 0.15)) if written else 0.0
    head = 0.22 if count > 1 else 0.0
    down = math.ceil(count / across)
    row = head + above + high + 0.15
    note = "a row for each word that looks, a column for each that it looks at"
    top = TITLE + 0.2
    sheet = Sheet(max(top + down * row + MARGIN, 1.2), title, note)
    scale = Scale.of(heads)
    for k, weights in enumerate(heads):
        y, x = divmod(k, across)
        left = MARGIN + _LABEL + x * (wide + 0.12)
        upper = top + y * row + head + above
        axes = sheet.place(left, upper, wide, high)
        scale.show(axes, weights)
        if head:
            caption(axes, f"head {k + 1}", wide)
            axes.title.set_position((0.5, 1.0))
            axes.set_title(axes.get_title(), fontsize=SMALL, pad=3 + above * 72.0)
        if written:
            axes.xaxis.tick_top()
            axes.set_xticks(range(columns), memory, fontsize=SMALL, rotation=90 if turned else 0)
            axes.tick_params(length=0, pad=2)
        if written and x == 0:
            axes.set_yticks(range(rows), words, fontsize=SMALL)
    left = MARGIN + _LABEL + min(count, across) * (wide + 0.12)
    scale.bar(sheet, left, top + head + above, min(high, 2.0))
    return sheet
