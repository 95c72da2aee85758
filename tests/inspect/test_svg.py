"""Every reader of SVG shows the same: what it might not have stands nowhere but in the style."""

import re

import pytest
from tests.inspect.pictures import (
    SVG,
    classes,
    gradients,
    model,
    nested,
    network,
    numbers,
    of_class,
    root,
)

import pullback as pb
from pullback.inspect import widths
from pullback.inspect.draw import draw

DRAWN = [network, model, nested, gradients]


@pytest.mark.parametrize("build", DRAWN)
def test_looks_stand_at_each_shape_in_words_that_all_readers_know(build):
    drawing = draw(build(), open="dense1" if build is model else None)
    for element in root(drawing).iter():
        name = element.tag.removeprefix(SVG)
        assert name in {"svg", "title", "style", "g", "rect", "circle", "path", "text"}
        assert "style" not in element.attrib
        if name in {"rect", "circle", "path", "text"}:
            assert element.get("fill") or element.get("stroke")
        for value in (element.get("fill"), element.get("stroke")):
            assert value is None or value == "none" or re.fullmatch("#[0-9a-f]{6}", value)
        if name == "text":
            assert len(element) == 0
            assert element.get("font-weight", "bold") == "bold"
            size = widths.SIZES.get(next((c for c in classes(element) if c in widths.SIZES), ""))
            assert element.get("font-size") == (size and f"{size:g}")


def test_a_missing_style_sheet_costs_only_the_dark():
    drawing = draw(network())
    (style,) = [e for e in root(drawing).iter() if e.tag == f"{SVG}style"]
    rest = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*\}", "", style.text)
    for rule in rest.split("}"):
        assert rule == "" or rule.startswith(("[data-jp-theme-light=", ".vscode-")), rule


def test_a_name_and_its_value_meet_but_do_not_overlap_in_any_font():
    x = pb.Unit(2.0, "x")
    drawing = draw((x * x).named("square"))
    (name,) = [e for e in of_class(drawing, "bold") if e.text == "square"]
    (value,) = [e for e in of_class(drawing, "value") if e.text == "4"]
    assert name.get("text-anchor") == "end"
    assert value.get("text-anchor") is None
    assert numbers(value, "x")[0] - numbers(name, "x")[0] == pytest.approx(4.0, abs=0.11)


@pytest.mark.parametrize("build", DRAWN)
def test_words_stand_within_their_boxes(build):
    for node in of_class(draw(build(), open=False), "node"):
        box = node.find(f"{SVG}rect")
        if box is None:
            continue
        left, wide = numbers(box, "x", "width")
        inside = [e for e in node.iter(f"{SVG}text") if "label" not in classes(e)]
        for element in inside:
            half = widths.width(element.text, " ".join(classes(element))) / 2
            if element.get("text-anchor") == "middle":
                (middle,) = numbers(element, "x")
                assert left + 2 <= middle - half
                assert middle + half <= left + wide - 2


def test_the_ground_is_painted_so_that_words_can_be_read_on_any_page():
    drawing = draw(network())
    ground = next(e for e in root(drawing) if e.tag == f"{SVG}rect")
    _, _, wide, high = root(drawing).get("viewBox").split()
    assert (ground.get("width"), ground.get("height")) == (wide, high)
    assert ground.get("fill") == "#ffffff"
    assert ".pb-ground{fill:#11161d}" in drawing.svg
