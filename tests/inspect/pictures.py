"""What a picture shows, read back from its SVG, and circuits to draw."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from itertools import combinations

import numpy as np

import pullback as pb
from pullback.inspect import widths
from pullback.inspect.draw import Drawing

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
    """The words shown, as pieces of lines, of one class if given."""
    found = root(drawing).iter(f"{SVG}text")
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
        width = widths.width(words(element), " ".join(classes(element)))
        x, y = numbers(element, "x", "y")
        left = x - width * {"middle": 0.5, "end": 1.0}.get(element.get("text-anchor"), 0.0)
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


def along(stroke: Stroke, down: bool = False) -> list[tuple[float, float]]:
    """Points on a piece of a wire, its ends not among them."""
    x0, y0, x1, y1 = stroke
    if down:
        return [(x, y) for y, x in along((y0, x0, y1, x1))]
    points = []
    for t in np.linspace(0.03, 0.97, 33):
        bend = 3 * t**2 - 2 * t**3
        x = x0 + (x1 - x0) * (1.5 * t * (1 - t) ** 2 + 1.5 * t**2 * (1 - t) + t**3)
        points.append((float(x), float(y0 + (y1 - y0) * bend)))
    return points


def flows_down(drawing: Drawing) -> bool:
    return any(x1 < x0 for x0, _, x1, _ in strokes(drawing)) or (
        all(x0 == x1 for x0, _, x1, _ in strokes(drawing))
    )


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
    down = flows_down(drawing)
    for stroke in wires:
        x0, y0, x1, y1 = stroke
        stub = x0 == x1 if not down else y0 == y1  # to a constant beside its gate
        assert stub or (y1 >= y0 if down else x1 >= x0), f"flows back: {stroke}"
        for x, y in along(stroke, down):
            for rect in outside:
                assert not rect.contains(x, y), f"{stroke} runs through {rect}"
            for rect in heads:
                ends = rect.contains(x0, y0, 0.2) or rect.contains(x1, y1, 0.2)
                assert ends or not rect.contains(x, y), f"{stroke} runs through {rect}"


# Circuits -----------------------------------------------------------------------------------------


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


def large(layers: int = 3) -> pb.Unit:
    h = pb.Unit(1.0, "x")
    for k in range(layers):
        with pb.scope(f"model/layer{k}"):
            w = pb.Unit(0.5, f"w{k}")
            for _ in range(10):
                h = h * w + 1.0
    with pb.scope("loss"):
        return (h * h).named("cost") + 1.0
