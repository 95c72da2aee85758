"""In: a classifier's answers and the truth. Out: what it takes for what, and its worst mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import refuse_outputs
from pullback.core.values import plain_array
from pullback.engines.prepare import refuse_engine
from pullback.figures import refuse_without_matplotlib
from pullback.images.seeing.given import (
    class_names,
    class_number,
    numbers_of,
    pictures_for,
)
from pullback.images.seeing.scores import Scorer, probabilities
from pullback.inspect.arguments import not_negative
from pullback.layers.layer import Layer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROWS = 1024  # pictures that are made floats at once


@dataclass(frozen=True, eq=False)
class Mistakes:
    """How often each class was taken for each, and the mistakes, the most confident ones first.

    `counts` is (classes, classes): rows are the true classes, columns the predicted ones. `wrong`
    are the numbers of the pictures that were mistaken, by falling probability of the class that
    they were taken for; `labels` and `predicted` have the true and the predicted class of every
    picture, `confidence` the probability of the predicted one.
    """

    names: tuple[str, ...]
    counts: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """The counts as shares of their rows; 0 in a row of a class that no picture has."""
        return self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)

    @property
    def accuracy(self) -> float:
        """The share of pictures that were taken for what they are."""
        return float((self.labels == self.predicted).mean())

    @property
    def wrong(self) -> np.ndarray:
        wrong = np.flatnonzero(self.labels != self.predicted)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")]


def mistakes(
    model_or_scores: Any,
    pictures: Any,
    labels: Any,
    classes: Sequence[Any] | None = None,
    *,
    engine: str = "native",
) -> Mistakes:
    """What a model takes for what: counts of true and predicted classes, and who was wrong.

    `model_or_scores` is a model, or scores or probabilities that one gave, (N, classes); `pictures`
    are (N, H, W, C), or (N, H, W) of one channel, where bytes are divided by 255; None will do with
    scores. A single score is the lead of the second of two classes. `labels` (N,) are class numbers
    from 0, or names in `classes`.

    Raises `CircuitError` where the rows are not as many as each other, or a label is no class.

    >>> found = mistakes([[2.0, 0.0], [3.0, 0.0], [0.0, 1.0]], None, [0, 1, 1], ["cat", "dog"])
    >>> found.counts
    array([[1, 0],
           [1, 1]])
    >>> found.wrong, found.accuracy
    (array([1]), 0.6666666666666666)
    """
    refuse_engine(engine, None)
    if isinstance(model_or_scores, Layer):
        scores = _scores(model_or_scores, pictures, engine)
    else:
        scores = plain_array(model_or_scores, "the scores")
        if scores.ndim != 2 or scores.dtype.kind not in "fiub" or 0 in scores.shape:
            raise CircuitError(
                f"scores are numbers (N, classes), or give a model; got {scores.dtype} of shape "
                f"{scores.shape}"
            )
        refuse_outputs([scores], [scores])
        if scores.shape[1] == 1 and (classes is None or len(classes) > 1):  # the second one's lead
            scores = np.concatenate([-0.5 * scores, 0.5 * scores], axis=1)
    rows, count = scores.shape
    names = class_names(classes, count)
    given = np.asarray(labels)
    if given.shape != (rows,) or (pictures is not None and len(pictures) != rows):
        seen = "no" if pictures is None else len(pictures)
        raise CircuitError(
            f"{rows} rows of scores need as many labels (N,) and pictures; got labels of shape "
            f"{given.shape} and {seen} pictures"
        )
    known = classes if given.dtype.kind in "USO" else None
    true = np.array([class_number(x, count, known) for x in given.tolist()])
    likely = probabilities(scores)
    predicted = likely.argmax(axis=1)
    counts = np.zeros((count, count), np.int64)
    np.add.at(counts, (true, predicted), 1)
    confidence = likely[np.arange(rows), predicted]
    return Mistakes(tuple(names), counts, true, predicted, confidence)


def confusion(
    model_or_scores: Any,
    pictures: Any,
    labels: Any,
    classes: Sequence[Any] | None = None,
    *,
    wrong: int = 12,
    engine: str = "native",
) -> Figure:
    """Draw the confusion matrix, and the pictures most confidently wrong (extra `plot`).

    A cell has a count and its share of the row, blue where the class was right and orange where it
    was not. Below are the `wrong` pictures whose wrong class had the highest probability. Arguments
    are those of `mistakes`, as is what is raised, and without matplotlib.

    >>> scores = [[2.0, 0.0], [3.0, 0.0], [0.0, 1.0]]
    >>> figure = confusion(scores, np.zeros((3, 8, 8)), [0, 1, 1], ["cat", "dog"])
    >>> len(figure.axes)
    2
    """
    refuse_without_matplotlib()
    not_negative(wrong=wrong)
    from pullback.images.seeing.drawing.table import draw_confusion

    found = mistakes(model_or_scores, pictures, labels, classes, engine=engine)
    if pictures is None:
        return draw_confusion(found, np.zeros((0, 1, 1, 1)), found.wrong[:0])
    shown = found.wrong[: int(wrong)]
    array = numbers_of(plain_array(pictures, "the pictures")[shown])
    array = array[..., None] if array.ndim == 3 else array
    if array.ndim != 4:
        raise CircuitError(f"pictures are (N, H, W, C) or (N, H, W), got {np.shape(pictures)}")
    return draw_confusion(found, array, shown)


def _scores(model: Layer, pictures: Any, engine: str) -> np.ndarray:
    scorer = Scorer(model, engine)
    given = plain_array(pictures, "the pictures")
    if given.ndim == 0 or len(given) == 0:
        raise CircuitError("there are no pictures to be told apart")
    parts = range(0, len(given), _ROWS)
    return np.concatenate([scorer(pictures_for(model, given[k : k + _ROWS])) for k in parts])
