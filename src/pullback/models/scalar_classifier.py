"""A classifier of two classes on scalar wires, trained by pulling on it, one point at a time.

It knows nothing of the circuit that makes its score: it looks at the score, pulls it up or down,
and lets the parameters follow. Source: the guide, "Learning a Support Vector Machine".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.circuit import Circuit
from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.losses.hinge import hinge_force


class ScalarClassifier:
    """Learns +1 and -1 from points, by a force on the score and springs on the weights.

    `inputs` are the sources that a point is put on, `score` the wire whose sign is the class,
    `weights` the sources held by springs at zero, `biases` the sources that move freely.
    """

    def __init__(
        self, inputs: Sequence[Unit], score: Unit, weights: Sequence[Unit], biases: Sequence[Unit]
    ) -> None:
        self.inputs = tuple(inputs)
        self.score = score
        self.weights = tuple(weights)
        self.biases = tuple(biases)
        self.circuit = Circuit(score)

    def forward(self, point: Sequence[float]) -> float:
        """The score of a point; every wire carries its values after it."""
        if len(point) != len(self.inputs):
            raise CircuitError(f"a point has {len(self.inputs)} numbers, got {len(point)}")
        for unit, value in zip(self.inputs, point, strict=True):
            unit.value = value
        return self.score.forward()

    def learn_from(
        self, point: Sequence[float], label: int, step: float = 0.01, spring: float = 1.0
    ) -> None:
        """Pull the point's score towards its label, and move the parameters along.

        Each parameter moves by `step` times its gradient; a weight also feels -spring * weight.
        """
        score = self.forward(point)
        self.score.backward(float(hinge_force(score, label)))
        for unit in self.weights:
            unit.value += step * (unit.grad - spring * unit.value)
        for unit in self.biases:
            unit.value += step * unit.grad

    def fit(
        self,
        points: Any,
        labels: Sequence[int],
        *,
        iterations: int = 400,
        step: float = 0.01,
        spring: float = 1.0,
        seed: int = 0,
    ) -> list[float]:
        """Learn from random points, and return the accuracy on all of them after every 25.

        Raises `CircuitError` where labels are not +1 and -1 or there are not as many as points, and
        where the score becomes infinite or nan.
        """
        if len(points) != len(labels) or len(points) == 0:
            raise CircuitError(f"{len(points)} points and {len(labels)} labels; needed: as many")
        if not set(labels) <= {-1, 1}:
            raise CircuitError(f"labels must be +1 and -1, got {sorted(set(labels))}")
        rng = np.random.default_rng(seed)
        accuracies = []
        for iteration in range(1, iterations + 1):
            k = int(rng.integers(len(points)))
            self.learn_from(points[k], labels[k], step, spring)
            if iteration % 25 == 0 or iteration == iterations:
                accuracies.append(self.accuracy(points, labels))
        return accuracies

    def predict(self, point: Sequence[float]) -> int:
        """+1 where the score is positive, else -1.

        Raises `CircuitError` where the score is infinite or nan.
        """
        score = self.forward(point)
        if not math.isfinite(score):
            raise CircuitError(f"the score is {score}: learn anew with a smaller step")
        return 1 if score > 0.0 else -1

    def accuracy(self, points: Any, labels: Sequence[int]) -> float:
        """The share of points whose predicted class is their label."""
        right = [self.predict(p) == label for p, label in zip(points, labels, strict=True)]
        return sum(right) / len(right)
