"""Figures are SVG that can be read by machines too: each number at its place, nothing lost."""

import math
import re
from xml.etree import ElementTree

import pytest
from tests.diagnosis.reports import EVIL, INF, NAN, proof, sick

from pullback.diagnosis.figure import curve_of, points_of, svg_of
from pullback.diagnosis.finding import Bars, Curve


def parsed(svg):
    return ElementTree.fromstring(svg)


def words(tree):
    return [x.text for x in tree.iter("text")]


def of_class(tree, name):
    return [x for x in tree.iter() if name in x.get("class", "").split()]


def strokes(tree):
    """Of each line that is drawn, its pieces as places."""
    paths = [x.get("d") for x in of_class(tree, "pb-line") if x.tag == "path"]
    numbers = [[re.findall(r"[\d.]+", part) for part in d.split("M")[1:]] for d in paths]
    return [[len(part) // 2 for part in parts] for parts in numbers]


def test_lines_are_where_their_numbers_are():
    curve = Curve("title", "epoch", "loss", {"a": ([1, 2, 3], [4.0, 2.0, 0.0])})
    tree = parsed(svg_of(curve))
    (path,) = [x.get("d") for x in of_class(tree, "pb-line")]
    (x0, y0), (x1, y1), (x2, y2) = re.findall(r"[ML]([\d.]+) ([\d.]+)", path)
    assert float(x1) - float(x0) == pytest.approx(float(x2) - float(x1), abs=0.11)
    assert float(y1) - float(y0) == pytest.approx(float(y2) - float(y1), abs=0.11)
    assert float(y0) < float(y2), "what is larger is higher"
    assert {"epoch", "loss", "1", "3", "0", "4"} <= set(words(tree))
    assert tree.get("aria-label") == "title"


def test_one_line_needs_no_legend_and_several_have_one():
    def lines(*names):
        return Curve("", "x", "y", {name: ([0, 1], [0, 1]) for name in names})

    assert "alone" not in words(parsed(svg_of(lines("alone"))))
    names = [f"layer {k}" for k in range(9)]
    tree = parsed(svg_of(lines(*names)))
    assert set(names) <= set(words(tree))
    heights = {x.get("y") for x in tree.iter("text") if x.text in names}
    assert len(heights) > 1, "a long legend has several rows"
    styles = {x.get("class") for x in of_class(tree, "pb-line")}
    assert len(styles) == 4


def test_a_line_breaks_at_what_is_no_number():
    ys = [1.0, NAN, 2.0, 3.0, INF]
    tree = parsed(svg_of(Curve("", "x", "y", {"a": (range(5), ys)})))
    assert strokes(tree) == [[1, 2]]
    assert len(of_class(tree, "pb-cross")) == 2


@pytest.mark.parametrize("ys", [[], [NAN, NAN], [0.0], [5.0, 5.0]])
@pytest.mark.parametrize("log", ["", "x", "y", "xy"])
def test_curves_of_little_are_drawn(ys, log):
    tree = parsed(svg_of(Curve("", "x", "y", {"a": (range(len(ys)), ys)}, log)))
    for node in tree.iter():
        for name in ("x", "y", "x1", "x2", "y1", "y2", "cx"):
            assert math.isfinite(float(node.get(name, "0")))


def test_bars_start_at_zero_and_tell_their_numbers():
    bars = Bars("", "size", {"a": 4.0, "b": 2.0, "c": -1.0, "d": NAN})
    tree = parsed(svg_of(bars))
    wide = [float(x.get("width")) for x in tree.iter("rect")]
    at = [float(x.get("x")) for x in tree.iter("rect")]
    assert wide[0] == pytest.approx(2 * wide[1], rel=0.01)
    assert wide[0] == pytest.approx(4 * wide[2], rel=0.02)
    assert at[0] == at[1] == pytest.approx(at[2] + wide[2], abs=0.11)
    assert {"a", "b", "c", "d", "4", "2", "-1", "nan"} <= set(words(tree))


def test_of_many_bars_it_is_said_how_many_are_left_out():
    tree = parsed(svg_of(Bars("", "", {f"b{k}": 1.0 for k in range(40)})))
    assert len(list(tree.iter("rect"))) == 16
    assert "… 24 more" in words(tree)


def test_no_name_is_more_than_text():
    bars = svg_of(Bars(EVIL, EVIL, {EVIL: 1.0}))
    curve = svg_of(Curve(EVIL, EVIL, EVIL, {EVIL: ([0], [1]), "b": ([0], [1])}))
    assert {x.tag for x in parsed(bars).iter()} == {"svg", "text", "rect"}
    assert {x.tag for x in parsed(curve).iter()} == {"svg", "text", "line", "path"}


def test_a_proof_is_drawn_with_both_trainings_and_every_seed():
    shown = proof((2.2, NAN, 2.21), (0.81, 0.84, 0.8), (2.3, 240.0, INF, NAN))
    curve = curve_of(shown)
    assert curve.logarithmic == "y"
    assert strokes(parsed(svg_of(curve))) == [[2], [4]]
    tree = parsed(points_of(shown))
    assert "without the cure, 1 lost" in words(tree)
    assert [len(of_class(tree, f"pb-style{k}")) for k in (0, 1)] == [2, 3]
    nowhere = points_of(proof((NAN,), (INF,)))
    assert of_class(parsed(nowhere), "pb-point") == []


def test_all_figures_of_a_report_are_whole():
    pictures = [x.picture for x in sick().findings if x.picture is not None]
    assert {type(x) for x in pictures} == {Bars, Curve}
    for picture in pictures:
        parsed(svg_of(picture))
