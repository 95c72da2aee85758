"""What every layer computes, written a second time: in NumPy and SciPy, never in gates.

A layer that is not in this table fails the tests: add its name, with at least one case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special
from tests.layers import pictures

from pullback.layers import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    Cutout,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Identity,
    Layer,
    LayerNorm,
    LeakyReLU,
    Maxout,
    Parallel,
    PReLU,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomShift,
    ReLU,
    Reshape,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)

F8 = {"dtype": "float64"}


@dataclass(frozen=True)
class Case:
    """A layer of double precision, the shape of a row of its input, and what it computes.

    `predicted` and `trained` are functions of the input and of the parameters and state by name;
    without `trained`, training is prediction. `integers` says below which number inputs are drawn.
    """

    make: Callable[[], Layer]
    row: tuple[int, ...]
    predicted: Callable[..., np.ndarray]
    trained: Callable[..., np.ndarray] | None = None
    integers: int = 0
    least_rows: int = 0  # that training takes

    def inputs(self, rows: int, seed: int = 0) -> np.ndarray:
        """Numbers without a zero among them, where most kinks are."""
        rng = np.random.default_rng(seed)
        shape = (rows, *self.row)
        if self.integers:
            return rng.integers(self.integers, size=shape)
        return rng.choice((-1.0, 1.0), shape) * rng.uniform(0.1, 2.0, shape)

    def reference(self, x: np.ndarray, numbers: dict[str, np.ndarray], training: bool) -> Any:
        function = self.trained if training and self.trained else self.predicted
        return function(x, numbers)


def leaky(x, slope):
    return np.maximum(x, 0.0) + slope * np.minimum(x, 0.0)


def elu(x, alpha):
    return np.array([v if v > 0 else alpha * np.expm1(v) for v in x.ravel()]).reshape(x.shape)


def dense(x, p, name):
    return np.einsum("...i,ij->...j", x, p[f"{name}.weight"]) + p[f"{name}.bias"]


def maxout(x, p, units, pieces):
    sums = dense(x, p, "maxout")
    return np.stack(
        [np.max(sums[..., k * pieces : (k + 1) * pieces], axis=-1) for k in range(units)], axis=-1
    )


def layer_norm(x, p):
    y = [(v - v.mean()) / (v.std() ** 2 + 1e-5) ** 0.5 for v in x.reshape(-1, x.shape[-1])]
    return np.reshape(y, x.shape) * p["layernorm.scale"] + p["layernorm.bias"]


def batch_norm(x, p):
    y = (x - p["batchnorm.mean"]) / (p["batchnorm.variance"] + 1e-5) ** 0.5
    return y * p["batchnorm.scale"] + p["batchnorm.bias"]


def batch_norm_trained(x, p):
    rows = x.reshape(-1, x.shape[-1])
    y = (x - rows.mean(0)) / (rows.var(0) + 1e-5) ** 0.5
    return y * p["batchnorm.scale"] + p["batchnorm.bias"]


def dropout(x, p):
    """By the reference of the generator, at seed, step and stream 0."""
    from tests.gates.reference import REFERENCES

    drawn = REFERENCES["random"](
        0, 0, shape=x.shape, stream=0, kind="uniform", dtype=np.dtype("float32")
    )
    return np.where(drawn >= 0.25, x / 0.75, 0.0)


def elementwise(make, function):
    return [Case(make, (3, 2), lambda x, p: function(x)), Case(make, (), lambda x, p: function(x))]


def augmented(make, function, row=(5, 4, 2), predicted=lambda x: x):
    """A layer that changes pictures in training."""
    return Case(make, row, lambda x, p: predicted(x), lambda x, p: function(x))


CASES: dict[str, list[Case]] = {
    "BatchNorm": [
        Case(lambda: BatchNorm(**F8), (3,), batch_norm, batch_norm_trained, least_rows=2),
        Case(lambda: BatchNorm(0.5, **F8), (2, 3), batch_norm, batch_norm_trained, least_rows=1),
    ],
    "Cutout": [
        augmented(lambda: Cutout(3), lambda x: pictures.cut_out(x, (3, 3))),
        augmented(
            lambda: Cutout((2, 1), "mean"),
            lambda x: pictures.cut_out(x, (2, 1), "mean"),
            (3, 4, 3),
        ),
    ],
    "Dense": [
        Case(lambda: Dense(4, **F8), (3,), lambda x, p: dense(x, p, "dense")),
        Case(lambda: Dense(1, **F8), (5, 2), lambda x, p: dense(x, p, "dense")),
        Case(
            lambda: Dense(4, bias=False, initializer="orthogonal", **F8),
            (3,),
            lambda x, p: np.tensordot(x, p["dense.weight"], 1),
        ),
    ],
    "Dropout": [
        Case(lambda: Dropout(0.25), (3,), lambda x, p: x, dropout),
        Case(lambda: Dropout(0.0), (3,), lambda x, p: x),
    ],
    "ELU": elementwise(lambda: ELU(0.7), lambda x: elu(x, 0.7)),
    "Embedding": [
        Case(
            lambda: Embedding(7, 3, **F8),
            row,
            lambda x, p: np.eye(7)[x] @ p["embedding.table"],
            integers=7,
        )
        for row in [(), (4,)]
    ],
    "Flatten": [
        Case(Flatten, (2, 3), lambda x, p: np.array([v.ravel() for v in x]).reshape(len(x), 6)),
        Case(Flatten, (), lambda x, p: x[:, None]),
    ],
    "GELU": [
        *elementwise(GELU, lambda x: x * special.ndtr(x)),
        *elementwise(
            lambda: GELU(approximate=True),
            lambda x: x / 2 * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))),
        ),
    ],
    "Identity": elementwise(Identity, lambda x: x),
    "LayerNorm": [
        Case(lambda: LayerNorm(**F8), (5,), layer_norm),
        Case(lambda: LayerNorm(**F8), (2, 3), layer_norm),
    ],
    "LeakyReLU": elementwise(lambda: LeakyReLU(0.2), lambda x: leaky(x, 0.2)),
    "Maxout": [
        Case(lambda: Maxout(3, **F8), (4,), lambda x, p: maxout(x, p, 3, 2)),
        Case(lambda: Maxout(2, 5, **F8), (2, 3), lambda x, p: maxout(x, p, 2, 5)),
    ],
    "PReLU": [Case(lambda: PReLU(**F8), (3,), lambda x, p: leaky(x, p["prelu.slope"]))],
    "Parallel": [
        Case(
            lambda: Parallel(Dense(2, **F8), Tanh()),
            (3,),
            lambda x, p: np.hstack([dense(x, p, "dense1"), np.tanh(x)]),
        ),
        Case(
            lambda: Parallel(Dense(2, **F8), Dense(2, **F8), join="add"),
            (3,),
            lambda x, p: dense(x, p, "dense1") + dense(x, p, "dense2"),
        ),
    ],
    "RandomBrightness": [
        augmented(lambda: RandomBrightness(0.3), lambda x: pictures.brightened(x, 0.3)),
        augmented(
            lambda: RandomBrightness(0.7, limits=(-1.0, 1.5)),
            lambda x: pictures.brightened(x, 0.7, (-1.0, 1.5)),
            (2, 3, 1),
        ),
    ],
    "RandomContrast": [
        augmented(lambda: RandomContrast(0.5), lambda x: pictures.contrasted(x, 0.5)),
        augmented(
            lambda: RandomContrast(1, (-1, 1.5)),
            lambda x: pictures.contrasted(x, 1, (-1, 1.5)),
            (2, 3, 1),
        ),
    ],
    "RandomCrop": [
        augmented(
            lambda: RandomCrop((4, 3), padding=1),
            lambda x: pictures.cropped(x, (4, 3), (1, 1)),
            predicted=lambda x: pictures.middle(x, (4, 3)),
        ),
        augmented(
            lambda: RandomCrop(2),
            lambda x: pictures.cropped(x, (2, 2)),
            (3, 5, 1),
            lambda x: pictures.middle(x, (2, 2)),
        ),
        augmented(
            lambda: RandomCrop(4, (1, 2), fill="edge"),
            lambda x: pictures.cropped(x, (4, 4), (1, 2), "edge"),
            (2, 1, 3),
            lambda x: pictures.middle(x, (4, 4), (1, 2), "edge"),
        ),
    ],
    "RandomErasing": [
        augmented(lambda: RandomErasing(), pictures.erased),
        augmented(
            lambda: RandomErasing(0.9, (0.3, 0.9), (0.2, 2.0), "mean"),
            lambda x: pictures.erased(x, 0.9, (0.3, 0.9), (0.2, 2.0), "mean"),
            (3, 4, 1),
        ),
    ],
    "RandomFlip": [
        augmented(RandomFlip, pictures.flipped),
        augmented(
            lambda: RandomFlip(vertical=True),
            lambda x: pictures.flipped(x, vertical=True),
            (3, 4, 3),
        ),
        augmented(
            lambda: RandomFlip(False, True), lambda x: pictures.flipped(x, False, True), (3, 2, 1)
        ),
    ],
    "RandomRotation": [
        augmented(lambda: RandomRotation(30), lambda x: pictures.rotated(x, 30)),
        augmented(
            lambda: RandomRotation(180, fill=1.5),
            lambda x: pictures.rotated(x, 180, 1.5),
            (3, 6, 1),
        ),
        augmented(
            lambda: RandomRotation(90, "edge"), lambda x: pictures.rotated(x, 90, "edge"), (4, 4, 3)
        ),
    ],
    "RandomShift": [
        augmented(lambda: RandomShift(2, 1), lambda x: pictures.shifted(x, 2, 1)),
        augmented(
            lambda: RandomShift(0.4, 0, fill=-2.0),
            lambda x: pictures.shifted(x, 1, 0, -2.0),
            (3, 2, 1),
        ),
        augmented(
            lambda: RandomShift(4, 0.5, "edge"),
            lambda x: pictures.shifted(x, 4, 2, "edge"),
            (2, 4, 3),
        ),
    ],
    "ReLU": elementwise(ReLU, lambda x: x * (x > 0)),
    "Reshape": [
        Case(lambda: Reshape((3, -1)), (2, 6), lambda x, p: x.reshape(len(x), 3, 4)),
        Case(lambda: Reshape([]), (1,), lambda x, p: x[:, 0]),
    ],
    "Residual": [
        Case(
            lambda: Residual(Dense(3, **F8), Tanh()),
            (3,),
            lambda x, p: x + np.tanh(dense(x, p, "dense1")),
        ),
        Case(
            lambda: Residual(Dense(4, **F8), project=True, **F8),
            (3,),
            lambda x, p: x @ p["projection"] + dense(x, p, "dense1"),
        ),
    ],
    "SELU": elementwise(SELU, lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772)),
    "Sequential": [
        Case(
            lambda: Sequential(Dense(4, **F8), Sigmoid(), Sequential(Dense(2, **F8)), rng=3),
            (3,),
            lambda x, p: dense(special.expit(dense(x, p, "dense1")), p, "sequential1.dense1"),
        )
    ],
    "SiLU": elementwise(SiLU, lambda x: x / (1 + np.exp(-x))),
    "Sigmoid": elementwise(Sigmoid, special.expit),
    "Softmax": [Case(Softmax, (5,), lambda x, p: special.softmax(x, axis=-1))],
    "Softplus": elementwise(Softplus, lambda x: np.logaddexp(x, 0)),
    "Tanh": elementwise(Tanh, np.tanh),
}
