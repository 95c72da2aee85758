"""In: the record of an ascent. Out: the pictures that it found, and its curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from pullback.figures.sheet import (
    MARGIN,
    PALE,
    SMALL,
    TITLE,
    WIDTH,
    Grid,
    Sheet,
    caption,
    short,
    show_picture,
)

if TYPE_CHECKING:
    from pullback.images.seeing.ascent import Excitation

_CURVE = 1.6
_NAMED = 10  # curves that have a colour and a name of their own


def draw_excitation(found: Excitation) -> Sheet:
    """A grid of the pictures, each with what its unit answers; below, the curves."""
    room = WIDTH - 2 * MARGIN
    grid = Grid.of(len(found.pictures), found.pictures.shape[1:], room, lines=2, largest=2.2)
    top = TITLE
    alone = len(found.pictures) == 1  # with its curve beside it
    height = top + grid.total + (MARGIN + 0.3 if alone else 0.3 + _CURVE + 0.55)
    steps = len(found.activations) - 1
    sheet = Sheet(height, f"What excites {found.layer} most, after {steps} steps")
    scaled = (found.pictures - found.low) / (found.high - found.low)
    cells = grid.axes(sheet, MARGIN, top)
    for axes, picture, name, last in zip(
        cells, scaled, found.names, found.activations[-1], strict=True
    ):
        show_picture(axes, picture)
        caption(axes, f"{name}\n{last:.3g}", grid.width)
    named = 1 < len(found.names) <= _NAMED
    left = MARGIN + 0.5 + (grid.width + 0.2 if alone else 0.0)
    width = WIDTH - MARGIN - left - (1.5 if named else 0.0)
    if alone:
        axes = sheet.place(left, top + grid.total - grid.height, width, grid.height)
    else:
        axes = sheet.place(left, top + grid.total + 0.3, width, _CURVE)
    for k, name in enumerate(found.names):
        colour, alpha = (f"C{k}", 1.0) if named or alone else (PALE, 0.4)
        axes.plot(
            found.activations[:, k],
            linewidth=1.2,
            label=short(name, 1.1),
            color=colour,
            alpha=alpha,
        )
    axes.set_xlim(0, steps)
    axes.set_xticks(np.unique(np.linspace(0, steps, 5).round().astype(int)))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(labelsize=SMALL, length=2)
    axes.set_xlabel("step", fontsize=SMALL)
    axes.set_ylabel("activation", fontsize=SMALL)
    if named:
        axes.legend(
            fontsize=SMALL,
            loc="upper left",
            bbox_to_anchor=(1.01, 1.03),
            frameon=False,
            labelspacing=0.15,
        )
    return sheet
