"""In: sizes of gradients at each step, by name. Out: lines of them on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator

from pullback.figures.sheet import MARGIN, NOTE, PALE, SMALL, TITLE, WIDTH, Sheet, short

_HEIGHT, _LEFT, _BELOW, _NAMES = 3.2, 0.8, 0.6, 2.0  # inches
_NAME = 0.4  # of a name and what is said of it
_COLOURS = ("#2166ac", "#b2182b", "#1b7837", "#e08214", "#762a83", "#4d4d4d")


def draw_gradients(sizes: Mapping[str, np.ndarray], title: str) -> Sheet:
    """A line for each name, the steps back from the last one across."""
    zeros = sum(int((x == 0.0).sum()) for x in sizes.values())
    note = "a size of 0 is left out" if zeros == 1 else f"{zeros:,} sizes of 0 are left out"
    note = note if zeros else ""
    top = TITLE + (NOTE if note else 0.0) + 0.1
    height = max(_HEIGHT, _NAME * len(sizes))
    sheet = Sheet(top + height + _BELOW, title, note)
    right = WIDTH - MARGIN - _NAMES
    axes = sheet.place(_LEFT, top, right - _LEFT, height)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    for k, (name, x) in enumerate(sizes.items()):
        back, shown = np.arange(len(x))[::-1], x > 0.0
        again, which = divmod(k, len(_COLOURS))
        colour = _COLOURS[which]
        how = {"marker": "." if len(x) <= 64 else None, "linestyle": "--" if again % 2 else "-"}
        axes.plot(back[shown], x[shown], color=colour, linewidth=1.4, **how)
        words = [(short(name, _NAMES - 0.15), colour)] if name else []
        words.append((_factor(back[shown], x[shown]), PALE))
        for row, (text, shade) in enumerate(words):
            sheet.words(right + 0.15, top + _NAME * k + 0.17 * row, text, colour=shade)
    axes.set_xlabel("steps back from the last", fontsize=SMALL)
    axes.set_ylabel("size of the gradient", fontsize=SMALL)
    axes.xaxis.set_label_coords(0.5, -0.3 / height)  # which do not hang on ticks being drawn
    axes.yaxis.set_label_coords(-0.55 / (right - _LEFT), 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.tick_params(labelsize=SMALL, length=2)
    axes.tick_params(which="minor", length=0, labelsize=0)
    axes.grid(True, color="#e0e0e0", linewidth=0.6)
    axes.set_axisbelow(True)
    return sheet


def _factor(back: np.ndarray, x: np.ndarray) -> str:
    """The mean factor a step back, between the ends."""
    steps = int(back[0] - back[-1])
    if not steps:
        return "one step alone"
    factor = float(np.exp((np.log(x[0]) - np.log(x[-1])) / steps))
    return f"times {factor:.3g} a step back"
