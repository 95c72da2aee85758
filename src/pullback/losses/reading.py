"""In: the scores of a model. Out: what they answer, as the loss that trained it has them read.

Several classes have a score each, two may share one; some scores are logarithms of probabilities,
others are distances from a margin. Each loss declares which.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reading:
    """How the scores of a loss are read.

    The measures of a loss, and its use by the command line and the estimators, follow from it.
    `task` is "classification" or "regression", or "" where scores are neither classes nor near to
    the labels. `pair` is what the loss calls two classes that one score tells apart, the second
    where it is positive; None where each class has a score. `hinge` says that scores are distances
    from a margin, and `probable` that they give probabilities.
    """

    task: str = ""
    pair: tuple[int, int] | None = None
    hinge: bool = False
    probable: bool = False

    def fits(self, task: str, classes: int) -> bool:
        """Whether a model can be trained so for a task, of so many classes."""
        return self.task == task and (classes == 2 or self.pair is None)

    def outputs(self, classes: int) -> int:
        """How many scores a model needs: one for each class, or for a quantity."""
        return classes if classes and self.pair is None else 1

    def labels(self, labels: np.ndarray) -> np.ndarray:
        """Class numbers from 0, as the loss calls them; quantities as they are."""
        return labels if self.pair is None else np.array(self.pair)[labels]

    def by_class(self, scores: np.ndarray) -> np.ndarray:
        """The score of each class, (rows, classes), of which the highest wins.

        A single score is the lead of the second class over the first.

        >>> Reading("classification", pair=(-1, 1)).by_class(np.array([[3.0]]))
        array([[-1.5,  1.5]])
        """
        if self.pair is None:
            return scores
        return np.concatenate([-0.5 * scores, 0.5 * scores], axis=1)

    def probabilities(self, scores: np.ndarray) -> np.ndarray | None:
        """The probability of each class, (rows, classes); None where scores give none."""
        if not self.probable:
            return None
        scores = self.by_class(scores)
        shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)
