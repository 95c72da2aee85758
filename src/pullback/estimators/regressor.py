"""A multilayer perceptron that comes near to numbers, as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, final

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from pullback.core.errors import CircuitError
from pullback.estimators.network import Network, trains_by_minibatches
from pullback.layers import Sequential
from pullback.losses import Loss, SquaredError
from pullback.losses.loss import fitting
from pullback.optim import Optimizer
from pullback.tables.parts import loss_of, multilayer
from pullback.train.data import in_dtype


@final
class NetworkRegressor(RegressorMixin, MultiOutputMixin, Network):
    """A multilayer perceptron that comes near to numbers.

    y = h @ weight + bias, where h is x through the `hidden` layers, each
    activation(h @ weight + bias); trained to make small
    mean((y - label)**2) + l2 / (2 * batch_size) * sum(weight**2).

    Parameters
    ----------
    loss : a `Loss` or the name of one: `SquaredError`, which None is, `AbsoluteError`, `Huber` or
        `Quantile`. It sees labels that are scaled, and so does Huber's `delta`.
    scale : whether to bring every feature, and every output's labels, to mean 0 and variance 1
        first, so that the units of the data do not matter; predictions are in the labels' own unit.
        `model_` then takes `scaler_.transform(X)` and answers in `target_scaler_`'s.
    l2 : with a loss of (y - label)**2 / 2 as `MLPRegressor` has, its alpha would be half of this.
    solver : as in `NetworkClassifier`: "minibatch" or "lbfgs".
    tol, patience : as in `NetworkClassifier`; what is watched is the training loss, or R² on
        held-out rows.

    The others, and the attributes, are those of `NetworkClassifier`, without the classes.

    y may have several columns: (rows, outputs). `fit` raises `CircuitError`, a `ValueError`, for
    parameters that are not as they should be.
    Source: the guide's outline, "Example: Regression".

    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> y = 1000 + 50 * X[:, 0] ** 2
    >>> network = NetworkRegressor((16,), batch_size=20, random_state=0, engine="eager")
    >>> network.fit(X, y).score(X, y) > 0.99
    True
    """

    target_scaler_: Any  # a StandardScaler, or None

    hidden: Sequence[int] | int
    activation: str
    dropout: float

    def __init__(
        self,
        hidden: Sequence[int] | int = (100,),
        activation: str = "relu",
        *,
        loss: str | Loss | None = None,
        solver: str = "minibatch",
        optimizer: str | Optimizer = "adam",
        learning_rate: float | Literal["find"] = 1e-3,
        l2: float = 1e-4,
        batch_size: int | str = "auto",
        epochs: int = 200,
        tol: float = 1e-4,
        patience: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        dropout: float = 0.0,
        scale: bool = True,
        warm_start: bool = False,
        random_state: Any = None,
        engine: str = "native",
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self._keep(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train on X (rows, features) and y (rows,) or (rows, outputs), and return self.

        `sample_weight` (rows,) says how much each row counts. Training starts anew, unless
        `warm_start` says otherwise.

        Raises `ValueError` where the data are not such, `CircuitError`, which is one, for
        parameters that are not as they should be.
        """
        return self._fit(X, y, sample_weight, start=not self._continues(), epochs=None)

    @available_if(trains_by_minibatches)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train for one epoch on these rows, going on where the last call ended; return self.

        The scale of features and labels is that of the first call's rows.
        """
        return self._fit(X, y, sample_weight, start=not hasattr(self, "model_"), epochs=1)

    def predict(self, X: Any) -> np.ndarray:
        """What the network makes of each row of X: (rows,), or (rows, outputs) if y was so.

        Raises `NotFittedError` before `fit`, and `ValueError` for other features than those of fit.
        """
        scores = self._scores(X).astype(np.float64)
        if self.target_scaler_ is not None:
            scores = self.target_scaler_.inverse_transform(scores)
        return scores.ravel() if self._single else scores

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, start: bool, epochs: int | None) -> Any:
        self._check()
        X, y = self._read(X, y=y, reset=start, multi_output=True, y_numeric=True)
        rows = y.reshape(len(y), -1).astype(np.float64)
        weights = self._weights(X, sample_weight)
        if start:
            self._single = y.ndim == 1
            self.target_scaler_ = self._new_scaler(rows, weights, "y")
        elif rows.shape[1] != self._outputs or self._single != (y.ndim == 1):
            raise CircuitError(f"y has another shape than in the first call: {y.shape}")
        self._outputs = rows.shape[1]
        self._train(X, rows, weights, rows.shape[1], start=start, epochs=epochs)
        return self

    def _prepared(self, labels: np.ndarray) -> np.ndarray:
        scaler = self.target_scaler_
        labels = labels if scaler is None else scaler.transform(labels)
        return in_dtype(labels, np.dtype(np.float32), "labels")

    def _score_of(self, scores: np.ndarray, labels: np.ndarray, weights: Any) -> float:
        return float(r2_score(labels, scores, sample_weight=weights))

    def _network(self, outputs: int, seed: int) -> Sequential:
        return multilayer(self.hidden, self.activation, self.dropout, outputs, seed)

    def _spring(self, batch_weight: float) -> float:
        return 0.5 * self.l2 / batch_weight

    def _chosen_loss(self) -> Loss:
        loss = loss_of(self.loss, SquaredError())
        if loss.reading.task != "regression":
            raise CircuitError(
                f"{type(loss).__name__} is no loss of a NetworkRegressor; take one of "
                f"{', '.join(fitting('regression'))}"
            )
        return loss
