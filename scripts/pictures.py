"""In: nothing. Out: the pictures of the README, in docs/images. Run it from anywhere."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

import pullback as pb
from pullback.datasets import load_dataset
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
    activations(IMAGES / "activations.png")
    for picture in (circuit, neuron, two_layer_network, model):
        picture().save(IMAGES / f"{picture.__name__}.svg")


if __name__ == "__main__":
    main()
