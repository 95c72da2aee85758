"""In: a picture and a number for each of its pixels. Out: a figure with one over the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.patches import Rectangle

from pullback.figures.sheet import (
    MARGIN,
    NOTE,
    TITLE,
    Scale,
    Sheet,
    caption,
    drawable,
    show_picture,
)

_SIDE = 2.45


def draw_heat(
    picture: np.ndarray,
    heat: np.ndarray,
    title: str,
    what: str,
    *,
    names: Sequence[str],
    label: int,
    probabilities: np.ndarray,
    note: str = "",
    patch: tuple[tuple[int, int, int, int], np.ndarray] | None = None,
) -> Sheet:
    """The picture, the map `what` (H, W), and the map over the picture in grey.

    `patch`, a (top, left, height, width) and its colour, covers a part of the picture.
    """
    aspect = picture.shape[0] / picture.shape[1]
    width, height = (
        (_SIDE, _SIDE * aspect) if aspect <= 1.5 else (1.5 * _SIDE / aspect, 1.5 * _SIDE)
    )
    said = f"P({names[label]}) = {probabilities[label]:.3g}"
    if (best := int(probabilities.argmax())) != label:
        said = f"{said}, P({names[best]}) = {probabilities[best]:.3g}"
    note = "; ".join(filter(None, [said, note]))
    top = TITLE + NOTE + 0.25
    sheet = Sheet(top + height + MARGIN, title, note)
    first, second, third = (
        sheet.place(MARGIN + k * (width + 0.15), top, width, height) for k in range(3)
    )
    if patch is None:
        show_picture(first, picture)
    else:
        (y, x, high, wide), fill = patch
        covered = picture.copy()
        covered[y : y + high, x : x + wide] = fill
        show_picture(first, covered)
        first.add_patch(Rectangle((x - 0.5, y - 0.5), wide, high, fill=False, edgecolor="#ff9900"))
    caption(first, "picture" if patch is None else "worst covered", width)
    scale = Scale.of(heat, signed=True)
    scale.show(second, heat)
    caption(second, what, width)
    third.imshow(_over(picture, heat, scale), interpolation="nearest")
    third.set_aspect("auto")
    caption(third, "both", width)
    scale.bar(sheet, MARGIN + 3 * (width + 0.15), top, height)
    return sheet


def _over(picture: np.ndarray, heat: np.ndarray, scale: Scale) -> np.ndarray:
    """The heat in its colours, the stronger the less of the pale picture is seen."""
    plain = drawable(picture)
    grey = plain if plain.ndim == 2 else plain @ np.array([0.299, 0.587, 0.114])
    pale = (0.35 + 0.5 * grey)[..., None].repeat(3, axis=2)
    strength = np.sqrt(np.abs(heat) / scale.high)[..., None]
    return (1.0 - strength) * pale + strength * scale.rgb(heat)[..., :3]
