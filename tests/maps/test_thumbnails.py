"""Pictures on a page are as they were where there is room, else smaller, and never too much."""

import base64
import io

import numpy as np
from PIL import Image

from pullback.maps.thumbnails import COLUMNS, EACH, sheets_of

RNG = np.random.default_rng(0)


def opened(text):
    head, _, data = text.partition(",")
    assert head.startswith("data:image/")
    assert head.endswith(";base64")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_few_pictures_are_kept_to_the_bit():
    pictures = RNG.integers(0, 256, (EACH + 3, 5, 4), np.uint8)
    sheets = sheets_of(pictures)
    assert (sheets.height, sheets.width, len(sheets.texts), sheets.note) == (5, 4, 2, "")
    for k in (0, COLUMNS, EACH - 1, EACH + 2):
        row, column = divmod(k % EACH, COLUMNS)
        sheet = opened(sheets.texts[k // EACH])
        part = sheet[5 * row : 5 * row + 5, 4 * column : 4 * column + 4]
        np.testing.assert_array_equal(part, pictures[k])


def test_large_pictures_are_made_smaller_in_their_proportions():
    sheets = sheets_of(np.full((2, 60, 300, 3), 200, np.uint8))
    assert (sheets.height, sheets.width) == (14, 72)
    assert "smaller, to 14x72 pixels" in sheets.note
    assert abs(opened(sheets.texts[0])[3, 3].astype(int) - 200).max() < 4


def test_there_is_never_more_than_there_is_room():
    pictures = RNG.integers(0, 256, (100, 16, 16), np.uint8)
    whole = sum(map(len, sheets_of(pictures).texts))
    for room in (whole, whole // 2, whole // 5):
        assert sum(map(len, sheets_of(pictures, room).texts)) <= room
    assert sheets_of(pictures, 100) is None
