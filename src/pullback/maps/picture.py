"""In: a map. Out: a picture of it by matplotlib (extra `plot`): points, names, legend, notes.

Names stand at the medians of their classes; those of points stand beside them, where there is room.
In an SVG letters stay letters, and very many points are one picture inside it.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb

from pullback.core.aside import replacing
from pullback.core.text import counted, number
from pullback.figures.sheet import MARGIN, PALE, SMALL, TITLE, WIDTH, Sheet, short
from pullback.maps.colours import GREY, PALETTE, PLAIN, RAMP, about_colours, bounds, class_colours
from pullback.maps.labels import NAMED, Classes, Quantities

if TYPE_CHECKING:
    from pullback.maps.map import Map

BESIDE, ALONE = 6.4, WIDTH - 2.0 * MARGIN  # inches that a map is wide, with a legend and without
FLATTEST = 0.5  # times as wide, a map is high
MANY = 1000  # points, beyond which they are one picture in an SVG
MOST_NAMES = 400
_LINE = 0.17  # inches of a line of the legend and of the notes
_LETTER = 0.56 * SMALL / 72.0  # inches of a letter, about
RESOLUTION = 200  # dots an inch


def write_picture(map: Map, path: Path) -> None:
    """Write the picture of a map, as SVG or PNG by the ending.

    Raises `CircuitError` where it cannot be written.
    """
    picture = bytes_of(map, path.suffix.lower().removeprefix("."), RESOLUTION)
    with replacing(path) as written:
        written.write(picture)


def bytes_of(map: Map, kind: str, resolution: int) -> bytes:
    """The picture of a map as a file's bytes, "svg" or "png", of so many dots an inch."""
    file = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # which are drawn as boxes
        drawn(map).savefig(file, format=kind, dpi=resolution)
    return file.getvalue()


def drawn(map: Map) -> Sheet:
    """The figure of a map."""
    notes = [line for note in map.notes for line in textwrap.wrap(_plain(note), 132)]
    count = counted(len(map), "point")
    width = ALONE if map.colouring is None else BESIDE
    across, up = (float(x) or 1.0 for x in np.ptp(map.positions, axis=0))
    height = width * min(max(up / across, FLATTEST), 1.0)
    bottom = TITLE + MARGIN / 2 + height
    sheet = Sheet(bottom + 1.5 * MARGIN + _LINE * len(notes), _plain(map.title) or "map", count)
    axes = sheet.place(MARGIN, bottom - height, width, height)
    _frame(axes, map.positions, width, height)
    _points(axes, map, width * height)
    taken = _Taken()
    left, top = MARGIN + width + 0.25, bottom - height
    if isinstance(map.colouring, Classes):
        if len(map.colouring.names) <= NAMED:
            _class_names(axes, map.positions, map.colouring, taken)
        _legend(sheet, map.colouring, left, _heading(sheet, map.legend, left, top))
    elif map.colouring is not None:
        _bar(sheet, map.colouring, left, _heading(sheet, map.legend, left, top))
    if map.names is not None and map.labels is None:
        _point_names(axes, map.positions, map.names, taken)
    for k, line in enumerate(notes):
        sheet.words(MARGIN, bottom + 0.12 + k * _LINE, line, colour=PALE)
    return sheet


