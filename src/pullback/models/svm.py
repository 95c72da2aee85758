"""The support vector machine of the guide: score = a*x + b*y + c, on scalar wires."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.core.unit import Unit
from pullback.models.scalar_classifier import ScalarClassifier


def svm(weights: Sequence[float] = (1.0, -2.0), bias: float = -1.0) -> ScalarClassifier:
    """A linear classifier of points with one number for each weight.

    Source: the guide, "Learning a Support Vector Machine", whose starting values are the default.

    >>> points = [[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]]
    >>> labels = [1, -1, 1, -1, -1, 1]
    >>> machine = svm()
    >>> machine.accuracy(points, labels)
    0.6666666666666666
    >>> machine.fit(points, labels, iterations=400, seed=11)[-1]
    1.0
    """
    xs = [Unit(0.0, f"x{i}") for i in range(len(weights))]
    ws = [Unit(w, f"w{i}") for i, w in enumerate(weights)]
    c = Unit(bias, "bias")
    score = ws[0] * xs[0]
    for w, x in zip(ws[1:], xs[1:], strict=True):
        score = score + w * x
    return ScalarClassifier(xs, (score + c).named("score"), ws, [c])
