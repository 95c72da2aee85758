"""Widths are those of the wider of two fonts; matplotlib has one of them."""

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from pullback.inspect.widths import clean, short, width


@pytest.mark.parametrize("classes", ["", "bold", "small", "symbol", "word", "title bold"])
def test_words_are_no_wider_than_told_and_hardly_narrower(classes):
    size = {"small": 11.0, "symbol": 17.0, "word": 12.5, "title": 12.5}.get(
        classes.split(" ")[0], 12.0
    )
    weight = "bold" if "bold" in classes else "normal"
    font = FontProperties(family="DejaVu Sans", weight=weight)
    samples = ["conv2d1", "mean -0.00014", "(64, 128)", "softmaxcrossentropy", "WMwm@%", "× 12 …"]
    for words in [*samples, *map(chr, range(33, 127))]:
        path = TextPath((0, 0), words, size=size, prop=font)
        real = path.get_extents().x1  # to the last ink, the first bearing with it
        assert real <= width(words, classes) + 0.03 * size, words  # an f leans out of its own
        if len(words) > 1:
            assert width(words, classes) <= 1.12 * real + 2.0, words


def test_other_alphabets_have_room():
    assert width("名前") == pytest.approx(2 * 1.05 * 12)
    assert width("e\u0301") == width("e")
    assert width("") == 0.0


def test_words_are_cut_and_cleaned():
    assert short("a" * 30, 10) == "a" * 9 + "…"
    assert clean("two\nlines\x00\u202e") == "two lines��"
