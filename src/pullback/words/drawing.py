"""In: words with numbers, and arrows in a plane. Out: sheets with bars, and with arrows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from pullback.figures.sheet import (
    BLUE,
    CAPTION,
    FRAME,
    MARGIN,
    PALE,
    RED,
    SMALL,
    TITLE,
    WIDTH,
    Sheet,
    short,
)
from pullback.words.moved import Moved

_ROW = 0.24  # the height of a bar with its margin
_WORD = 1.6  # the room for a word beside its bar
_PLANE = 5.2  # the width and height of the plane of arrows
_BETWEEN = 0.042  # labels of arrows, in shares of the plane's height


def draw_nearness(found: Sequence[tuple[str, float]], title: str) -> Sheet:
    """A bar for each word, to the right of 0 and to the left."""
    height = TITLE + _ROW * len(found) + 2 * MARGIN
    sheet = Sheet(height, title, "cosine of the angle between their vectors")
    axes = sheet.place(_WORD, TITLE + 0.1, WIDTH - _WORD - 3 * MARGIN, _ROW * len(found))
    values = [cosine for _, cosine in found]
    texts = [f"{x:.3f}".replace("-", "−") for x in values]
    _bars(
        axes, [word for word, _ in found], values, texts, [RED if x > 0.0 else BLUE for x in values]
    )
    low, high = min(0.0, *values), max(0.0, *values)
    room = 0.07 * (high - low or 1.0)
    axes.set_xlim(low - room if low else 0.0, high + room)
    return sheet


def draw_pulls(word: str, shown: Sequence[Moved], places: np.ndarray, share: float) -> Sheet:
    """Arrows from where the word stood, and beside them a bar for each."""
    below = TITLE + 0.45
    height = below + max(_PLANE, _ROW * len(shown)) + MARGIN
    note = "attraction and push of each word, added up; red: it attracted more than it pushed"
    sheet = Sheet(height, f"what moved “{word}” in training", note)
    sheet.words(MARGIN, below - CAPTION, f"where to, in a plane that holds {share:.0%} of it")
    colours = [RED if moved.attracted else BLUE for moved in shown]
    axes = sheet.place(MARGIN, below, _PLANE, _PLANE)
    _arrows(axes, [moved.word for moved in shown], places, colours)
    left = MARGIN + _PLANE + _WORD
    sheet.words(left, below - CAPTION, "how far, and in how many pairs")
    axes = sheet.place(left, below, WIDTH - left - MARGIN, _ROW * len(shown))
    values = [moved.distance for moved in shown]
    texts = [f"{m.distance:.2g}: {m.near:,} near, {m.noise:,} noise" for m in shown]
    _bars(axes, [moved.word for moved in shown], values, texts, colours)
    axes.set_xlim(0.0, 3.0 * max(values))
    return sheet


def _bars(
    axes: Axes,
    words: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    colours: Sequence[str],
) -> None:
    """A bar for each word from the top down, its text behind it."""
    at = np.arange(len(words))
    axes.barh(at, values, color=colours, height=0.72)
    for y, x, text in zip(at, values, texts, strict=True):
        away = (3, "left") if x >= 0.0 else (-3, "right")
        axes.annotate(
            text,
            (x, y),
            xytext=(away[0], 0),
            textcoords="offset points",
            va="center",
            ha=away[1],
            fontsize=SMALL - 1,
            color=PALE,
        )
    axes.set_yticks(at, [short(word, _WORD - 0.4) for word in words], fontsize=SMALL)
    axes.tick_params(length=0, pad=3)
    axes.set_ylim(len(words) - 0.5, -0.5)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)


def _arrows(axes: Axes, words: Sequence[str], places: np.ndarray, colours: Sequence[str]) -> None:
    """Arrows from where a word stood, each led to its word at the left or right edge."""
    ends = np.vstack([places, np.zeros(2)])
    middle = (ends.max(axis=0) + ends.min(axis=0)) / 2
    reach = 0.75 * float(np.ptp(ends, axis=0).max())
    axes.set_xlim(middle[0] - reach, middle[0] + reach)
    axes.set_ylim(middle[1] - reach, middle[1] + reach)
    axes.axhline(0.0, color=FRAME, linewidth=0.4)
    axes.axvline(0.0, color=FRAME, linewidth=0.4)
    for place, colour in zip(places, colours, strict=True):
        form = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", place, (0.0, 0.0), arrowprops=form)
    for side in (-1.0, 1.0):
        edge = middle[0] + side * 0.98 * reach
        mine = [k for k in range(len(words)) if (places[k, 0] >= 0.0) == (side > 0.0)]
        led = {k: edge * places[k, 1] / (places[k, 0] or side * 1e-9) for k in mine}
        low, high = middle[1] - 0.96 * reach, middle[1] + 0.96 * reach
        mine.sort(key=lambda k: led[k])
        wanted = np.clip([led[k] for k in mine], low, high)
        heights = _apart(wanted.tolist(), 2 * reach * _BETWEEN, low, high)
        for k, height in zip(mine, heights, strict=True):
            axes.annotate(
                short(words[k], 1.0),
                places[k],
                (edge, height),
                ha="right" if side > 0.0 else "left",
                va="center",
                fontsize=SMALL,
                color=colours[k],
                arrowprops={"arrowstyle": "-", "color": FRAME, "linewidth": 0.4, "shrinkA": 1},
            )


def _apart(heights: Sequence[float], between: float, low: float, high: float) -> list[float]:
    """Rising heights from low to high, moved so that they are so far apart, if all have room."""
    between = min(between, (high - low) / max(1, len(heights) - 1))
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + between) if placed else height)
    top = high
    for k in reversed(range(len(placed))):
        placed[k] = min(placed[k], top)
        top = placed[k] - between
    return placed
