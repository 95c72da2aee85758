"""The reliability diagram, drawn with matplotlib, which nothing else imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import PercentFormatter

from pullback.figures.sheet import BLUE, FRAME, MARGIN, NOTE, PALE, SMALL, TITLE, Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pullback.metrics.reliability import Reliability

_SIDE, _LEFT, _BELOW, _GAP = 3.4, 0.65, 0.55, 0.9  # inches
_ENDS = (0.05, 0.1, 0.2, 0.5, 1.0)  # of the axes
_TICKS = np.linspace(0.0, 1.0, 6)


def reliability_sheet(found: Reliability, what: str) -> Sheet:
    """Observed shares over predicted probabilities; beside them how often which were predicted."""
    sheet = Sheet(
        TITLE + NOTE + _SIDE + _BELOW,
        f"Probability of {what}" if what else "Probabilities",
        f"{found.counts.sum():,} rows in {len(found.counts)} bins of {_size(found)}; expected "
        f"calibration error {found.error:.3f}; bars: {found.level:.0%} intervals",
    )
    left = MARGIN + _LEFT
    axes = sheet.place(left, TITLE + NOTE, _SIDE, _SIDE)
    most = max(float(found.predicted.max()), float(found.high.max()))
    end = next(x for x in _ENDS if x >= most)  # of a rare class all lies near 0
    axes.plot([0, 1], [0, 1], "--", color=FRAME, linewidth=1.0)
    axes.vlines(found.predicted, found.low, found.high, color=BLUE, alpha=0.4, linewidth=3)
    axes.plot(found.predicted, found.observed, "o-", color=BLUE, markersize=4, linewidth=1.0)
    _shares(axes, end)
    axes.set_ylim(-0.02 * end, 1.02 * end)
    axes.set_yticks(end * _TICKS)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylabel("share in which it happened", fontsize=SMALL)
    right = sheet.place(left + _SIDE + _GAP, TITLE + NOTE, _SIDE, _SIDE)
    edges = np.linspace(0.0, 1.0, len(found.spread) + 1)
    right.bar(edges[:-1], found.spread, width=np.diff(edges), align="edge", color=PALE)
    right.set_yscale("symlog", linthresh=1.0)
    right.set_ylim(0.0, max(2.0, 2.0 * float(found.spread.max())))
    powers = [10**k for k in range(8) if 10**k <= found.spread.max()]
    right.set_yticks(powers, [f"{x:,}" for x in powers], fontsize=SMALL)
    right.set_ylabel("rows", fontsize=SMALL)
    _shares(right, 1.0)
    return sheet


def _size(found: Reliability) -> str:
    if found.strategy == "uniform":
        return "equal width"
    low, high = found.counts.min(), found.counts.max()
    return f"{low:,} rows each" if low == high else f"{low:,} to {high:,} rows"


def _shares(axes: Axes, end: float) -> None:
    axes.set_xlim(-0.02 * end, 1.02 * end)
    axes.set_xticks(end * _TICKS)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.tick_params(labelsize=SMALL, color=FRAME)
    axes.minorticks_off()
    axes.set_xlabel("predicted probability", fontsize=SMALL)
