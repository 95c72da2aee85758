"""In: a confusion matrix and pictures that were mistaken. Out: a figure of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from pullback.figures.sheet import (
    MARGIN,
    NOTE,
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
    from pullback.images.seeing.confusions import Mistakes

_BOTH, _COUNTS = 12, 24  # classes up to which cells hold count and share, and counts alone
_LABEL = 1.2  # inches for a class's name


def draw_confusion(found: Mistakes, pictures: np.ndarray, shown: np.ndarray) -> Sheet:
    """The matrix, and below it these pictures, whose numbers are `shown`."""
    count = len(found.names)
    side = min(0.65, (WIDTH - 2 * MARGIN - _LABEL - 0.6) / count)
    size = side * count
    names = [short(name, _LABEL) for name in found.names]
    level = max(len(name) for name in names) * 0.065 <= side
    above = 0.45 if level else 0.35 + 0.7 * min(_LABEL, max(map(len, names)) * 0.065)
    rows, wrong = len(found.labels), len(found.wrong)
    grid = Grid.of(len(pictures), pictures.shape[1:], WIDTH - 2 * MARGIN, lines=3, largest=1.35)
    below = 0.35 + grid.total if len(pictures) else 0.0
    top = TITLE + NOTE + above
    title = f"What is taken for what: {found.accuracy:.2%} of {rows} right"
    note = "a row for each true class, a column for each predicted one; shares are of the row"
    if count > _COUNTS:
        note += f": blue where right, orange where wrong, up to {_most(found.shares):.0%}"
    sheet = Sheet(top + size + below + MARGIN, title, note)
    axes = sheet.place(MARGIN + _LABEL, top, size, size)
    colours = _colours(found.shares)
    axes.imshow(colours, interpolation="nearest", aspect="auto")
    if count <= 40:
        turned = {} if level else {"rotation": 45, "ha": "left", "rotation_mode": "anchor"}
        axes.xaxis.tick_top()
        axes.set_xticks(range(count), names, fontsize=SMALL, **turned)
        axes.set_yticks(range(count), names, fontsize=SMALL)
        axes.tick_params(length=0, pad=3)
    if count <= _COUNTS:
        _write(axes, found, colours)
    if len(pictures):
        top += size + 0.3
        some = (
            f"the {len(shown)} most confident of {wrong}" if len(shown) < wrong else f"all {wrong}"
        )
        text = "the one mistake" if wrong == 1 else f"{some} mistakes"
        sheet.words(MARGIN, top - 0.12, text, 9.0)
        for cell, picture, k in zip(grid.axes(sheet, MARGIN, top), pictures, shown, strict=True):
            show_picture(cell, picture)
            true, taken = found.names[found.labels[k]], found.names[found.predicted[k]]
            caption(cell, f"{true}\ntaken for {taken}\n{found.confidence[k]:.1%}", grid.width)
    return sheet


def _colours(shares: np.ndarray) -> np.ndarray:
    """Blue where the class is right; orange, up to the largest share, where it is not."""
    right = np.eye(len(shares), dtype=bool)
    mistaken = colormaps["Oranges"](0.75 * shares / _most(shares))
    mistaken[shares == 0.0] = 1.0
    return np.where(right[..., None], colormaps["Blues"](0.75 * shares), mistaken)[..., :3]


def _most(shares: np.ndarray) -> float:
    """The share that mistakes of the deepest orange have."""
    return max(0.2, float(shares[~np.eye(len(shares), dtype=bool)].max(initial=0.0)))


def _write(axes: Axes, found: Mistakes, colours: np.ndarray) -> None:
    """In each cell its count and, where there is room, its share."""
    both = len(found.names) <= _BOTH
    for (i, j), n in np.ndenumerate(found.counts):
        share = found.shares[i, j]
        percent = f"{share:.0%}" if share >= 0.01 else f"{share:.1%}"
        text = f"{n}\n{percent}" if both and n else f"{n}" if n else "·"
        colour = "white" if colours[i, j].mean() < 0.55 else "black"
        how = {"ha": "center", "va": "center", "fontsize": SMALL - 1}
        axes.text(j, i, text, color=colour, **how)
