"""The picture of a map has its points, names and legend, and an SVG stays small."""

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from pullback.maps import Map

RNG = np.random.default_rng(0)
SVG = "{http://www.w3.org/2000/svg}"


def texts(path):
    return ["".join(node.itertext()) for node in ET.parse(path).iter(f"{SVG}text")]


def saved(made, path):
    made.save(path)
    return path


def test_letters_are_letters(tmp_path):
    made = Map(
        [[0, 0], [0, 1], [9, 9], [9, 8]],
        labels=["left", "left", "right $x$ < & \x00", None],
        title="Two $a$ and $b$",
        notes=["A note."],
        legend="side",
    )
    found = texts(saved(made, tmp_path / "map.svg"))
    assert {
        "Two $a$ and $b$",
        "4 points",
        "side",
        "left",
        "right $x$ < &",
        "no label",
        "A note.",
    } <= set(found)
    assert found.count("left") == 2  # on the map and in the legend


def test_names_of_points_do_not_meet(tmp_path):
    places = np.repeat([[0.0, 0.0], [5.0, 5.0]], 3, axis=0)
    made = Map(places, names=["first", "over it", "too", "second", "", "\ud800"])
    found = texts(saved(made, tmp_path / "map.svg"))
    assert sorted(found) == ["6 points", "first", "map", "second"]


@pytest.mark.parametrize("labels", [np.arange(70_000) % 30, RNG.normal(size=4_000)])
def test_an_svg_of_many_points_is_small(tmp_path, labels):
    made = Map(RNG.normal(size=(len(labels), 2)), labels=labels)
    path = saved(made, tmp_path / "map.svg")
    assert path.stat().st_size < 2.5e6
    assert len(list(ET.parse(path).iter(f"{SVG}image"))) >= 1


def test_points_have_the_colours_of_their_classes(tmp_path):
    made = Map([[0, 0], [1, 0]] * 40, labels=["a", "b"] * 40)
    path = saved(made, tmp_path / "map.png")
    picture = np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB")).astype(int)
    for colour in ((0x21, 0xAA, 0xD5), (0x8F, 0x25, 0x5D)):
        assert (np.abs(picture - colour).sum(axis=2) < 12).sum() > 50


def test_one_point_and_points_in_one_place(tmp_path):
    for places in ([[3.0, 4.0]], [[1.0, 1.0]] * 3, [[0.0, 0.0], [9.0, 0.0]]):
        assert saved(Map(places), tmp_path / "map.png").stat().st_size > 1000


def test_of_very_many_classes_none_is_named_on_the_map(tmp_path):
    places = RNG.normal(size=(80, 2))
    for count, named in ((40, True), (41, False)):
        made = Map(places, labels=[f"kind {k % count:02}" for k in range(80)])
        found = texts(saved(made, tmp_path / "map.svg"))
        assert (found.count("kind 00") > 1) == named  # beside the legend, which has it once
