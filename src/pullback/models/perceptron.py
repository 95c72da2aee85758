"""The 2-layer network of the guide, on scalar wires: ReLU neurons, and one more that adds them."""

from __future__ import annotations

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.elementary import relu
from pullback.models.scalar_classifier import ScalarClassifier


def two_layer_network(
    inputs: int = 2, hidden: int = 3, rng: np.random.Generator | int = 0
) -> ScalarClassifier:
    """A classifier with one hidden layer; parameters start uniform between -0.5 and 0.5.

    Source: the guide, "Generalizing the SVM into a Neural Network".

    >>> points = [[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]]
    >>> labels = [1, -1, 1, -1, -1, 1]
    >>> network = two_layer_network(rng=0)
    >>> network.fit(points, labels, iterations=4000, spring=0.01)[-1]
    1.0
    """
    rng = np.random.default_rng(rng)

    def source(name: str) -> Unit:
        return Unit(rng.uniform(-0.5, 0.5), name)

    xs = [Unit(0.0, f"x{i}") for i in range(inputs)]
    weights, biases = [], []
    score = None
    for j in range(hidden):
        bias = source(f"c{j}")
        total = bias
        for i, x in enumerate(xs):
            w = source(f"w{i}{j}")
            weights.append(w)
            total = total + w * x
        v = source(f"v{j}")
        term = v * relu(total).named(f"n{j}")
        score = term if score is None else score + term
        weights.append(v)
        biases.append(bias)
    d = source("d")
    biases.append(d)
    out = d if score is None else score + d
    return ScalarClassifier(xs, out.named("score"), weights, biases)
