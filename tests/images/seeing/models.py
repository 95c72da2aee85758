"""Small models and pictures on which what is seen can be computed otherwise."""

from __future__ import annotations

import numpy as np

import pullback as pb

CLASSES = ["cat", "dog", "owl"]


def classifier(shape=(8, 7, 1), *, dtype="float64", smooth=False, outputs=3) -> pb.Sequential:
    """A convolution, a bend, pooling and a dense layer, with weights of its own."""
    model = pb.Sequential(
        pb.Conv2d(4, 3, padding="same", dtype=dtype),
        pb.Tanh() if smooth else pb.ReLU(),
        pb.AveragePool2d(2),
        pb.Flatten(),
        pb.Dense(outputs, dtype=dtype),
        rng=3,
    )
    model(np.zeros((1, *shape), dtype))
    rng = np.random.default_rng(4)
    for unit in model.parameters.values():
        unit.value = rng.normal(size=unit.shape).astype(dtype)
    return model


def picture(shape=(8, 7, 1), seed=0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape)


def score(model, x, label) -> float:
    """The score of a class of one picture, eagerly."""
    return float(model(x[None]).value[0, label])


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
