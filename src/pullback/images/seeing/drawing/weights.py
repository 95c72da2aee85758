"""In: the filters of a convolution. Out: a figure of them."""

from __future__ import annotations

import numpy as np

from pullback.figures.sheet import (
    MARGIN,
    NOTE,
    SMALL,
    TITLE,
    WIDTH,
    Grid,
    Scale,
    Sheet,
    caption,
    strongest,
)

_BAR = 0.8  # the width that a colour bar and its numbers take


def draw_filters(pictures: np.ndarray, path: str, own: bool, most: int) -> Sheet:
    """Filters (filters, KH, KW, channels) of three channels in colour, or of one."""
    shown = strongest(pictures, most)
    colour = pictures.shape[3] == 3
    room = WIDTH - 2 * MARGIN - (0.0 if colour else _BAR)
    grid = Grid.of(len(shown), pictures.shape[1:], room)
    note = _left_out(len(shown), len(pictures), "filters")
    if colour:
        note = "; ".join(filter(None, ["grey is a weight of 0", note]))
    top = TITLE + (NOTE if note else 0.0)
    sheet = Sheet(top + grid.total + MARGIN, _title(path, pictures), note)
    whole = Scale.of(pictures, signed=True)
    for axes, k in zip(grid.axes(sheet, MARGIN, top), shown, strict=True):
        scale = Scale.of(pictures[k], signed=True) if own else whole
        if colour:
            axes.imshow(0.5 + 0.5 * pictures[k] / scale.high, interpolation="nearest")
            axes.set_aspect("auto")
        else:
            scale.show(axes, pictures[k, :, :, 0])
        caption(axes, str(k), grid.width)
    if not colour:
        height = min(grid.total - 0.3, 2.0)
        left = MARGIN + grid.columns * (grid.width + grid.gap) + 0.1
        whole.bar(sheet, left, top + 0.27, height, ends="most" if own else "")
    return sheet


def draw_matrix(pictures: np.ndarray, path: str, own: bool, most: int) -> Sheet:
    """Filters of many channels: a picture for each filter and each channel that it sees.

    Of filters and channels, what is more stands side by side.
    """
    side = max(1, int(np.sqrt(4 * most)))
    channels_first = np.moveaxis(pictures, 3, 0)
    filters, channels = strongest(pictures, side), strongest(channels_first, side)
    some = np.moveaxis(pictures[filters][..., channels], 3, 1)  # (filters, channels, KH, KW)
    if own:
        some = some / np.maximum(np.abs(some).max(axis=(2, 3), keepdims=True), 1e-30)
    counts = (len(pictures), len(channels_first))
    notes = [_left_out(len(filters), counts[0], "filters")]
    notes += [_left_out(len(channels), counts[1], "channels")]
    rows, columns, order = filters, channels, "a row for each filter, a column for each channel"
    if len(filters) > len(channels):
        some = np.swapaxes(some, 0, 1)
        rows, columns, order = channels, filters, "a column for each filter, a row for each channel"
    note = "; ".join(filter(None, [order, *notes]))
    mosaic, ys, xs = _mosaic(some)
    top, left = TITLE + NOTE + 0.3, MARGIN + 0.3
    cell = min(0.75, (WIDTH - left - MARGIN - _BAR) / len(columns))
    width = cell * len(columns)
    height = width * min(4.0, len(mosaic) / mosaic.shape[1])
    sheet = Sheet(top + height + MARGIN, _title(path, pictures), note)
    axes = sheet.place(left, top, width, height)
    scale = Scale.of(some, signed=True)
    scale.show(axes, mosaic)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.xaxis.tick_top()
    axes.set_yticks(ys, [str(k) for k in rows])
    axes.set_xticks(xs, [str(k) for k in columns])
    axes.tick_params(length=0, labelsize=SMALL, pad=2)
    scale.bar(sheet, left + width + 0.15, top, min(height, 2.0), ends="most" if own else "")
    return sheet


def _mosaic(blocks: np.ndarray) -> tuple[np.ndarray, list[float], list[float]]:
    """Pictures (rows, columns, H, W) side by side with gaps of nan, and where their middles are."""
    rows, columns, high, wide = blocks.shape
    fine = max(1, round(15 / max(high, wide)))  # points to a weight: gaps are narrower
    gap = 2
    tall, broad = high * fine + gap, wide * fine + gap
    mosaic = np.full((rows * tall - gap, columns * broad - gap), np.nan)
    for i in range(rows):
        for j in range(columns):
            y, x = i * tall, j * broad
            picture = np.kron(blocks[i, j], np.ones((fine, fine)))
            mosaic[y : y + high * fine, x : x + wide * fine] = picture
    ys = [i * tall + (high * fine - 1) / 2 for i in range(rows)]
    xs = [j * broad + (wide * fine - 1) / 2 for j in range(columns)]
    return mosaic, ys, xs


def _title(path: str, pictures: np.ndarray) -> str:
    count, high, wide, channels = pictures.shape
    each = f"{high} × {wide}" + (f" × {channels}" if channels > 1 else "")
    return f"Filters of {path}: {count} of {each}"


def _left_out(shown: int, count: int, what: str) -> str:
    return f"{shown} of {count} {what}, the strongest" if shown < count else ""
