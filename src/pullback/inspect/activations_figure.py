"""In: what each layer's activations look like. Out: a figure of their spread and histograms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import LogLocator

from pullback.figures.sheet import (
    BLUE,
    MARGIN,
    NOTE,
    PALE,
    RED,
    SMALL,
    TITLE,
    WIDTH,
    Sheet,
    caption,
)

if TYPE_CHECKING:
    from pullback.inspect.activations import LayerActivations

_MOST = 24  # histograms
_ACROSS = 6
_CURVE, _LEGEND = 1.3, 0.25  # heights in inches
_HISTOGRAM, _WORDS, _TICKS = 0.75, 0.5, 0.3
_GAP = 0.15


def draw_activations(rows: Sequence[LayerActivations], notes: Sequence[str]) -> Sheet:
    """The deviation, and the gradient, from layer to layer; below them, a histogram of each."""
    shown = list(rows)
    if len(rows) > _MOST:
        places = np.linspace(0, len(rows) - 1, _MOST).round().astype(int)
        shown = [rows[k] for k in places]
    lines = math.ceil(len(shown) / _ACROSS)
    top = TITLE + NOTE * max(1, len(notes)) + 0.1
    grid = top + _LEGEND + _CURVE + 0.45
    each = _WORDS + _HISTOGRAM + _TICKS
    some = f": histograms of {len(shown)} of {len(rows)}" if len(shown) < len(rows) else ""
    sheet = Sheet(grid + lines * each + MARGIN, f"Activations from layer to layer{some}")
    for k, note in enumerate(notes or ["nothing is amiss"]):
        sheet.words(MARGIN, 0.43 + k * NOTE, note[:150], colour=RED if notes else PALE)
    _spread(sheet, top, rows)
    width = (WIDTH - 2 * MARGIN + _GAP) / _ACROSS - _GAP
    before = {after.name: row.std for row, after in itertools.pairwise(rows)}
    for k, row in enumerate(shown):
        line, column = divmod(k, _ACROSS)
        axes = sheet.place(
            MARGIN + column * (width + _GAP), grid + line * each + _WORDS, width, _HISTOGRAM
        )
        edges = np.linspace(row.low, row.high, len(row.counts) + 1)
        if row.high > row.low:
            axes.stairs(row.counts, edges, fill=True, color=BLUE)
            axes.set_xlim(row.low, row.high)
        else:
            axes.axvline(row.low, color=BLUE)
        axes.set_ylim(bottom=0)
        ends = sorted({row.low, row.high})
        axes.set_xticks(ends, [f"{x:.2g}" for x in ends], fontsize=SMALL - 1)
        axes.tick_params(length=2, pad=1)
        for label, side in zip(axes.get_xticklabels(), ("left", "right"), strict=False):
            label.set_horizontalalignment(side if len(ends) > 1 else "center")
        earlier = before.get(row.name, 0.0)
        ratio = f" (×{row.std / earlier:.2g})" if earlier else ""
        caption(axes, f"{row.name}\nstd {row.std:.2g}{ratio}", width)
    return sheet


def _spread(sheet: Sheet, top: float, rows: Sequence[LayerActivations]) -> None:
    """Deviations and gradients of all rows, on a scale of powers of ten."""
    left = MARGIN + 0.45
    axes = sheet.place(left, top + _LEGEND, WIDTH - left - MARGIN, _CURVE)
    x = np.arange(len(rows))
    for what, colour in ("std", BLUE), ("gradient", RED):
        y = np.array([getattr(row, what) or math.nan for row in rows], float)
        y[~np.isfinite(y)] = math.nan
        if not np.isnan(y).all():
            label = "deviation" if what == "std" else "gradient of the loss"
            axes.plot(x, y, "o-", color=colour, markersize=3, linewidth=1, label=label)
    axes.set_yscale("log")
    axes.yaxis.set_tick_params(labelsize=SMALL)
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.grid(axis="y", linewidth=0.3)
    every = max(1, math.ceil(len(rows) / 12))
    names = [row.name if len(row.name) <= 12 else f"…{row.name[-11:]}" for row in rows]
    axes.set_xticks(x[::every], names[::every], fontsize=SMALL)
    axes.tick_params(length=2, pad=2)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=2,
            fontsize=SMALL,
            frameon=False,
            borderaxespad=0.1,
        )