def _frame(axes: Axes, positions: np.ndarray, width: float, height: float) -> None:
    """The same units on both axes, and all points inside."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    x, y = (low + high) / 2.0
    half = 0.53 * (float(((high - low) / (width, height)).max()) or 1.0)  # of an inch
    axes.set_xlim(x - half * width, x + half * width)
    axes.set_ylim(y - half * height, y + half * height)


def _points(axes: Axes, map: Map, room: float) -> None:
    """All points, in an order in which no class lies on top of all others."""
    order = np.random.default_rng(0).permutation(len(map))
    side = min(max(0.3 * 72.0 * np.sqrt(room / len(map)), 1.1), 6.0)
    axes.scatter(
        *map.positions[order].T,
        s=side**2,
        c=_colours(map)[order],
        linewidths=0.0,
        alpha=0.85,
        rasterized=len(map) > MANY,
    )


def _colours(map: Map) -> np.ndarray:
    """The colour of each point (N, 3)."""
    colouring = map.colouring
    if colouring is None:
        return np.tile(to_rgb(PLAIN), (len(map), 1))
    if isinstance(colouring, Classes):
        own = [to_rgb(colour or GREY) for colour in class_colours(colouring)]
        return np.array([*own, to_rgb(GREY)])[colouring.codes]  # -1 is the last
    low, high = bounds(colouring)
    share = (colouring.values - low) / ((high - low) or 1.0)
    found = _ramp()(np.nan_to_num(np.clip(share, 0.0, 1.0)))[:, :3]
    found[np.isnan(share)] = to_rgb(GREY)
    return found


def _ramp() -> LinearSegmentedColormap:
    return LinearSegmentedColormap.from_list("ramp", RAMP)


class _Taken:
    """Places on the map that texts stand in."""

    def __init__(self) -> None:
        self._boxes = np.empty((0, 4))

    def free(self, left: float, bottom: float, width: float, height: float) -> bool:
        """Whether nothing stands in a box yet, which is taken then."""
        box = np.array([left, bottom, left + width, bottom + height])
        boxes = self._boxes
        meets = (boxes[:, :2] < box[2:]).all(axis=1) & (boxes[:, 2:] > box[:2]).all(axis=1)
        if not meets.any():
            self._boxes = np.vstack([boxes, box])
        return not meets.any()


def _class_names(axes: Axes, positions: np.ndarray, classes: Classes, taken: _Taken) -> None:
    """The name of each class at the median of its points, the largest first."""
    for k in np.argsort(-classes.counts, kind="stable"):
        x, y = np.median(positions[classes.codes == k], axis=0)
        text = short(_plain(classes.names[k]), 1.6)
        across, up = _inches(axes, x, y)[:2]
        width = _LETTER * len(text) * 1.1
        if text and taken.free(across - width / 2, up - 0.08, width, 0.16):
            rim = {
                "boxstyle": "round,pad=0.12",
                "facecolor": "white",
                "alpha": 0.72,
                "linewidth": 0,
            }
            axes.text(
                *(x, y, text),
                fontsize=SMALL + 1,
                fontweight="bold",
                ha="center",
                va="center",
                bbox=rim,
                parse_math=False,
            )


def _point_names(axes: Axes, positions: np.ndarray, names: Sequence[str], taken: _Taken) -> None:
    """Names beside their points, in their order, each where it meets no other."""
    left = MOST_NAMES
    for (x, y), name in zip(positions, names, strict=True):
        text = short(_plain(name), 1.4)
        across, up, most = _inches(axes, x, y)
        width = _LETTER * len(text) * 0.92 + 0.08
        onward = across + width < most  # else it stands before its point
        if text and taken.free(across - (not onward) * width, up - 0.055, width, 0.11):
            axes.annotate(
                text,
                (x, y),
                (2.5 if onward else -2.5, 0.0),
                textcoords="offset points",
                fontsize=SMALL - 1.0,
                ha="left" if onward else "right",
                va="center",
                parse_math=False,
            )
            left -= 1
        if not left:
            return


def _inches(axes: Axes, x: float, y: float) -> tuple[float, float, float]:
    """Where a place lies, from the lower left corner of the map; and how wide that is."""
    (low, high), (bottom, _) = axes.get_xlim(), axes.get_ylim()
    width = axes.get_position().width * WIDTH
    inch = (high - low) / width
    return (x - low) / inch, (y - bottom) / inch, width


def _heading(sheet: Sheet, text: str, left: float, top: float) -> float:
    """What the labels are of, where that is told; and where there is room below it."""
    if not text:
        return top
    sheet.words(left, top, short(_plain(text), WIDTH - MARGIN - left), colour=PALE)
    return top + 1.3 * _LINE


def _legend(sheet: Sheet, classes: Classes, left: float, top: float) -> None:
    """A line for each class that has a colour, with its number of points."""
    axes = _column(sheet, left, top)
    for k, (colour, text, size) in enumerate(_rows(classes)):
        y = (k + 0.5) * _LINE
        if colour:
            axes.scatter(0.06, y, s=26, c=colour, linewidths=0.0)
        axes.text(0.18, y, text, fontsize=SMALL, va="center", parse_math=False)
        axes.text(
            WIDTH - MARGIN - left, y, size, fontsize=SMALL, va="center", ha="right", color=PALE
        )


def _rows(classes: Classes) -> Iterator[tuple[str, str, str]]:
    """A colour, a name and a number of points for each row."""
    counts = classes.counts
    for name, colour, count in zip(classes.names, class_colours(classes), counts, strict=True):
        if colour:
            yield colour, short(_plain(name), 1.35), f"{count:,}"
    unlabelled = int((classes.codes < 0).sum())
    if unlabelled:
        yield GREY, "no label", f"{unlabelled:,}"
    for line in textwrap.wrap(about_colours(classes), 32):
        yield "", line, ""


def _bar(sheet: Sheet, quantities: Quantities, left: float, top: float) -> None:
    """Which colour is which number."""
    axes = sheet.place(left, top, 0.14, 2.0)
    axes.imshow(np.linspace(1.0, 0.0, 128)[:, None], cmap=_ramp(), aspect="auto")
    low, high = bounds(quantities)
    axes.yaxis.tick_right()
    axes.set_yticks([0, 127], [number(high), number(low)], fontsize=SMALL)
    axes.tick_params(length=0, pad=3)


def _column(sheet: Sheet, left: float, top: float) -> Axes:
    """Axes without a frame, in inches from their upper left corner."""
    height = (len(PALETTE) + 6) * _LINE
    axes = sheet.place(left, top, WIDTH - MARGIN - left, height)
    axes.set_xlim(0.0, WIDTH - MARGIN - left)
    axes.set_ylim(height, 0.0)
    axes.axis("off")
    return axes


def _plain(text: str) -> str:
    """A text in one line, of what can be drawn and written as XML."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
