"""In: a network's scores, and the loss that trained it. Out: answers, and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.losses import LOSSES
from pullback.metrics import Threshold
from pullback.tables.target import Target, label_array

if TYPE_CHECKING:
    import pandas as pd

_DIGITS = 6  # of probabilities, after the point


@dataclass(frozen=True)
class Answers:
    """What scores say, one row each.

    In classification `numbers` are class numbers and `by_class` (rows, classes) the scores of all
    classes, of which the highest wins, unless a threshold says otherwise. In regression `numbers`
    are quantities of the target's own unit, and `by_class` and `probabilities` are None, as these
    are where the loss gives none.
    """

    target: Target
    numbers: np.ndarray
    by_class: np.ndarray | None = None
    probabilities: np.ndarray | None = None

    @classmethod
    def of(
        cls, loss: str, target: Target, scores: Any, threshold: Threshold | None = None
    ) -> Answers:
        """The answers of scores (rows, outputs), by the loss of this name.

        A `threshold` of the probability of one of two classes answers in place of the likelier one.
        """
        scores, reading = np.asarray(scores, np.float64), LOSSES[loss].reading
        if not target.classes:
            return cls(target, target.decode(scores))
        by_class = reading.by_class(scores)
        probabilities = reading.probabilities(scores)
        numbers = by_class.argmax(axis=1)
        if threshold is not None and probabilities is not None:
            numbers = threshold.answers(probabilities)
        return cls(target, numbers, by_class, probabilities)

    @property
    def values(self) -> np.ndarray:
        """The answers as the table has them: labels of classes, or quantities."""
        classes = self.target.classes
        return label_array(classes)[self.numbers] if classes else self.numbers

    @property
    def probable(self) -> bool:
        """Whether there are probabilities."""
        return self.probabilities is not None

    @property
    def speaking(self) -> np.ndarray | None:
        """What speaks for each class, (rows, classes): its probability, or else its score."""
        return self.by_class if self.probabilities is None else self.probabilities

    @property
    def confidence(self) -> np.ndarray | None:
        """The probability of each answer or, without probabilities, its lead over the next class.

        A lead of 1 is the margin of a support vector machine. None in regression.
        """
        if self.by_class is None:
            return None
        if self.probabilities is not None:
            return self.probabilities[np.arange(len(self.numbers)), self.numbers]
        best = np.sort(self.by_class, axis=1)
        return best[:, -1] - best[:, -2]

    def table(self, index: pd.Index) -> pd.DataFrame:
        """The answers as a table: the line or row, the answer, and what speaks for each class."""
        import pandas as pd

        columns: dict[str, Any] = {str(index.name or "row"): np.asarray(index)}
        columns["prediction"] = self.values
        if self.by_class is not None:
            if self.probabilities is not None:
                what, numbers = "probability", self.probabilities.round(_DIGITS)
            else:  # as the network gave them: short texts
                what, numbers = "score", self.by_class.astype(np.float32)
            for k, label in enumerate(self.target.classes):
                columns[f"{what} of {label}"] = numbers[:, k]
        return pd.DataFrame(columns)
