"""What a reader must be able to rely on in a picture: all is there, and nothing covers anything."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from tests.inspect.pictures import (
    SVG,
    assert_clear,
    circuit,
    constants,
    gradients,
    model,
    model_gradients,
    nested,
    network,
    neuron,
    numbers,
    of_class,
    product,
    reentrant,
    reused,
    root,
    shapes,
    strokes,
    svm_cost,
    text_rects,
    texts,
    words,
)

import pullback as pb
from pullback.inspect.draw import draw

PICTURES = {
    "product": (product, {}),
    "circuit": (circuit, {}),
    "neuron": (neuron, {}),
    "network": (network, {}),
    "svm": (svm_cost, {}),
    "model": (model, {}),
    "model closed": (model, {"open": False}),
    "model with one group": (model, {"open": "dense1"}),
    "reused": (reused, {}),
    "gradients": (gradients, {}),
    "gradients of a model": (model_gradients, {"open": False}),
    "gradients of a model with one group": (model_gradients, {"open": "∂dense2"}),
    "gradients of a model, all": (model_gradients, {"open": True}),
    "nested": (nested, {}),
    "nested, one": (nested, {"open": "block1"}),
    "constants": (constants, {}),
    "reentrant": (reentrant, {}),
    "reentrant, all": (reentrant, {"open": True}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_covers_anything(name):
    build, options = PICTURES[name]
    assert_clear(draw(build(), **options))


@pytest.mark.parametrize("seed", range(12))
def test_nothing_covers_anything_in_circuits_made_at_random(seed):
    rng = np.random.default_rng(seed)
    wires = [pb.Unit(float(k), f"x{k}") for k in range(rng.integers(1, 5))]
    gates = [pb.add, pb.multiply, pb.subtract, pb.maximum, pb.divide]
    for k in range(rng.integers(5, 38)):
        with pb.scope(rng.choice(["", "", "one", "two", "two/three"])):
            a, b = (wires[-1 - int(rng.integers(0, min(8, len(wires))))] for _ in range(2))
            unary = rng.random() < 0.25
            wires.append(pb.tanh(a) if unary else gates[rng.integers(len(gates))](a, b))
        if rng.random() < 0.2:
            wires[-1].named(f"wire{k}")
    wires[-1].backward()
    flow = ["right", "down"][seed // 3 % 2]
    assert_clear(draw(wires[-3:], open=[None, True, False][seed % 3], flow=flow))


# What is there ------------------------------------------------------------------------------------


def test_every_gate_name_value_and_gradient_is_shown():
    f = circuit()
    drawing = draw(f)
    assert len(of_class(drawing, "gate")) - len(of_class(drawing, "rim")) == 2
    assert {"+", "×"} <= set(texts(drawing))
    assert set(texts(drawing, "bold")) == {"x", "y", "z", "q", "f"}
    assert sorted(texts(drawing, "value")) == sorted(["-2", "5", "-4", "3", "-12"])
    assert sorted(texts(drawing, "grad")) == sorted(["-4", "-4", "3", "-4", "1"])


def test_values_stand_above_and_gradients_below_the_wire():
    x = pb.Unit(3.0, "x")
    (x * 2.0).backward()
    drawing = draw(x)
    value, grad = (of_class(drawing, name)[0] for name in ("value", "grad"))
    ((_, height, _, _),) = strokes(drawing)
    assert numbers(value, "y")[0] < height < numbers(grad, "y")[0]


def test_the_network_is_complete():
    score = network()
    drawing = draw(score)
    symbols = texts(drawing, "symbol") + texts(drawing, "word")
    assert sorted(symbols) == sorted(["×"] * 9 + ["+"] * 9 + ["relu"] * 3)
    assert len(texts(drawing, "value")) == len(texts(drawing, "grad")) == 15 + 21
    assert {f"n{k}" for k in (1, 2, 3)} | {"score"} <= set(texts(drawing, "bold"))


def test_gradients_and_values_can_be_left_out():
    f = circuit()
    assert texts(draw(f, gradients=False), "grad") == []
    assert texts(draw(f, values=False), "value") == []
    assert texts(draw(product()), "grad") == []


def test_a_circuit_and_its_outputs_give_the_same_picture():
    f = circuit()
    assert draw(pb.Circuit(f)).svg == draw(f).svg == draw([f]).svg


def test_the_same_circuit_gives_the_same_bytes():
    for build in (network, model_gradients):
        assert draw(build()).svg == draw(build()).svg


def test_every_use_of_a_wire_reaches_its_gate():
    drawing = draw(reused())
    times = next(shape for shape in shapes(drawing) if "multiply" in shape.what)
    arriving = {y1 for _, _, x1, y1 in strokes(drawing) if times.contains(x1, y1, -1)}
    assert len(arriving) == 2  # x * x: twice, and not at one point


def test_inputs_of_a_gate_that_does_not_commute_arrive_in_their_order():
    for swap in (False, True):
        x, y = pb.units(x=1.0, y=2.0)
        names = [e for e in of_class(draw(y - x if swap else x - y), "source") if len(e)]
        heights = {words(e[2]): numbers(e[2], "y")[0] for e in names if e.tag == f"{SVG}g"}
        assert (heights["y"] < heights["x"]) == swap


def test_constants_stand_beside_their_gate():
    x = pb.Unit(4.0, "x")
    for f, above in [(2.0 / x, True), (x / 2.0, False)]:
        drawing = draw(f)
        gate = next(shape for shape in shapes(drawing) if "divide" in shape.what)
        two = next(rect for rect in text_rects(drawing) if rect.what == "2" and rect != gate)
        assert (two.bottom < gate.top) if above else (two.top > gate.bottom)


def test_arrays_show_shape_mean_and_norm():
    x = pb.Unit(np.full((64, 128), 0.5), "x")
    pb.sum(x * 2.0).backward()
    drawing = draw(x)
    assert texts(drawing, "value") == ["(64, 128)", "mean 0.5"]
    assert texts(drawing, "grad") == ["norm 1.8e+02"]
    assert "value (64, 128) float64" in drawing.svg


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), ["nan"]),
        (float("-inf"), ["-inf"]),
        (True, ["True"]),
        (np.array(2.5), ["2.5"]),
        (np.zeros((0, 3)), ["(0, 3)", "empty"]),
        (np.array([1.0, 2.5]), ["[1, 2.5]"]),
        (np.array([1.0, np.nan, np.inf, 0.0]), ["(4,)", "1 NaN"]),
        (np.array([1.0, 1.0, np.inf, 0.0]), ["(4,)", "1 infinite"]),
        (np.array([3, 1, 4, 1, 5]), ["(5,)", "1 … 5"]),
        (np.array([True, False, True, True]), ["(4,)", "75 % true"]),
        (np.full((2, 2), 1e308), ["(2, 2)", "mean inf"]),
        (np.full((2, 2), 60000.0, np.float16), ["(2, 2)", "mean 6e+04"]),
    ],
)
def test_odd_values(value, shown):
    drawing = draw(pb.Unit(value))
    assert texts(drawing, "value") == shown
    assert_clear(drawing)


def test_gradients_that_are_not_finite_are_shown_as_such():
    x = pb.Unit(np.array([0.0, 1.0, 2.0, 3.0]), "x")
    pb.sum(pb.sqrt(x)).backward()
    assert texts(draw(x), "grad") == ["1 infinite"]


def test_a_constant_alone_is_a_picture_too():
    assert texts(draw(pb.constant(2.5))) == ["2.5"]


HOSTILE = [
    '<script>alert("1")</script>',
    "a & b < c > d \"e\" 'f'",
    "]]>",
    "x" * 10_000,
    "σ′ 名前 👩‍🔬",
    "null\x00 bell\x07 \ud800 \ufffe",
    "\u202ereversed",
    "two\nlines\tand a tab",
    " ",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_only_words(name, tmp_path):
    x = pb.Unit(2.0, name)
    with pb.scope(name):
        y = (x * x + 1.0).named(name)
    for opened in (True, False):
        drawing = draw(y, open=opened)
        allowed = {"svg", "title", "style", "g", "rect", "circle", "path", "text"}
        assert {element.tag.removeprefix(SVG) for element in root(drawing).iter()} <= allowed
        assert_clear(drawing)
        drawing.save(tmp_path / "x.svg")
        ElementTree.parse(tmp_path / "x.svg")


def test_a_gate_of_the_users_shows_its_name():
    @pb.gate(partials=(None,) * 2, name="<odd & long name of a gate>", registry=None)
    def odd(m, a, b):
        raise ValueError if a == 0.3 else TypeError if m is None else ZeroDivisionError

    drawing = draw(product())
    odd.gate.value = lambda m, a, b: a + b if a == 1.0 else 1 / 0
    x = pb.Unit(1.0, "x")
    drawing = draw(odd(x, x))
    assert "<odd & long name …" in texts(drawing)
    assert_clear(drawing)


# Keeping a picture --------------------------------------------------------------------------------


def test_a_notebook_shows_it_and_a_file_holds_it(tmp_path):
    drawing = draw(circuit())
    assert drawing._repr_svg_() == drawing.svg
    drawing.save(tmp_path / "circuit.svg")
    assert (tmp_path / "circuit.svg").read_bytes().decode() == drawing.svg
    drawing.save(str(tmp_path / "CIRCUIT.SVG"))


@pytest.mark.parametrize("name", ["circuit.jpg", "circuit", "circuit.svg.gif"])
def test_other_formats_are_refused_with_a_cure(name, tmp_path):
    with pytest.raises(pb.CircuitError, match=r"\.svg, \.png or \.pdf.*\.svg"):
        draw(product()).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_stands_alone():
    text = draw(model()).svg
    assert root(draw(product())).find(f"{SVG}title") is not None
    assert "prefers-color-scheme:dark" in text
    for word in ("<script", "http://", "https://", "url(", "@import", " on"):
        assert word not in text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("what", [3.0, "x", [1.0], None, {"x": 1.0}])
def test_what_is_no_circuit_is_refused(what):
    with pytest.raises(pb.CircuitError, match="draw takes a wire"):
        draw(what)
    for nothing in ([], {}):
        with pytest.raises(pb.CircuitError, match="nothing to draw"):
            draw(nothing)


def test_a_model_is_to_be_called_first():
    for what in (pb.Dense(3), pb.Sequential(pb.Dense(3)), pb.relu):
        with pytest.raises(pb.CircuitError, match=r"call the \w+ first, and draw what it returns"):
            draw(what)


def test_wires_may_come_in_a_dictionary_that_names_them():
    x = pb.Unit(2.0, "x")
    y, z = x * x, x + 1.0
    drawing = draw({"square": y, "next": z})
    assert drawing.svg == draw((y, z)).svg == draw(pb.Circuit({"square": y, "next": z})).svg
    assert {"square", "next"} <= set(texts(drawing))


def test_a_big_box_that_nobody_asked_for_says_how_to_open_it():
    y = x = pb.Unit(0.1, "x")
    for _ in range(29):
        y = pb.tanh(y * x)
    closed = draw(y)
    assert "open=True shows them" in texts(closed)
    assert "or open=True shows them" in closed.svg
    assert "open=True" not in draw(y, open=True).svg
    assert_clear(closed)


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda x: pb.argmax(x), "1"),
        (lambda x: pb.sum(x > 1.5), "2"),
        (lambda x: x[0] > 0.5, "True"),
        (lambda x: x > 1.5, "[False, True, True]"),
        (lambda x: pb.argmax(pb.reshape(x, (1, 3, 1)), axis=1), "all 1"),
        (lambda x: x[:0] > 1.0, "empty"),
        (lambda x: pb.sum(x[:0] * 2.0), "empty"),
        (lambda x: pb.Unit(np.zeros((0, 2), int)), "empty"),
        (lambda x: pb.Unit(np.array(7, np.uint8)), "7"),
        (lambda x: pb.Unit(np.array(False)), "False"),
    ],
)
def test_whole_numbers_and_truth_values_are_drawn(make, shown):
    drawing = pb.draw(make(pb.Unit(np.array([1.0, 3.0, 2.0]), "x")))
    assert shown in texts(drawing)
    assert_clear(drawing)


def test_gradients_of_empty_arrays_are_drawn():
    x = pb.Unit(np.zeros((0, 3)), "x")
    pb.sum(x * 2.0).backward()
    assert "norm 0" in texts(draw(x))
