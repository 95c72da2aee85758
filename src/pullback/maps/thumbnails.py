"""In: the pictures of all points. Out: sheets of small ones, as text that a page can hold.

A page must not grow with its pictures: they are made smaller, and lossy, until all are within the
room there is. A sheet is decoded when the first of its pictures is asked for.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

ROOM = 6_000_000  # characters of all sheets
SIDES = (72, 56, 40, 28, 20, 16, 12, 8)  # pixels of the longer side
COLUMNS = 32
EACH = COLUMNS * COLUMNS  # pictures of a sheet
_WAYS = (("PNG", {"optimize": True}), ("WEBP", {"quality": 70}), ("WEBP", {"quality": 30}))


@dataclass(frozen=True)
class Sheets:
    """Pictures of one size in rows, as data URIs, and a note where they are not as they were."""

    height: int
    width: int
    texts: tuple[str, ...]
    note: str = ""


def sheets_of(pictures: np.ndarray, room: int = ROOM) -> Sheets | None:
    """The sheets of pictures (N, H, W) or (N, H, W, 3) in at most so many characters.

    None where they are so many that not even the smallest would have room.
    """
    height, width = pictures.shape[1:3]
    count = -(-len(pictures) // EACH)
    probe = np.linspace(0, len(pictures) - 1, min(EACH, len(pictures))).astype(int)
    sides = sorted({min(side, max(height, width)) for side in SIDES}, reverse=True)
    for side in sides:
        shape = _within(height, width, side)
        for way, options in _WAYS:
            if len(_sheet(pictures[probe], shape, way, options)) * count > 0.97 * room:
                continue
            texts = tuple(
                _sheet(pictures[k : k + EACH], shape, way, options)
                for k in range(0, len(pictures), EACH)
            )
            if sum(map(len, texts)) <= room:
                return Sheets(*shape, texts, _note((height, width), shape, way))
    return None


def _within(height: int, width: int, side: int) -> tuple[int, int]:
    scale = side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _sheet(
    pictures: np.ndarray, shape: tuple[int, int], way: str, options: Mapping[str, Any]
) -> str:
    """A sheet of up to EACH pictures as a data URI."""
    from PIL import Image  # takes a while to import

    height, width = shape
    rows = -(-len(pictures) // COLUMNS)
    sheet = np.zeros((rows * height, COLUMNS * width, *pictures.shape[3:]), np.uint8)
    for k, picture in enumerate(pictures):
        y, x = k // COLUMNS * height, k % COLUMNS * width
        if picture.shape[:2] != shape:
            resized = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
            picture = np.asarray(resized)
        sheet[y : y + height, x : x + width] = picture
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, format=way, **options)
    return f"data:image/{way.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def _note(before: tuple[int, int], shape: tuple[int, int], way: str) -> str:
    if shape == before:
        return "" if way == "PNG" else "Pictures on this page are compressed with loss."
    height, width = shape
    return f"Pictures on this page are made smaller, to {height}x{width} pixels."
