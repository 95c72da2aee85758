"""The linear support vector machine as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, final

import numpy as np

from pullback.estimators.classification import Classifier
from pullback.layers import Sequential
from pullback.losses import Hinge, Loss, MulticlassHinge
from pullback.optim import Optimizer
from pullback.tables.parts import loss_of, multilayer


@final
class LinearSVM(Classifier):
    """A linear support vector machine, trained by minibatches.

    score = x @ weight + bias; trained to make small mean(max(0, 1 - y * score)) + l2 / 2 *
    sum(weight**2) with y = -1 or +1, and for more than two classes the mean of `MulticlassHinge`:
    max(0, score of another class - score of the label + 1), summed over the other classes.

    With l2 = 1 / (C * rows) that is what `LinearSVC(C=C, loss="hinge")` makes small, where there
    are two classes, and with l2 = alpha `SGDClassifier(alpha=alpha)`.

    Parameters
    ----------
    loss : a `Loss` or the name of one; None is `Hinge` for two classes, `MulticlassHinge` for more.
    solver : as in `NetworkClassifier`; "lbfgs" likes a loss without a kink: "SquaredHinge".
    l2 : the strength of the spring on each weight, which makes the margin wide.

    The others, and the attributes, are those of `NetworkClassifier`; besides them there are:

    coef_, intercept_ : weights (1 or classes, features) and biases (1 or classes,) for rows as they
        are, before scaling: decision_function(X) = X @ coef_.T + intercept_.

    `fit` raises `CircuitError`, a `ValueError`, for parameters that are not as they should be.
    Source: the guide, "Example: 2-D Support Vector Machine" and its outline, "Multiclass:
    Structured SVM"; Cortes and Vapnik, "Support-vector networks" (1995).

    >>> points = [[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]]
    >>> labels = ["up", "down", "up", "down", "down", "up"]
    >>> svm = LinearSVM(random_state=0, engine="eager").fit(points, labels)
    >>> svm.predict([[2.0, 0.0], [-2.0, 0.0]])
    array(['up', 'down'], dtype='<U4')
    """

    def __init__(
        self,
        *,
        loss: str | Loss | None = None,
        solver: str = "minibatch",
        optimizer: str | Optimizer = "adam",
        learning_rate: float | Literal["find"] = 1e-2,
        l2: float = 1e-4,
        batch_size: int | str = "auto",
        epochs: int = 200,
        tol: float = 1e-4,
        patience: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        scale: bool = True,
        class_weight: Mapping[Any, float] | str | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        engine: str = "native",
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self._keep(locals())

    def decision_function(self, X: Any) -> np.ndarray:
        """The score of each class, (rows, classes); for two classes (rows,), positive for the last.

        Raises `NotFittedError` before `fit`, and `ValueError` for other features than those of fit.
        """
        scores = self._scores(X).astype(np.float64)
        if len(self.classes_) != 2:
            return scores
        return scores[:, 0] if scores.shape[1] == 1 else scores[:, 1] - scores[:, 0]

    @property
    def coef_(self) -> np.ndarray:
        return self._plane()[0]

    @property
    def intercept_(self) -> np.ndarray:
        return self._plane()[1]

    def _plane(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights and biases for rows that are not scaled."""
        if not hasattr(self, "model_"):
            raise AttributeError("a LinearSVM has weights only after fit")
        weight, bias = (np.array(u.value, float) for u in self.model_.parameters.values())
        if len(self.classes_) == 2 and weight.shape[1] == 2:
            weight, bias = weight[:, 1:] - weight[:, :1], bias[1:] - bias[:1]
        if self.scaler_ is not None:
            weight = weight / self.scaler_.scale_[:, None]
            bias = bias - self.scaler_.mean_ @ weight
        return weight.T, bias

    def _network(self, outputs: int, seed: int) -> Sequential:
        return multilayer((), "identity", 0.0, outputs, seed)

    def _spring(self, batch_weight: float) -> float:
        return 0.5 * self.l2

    def _chosen_loss(self) -> Loss:
        several = hasattr(self, "classes_") and len(self.classes_) != 2
        return loss_of(self.loss, MulticlassHinge() if several else Hinge())
