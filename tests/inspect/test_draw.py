"""What a reader must be able to rely on in a picture: all is there, and nothing covers anything."""

import re
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest

import pullback as pb
from pullback.inspect import svg
from pullback.inspect.draw import Drawing, draw

SVG = "{http://www.w3.org/2000/svg}"


# Reading a picture --------------------------------------------------------------------------------


@dataclass
class Rect:
    left: float
    top: float
    right: float
    bottom: float
    what: str = ""

    def overlaps(self, other: "Rect") -> bool:
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return wide > 0.2 and high > 0.2

    def contains(self, x: float, y: float, margin: float = 0.0) -> bool:
        inside = self.left - margin < x < self.right + margin
        return inside and self.top - margin < y < self.bottom + margin


def root(drawing: Drawing) -> ElementTree.Element:
    return ElementTree.fromstring(drawing.svg)


def classes(element: ElementTree.Element) -> list[str]:
    return element.get("class", "").replace("pb-", "").split()


def of_class(drawing: Drawing, name: str) -> list[ElementTree.Element]:
    return [element for element in root(drawing).iter() if name in classes(element)]


def words(element: ElementTree.Element) -> str:
    return "".join(element.itertext())


def texts(drawing: Drawing, name: str = "") -> list[str]:
    """The words shown, as lines or their pieces, of one class if given."""
    found = [e for e in root(drawing).iter() if e.tag in (f"{SVG}text", f"{SVG}tspan")]
    return [words(e) for e in found if not name or name in classes(e)]


def numbers(element: ElementTree.Element, *names: str) -> list[float]:
    return [float(element.get(name, "nan")) for name in names]


def shapes(drawing: Drawing) -> list[Rect]:
    """The heads of nodes: sources, gates and boxes."""
    found = []
    for node in of_class(drawing, "node"):
        for element in node:
            if element.tag == f"{SVG}circle":
                x, y, r = numbers(element, "cx", "cy", "r")
                found.append(Rect(x - r, y - r, x + r, y + r, words(node)))
            elif element.tag == f"{SVG}rect":
                x, y, w, h = numbers(element, "x", "y", "width", "height")
                found.append(Rect(x, y, x + w, y + h, words(node)))
    return found


def text_rects(drawing: Drawing, outside: bool = False) -> list[Rect]:
    """Where words stand; those `outside` of shapes alone, if asked."""
    found = []
    for element in root(drawing).iter(f"{SVG}text"):
        pieces = list(element) or [element]
        width = sum(svg.width(words(e), " ".join(classes(e))) for e in pieces)
        x, y = numbers(element, "x", "y")
        left = x - width / 2 if element.get("text-anchor") == "middle" else x
        found.append(Rect(left, y - 9.5, left + width, y + 2.5, words(element)))
    if outside:
        heads = shapes(drawing)
        found = [t for t in found if not any(t.overlaps(head) for head in heads)]
    return found


Stroke = tuple[float, float, float, float]


def strokes(drawing: Drawing) -> list[Stroke]:
    """The straight and curved pieces of all wires, by their ends."""
    found = []
    for element in of_class(drawing, "wire"):
        x = y = 0.0
        for letter, rest in re.findall(r"([MHVC])([^MHVC]*)", element.get("d", "")):
            values = [float(v) for v in rest.split()]
            x0, y0 = x, y
            if letter == "H":
                x = values[0]
            elif letter == "V":
                y = values[0]
            else:
                x, y = values[-2:]
            if letter != "M":
                found.append((x0, y0, x, y))
    return found


def along(stroke: Stroke) -> list[tuple[float, float]]:
    """Points on a piece of a wire, its ends not among them."""
    x0, y0, x1, y1 = stroke
    points = []
    for t in np.linspace(0.03, 0.97, 33):
        bend = 3 * t**2 - 2 * t**3
        x = x0 + (x1 - x0) * (1.5 * t * (1 - t) ** 2 + 1.5 * t**2 * (1 - t) + t**3)
        points.append((float(x), float(y0 + (y1 - y0) * bend)))
    return points


