"""PNG and PDF show what the SVG shows."""

import io

import numpy as np
import pytest
from PIL import Image
from tests.inspect.pictures import circuit, large, model, root

import pullback as pb
from pullback.inspect import svg
from pullback.inspect.draw import draw
from pullback.inspect.image import write_image


def pixels(drawing: pb.Drawing) -> np.ndarray:
    file = io.BytesIO()
    write_image(drawing.svg, file, "png")
    return np.asarray(Image.open(file).convert("RGB")).astype(int)


def at(image: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    return tuple(image[round(2 * y), round(2 * x)])


def test_a_png_has_two_dots_for_each_pixel_and_shapes_where_the_svg_has_them():
    drawing = draw(model(), open="dense1")
    image = pixels(drawing)
    _, _, wide, high = map(float, root(drawing).get("viewBox").split())
    assert image.shape[:2] == (pytest.approx(2 * high, abs=2), pytest.approx(2 * wide, abs=2))
    assert at(image, 3, 3) == (255, 255, 255)
    for element in root(drawing).iter():
        if element.get("class") == "pb-box pb-rim":
            x, y, w = (float(element.get(name)) for name in ("x", "y", "width"))
            assert at(image, x + w / 2, y + 5) == (0xE7, 0xEF, 0xFA)
        if element.get("class") == "pb-frame pb-edge":
            x, y = float(element.get("x")), float(element.get("y"))
            assert all(237 < v < 252 for v in at(image, x + 6, y + 40))  # pale, not dark


def test_wires_and_words_are_there():
    f = circuit()
    image = pixels(draw(f))
    red = (image[..., 0] > 180) & (image[..., 1] < 90)
    green = (image[..., 1] > 100) & (image[..., 0] < 80)
    grey = np.abs(image - [0x8C, 0x95, 0x9F]).max(axis=2) < 6
    assert min(red.sum(), green.sum()) > 100
    assert grey.sum() > 500
    without = pixels(draw(f, gradients=False))
    assert ((without[..., 0] > 180) & (without[..., 1] < 90)).sum() == 0


@pytest.mark.parametrize(("kind", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_drawings_are_saved_by_their_ending(kind, begins, tmp_path):
    for name in (f"net.{kind}", f"NET.{kind.upper()}"):
        draw(large()).save(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(begins)
    draw(large()).save(tmp_path / f"again.{kind}")
    assert (tmp_path / f"again.{kind}").read_bytes() == (tmp_path / f"net.{kind}").read_bytes()


def test_a_very_long_picture_is_written_with_fewer_dots():
    file = io.BytesIO()
    write_image(svg.document("long", 100.0, 40_000.0, []), file, "png")
    assert Image.open(file).size == (75, 30_000)


def test_dollars_are_no_formulas():
    assert pixels(draw(pb.Unit(1.0, "$x_1$ \\frac"))).shape


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_without_matplotlib_it_is_said_what_to_install(kind, monkeypatch, tmp_path):
    monkeypatch.setattr("pullback.figures.find_spec", lambda name: None)
    with pytest.raises(pb.CircuitError, match=r'pip install "pullback\[plot\]"'):
        draw(circuit()).save(tmp_path / f"x.{kind}")
    draw(circuit()).save(tmp_path / "x.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["x.svg"]
