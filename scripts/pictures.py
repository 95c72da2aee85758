"""In: nothing. Out: the pictures of the README and of docs, in docs/images. Run it anywhere."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

import pullback as pb
from pullback.datasets import load_dataset
from pullback.figures.sheet import BLUE, FRAME, MARGIN, PALE, RED, SMALL, Scale, Sheet, caption
from pullback.inspect.draw import Drawing, draw
from pullback.maps import TSNE
from pullback.maps.picture import drawn

IMAGES = Path(__file__).parent.parent / "docs" / "images"


def circuit() -> Drawing:
    """(x + y) * z, pulled up."""
    x, y, z = pb.units(x=-2.0, y=5.0, z=-4.0)
    q = (x + y).named("q")
    f = (q * z).named("f")
    f.backward()
    return draw(f)


def neuron() -> Drawing:
    """A neuron of two inputs."""
    a, b, c, x, y = pb.units(a=1.0, b=2.0, c=-3.0, x=-1.0, y=3.0)
    s = pb.sigmoid(a * x + b * y + c).named("s")
    s.backward()
    return draw(s)


def two_layer_network() -> Drawing:
    """Three hidden neurons and a score."""
    x, y = pb.units(x=1.2, y=0.7)
    weights = iter([0.9, -0.4, 0.3, -0.8, 0.6, 0.2, 0.5, 0.7, -0.1, 0.8, -0.6, 1.1, 0.1])

    def weight(name: str) -> pb.Unit:
        return pb.Unit(next(weights), name)

    neurons = []
    for k in (1, 2, 3):
        a, b, c = weight(f"a{k}"), weight(f"b{k}"), weight(f"c{k}")
        neurons.append(pb.relu(a * x + b * y + c).named(f"n{k}"))
    a4, b4, c4, d4 = (weight(name) for name in ("a4", "b4", "c4", "d4"))
    n1, n2, n3 = neurons
    score = (a4 * n1 + b4 * n2 + c4 * n3 + d4).named("score")
    score.backward()
    return draw(score)


def model() -> Drawing:
    """A classifier of digits with one of its groups opened."""
    rng = np.random.default_rng(1)
    images = pb.Unit(rng.normal(size=(64, 784)), "images")
    labels = pb.constant(np.eye(10)[rng.integers(0, 10, 64)]).named("labels")

    def dense(x: pb.Unit, width: int, k: int) -> pb.Unit:
        w = pb.Unit(rng.normal(size=(x.shape[1], width)) * x.shape[1] ** -0.5, f"W{k}")
        return x @ w + pb.Unit(np.zeros(width), f"b{k}")

    with pb.scope("dense1"):
        hidden = pb.relu(dense(images, 128, 1)).named("h")
    with pb.scope("dense2"):
        scores = dense(hidden, 10, 2).named("scores")
    with pb.scope("softmax cross-entropy"):
        likelihood = pb.sum(labels * pb.log_softmax(scores, axis=1), axis=1)
        loss = (-pb.mean(likelihood)).named("loss")
    loss.backward()
    return draw(loss, open="dense1")


def digits(path: Path) -> None:
    """Handwritten digits on a map, in few colours, so that the file is small."""
    data = load_dataset("digits")
    tsne = TSNE(random_state=0).fit(data.inputs)
    made = replace(tsne.map(labels=data.labels), title="Handwritten digits")
    drawn(made).savefig(path, dpi=90)
    shrink(path)


def springs(path: Path) -> None:
    """Where proximal steps end, what becomes of a weight by either step, and of whole groups."""
    sheet = Sheet(3.2, "What springs do to weights")
    width, height, top = 2.6, 2.1, 0.75
    lefts = [MARGIN + 0.2, MARGIN + 3.25, MARGIN + 6.1]

    axes = sheet.place(lefts[0], top, width, height)
    w = np.linspace(-2.0, 2.0, 401)[:, None]
    lines = {
        "L2": (pb.L2(0.5, proximal=True), BLUE),
        "L1": (pb.L1(0.8, proximal=True), RED),
        "MaxNorm": (pb.MaxNorm(1.2, groups="outgoing"), PALE),
    }
    axes.axhline(0.0, color=FRAME, linewidth=0.6)
    axes.axvline(0.0, color=FRAME, linewidth=0.6)
    for name, (spring, colour) in lines.items():
        ends = spring.proximal_step(pb.Unit(w), 1.0).value
        axes.plot(w[:, 0], ends[:, 0], color=colour, linewidth=1.4, label=name)
    axes.legend(fontsize=SMALL, frameon=False, loc="upper left")
    axes.set_xticks([-2, 0, 2])
    axes.set_yticks([-1, 0, 1])
    caption(axes, "where a proximal step brings a weight", width)

    axes = sheet.place(lefts[1], top, width, height)
    axes.axhline(0.0, color=FRAME, linewidth=0.6)
    for proximal, colour, label in ((False, BLUE, "gradient"), (True, RED, "proximal")):
        axes.plot(_path(proximal), color=colour, linewidth=1.2, label=f"{label} step")
    axes.legend(fontsize=SMALL, frameon=False, loc="upper right")
    axes.set_xticks([0, 40, 80])
    axes.set_yticks([0, 0.25, 0.5])
    caption(axes, "a weight under L1, step by step", width)

    lengths = [np.linalg.norm(_weights_of_pixels(s), axis=1).reshape(8, 8) for s in (0.0, 2e-3)]
    scale, side = Scale.of(np.array(lengths)), 1.2
    for k, (one, text) in enumerate(zip(lengths, ("no spring", "GroupLasso(2e-3)"), strict=True)):
        axes = sheet.place(lefts[2] + k * (side + 0.1), top, side, side)
        scale.show(axes, one)
        caption(axes, text, side)
        for row, column in np.argwhere(one == 0.0):
            axes.text(column, row, "×", color="white", fontsize=SMALL, ha="center", va="center")
    sheet.words(lefts[2], top + side + 0.1, "what each pixel of a digit sends out;")
    sheet.words(lefts[2], top + side + 0.27, "×: nothing at all")

    for axes in sheet.axes:
        axes.tick_params(labelsize=SMALL, length=2)
    sheet.savefig(path, dpi=100)
    shrink(path)


def _path(proximal: bool) -> list[float]:
    """A weight over the steps of training on a feature that the labels do not depend on."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(80, 1)).astype("f4")
    y = 0.4 * rng.normal(size=80)
    model = pb.Sequential(pb.Dense(1, bias=False))
    model(x[:1])
    weight = model.parameters["dense1.weight"]
    weight.value = np.array([[0.5]])
    spring = pb.L1(0.3, proximal=proximal)
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.15), penalties=spring, engine="eager")
    path = [float(weight.value[0, 0])]
    for row in range(80):
        trainer.fit([(x[row : row + 8], y[row : row + 8])], epochs=1, progress=False)
        path.append(float(weight.value[0, 0]))
    return path