def assert_clear(drawing: Drawing) -> None:
    """Nothing covers anything, and everything is within the picture."""
    heads, labels, wires = shapes(drawing), text_rects(drawing), strokes(drawing)
    for a, b in combinations(heads, 2):
        assert not a.overlaps(b), f"{a} and {b}"
    for a, b in combinations(labels, 2):
        assert not a.overlaps(b), f"{a} and {b}"
    _, _, wide, high = (float(v) for v in root(drawing).get("viewBox", "").split())
    for rect in heads + labels:
        assert rect.left >= 0, rect
        assert rect.top >= 0, rect
        assert rect.right <= wide, rect
        assert rect.bottom <= high, rect
    outside = text_rects(drawing, outside=True)
    for stroke in wires:
        x0, y0, x1, y1 = stroke
        assert x1 >= x0, f"flows to the left: {stroke}"
        for x, y in along(stroke):
            for rect in outside:
                assert not rect.contains(x, y), f"{stroke} runs through {rect}"
            for rect in heads:
                ends = rect.contains(x0, y0, 0.2) or rect.contains(x1, y1, 0.2)
                assert ends or not rect.contains(x, y), f"{stroke} runs through {rect}"


# Pictures -----------------------------------------------------------------------------------------


def product() -> pb.Unit:
    x, y = pb.units(x=-2.0, y=3.0)
    return x * y


def circuit() -> pb.Unit:
    x, y, z = pb.units(x=-2.0, y=5.0, z=-4.0)
    q = (x + y).named("q")
    f = (q * z).named("f")
    f.backward()
    return f


def neuron() -> pb.Unit:
    a, b, c, x, y = pb.units(a=1.0, b=2.0, c=-3.0, x=-1.0, y=3.0)
    s = pb.sigmoid(a * x + b * y + c)
    s.backward()
    return s


def network() -> pb.Unit:
    rng = np.random.default_rng(0)
    x, y = pb.units(x=1.2, y=0.7)

    def weight(name):
        return pb.Unit(round(float(rng.uniform(-1, 1)), 2), name)

    neurons = [
        pb.relu(weight(f"a{k}") * x + weight(f"b{k}") * y + weight(f"c{k}")).named(f"n{k}")
        for k in (1, 2, 3)
    ]
    n1, n2, n3 = neurons
    score = weight("a4") * n1 + weight("b4") * n2 + weight("c4") * n3 + weight("d4")
    score.backward()
    return score.named("score")


def svm_cost() -> pb.Unit:
    a, b, c = pb.units(a=1.0, b=-2.0, c=-1.0)
    cost = 0.1 * (a * a + b * b)
    for x, y, label in [(1.2, 0.7, 1.0), (-0.3, 0.5, -1.0), (3.0, 2.5, 1.0)]:
        cost = cost + pb.maximum(0.0, 1.0 - label * (a * x + b * y + c))
    cost.backward()
    return cost.named("cost")


def model() -> pb.Unit:
    rng = np.random.default_rng(1)
    images = pb.Unit(rng.normal(size=(64, 784)), "images")
    with pb.scope("dense1"):
        w, b = pb.Unit(rng.normal(size=(784, 128)) / 28, "W1"), pb.Unit(np.zeros(128), "b1")
        hidden = pb.relu(images @ w + b).named("h")
    with pb.scope("dense2"):
        w, b = pb.Unit(rng.normal(size=(128, 10)) / 11, "W2"), pb.Unit(np.zeros(10), "b2")
        scores = (hidden @ w + b).named("scores")
    with pb.scope("loss"):
        labels = np.eye(10)[rng.integers(0, 10, 64)]
        loss = -pb.mean(pb.sum(pb.log_softmax(scores, axis=1) * labels, axis=1))
    loss.backward()
    return loss


def reused() -> pb.Unit:
    x = pb.Unit(3.0, "x")
    return x * x + x


