"""Which groups a picture shows as boxes, which it opens, and how large a circuit it takes."""

import re
import time

import pytest
from tests.inspect.pictures import (
    SVG,
    assert_clear,
    large,
    model,
    of_class,
    product,
    shapes,
    texts,
    words,
)

import pullback as pb
from pullback.inspect.draw import draw


def test_a_circuit_shows_its_groups_as_boxes_at_any_size():
    drawing = draw(model())
    boxes = [words(box) for box in of_class(drawing, "closed")]
    assert [re.match(r"\w+", box).group() for box in boxes] == ["dense1", "dense2", "loss"]
    assert drawing.svg == draw(model(), open=False).svg
    many = draw(large(9))
    assert len(of_class(many, "closed")) == 2
    assert texts(many, "symbol") == []


def test_a_group_of_groups_is_a_frame_while_the_picture_is_small():
    drawing = draw(large(2))
    titles = texts(drawing, "title")
    assert titles == ["model", "loss", "layer0", "layer1"]
    assert drawing.groups == ("loss", "model", "model/layer0", "model/layer1")
    closed = draw(large(2), open=False)
    assert sorted(texts(closed, "title")) == ["loss", "model"]


def test_a_group_that_holds_all_is_opened():
    x = pb.Unit(2.0, "x")
    with pb.scope("outer"), pb.scope("inner"):
        y = x * x + 1.0
    assert len(texts(draw(y), "symbol")) == 2
    assert len(of_class(draw(y, open=False), "closed")) == 1


def test_a_box_shows_how_much_is_in_it_and_the_shape_that_leaves_it():
    boxes = [words(box) for box in of_class(draw(model()), "closed")]
    assert ["100,480 parameters" in box for box in boxes] == [True, False, False]
    assert "5 gates" in boxes[2]
    boxes = [words(box) for box in of_class(draw(model(), values=False), "closed")]
    assert ["→ (64, 128)" in box for box in boxes] == [True, False, False]


@pytest.mark.parametrize("name", ["layer1", "model/layer1"])
def test_opening_a_group_opens_those_around_it(name):
    drawing = draw(large()).open(name)
    assert len(texts(drawing, "symbol")) == 20
    assert len(of_class(drawing, "closed")) == 3
    assert "w1" in texts(drawing, "bold")
    assert "w0" not in texts(drawing, "bold")
    assert drawing.svg == draw(large(), open=[name]).svg
    assert_clear(drawing)


def test_groups_are_opened_one_after_another():
    drawing = draw(large(), open=False).open("model").open("loss")
    assert len(of_class(drawing, "closed")) == 1
    assert "layer0 … 2 × 3" in texts(drawing, "title")
    assert "cost" in texts(drawing, "bold")
    assert len(of_class(drawing.open("layer0", "layer1", "layer2"), "closed")) == 0


def test_all_groups_can_be_opened():
    drawing = draw(large(), open=True)
    assert len(texts(drawing, "symbol")) == 62
    assert drawing.open("loss").svg == drawing.svg


@pytest.mark.parametrize("ask", [lambda f: draw(f, open="lossy"), lambda f: draw(f).open("lossy")])
def test_a_group_that_is_not_there_is_refused_by_name(ask):
    with pytest.raises(pb.CircuitError, match=r"'lossy'.*loss, model, model/layer0"):
        ask(large())
    with pytest.raises(pb.CircuitError, match="'lossy'"):
        ask(product())


def test_gates_without_a_scope_are_grouped_by_the_line_that_made_them():
    x = total = pb.Unit(1.0, "x")
    for _ in range(30):
        total = total + pb.sin(x)
    for _ in range(30):
        total = total * 1.0
    drawing = draw(total)
    boxes = [words(box) for box in of_class(drawing, "closed")]
    assert [re.search(r"(\d+) gates→?", box).group(1) for box in boxes] == ["60", "30"]
    first = drawing.groups[0]
    assert re.fullmatch(r"test_draw_groups\.py:\d+", first)
    assert len(texts(drawing.open(first), "symbol")) == 30  # and sin is a word


def test_lines_that_take_turns_are_grouped_by_function():
    x = pb.Unit(1.0, "x")
    y = x
    for _ in range(300):
        y = y * 0.5
        y = y + x
    drawing = draw(y)
    (box,) = of_class(drawing, "closed")
    assert "test_lines_that_take_turns" in words(box)
    assert "600 gates" in words(box)


def test_a_group_that_is_left_and_entered_again_is_two_boxes():
    x = pb.Unit(1.0, "x")
    with pb.scope("a"):
        y = pb.sin(pb.sin(x))
    with pb.scope("b"):
        y = pb.cos(pb.cos(y))
    with pb.scope("a"):
        y = pb.sin(pb.sin(y))
    drawing = draw(y, open=False)
    names = [text for text in texts(drawing, "title") if text in ("a", "b")]
    assert names == ["a", "b", "a"]
    assert_clear(drawing)


def test_gates_made_in_turn_that_need_not_be_stand_in_one_box():
    x = pb.Unit(1.0, "x")
    a = b = x
    for _ in range(5):
        with pb.scope("a"):
            a = pb.sin(a)
        with pb.scope("b"):
            b = pb.cos(b)
    drawing = draw(a + b, open=False)
    assert sorted(texts(drawing, "title")) == ["a", "b"]


def test_a_crowd_of_sources_stands_in_the_box_that_uses_it():
    total = pb.Unit(0.0, "start")
    for k in range(500):
        total = total + pb.Unit(float(k))
    assert len(shapes(draw(total))) <= 2


def test_parameters_stand_in_the_box_of_their_layer():
    drawing = draw(model(), open=False)
    assert [words(e[2]) for e in of_class(drawing, "source") if e.tag == f"{SVG}g"] == ["images"]


# Sizes --------------------------------------------------------------------------------------------


def test_a_long_chain_is_answered_at_once():
    y = pb.Unit(1.0, "x")
    for _ in range(100_000):
        y = y * 1.0
    start = time.perf_counter()
    drawing = draw(y)
    with pytest.raises(pb.CircuitError, match=r"at most 400 boxes.*open fewer groups"):
        draw(y, open=True)
    assert time.perf_counter() - start < 10  # under two seconds where nothing else runs
    assert "100,000 gates" in drawing.svg
    assert len(drawing.svg) < 10_000


def test_an_unrolled_loop_of_thousands_of_steps_is_drawn():
    h, w = pb.units(h=0.0, w=0.5)
    for _ in range(2000):
        with pb.scope("cell"):
            h = pb.tanh(h * w)
        h = h + 1.0
    assert "6,000 gates" in draw(h).svg


def test_hundreds_of_gates_are_laid_out_in_seconds():
    x = pb.Unit(1.0, "x")
    y = x
    for _ in range(190):
        y = pb.sin(y) * x
    start = time.perf_counter()
    drawing = draw(y, open=True)
    assert time.perf_counter() - start < 10
    assert len(of_class(drawing, "rim")) == 380


def test_scopes_nested_without_end_are_refused_not_recursed_into():
    x = pb.Unit(1.0, "x")
    with pb.scope("/".join(["a"] * 2000)):
        y = x * x + x
    with pytest.raises(pb.CircuitError, match="at most 400 boxes"):
        draw(y, open=True)
    assert len(of_class(draw(y, open=False), "closed")) == 1
