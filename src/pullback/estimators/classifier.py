"""A multilayer perceptron that tells classes apart, as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.utils.metaestimators import available_if

from pullback.estimators.classification import Classifier
from pullback.layers import Sequential
from pullback.losses import Loss, SoftmaxCrossEntropy
from pullback.optim import Optimizer
from pullback.tables.parts import loss_of, multilayer


def _gives_probabilities(estimator: NetworkClassifier) -> bool:
    return estimator._chosen_loss().reading.probable


@final
class NetworkClassifier(Classifier):
    """A multilayer perceptron that tells classes apart.

    softmax(h @ weight + bias), where h is x through the `hidden` layers, each
    activation(h @ weight + bias); trained to make small
    mean(-log(probability of the label)) + l2 / (2 * batch_size) * sum(weight**2).

    Parameters
    ----------
    hidden : the sizes of the hidden layers; () makes logistic regression.
    activation : the name of a layer of one function: "relu", "tanh", "sigmoid", "gelu", "identity"
        and so on.
    loss : a `Loss` or the name of one; None is `SoftmaxCrossEntropy`. `predict_proba` is there for
        that and `BinaryCrossEntropy`. A `Loss` that has class weights knows classes by number.
    solver : "minibatch" trains by `optimizer`, one batch after another; "lbfgs" by L-BFGS, whose
        steps see all rows, see `LBFGS`: often the better one on some thousand rows or fewer. To it
        `optimizer`, `learning_rate`, `batch_size` and `patience` say nothing, `epochs` is the most
        steps, and `tol` as of `MLPClassifier`: it ends once no part of the slope is larger. There
        is no `dropout` with it and no `partial_fit`, and `early_stopping` alone ends it early.
    optimizer : the name of an optimizer, or an `Optimizer`, which has its own learning rate.
    l2 : the same as `MLPClassifier`'s alpha: the spring on the weights is divided by twice the
        batch size, which is all rows for "lbfgs"; where rows have weights, each counts as so many.
    batch_size : rows of a batch; "auto" is 200, or all rows where there are fewer.
    epochs : the most epochs that `fit` trains for.
    tol, patience : training ends once more than `patience` epochs in a row were not better by `tol`
        than the best before: by the training loss, or the accuracy on held-out rows.
    early_stopping : whether to hold out `validation_fraction` of the rows, watch the accuracy on
        them, and keep the model that was best.
    dropout : the share of each hidden layer that is switched off at random in training.
    scale : whether to bring every feature to mean 0 and variance 1 first, so that the units of
        the data do not matter. `model_` then takes scaled rows, `scaler_.transform(X)`.
    class_weight : how much a class counts, by label; "balanced" makes all count the same.
    warm_start : whether `fit` goes on with the model that is there.
    random_state : an int makes `fit` give the same bits each time.
    engine : what runs the training: "native", which compiles the step when it first meets a number
        of features, classes and rows to a batch, and finds it in the cache from then on; "eager",
        "eager-native" or "jax", as in `Trainer`. Prediction is by NumPy.
    n_jobs : how many threads share a step of a native engine, which gives the same bits for any
        number; None or -1 is as many as its work pays for, up to one for each physical core or
        `PULLBACK_THREADS`. Of searches that run several fits at once, by joblib, Dask or Ray, each
        process keeps to its share of the cores.
    verbose : whether to show how training goes on.

    Attributes
    ----------
    model_ : the trained `Sequential`, to draw, save and explain.
    history_ : a `History` of what each epoch measured.
    classes_ : the labels, sorted, in the order of the columns of `predict_proba`.
    scaler_ : the `StandardScaler` of the features, or None.
    loss_curve_, best_loss_ : the training loss after each epoch, and the lowest.
    validation_scores_, best_validation_score_ : with `early_stopping`, the accuracies; else None.
    n_iter_ : how many epochs were trained.
    n_features_in_, feature_names_in_ : as everywhere in scikit-learn.

    `score` is plain accuracy, which says little where one class is rare: there, judge by
    scikit-learn's "average_precision" or "balanced_accuracy", and let its
    `TunedThresholdClassifierCV` and `CalibratedClassifierCV` choose from which probability on a
    class is answered, and make probabilities right.

    The numbers inside are float32. A pickle or a copy goes on, by `partial_fit` or `warm_start`, as
    the original would, to the bit; another learning rate, loss, optimizer, l2, engine or n_jobs
    counts from the next call on.
    `fit` raises `CircuitError`, a `ValueError`, for parameters that are not as they should be.

    Source: Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors"
    (1986); the guide, "Generalizing the SVM into a Neural Network".

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> network = NetworkClassifier((16,), learning_rate=0.01, random_state=0, engine="eager")
    >>> network.fit(X, y).score(X, y) > 0.95
    True
    >>> network.predict_proba(X[:1]).round(1)
    array([[1., 0., 0.]])
    """

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
        class_weight: Mapping[Any, float] | str | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        engine: str = "native",
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self._keep(locals())

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class for each row of X, (rows, classes).

        Raises `NotFittedError` before `fit`, and `ValueError` for other features than those of fit.
        """
        scores = self._scores(X).astype(np.float64)
        found = self._chosen_loss().reading.probabilities(scores)
        assert found is not None  # else there is no such method
        return found

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithms of `predict_proba`, computed so that none is of a rounded 0."""
        scores = self._scores(X).astype(np.float64)
        if scores.shape[1] == 1:
            return log_expit(np.hstack([-scores, scores]))
        return log_softmax(scores, axis=1)

    def _network(self, outputs: int, seed: int) -> Sequential:
        return multilayer(self.hidden, self.activation, self.dropout, outputs, seed)

    def _spring(self, batch_weight: float) -> float:
        return 0.5 * self.l2 / batch_weight

    def _chosen_loss(self) -> Loss:
        return loss_of(self.loss, SoftmaxCrossEntropy())