def gradients() -> list[pb.Unit]:
    x, y = pb.units(x=2.0, y=3.0)
    dx, dy = pb.gradient(pb.sigmoid(x * y) + x, [x, y])
    return [dx.named("dx"), dy.named("dy")]


def model_gradients() -> list[pb.Unit]:
    loss = model()
    parameters = [unit for unit in pb.Circuit(loss).inputs if unit.scope]
    return pb.gradient(loss, parameters)


def nested() -> pb.Unit:
    h = pb.Unit(np.ones((2, 3)), "h")
    with pb.scope("net"):
        for k in (1, 2):
            with pb.scope(f"block{k}"):
                with pb.scope("dense"):
                    h = h @ pb.Unit(np.eye(3), f"W{k}")
                with pb.scope("act"):
                    h = pb.tanh(h) * 2.0
            h = h + 1.0
    return pb.sum(h * h)


def constants() -> list[pb.Unit]:
    x = pb.Unit(2.0, "x")
    return [pb.where(x > 1.0, 3.0, 4.0), pb.constant(2.5), pb.Unit(3.0), 2.0 / x**2.0]


def reentrant() -> pb.Unit:
    """Two groups that feed each other, to and fro."""
    x = pb.Unit(1.0, "x")
    for _ in range(15):
        for name in ("ping", "pong"):
            with pb.scope(name):
                x = pb.sin(x) * 0.5
    return x


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
    assert_clear(draw(wires[-3:], open=[None, True, False][seed % 3]))


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
        allowed = {"svg", "title", "style", "g", "rect", "circle", "path", "text", "tspan"}
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


# Groups -------------------------------------------------------------------------------------------


def large() -> pb.Unit:
    h = pb.Unit(1.0, "x")
    for k in range(3):
        with pb.scope(f"model/layer{k}"):
            w = pb.Unit(0.5, f"w{k}")
            for _ in range(10):
                h = h * w + 1.0
    with pb.scope("loss"):
        return (h * h).named("cost") + 1.0


def test_a_small_circuit_shows_its_groups_opened():
    drawing = draw(model())
    titles = [words(text) for frame in of_class(drawing, "group") for text in frame.iter()]
    assert {"dense1", "dense2", "loss"} <= set(titles)
    assert of_class(drawing, "closed") == []


def test_a_large_circuit_shows_its_top_groups_as_boxes():
    drawing = draw(large())
    boxes = [words(box) for box in of_class(drawing, "closed")]
    assert len(boxes) == 2
    assert "60 gates" in boxes[0]
    assert "2 gates" in boxes[1]
    assert texts(drawing, "symbol") == []
    assert drawing.groups == ("loss", "model", *(f"model/layer{k}" for k in range(3)))


def test_a_box_shows_the_shape_that_leaves_it():
    boxes = [words(box) for box in of_class(draw(model(), open=False), "closed")]
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
    drawing = draw(large()).open("model").open("loss")
    assert len(of_class(drawing, "closed")) == 3
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
    assert re.fullmatch(r"test_draw\.py:\d+", first)
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


# Keeping a picture --------------------------------------------------------------------------------


def test_a_notebook_shows_it_and_a_file_holds_it(tmp_path):
    drawing = draw(circuit())
    assert drawing._repr_svg_() == drawing.svg
    drawing.save(tmp_path / "circuit.svg")
    assert (tmp_path / "circuit.svg").read_bytes().decode() == drawing.svg
    drawing.save(str(tmp_path / "CIRCUIT.SVG"))


@pytest.mark.parametrize("name", ["circuit.png", "circuit", "circuit.svg.pdf"])
def test_other_formats_are_refused_with_a_cure(name, tmp_path):
    with pytest.raises(pb.CircuitError, match=r"SVG.*\.svg"):
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
    ],
)
def test_whole_numbers_and_truth_values_are_drawn(make, shown):
    svg = pb.draw(make(pb.Unit(np.array([1.0, 3.0, 2.0]), "x"))).svg
    assert f">{shown}<" in svg
