"""In: a network's scores, and the loss that trained it. Out: answers, and how sure they are.

Each loss reads its scores in its own way: several classes have a score each, two may share one;
some scores are logarithms of probabilities, others are distances from a margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.datasets import Target
from pullback.datasets.target import label_array


@dataclass(frozen=True)
class Reading:
    """How the scores of a loss are read.

    `single` says that one score tells two classes apart, `signs` that its labels are -1 and +1,
    and `probable` that scores give probabilities.
    """

    task: str
    single: bool = False
    signs: bool = False
    probable: bool = False


READINGS: dict[str, Reading] = {
    "SoftmaxCrossEntropy": Reading("classification", probable=True),
    "MulticlassHinge": Reading("classification"),
    "BinaryCrossEntropy": Reading("classification", single=True, probable=True),
    "Hinge": Reading("classification", single=True, signs=True),
    "SquaredHinge": Reading("classification", single=True, signs=True),
    "SquaredError": Reading("regression"),
    "AbsoluteError": Reading("regression"),
    "Huber": Reading("regression"),
    "Quantile": Reading("regression"),
}


def fitting(task: str, classes: int) -> list[str]:
    """The losses that a task with so many classes can be trained with.

    >>> fitting("classification", 3)
    ['SoftmaxCrossEntropy', 'MulticlassHinge']
    """
    return [
        name
        for name, reading in READINGS.items()
        if reading.task == task and (classes == 2 or not reading.single)
    ]


def outputs(loss: str, classes: int) -> int:
    """How many scores a network needs."""
    return 1 if READINGS[loss].single or not classes else classes


def labels_for(loss: str, labels: np.ndarray) -> np.ndarray:
    """Labels of a `Dataset` as this loss takes them."""
    return 2 * labels - 1 if READINGS[loss].signs else labels


@dataclass(frozen=True)
class Answers:
    """What scores say, one row each.

    In classification `numbers` are class numbers and `by_class` (rows, classes) the scores of all
    classes, of which the highest wins. In regression `numbers` are quantities of the target's own
    unit, and `by_class` is None.
    """

    loss: str
    target: Target
    numbers: np.ndarray
    by_class: np.ndarray | None = None

    @classmethod
    def of(cls, loss: str, target: Target, scores: Any) -> Answers:
        """The answers of scores (rows, outputs)."""
        scores = np.asarray(scores, np.float64)
        if not target.classes:
            return cls(loss, target, target.decode(scores))
        if scores.shape[1] == 1:  # s stands for the lead of the second class over the first
            scores = np.concatenate([-0.5 * scores, 0.5 * scores], axis=1)
        return cls(loss, target, scores.argmax(axis=1), scores)

    @property
    def values(self) -> np.ndarray:
        """The answers as the table has them: labels of classes, or quantities."""
        classes = self.target.classes
        return label_array(classes)[self.numbers] if classes else self.numbers

    @property
    def probabilities(self) -> np.ndarray | None:
        """The probability of each class (rows, classes); None where the loss gives none."""
        if self.by_class is None or not READINGS[self.loss].probable:
            return None
        shifted = np.exp(self.by_class - self.by_class.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)

    @property
    def confidence(self) -> np.ndarray | None:
        """The probability of each answer or, without probabilities, its lead over the next class.

        A lead of 1 is the margin of a support vector machine. None in regression.
        """
        if self.by_class is None:
            return None
        probabilities = self.probabilities
        if probabilities is not None:
            return probabilities.max(axis=1)
        best = np.sort(self.by_class, axis=1)
        return best[:, -1] - best[:, -2]
