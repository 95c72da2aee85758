"""In: a model and pictures. Out: scores, probabilities, and the slope of a score by pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import refuse_outputs
from pullback.core.gradient import gradient
from pullback.core.unit import Unit
from pullback.engines.prepare import prepare
from pullback.gates.shape import concatenate
from pullback.images.seeing.outputs import run
from pullback.images.trained import softmax
from pullback.layers.layer import Layer
from pullback.program.program import Program
from pullback.train.predictor import Predictor

_ROWS = 32  # pictures whose slopes are computed at once
_SUM = 1e-4  # how far from 1 probabilities may add up


def by_class(scores: Unit) -> Unit:
    """A score for each class, (N, classes): of a single score, the lead of the second of two.

    Raises `CircuitError` where a model answers by something else.
    """
    if len(scores.shape) != 2:
        raise CircuitError(
            f"the model makes {scores.shape[1:]} of a picture, not a score for each class"
        )
    if scores.shape[1] > 1:
        return scores
    return concatenate([-0.5 * scores, 0.5 * scores], axis=1)


def probabilities(scores: np.ndarray) -> np.ndarray:
    """The softmax of the scores of each row; rows that add up to 1 already are left as they are.

    >>> probabilities(np.array([[0.0, 0.0]])), probabilities(np.array([[0.2, 0.8]]))
    (array([[0.5, 0.5]]), array([[0.2, 0.8]]))
    """
    scores = scores.astype(np.float64)
    if (scores >= 0.0).all() and (np.abs(scores.sum(axis=1) - 1.0) <= _SUM).all():
        return scores
    return softmax(scores)


class Scorer:
    """The scores of each class, (N, classes), for as many pictures as one likes.

    Raises `CircuitError` where the model's answers are no scores of classes, or not finite.
    """

    def __init__(self, model: Layer, engine: str) -> None:
        self._predict = Predictor(lambda x, training: by_class(run(model, x)[0]), engine)

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        (scores,) = self._predict([pictures])
        refuse_outputs([scores], [pictures])
        return scores


@dataclass(frozen=True, eq=False)
class Slopes:
    """The scores of one class, (N,), and their gradients by the pixels, (N, H, W, C)."""

    scores: np.ndarray
    gradients: np.ndarray


def slopes(model: Layer, pictures: np.ndarray, label: int, engine: str) -> Slopes:
    """How the score of a class changes with each pixel, of each picture by itself."""
    size = min(len(pictures), _ROWS)
    x = Unit(pictures[:size], "pictures")
    score = by_class(run(model, x)[0])[:, label]
    program = Program({"pictures": x}, {"score": score, "slope": gradient(score, x)}, {})
    step = prepare(engine, program)
    scores, gradients = [], []
    for first in range(0, len(pictures), size):
        some = pictures[first : first + size]
        filled = np.concatenate([some, np.repeat(some[-1:], size - len(some), axis=0)])
        made = step(pictures=filled)
        scores.append(np.array(made["score"])[: len(some)])
        gradients.append(np.array(made["slope"])[: len(some)])
    return Slopes(np.concatenate(scores), np.concatenate(gradients))
