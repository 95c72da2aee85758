"""In: Settings that are well. Out: the same with nets that are wired wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pullback as pb
from benchmarks.faults.case import Draw, fault
from benchmarks.faults.setting import Setting

Pair = tuple[Setting, Setting]


@fault(
    "softmax twice",
    on=("blobs", "scans", "strokes", "firsts"),
    accepted=("vanishing gradients", "learning rate too low", "underfitting"),
)
def softmax_at_the_end(base: Setting, draw: Draw) -> Pair:
    return base, base.but(tail=(pb.Softmax,))


@fault("softmax twice", on=("rings",), accepted=("vanishing gradients", "learning rate too low"))
def sigmoid_at_the_end(base: Setting, draw: Draw) -> Pair:
    return base, base.but(tail=(pb.Sigmoid,))


@fault("missing nonlinearity", on=("rings", "waves", "strokes"), accepted=("underfitting",))
def no_bends(base: Setting, draw: Draw) -> Pair:
    return base, base.but(bend=pb.Identity)


@fault(
    "frozen parameters",
    on=("rings", "waves", "strokes", "words", "blobs"),
    accepted=("underfitting",),  # a few units are few, also where they learn
)
def frozen_layers(base: Setting, draw: Draw) -> Pair:
    """All layers are frozen, or all but the last, behind which a few units stand."""
    base = base.but(widths=(*base.net.widths[:-1], 4))

    def edit(model: Any, x: np.ndarray) -> Any:
        for layer in model.layers[: len(model.layers) if draw.severe else -1]:
            layer.freeze()
        return model

    return base, base.but(edit=edit)


def _wired(
    between: Callable[[Any], Any], after: Callable[[Any], Any] = lambda scores: scores
) -> Callable[[Any, np.ndarray], Any]:
    """What puts gates before the last layer of a model, and behind it."""

    def edit(model: Any, x: np.ndarray) -> Any:
        def forward(layers: Any, x: Any, training: Any) -> Any:
            hidden = between(layers.body(x, training=training))
            return after(layers.head(hidden, training=training))

        *inner, last = model.layers
        return pb.Model(forward, body=pb.Sequential(*inner), head=last, rng=model.rng)

    return edit


@fault("disconnected parameters", on=("rings", "waves", "strokes", "words"))
def no_way_back(base: Setting, draw: Draw) -> Pair:
    """A gate without a slope before the last layer."""
    base = base.but(widths=(*base.net.widths[:-1], 4))
    cut = (lambda h: pb.stop_gradient(h)) if draw.severe else (lambda h: pb.floor(4.0 * h) / 4.0)
    return base, base.but(edit=_wired(cut))


@fault("disconnected parameters", on=("rings", "blobs"))
def unused_layers(base: Setting, draw: Draw) -> Pair:
    """The hidden layers are there, and the scores are made of the inputs alone."""

    def edit(model: Any, x: np.ndarray) -> Any:
        def forward(layers: Any, x: Any, training: Any) -> Any:
            hidden = layers.body(x, training=training)
            return layers.head(x, training=training) + 0.0 * pb.stop_gradient(hidden).sum()

        *inner, last = model.layers
        return pb.Model(forward, body=pb.Sequential(*inner), head=last, rng=model.rng)

    return base, base.but(edit=edit)


def _residual(blocks: int, initializer: Any) -> Callable[[Any, np.ndarray], Any]:
    """What puts blocks with ways around them in place of a model's hidden layers."""

    def edit(model: Any, x: np.ndarray) -> Any:
        width = 16
        made = [
            pb.Residual(pb.Dense(width), pb.ReLU(), pb.Dense(width, initializer=initializer))
            for _ in range(blocks)
        ]
        first = [pb.Flatten()] if x.ndim > 2 else []
        return pb.Sequential(*first, pb.Dense(width), *made, model.layers[-1], rng=model.rng)

    return edit


_GROWING = ("exploding gradients", "not a number", "badly scaled initialization", "dying ReLUs")


@fault(
    "broken residual",
    on=("blobs", "scans", "strokes"),
    accepted=(*_GROWING, "learning rate too high"),
)
def doubling_blocks(base: Setting, draw: Draw) -> Pair:
    """What flows doubles at each of many blocks."""
    blocks = 14 if draw.severe else 9
    base = base.but(optimizer=pb.SGD(0.02, momentum=0.9))
    well = base.but(edit=_residual(blocks, "zeros"))
    return well, base.but(edit=_residual(blocks, "he"))


@fault(
    "broken residual",
    on=("rings", "waves"),
    accepted=("dying ReLUs", "underfitting", "missing nonlinearity"),
)
def silent_blocks(base: Setting, draw: Draw) -> Pair:
    """What stands inside the blocks is dead, so that only the way around carries anything."""
    live = _residual(2, "he")

    def edit(model: Any, x: np.ndarray) -> Any:
        model = live(model, x)
        model(x[:2])
        for name, unit in model.parameters.items():
            if "residual" in name and name.endswith("dense1.bias"):
                unit.value = np.full(unit.shape, -40.0, np.float32)
            if "residual" in name and name.endswith("dense2.bias"):
                unit.value = np.zeros(unit.shape, np.float32)
        return model

    return base.but(edit=live), base.but(edit=edit)


