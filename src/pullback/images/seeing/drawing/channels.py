"""In: what layers made of a picture, or the pull on it. Out: grids, strips and bars of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from pullback.figures.sheet import (
    BLUE,
    MARGIN,
    NOTE,
    PALE,
    RED,
    SMALL,
    TITLE,
    WIDTH,
    Grid,
    Scale,
    Sheet,
    caption,
    short,
    show_picture,
    strongest,
)

_STRIPS = 30  # layers in one figure
_CELLS = 8  # channels in a strip
_SIDE = 0.78  # of a cell in a strip
_LABEL = 1.6  # the width of a strip's words
_NAMES = 12  # classes that have room for their names under bars
_BARS = 256  # more are drawn as lines, which are one thing to matplotlib, not one each


def draw_layer(
    picture: np.ndarray,
    values: np.ndarray,
    title: str,
    names: Sequence[str] | None,
    most: int,
    signed: bool = False,
) -> Sheet:
    """One layer: the picture, and a map for each channel; or bars, for plain units."""
    values = _in_channels(values)
    if values.ndim != 3:
        return _draw_units(picture, values, title, names)
    maps = np.moveaxis(values, 2, 0)
    shown = strongest(maps, most)
    room = WIDTH - 2 * MARGIN - 0.8
    grid = Grid.of(len(shown) + 1, maps.shape[1:], room)
    note = ""
    if len(shown) < len(maps):
        note = f"{len(shown)} of {len(maps)} channels, the strongest"
    top = TITLE + (NOTE if note else 0.0)
    sheet = Sheet(top + grid.total + MARGIN, title, note)
    first, *others = grid.axes(sheet, MARGIN, top)
    show_picture(first, picture)
    caption(first, "picture", grid.width)
    scale = Scale.of(maps[shown], signed)
    for axes, k in zip(others, shown, strict=True):
        scale.show(axes, maps[k])
        caption(axes, str(k), grid.width)
    left = MARGIN + grid.columns * (grid.width + grid.gap) + 0.1
    scale.bar(sheet, left, top + 0.27, min(grid.total - 0.3, 2.0))
    return sheet


def _draw_units(
    picture: np.ndarray, values: np.ndarray, title: str, names: Sequence[str] | None
) -> Sheet:
    sheet = Sheet(TITLE + 2.2 + 0.35, title)
    side = 1.5
    axes = sheet.place(MARGIN, TITLE + 0.27, side, side * picture.shape[0] / picture.shape[1])
    show_picture(axes, picture)
    caption(axes, "picture", side)
    left = MARGIN + side + 0.7
    axes = sheet.place(left, TITLE + 0.1, WIDTH - left - MARGIN, 2.0)
    _bars(axes, values, names, WIDTH - left - MARGIN)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(axis="y", labelsize=SMALL, length=2)
    return sheet


def draw_strips(
    picture: np.ndarray,
    layers: Mapping[str, np.ndarray],
    title: str,
    names: Sequence[str] | None,
    signed: bool = False,
) -> Sheet:
    """A strip for each layer, with its strongest channels, on a scale of its own."""
    paths = list(layers)
    note = "the strongest channels of each layer, on a scale of its own"
    if len(paths) > _STRIPS:
        chosen = np.linspace(0, len(paths) - 1, _STRIPS).round().astype(int)
        note = f"{_STRIPS} of {len(paths)} layers; {note}"
        paths = [paths[k] for k in chosen]
    row = _SIDE + 0.27
    top = TITLE + NOTE
    bottom = 0.15 if names else 0.0
    sheet = Sheet(top + (len(paths) + 1) * row + bottom + MARGIN, title, note)
    sheet.words(MARGIN, top + 0.42, "picture")
    show_picture(sheet.place(MARGIN + _LABEL, top + 0.17, *_cell(picture.shape)), picture)
    for path in paths:
        top += row
        _strip(sheet, top, path, layers[path], names if path == paths[-1] else None, signed)
    return sheet


def _strip(
    sheet: Sheet,
    top: float,
    path: str,
    values: np.ndarray,
    names: Sequence[str] | None,
    signed: bool,
) -> None:
    size = " × ".join(map(str, values.shape))
    spread = f"{values.min():.3g} … {values.max():.3g}"
    lines = [short(path, _LABEL - 0.15), size, spread]
    for k, line in enumerate(lines):
        sheet.words(MARGIN, top + 0.25 + 0.17 * k, line, colour=PALE if k else "black")
    left = MARGIN + _LABEL
    values = _in_channels(values)
    if values.ndim != 3:
        width = _CELLS * (_SIDE + 0.08)
        _bars(sheet.place(left, top + 0.17, width, _SIDE), values, names, width)
        return
    maps = np.moveaxis(values, 2, 0)
    shown = strongest(maps, _CELLS)
    scale = Scale.of(maps, signed)
    for k, channel in enumerate(shown):
        width, height = _cell(maps.shape[1:])
        axes = sheet.place(left + k * (_SIDE + 0.08), top + 0.17, width, height)
        scale.show(axes, maps[channel])
        caption(axes, str(channel), width)


def _in_channels(values: np.ndarray) -> np.ndarray:
    """Maps (H, W, channels) as they are, and what has two axes as one of them."""
    return values[..., None] if values.ndim == 2 else values


def _cell(shape: Sequence[int]) -> tuple[float, float]:
    """The width and height of a map of (H, W, ...) in a strip."""
    aspect = min(4.0, max(0.25, shape[0] / shape[1]))
    return (_SIDE, _SIDE * aspect) if aspect < 1.0 else (_SIDE / aspect, _SIDE)


def _bars(axes: Axes, values: np.ndarray, names: Sequence[str] | None, width: float) -> None:
    """A bar for each number: red above 0, blue below."""
    flat = values.reshape(-1)
    places = np.arange(len(flat))
    colours = np.where(flat < 0.0, BLUE, RED)
    if len(flat) <= _BARS:
        axes.bar(places, flat, width=0.8, color=colours, linewidth=0)
    else:
        thickness = max(0.4, 0.8 * 72.0 * width / len(flat))  # in points
        axes.vlines(places, 0.0, flat, colors=list(colours), linewidth=thickness)
    axes.axhline(0.0, color="black", linewidth=0.6)
    axes.set_xlim(-0.6, len(flat) - 0.4)
    if not flat.any():
        axes.set_ylim(-1.0, 1.0)
    if names is not None and len(flat) == len(names) <= _NAMES:
        texts = [short(name, width / len(names) - 0.12) for name in names]
    elif len(flat) <= 32:
        texts = list(map(str, places))
    else:
        return
    axes.set_xticks(places, texts, fontsize=SMALL)
    axes.tick_params(axis="x", length=0, pad=2)
