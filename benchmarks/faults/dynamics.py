"""In: Settings that are well. Out: the same with rates, weights or penalties that let none learn.

How far a fault goes is drawn: a severe one leaves hardly anything to learn by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import pullback as pb
from benchmarks.faults.case import Draw, fault
from benchmarks.faults.setting import Setting

Pair = tuple[Setting, Setting]

_LOST = ("dying ReLUs", "saturated units", "exploding gradients", "not a number")


@fault("learning rate too high", on=("blobs", "waves", "strokes", "words"), accepted=_LOST)
def large_rate(base: Setting, draw: Draw) -> Pair:
    base = base.but(optimizer=pb.Adam(0.01))
    return base, base.faster(
        draw.rng.uniform(100, 300) if draw.severe else draw.rng.uniform(60, 90)
    )


@fault("learning rate too high", on=("scans", "rings"), accepted=_LOST)
def large_steps(base: Setting, draw: Draw) -> Pair:
    base = base.but(optimizer=pb.SGD(0.05, momentum=0.9))
    times = draw.rng.uniform(60, 200) if draw.severe else draw.rng.uniform(20, 40)
    return base, base.faster(times)


@fault(
    "learning rate too low",
    on=("blobs", "waves", "strokes", "firsts", "scans"),
    accepted=("underfitting",),
)
def small_rate(base: Setting, draw: Draw) -> Pair:
    times = draw.rng.uniform(1e-4, 5e-4) if draw.severe else draw.rng.uniform(0.005, 0.015)
    return base, base.faster(times)


@fault("dying ReLUs", on=("blobs", "rings", "strokes", "scans"))
def dead_units(base: Setting, draw: Draw) -> Pair:
    """Biases so low that most units, or all, are 0 for every row."""
    base = base.but(widths=(*base.net.widths[:-1], 12))
    share = 1.0 if draw.severe else 0.85

    def edit(model: Any, x: np.ndarray) -> Any:
        return _biased(model, x, lambda n: np.where(np.arange(n) < share * n, -40.0, 0.0))

    return base, base.but(edit=edit)


def _biased(model: Any, x: np.ndarray, of: Callable[[int], np.ndarray]) -> Any:
    """The model with other biases in the last hidden layer."""
    model(x[:2])
    bias = [unit for name, unit in model.parameters.items() if name.endswith("bias")][-2]
    bias.value = of(bias.size).astype(np.float32)
    return model


_SAME_START = ("badly scaled initialization",)


@fault(
    "saturated units",
    on=("blobs", "scans", "strokes"),
    accepted=("vanishing gradients", "exploding gradients"),
    instead=_SAME_START,
)
def flat_ends(base: Setting, draw: Draw) -> Pair:
    base = base.but(bend=pb.Tanh, initializer="glorot")
    deviation = 12.0 if draw.severe else 4.0
    return base, base.but(initializer={"name": "normal", "std": deviation})


@fault("saturated units", on=("scans", "blobs"), accepted=("vanishing gradients",))
def high_biases(base: Setting, draw: Draw) -> Pair:
    """A last hidden layer of sigmoids that all say 1."""
    base = base.but(bend=pb.Sigmoid, initializer="glorot", optimizer=pb.SGD(0.1, momentum=0.9))
    low, high = (8.0, 12.0) if draw.severe else (6.0, 8.0)

    def edit(model: Any, x: np.ndarray) -> Any:
        return _biased(model, x, lambda n: draw.rng.uniform(low, high, n))

    return base.but(epochs=40), base.but(edit=edit, epochs=40)


@fault("saturated units", on=("firsts",), accepted=("vanishing gradients",), instead=_SAME_START)
def flat_steps(base: Setting, draw: Draw) -> Pair:
    base = base.but(cell=pb.RNN)
    large = {"name": "normal", "std": 3.0}
    return base, base.but(recurrent={"initializer": large, "recurrent_initializer": large})


@fault("vanishing gradients", on=("blobs", "scans", "rings"), accepted=_SAME_START)
def deep_sigmoids(base: Setting, draw: Draw) -> Pair:
    depth = int(draw.rng.integers(8, 11) if draw.severe else draw.rng.integers(5, 7))
    base = base.but(widths=(24,) * depth, norm=True)
    return base, base.but(bend=pb.Sigmoid, initializer="glorot", norm=False)


@fault("vanishing gradients", on=("blobs", "strokes"), instead=_SAME_START)
def faint_weights(base: Setting, draw: Draw) -> Pair:
    """Tanhs with weights so small that hardly anything of the gradient comes through."""
    depth = 4 if base.net.kind == "picture" else 6
    base = base.but(bend=pb.Tanh, initializer="glorot", widths=(16,) * depth)
    base = base.but(optimizer=pb.SGD(0.05, momentum=0.9))
    deviation = 0.01 if draw.severe else 0.03
    return base, base.but(initializer={"name": "normal", "std": deviation})


@fault("vanishing gradients", on=("firsts",), accepted=_SAME_START)
def forgetful_steps(base: Setting, draw: Draw) -> Pair:
    weak = {"name": "normal", "std": 0.01 if draw.severe else 0.03}
    base = base.but(cell=pb.RNN, optimizer=pb.SGD(0.05, momentum=0.9))
    return base, base.but(recurrent={"recurrent_initializer": weak})


@fault("exploding gradients", on=("blobs", "scans", "strokes"), accepted=_LOST, instead=_SAME_START)
def loud_layers(base: Setting, draw: Draw) -> Pair:
    depth = 4 if base.net.kind == "picture" else 7
    base = base.but(widths=(24,) * depth, optimizer=pb.SGD(0.02, momentum=0.9), norm=False)
    scale = 18.0 if draw.severe else 12.0
    loud = {"name": "variance_scaling", "scale": scale}
    return base, base.but(initializer=loud)


@fault("exploding gradients", on=("firsts",), accepted=_LOST, instead=_SAME_START)
def loud_steps(base: Setting, draw: Draw) -> Pair:
    base = base.but(cell=pb.RNN)
    loud = {"name": "normal", "std": 1.5 if draw.severe else 0.8}
    return base, base.but(recurrent={"activation": "relu", "recurrent_initializer": loud})


_SAME = ("vanishing gradients", "underfitting", "badly scaled initialization", "dying ReLUs")


@fault("zero initialization", on=("blobs", "waves", "strokes"), accepted=_SAME)
def all_zero(base: Setting, draw: Draw) -> Pair:
    return base, base.but(initializer="zeros")


@fault("equal initialization", on=("blobs", "rings", "scans", "strokes"), accepted=_SAME)
def all_alike(base: Setting, draw: Draw) -> Pair:
    value = float(draw.rng.choice([0.01, 0.05, 0.1]))
    return base, base.but(initializer={"name": "constant", "value": value})


@fault(
    "badly scaled initialization",
    on=("blobs", "scans", "strokes", "waves"),
    accepted=(*_LOST, "learning rate too low"),
    instead=("exploding gradients",),
)
def large_weights(base: Setting, draw: Draw) -> Pair:
    deviation = 3.0 if draw.severe else 1.2
    base = base.but(optimizer=pb.Adam(0.005))
    return base, base.but(initializer={"name": "normal", "std": deviation})


@fault(
    "badly scaled initialization",
    on=("blobs", "scans", "rings"),
    accepted=("learning rate too low", "underfitting"),
    instead=("vanishing gradients",),
)
def small_weights(base: Setting, draw: Draw) -> Pair:
    base = base.but(widths=(32,) * 4, optimizer=pb.SGD(0.03, momentum=0.9))
    deviation = 1e-4 if draw.severe else 0.01
    return base, base.but(initializer={"name": "normal", "std": deviation})


_PULLED = ("underfitting", "vanishing gradients", "dying ReLUs")


@fault("penalty too strong", on=("blobs", "waves", "scans", "strokes", "firsts"), accepted=_PULLED)
def strong_penalty(base: Setting, draw: Draw) -> Pair:
    strength = draw.rng.uniform(0.3, 1.0) if draw.severe else draw.rng.uniform(0.03, 0.06)
    kind = [pb.L2, pb.L1][draw.rng.integers(2)]
    return base, base.but(penalties=(kind(float(strength)),))


@fault("penalty too strong", on=("rings", "scans"), accepted=_PULLED)
def strong_decay(base: Setting, draw: Draw) -> Pair:
    decayed = pb.AdamW(0.01, weight_decay=30.0 if draw.severe else 8.0)
    return base.but(optimizer=pb.AdamW(0.01)), base.but(optimizer=decayed)


@fault("batch too small", on=("blobs", "scans", "strokes"))
def tiny_batches(base: Setting, draw: Draw) -> Pair:
    """Normalization by two or three rows."""
    base = base.but(norm=True, optimizer=pb.Adam(0.01), epochs=5)
    return base, base.but(batch_size=2 if draw.severe else 3)


@fault("dropout at test time", on=("blobs", "scans", "strokes", "waves"))
def heavy_dropout(base: Setting, draw: Draw) -> Pair:
    return base, replace(base, edit=_dropping(0.95 if draw.severe else 0.85, at_test=False))


@fault("dropout at test time", on=("blobs", "waves", "scans"))
def chance_in_predictions(base: Setting, draw: Draw) -> Pair:
    rate = 0.7 if draw.severe else 0.5
    well = base.but(edit=_dropping(rate, at_test=False))
    return well, well.but(edit=_dropping(rate, at_test=True))


def _dropping(rate: float, *, at_test: bool) -> Callable[[Any, np.ndarray], Any]:
    """What puts a Dropout before the last layer, in training or always."""

    def edit(model: Any, x: np.ndarray) -> Any:
        *inner, last = model.layers
        if not at_test:
            return pb.Sequential(*inner, pb.Dropout(rate), last, rng=model.rng)

        def forward(layers: Any, x: Any, training: Any) -> Any:
            hidden = layers.body(x, training=training)
            dropped = layers.dropout(hidden, training=training or pb.Training(seed=1))
            return layers.head(dropped, training=training)

        body = pb.Sequential(*inner)
        return pb.Model(forward, body=body, dropout=pb.Dropout(rate), head=last, rng=model.rng)

    return edit
