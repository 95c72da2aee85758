"""In: what pulls at a point of a map. Out: a figure of its neighbourhood, the pulls as arrows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from pullback.core.errors import CircuitError
from pullback.figures.sheet import (
    BLUE,
    FRAME,
    MARGIN,
    NOTE,
    PALE,
    RED,
    SMALL,
    TITLE,
    WIDTH,
    Sheet,
    caption,
    short,
)

if TYPE_CHECKING:
    from pullback.maps.pulls import Pulls

_GAP = 0.3
_SIDE = (WIDTH - 2 * MARGIN - _GAP) / 2  # of each of two pictures
_NAMED = 8  # neighbours, of whom names are written
_LONGEST = 0.35  # of an arrow, beside the side of its picture
_NEAR = 0.8  # of the neighbours, which the picture shows at least


def drawn(found: Pulls, names: Sequence[Any] | None) -> Sheet:
    """The neighbourhood twice: each neighbour's pull, and what these come to beside the push.

    Raises `CircuitError` where the map is no plane, or names are not as many as its points.
    """
    y = found.positions
    if y.shape[1] != 2:
        raise CircuitError(f"pulls are drawn in the plane, and the map has {y.shape[1]} axes")
    if names is not None and len(names) != len(y):
        raise CircuitError(f"{len(names)} names for {len(y)} points; give one for each")
    name = f"point {found.point}" if names is None else f"{names[found.point]}"
    ratio = _length(found.total) / (_length(found.attraction) or 1.0)
    sheet = Sheet(
        TITLE + NOTE + 0.3 + _SIDE + MARGIN,
        f"What pulls at {name}",
        f"arrows are steps down the cost; what is left of both is {ratio:.1%} of the attraction",
    )
    top = TITLE + NOTE + 0.3
    left = sheet.place(MARGIN, top, _SIDE, _SIDE)
    right = sheet.place(MARGIN + _SIDE + _GAP, top, _SIDE, _SIDE)
    for axes in (left, right):
        _neighbourhood(axes, found)
    longest = _LONGEST * _reach(found) * 2.0
    caption(left, f"the pull of each of {len(found.neighbours)} neighbours", _SIDE)
    scale = longest / (max(map(_length, found.each), default=0.0) or 1.0)
    for pull in found.each:
        _arrow(left, found, pull * scale, BLUE, 0.8)
    if names is not None:
        for j in found.neighbours[:_NAMED]:
            text = short(f"{names[j]}", 1.0)
            left.annotate(text, tuple(y[j]), fontsize=SMALL - 1, color=PALE, clip_on=True)
    caption(right, "all of them together (blue), and the push of all points (red)", _SIDE)
    scale = longest / (max(_length(found.attraction), _length(found.repulsion)) or 1.0)
    _arrow(right, found, found.attraction * scale, BLUE, 2.0)
    _arrow(right, found, found.repulsion * scale, RED, 2.0)
    _arrow(right, found, found.total * scale, "black", 2.0)
    return sheet


def _length(v: np.ndarray) -> float:
    return float(np.hypot(*v))


def _reach(found: Pulls) -> float:
    """How far from the point the picture goes."""
    away = found.positions[found.neighbours] - found.positions[found.point]
    far = np.abs(away).max(axis=1) if len(away) else np.ones(1)
    return 1.1 * float(np.quantile(far, _NEAR)) or 1.0


def _neighbourhood(axes: Axes, found: Pulls) -> None:
    """The points around: pale, neighbours darker the nearer they are in the data."""
    y, reach = found.positions, _reach(found)
    centre = y[found.point]
    axes.set_xlim(centre[0] - reach, centre[0] + reach)
    axes.set_ylim(centre[1] - reach, centre[1] + reach)
    axes.scatter(*y.T, s=6, c=FRAME, linewidths=0)
    shades = 0.3 + 0.7 * found.p / (found.p.max(initial=0.0) or 1.0)
    colours = [to_rgba(BLUE, shade) for shade in shades]
    axes.scatter(*y[found.neighbours].T, s=14, c=colours, linewidths=0)
    axes.scatter(*centre, s=30, c="black", zorder=4)


def _arrow(axes: Axes, found: Pulls, by: np.ndarray, colour: str, width: float) -> None:
    start = found.positions[found.point]
    axes.annotate(
        "",
        tuple(start + by),
        tuple(start),
        arrowprops={"arrowstyle": "->", "color": colour, "linewidth": width, "shrinkA": 0},
        annotation_clip=False,
        zorder=3,
    )