# What is no number, and slopes that are wrong ----------------------------------------------------


@fault("not a number", on=("blobs", "strokes"))
def logarithm_of_zero(base: Setting, draw: Draw) -> Pair:
    return base, base.but(edit=_wired(lambda hidden: pb.log(pb.relu(hidden))))


@fault("not a number", on=("rings", "firsts"))
def root_at_zero(base: Setting, draw: Draw) -> Pair:
    """The slope of a root is infinite where its input is 0, as that of a ReLU often is."""
    return base, base.but(edit=_wired(lambda hidden: pb.sqrt(pb.relu(hidden))))


@fault("not a number", on=("scans",), accepted=("exploding gradients",))
def own_softmax(base: Setting, draw: Draw) -> Pair:
    """Powers of scores that are not held back, and their logarithm."""

    def after(scores: Any) -> Any:
        powers = pb.exp(60.0 * scores)
        return pb.log(powers / powers.sum(axis=1, keepdims=True))

    return base, base.but(edit=_wired(lambda hidden: hidden, after))


@fault("not a number", on=("blobs", "waves", "firsts"), accepted=("unscaled inputs",))
def holes_in_rows(base: Setting, draw: Draw) -> Pair:
    x = base.x.copy()
    rows = draw.rng.permutation(len(x))[: 40 if draw.severe else 3]
    x[rows, ..., 0] = np.nan if draw.severe else np.inf
    return base, base.but(x=x)


def _bend(y: Any, x: Any) -> Any:
    return 1.0 - y * y


@fault("wrong gradient rule", on=("rings", "waves", "strokes", "blobs"))
def wrong_slope(base: Setting, draw: Draw) -> Pair:
    """A tanh of one's own, whose slope has the wrong sign, or is its value, as that of exp."""
    base = base.but(widths=(*base.net.widths[:-1], 6))

    @pb.gate(partials=(_bend,))
    def right(m: Any, x: Any) -> Any:
        return m.tanh(x)

    def turned(y: Any, x: Any) -> Any:
        return -(1.0 - y * y) if draw.severe else 1.0 * y

    @pb.gate(partials=(turned,))
    def wrong(m: Any, x: Any) -> Any:
        return m.tanh(x)

    return base.but(edit=_wired(right)), base.but(edit=_wired(wrong))


# Sequences ---------------------------------------------------------------------------------------


@fault("loop too short", on=("firsts", "words"), accepted=("underfitting", "overfitting"))
def cut_sequences(base: Setting, draw: Draw) -> Pair:
    """A model that reads the last steps alone."""
    kept = 3 if draw.severe else 5

    def edit(model: Any, x: np.ndarray) -> Any:
        def forward(layers: Any, x: Any, training: Any) -> Any:
            return layers.body(x[:, -kept:], training=training)

        return pb.Model(forward, body=model, rng=model.rng)

    return base, base.but(edit=edit)


@fault(
    "loop too short",
    on=("firsts",),
    accepted=("underfitting", "overfitting", "label noise"),  # one symbol in ten is chance
)
def short_windows(base: Setting, draw: Draw) -> Pair:
    """Windows of a text, row by row, that end before the symbol that tells the next one."""
    classes, back = 4, 6
    rng, rows = draw.rng, len(base.x) + len(base.judged[0])
    text = [*rng.integers(classes, size=back)]
    for _ in range(rows + back):
        text.append((text[-back] + 1) % classes if rng.random() < 0.9 else rng.integers(classes))
    marks = np.eye(classes, dtype=np.float32)[np.array(text)]
    y = np.array(text[back : back + rows])

    def windows(steps: int) -> Setting:
        x = np.stack([marks[k + back - steps : k + back] for k in range(rows)])
        n = len(base.x)
        return base.but(x=x[:n], y=y[:n], judged=(x[n:], y[n:]), outputs=classes)

    return windows(back), windows(2 if draw.severe else 4)


_SILENT = ("learning rate too low", "underfitting", "learning rate too high")


@fault("only blanks", on=("strings", "strings"), accepted=_SILENT)
def loud_blank(base: Setting, draw: Draw) -> Pair:
    """The score of the blank starts far above all others."""
    loud = 50.0 if draw.severe else 30.0

    def edit(model: Any, x: np.ndarray) -> Any:
        model(x[:2])
        bias = [unit for name, unit in model.parameters.items() if name.endswith("bias")][-1]
        bias.value = np.where(np.arange(bias.size) == 0, loud, 0.0).astype(np.float32)
        return model

    return base, base.but(edit=edit)


@fault("only blanks", on=("strings", "strings"), accepted=_SILENT, instead=_SILENT[:1])
def few_steps(base: Setting, draw: Draw) -> Pair:
    """The training ends where CTC has learned that most frames are blank, and nothing else yet."""
    return base, base.faster(0.02 if draw.severe else 0.04)
