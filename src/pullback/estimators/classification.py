"""In: labels of any kind, and weights. Out: class numbers or signs to train with; and labels again.

What the estimators that tell classes apart share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from pullback.core.errors import CircuitError
from pullback.estimators.network import Network, trains_by_minibatches
from pullback.losses.class_weights import balance


class Classifier(ClassifierMixin, Network):
    """A network that tells classes apart. A subclass is final."""

    class_weight: Mapping[Any, float] | str | None
    classes_: np.ndarray

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train on X (rows, features) and the labels y (rows,) of any kind, and return self.

        `sample_weight` (rows,) says how much each row counts; with `class_weight` both multiply.
        Training starts anew, unless `warm_start` says otherwise.

        Raises `ValueError` where the data are not such, `CircuitError`, which is one, for
        parameters that are not as they should be.
        """
        return self._fit(X, y, sample_weight, start=not self._continues())

    @available_if(trains_by_minibatches)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Train for one epoch on these rows, going on where the last call ended; return self.

        The first call needs `classes`, all that there will be, unless `y` has them all. The scale
        of the features is that of the first call's rows.

        Raises `ValueError` as `fit` does, where `classes` differ from those of before, and for a
        `class_weight` of "balanced", which needs all labels at once.
        """
        start = not hasattr(self, "model_")
        return self._fit(X, y, sample_weight, start=start, classes=classes, epochs=1)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        start: bool,
        classes: Any = None,
        epochs: int | None = None,
    ) -> Any:
        self._check()
        if epochs is not None and isinstance(self.class_weight, str):
            raise CircuitError(
                f"class_weight={self.class_weight!r} needs all labels at once; for partial_fit "
                "give a dict, or sample weights"
            )
        X, y = self._read(X, y=y, reset=start)
        _refuse_unlike(y)
        check_classification_targets(y)
        if classes is not None:
            _refuse_unlike(classes)
        if start:
            self.classes_ = np.unique(y if classes is None else classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise CircuitError(
                f"classes are not those of the first call, {self.classes_}: got {classes}"
            )
        numbers = self._numbers(y)
        weights = self._weights_of(X, y, numbers, sample_weight)
        outputs = self._outputs()
        self._train(X, numbers, weights, outputs, start=start, epochs=epochs, strata=numbers)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest label of each row of X, (rows,).

        Raises `NotFittedError` before `fit`, and `ValueError` for other features than those of fit.
        """
        check_is_fitted(self, "model_")
        return self.classes_[self._decided(self._scores(X))]

    def _weights_of(self, x: np.ndarray, y: np.ndarray, numbers: np.ndarray, given: Any) -> Any:
        """The weight of each row, by itself and by its class; None where all weigh the same."""
        weights = self._weights(x, given)
        if self.class_weight is None:
            return weights
        if isinstance(self.class_weight, str):
            of_class = balance(np.bincount(numbers, weights, len(self.classes_)))
        else:
            of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        return of_class[numbers] if weights is None else weights * of_class[numbers]

    def _numbers(self, y: np.ndarray) -> np.ndarray:
        """The place of each label among the classes."""
        places = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        wrong = np.flatnonzero(self.classes_[places] != y)
        if len(wrong):
            label = y[wrong[0] : wrong[0] + 1].tolist()[0]
            raise CircuitError(
                f"label {label!r} (row {wrong[0]}) is none of the classes {self.classes_}"
            )
        return places

    def _outputs(self) -> int:
        loss, classes = self._chosen_loss(), len(self.classes_)
        if loss.reading.pair is not None and classes != 2:
            raise CircuitError(
                f"{type(loss).__name__} tells 2 classes apart, got {classes}; take a "
                "loss for several, such as SoftmaxCrossEntropy or MulticlassHinge"
            )
        return loss.reading.outputs(classes)

    def _prepared(self, labels: np.ndarray) -> np.ndarray:
        return self._chosen_loss().reading.labels(labels)

    def _score_of(self, scores: np.ndarray, labels: np.ndarray, weights: Any) -> float:
        found = self._prepared(self._decided(scores))
        return float(accuracy_score(labels, found, sample_weight=weights))

    def _decided(self, scores: np.ndarray) -> np.ndarray:
        """The number of each row's class."""
        return self._chosen_loss().reading.by_class(scores).argmax(axis=1)


def _refuse_unlike(labels: Any) -> None:
    """Raise `CircuitError` at the first label that is missing, or no text among texts."""
    labels = np.asarray(labels)
    if labels.dtype != object:
        return
    first = labels[0]
    for row, label in enumerate(labels):
        if label is None:
            raise CircuitError(f"the label of row {row} is None; leave rows without a label out")
        if isinstance(label, str) != isinstance(first, str):
            raise CircuitError(
                f"labels are texts or numbers, not both: row 0 has {first!r}, row {row} {label!r}"
            )
