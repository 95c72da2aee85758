"""In: how far each tag of each word is behind the best, and the best path. Out: both drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pullback.figures.sheet import MARGIN, NOTE, PALE, SMALL, TITLE, WIDTH, Scale, Sheet, short
from pullback.sequences.text.seeing.drawing.letters import shown

_BAR = 0.75  # inches
_LETTER = 0.075
_LEAST, _WIDEST = 0.42, 1.0  # of a word
_NAMES = 1.2  # of a tag's name, at most
_ROW, _WORD, _BELOW = 0.17, 0.2, 0.2  # of a tag, of the words above and the numbers below
_MOST = 13.0  # inches of all lines


def draw_tags(
    words: Sequence[str],
    behind: np.ndarray,
    names: Sequence[str],
    path: np.ndarray,
    margins: np.ndarray,
    title: str,
    note: str,
) -> Sheet:
    """Words in lines; below each its tags, from 0, the best, downwards (words, tags)."""
    texts = [short(shown(word), _WIDEST) for word in words]
    names = [short(name, _NAMES) for name in names]
    cell = min(_WIDEST, max(_LEAST, max(map(len, texts)) * _LETTER + 0.08))
    label = max(map(len, names)) * _LETTER + 0.1
    columns = max(1, int((WIDTH - 2 * MARGIN - label - _BAR) / cell))
    height = _WORD + _ROW * len(names) + _BELOW + 0.1
    starts = list(range(0, len(words), columns))
    fit = max(1, int(_MOST / height))
    if len(starts) > fit:
        starts = starts[:fit]
        note = f"the first {fit * columns:,} of {len(words):,} words; {note}"
    top = TITLE + NOTE
    bottom = max(top + len(starts) * height, top + 1.1)
    sheet = Sheet(bottom + MARGIN, title, note)
    known = margins[np.isfinite(margins)]
    scale = Scale(-(float(known.max(initial=0.0)) or 1.0), 0.0)
    for row, start in enumerate(starts):
        block = behind[start : start + columns]
        count = len(block)
        upper = top + row * height + _WORD
        axes = sheet.place(MARGIN + label, upper, count * cell, _ROW * len(names))
        scale.show(axes, block.T)
        axes.plot(
            range(count), path[start : start + count], color="#1b7837", marker="o", markersize=3.5
        )
        axes.set_yticks(range(len(names)), names, fontsize=SMALL)
        axes.tick_params(length=0, pad=3)
        for k in range(count):
            axes.text(k, -0.6, texts[start + k], fontsize=SMALL, ha="center", va="bottom")
            margin = margins[start + k]
            if np.isfinite(margin):
                below = {"fontsize": SMALL, "ha": "center", "va": "top", "color": PALE}
                axes.text(k, len(names) - 0.4, f"{margin:.3g}", **below)
    scale.bar(sheet, WIDTH - MARGIN - _BAR + 0.2, top + _WORD, min(1.5, bottom - top - _WORD - 0.1))
    return sheet