def _weights_of_pixels(strength: float) -> np.ndarray:
    """The first weight of a classifier of digits, a row for each pixel."""
    digits = load_dataset("digits")
    model = pb.Sequential(pb.Dense(64), pb.ReLU(), pb.Dense(10), rng=0)
    optimizer = pb.SGD(0.1, momentum=0.9)
    springs = [pb.GroupLasso(strength)] if strength else []
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), optimizer, penalties=springs)
    trainer.fit(digits.inputs, digits.labels, epochs=40, progress=False)
    return model.parameters["dense1.weight"].value


def activations(path: Path) -> None:
    """Six layers of tanh that start too small: what flows dies away, and so does the gradient."""
    start = {"name": "normal", "std": 0.04}
    hidden = [layer for _ in range(6) for layer in (pb.Dense(64, initializer=start), pb.Tanh())]
    data = load_dataset("digits")
    model, some = pb.Sequential(*hidden, pb.Dense(10), rng=0), slice(0, 500)
    found = pb.activation_statistics(
        model, data.inputs[some], data.labels[some], pb.SoftmaxCrossEntropy()
    )
    found.figure().savefig(path, dpi=90)
    shrink(path)


def shrink(path: Path) -> None:
    """Write a picture again in few colours."""
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(64, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def main() -> None:
    """Draw all of them."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    digits(IMAGES / "digits.png")
    springs(IMAGES / "springs.png")
    activations(IMAGES / "activations.png")
    for picture in (circuit, neuron, two_layer_network, model):
        picture().save(IMAGES / f"{picture.__name__}.svg")


if __name__ == "__main__":
    main()
