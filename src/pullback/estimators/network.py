"""In: an estimator's parameters, checked rows and prepared labels. Out: a trained network.

What the estimators share: scaling, the Trainer, stopping, the history and prediction.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite
from pullback.estimators.arguments import refuse_parameters
from pullback.layers import Sequential
from pullback.losses import L2, Loss, prepare_weights
from pullback.optim import Optimizer
from pullback.tables.parts import optimizer_of
from pullback.train import LBFGS, Event, History, Trainer
from pullback.train.data import in_dtype
from pullback.train.stopping import Stopping, creeping

_AUTO = 200  # rows of a batch, where there are as many
_OF_THE_MODEL = ("hidden", "activation", "dropout", "scale")  # a warm start keeps them
_BLOCK = 256  # rows that are predicted together, always: see `_scores`


def trains_by_minibatches(estimator: Any) -> bool:
    """Whether an estimator can go on with some rows at a time; if not, it says why."""
    if estimator.solver == "lbfgs":
        raise AttributeError("solver='lbfgs' needs all rows at once: it has no partial_fit")
    return True


class Network(BaseEstimator):
    """What the estimators share. A subclass is final, and names its parameters in `__init__`."""

    loss: str | Loss | None
    solver: str
    optimizer: str | Optimizer
    learning_rate: float | Literal["find"]
    l2: float
    batch_size: int | str
    epochs: int
    tol: float
    patience: int
    early_stopping: bool
    validation_fraction: float
    scale: bool
    warm_start: bool
    random_state: Any
    engine: str
    n_jobs: int | None
    verbose: bool

    model_: Sequential
    history_: History
    scaler_: Any  # a StandardScaler, or None

    def _keep(self, parameters: Mapping[str, Any]) -> None:
        """Keep the parameters as they were told to `__init__`: its own local names."""
        vars(self).update((name, value) for name, value in parameters.items() if name != "self")

    @abstractmethod
    def _network(self, outputs: int, seed: int) -> Sequential:
        """A model that has not seen data yet."""

    @abstractmethod
    def _spring(self, batch_weight: float) -> float:
        """The strength of the `L2` penalty, for batches of this weight: of plain rows, 1 each."""

    @abstractmethod
    def _chosen_loss(self) -> Loss:
        """The loss, for what is known of the labels."""

    @abstractmethod
    def _score_of(self, scores: np.ndarray, labels: np.ndarray, weights: Any) -> float:
        """How good the model's outputs are, for prepared labels: larger is better."""

    # Data ----------------------------------------------------------------------------------------

    def _read(self, X: Any, *, reset: bool, **options: Any) -> Any:
        """X, and y where it is given, as arrays of finite numbers. What is not scaled must fit."""
        dtype: Any = (np.float64, np.float32) if self.scale else np.float32
        return validate_data(self, X, reset=reset, dtype=dtype, **options)

    def _weights(self, x: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        if sample_weight is None:
            return None
        return prepare_weights(_check_sample_weight(sample_weight, x, dtype=np.float64), len(x))

    def _new_scaler(self, x: np.ndarray, weights: np.ndarray | None, what: str) -> Any:
        """What brings every column to mean 0 and variance 1; None where nothing shall."""
        if not self.scale:
            return None
        shares = None if weights is None else weights / weights.mean()
        with np.errstate(all="ignore"):
            scaler = StandardScaler().fit(x, None, shares)
        if not (is_finite(scaler.mean_) and is_finite(scaler.var_)):
            row = int(np.abs(x).max(axis=1).argmax())
            raise CircuitError(
                f"{what} has a number too large to be scaled (row {row}): its square overflows "
                "float64; divide the column first"
            )
        tiny = (scaler.var_ == 0.0) & (x.min(axis=0) != x.max(axis=0))
        if tiny.any() and np.ptp(x[:, int(tiny.argmax())]) < np.sqrt(np.finfo(float).tiny):
            raise CircuitError(
                f"column {int(tiny.argmax())} of {what} varies too little to be scaled: its "
                "variance is below what float64 holds; multiply the column first"
            )
        return scaler

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        x = x if self.scaler_ is None else self.scaler_.transform(x)
        return in_dtype(x, np.dtype(np.float32), "features, once scaled,")

    # Training ------------------------------------------------------------------------------------

    @property
    def _full_batch(self) -> bool:
        """Whether every step sees all rows: L-BFGS, rather than an optimizer of minibatches."""
        return self.solver == "lbfgs"

    def _continues(self) -> bool:
        """Whether `fit` goes on with the model that is there."""
        return bool(self.warm_start) and hasattr(self, "model_")

    def _start(
        self, x: np.ndarray, weights: np.ndarray | None, outputs: int, batch_weight: float
    ) -> None:
        """Make the model, and forget the one before."""
        try:
            random = check_random_state(self.random_state)
        except ValueError as error:
            raise CircuitError(f"random_state is no seed: {error}") from None
        self._seed = int(random.randint(np.iinfo(np.int32).max))
        self.scaler_ = self._new_scaler(x, weights, "X")
        self.model_ = self._network(outputs, self._seed)
        self.history_ = History()
        self._strength = self._spring(batch_weight)
        self._trainer = self._new_trainer()
        self._trained_with = self._described()
        self._made_with = self._made_of()

    def _made_of(self) -> dict[str, str]:
        """The parameters that decide what the model is, in words."""
        parameters = self.get_params(deep=False)
        return {name: repr(parameters[name]) for name in _OF_THE_MODEL if name in parameters}

    def _refuse_another_model(self) -> None:
        """Raise `CircuitError` where going on would not heed a parameter that was changed."""
        for name, now in self._made_of().items():
            if now != self._made_with[name]:
                raise CircuitError(
                    f"{name} was {self._made_with[name]} when the model was made and is {now} now; "
                    "to go on, set it back; for a new model call fit with warm_start=False"
                )

    def _described(self) -> dict[str, Any]:
        """The parameters that what trains is made of."""
        own = ("tol",) if self._full_batch else ("learning_rate", "optimizer")
        names = (*own, "solver", "loss", "l2", "engine", "n_jobs")
        return {name: getattr(self, name) for name in names}

    def _adopt(self, batch_weight: float) -> None:
        """Let parameters that were changed since the last call count in this one.

        Another learning rate leaves the Trainer what it remembers; anything else asks for another.
        """
        parameters, before = self._described(), self._trained_with
        changed = {name for name, value in parameters.items() if value != before.get(name)}
        if changed != {"learning_rate"} or isinstance(self.learning_rate, str):
            self._strength = self._spring(batch_weight)
            self._trainer = self._new_trainer()
        elif not isinstance(self.optimizer, Optimizer):
            self._trainer.learning_rate = self.learning_rate
        self._trained_with = parameters

    def _new_trainer(self) -> Trainer | LBFGS:
        shared: dict[str, Any] = {
            "penalties": [L2(self._strength)] if self._strength else [],
            "engine": self.engine,
            "threads": None if self.n_jobs == -1 else self.n_jobs,
            "seed": self._seed,
        }
        loss = self._chosen_loss()
        if self._full_batch:
            return LBFGS(self.model_, loss, gtol=self.tol, **shared)
        optimizer = optimizer_of(self.optimizer, self.learning_rate)
        return Trainer(self.model_, loss, optimizer, **shared)

    def _train(
        self,
        x: np.ndarray,
        labels: np.ndarray,
        weights: np.ndarray | None,
        outputs: int,
        *,
        start: bool,
        epochs: int | None = None,
        strata: np.ndarray | None = None,
    ) -> None:
        """Train on these rows; with `epochs` for just so many, without stopping early.

        Rows of weight 0 are left out, as if they were not there.
        """
        if weights is not None and not weights.all():
            counts = weights > 0.0
            x, labels, weights = x[counts], labels[counts], weights[counts]
            strata = None if strata is None else strata[counts]
        size = min(_AUTO if self.batch_size == "auto" else int(self.batch_size), len(x))
        if self._full_batch:
            size = len(x)
        batch_weight = size * (1.0 if weights is None else float(weights.mean()))
        if start:
            self._start(x, weights, outputs, batch_weight)
        else:
            self._refuse_another_model()
            if self._full_batch or self._described() != self._trained_with:
                self._adopt(batch_weight)
        x, labels = self._scaled(x), self._prepared(labels)
        held_out = None
        if self.early_stopping and epochs is None:
            x, labels, weights, held_out = self._split(x, labels, weights, strata)
        stopping = Stopping(
            "loss" if held_out is None else "validation_score",
            self.patience + 1,
            self.tol,
            larger=held_out is not None,
            keep=held_out is not None,
            judge=creeping,
        )

        def watch(event: Event) -> None:
            if held_out is None or event.kind != "epoch" or self._scored(event, *held_out):
                stopping(event)

        told: dict[str, Any] = {
            "weights": weights,
            "epochs": self.epochs if epochs is None else epochs,
            "progress": bool(self.verbose),
        }
        if isinstance(self._trainer, LBFGS):  # which knows itself when to end
            watching = () if held_out is None else watch
            history = self._trainer.fit(x, labels, callbacks=watching, **told)
        else:
            watching = watch if epochs is None else ()
            size = min(size, len(x))
            history = self._trainer.fit(x, labels, callbacks=watching, batch_size=size, **told)
        self._remember(history)
        if history.diverged and not stopping.kept:
            del self.model_  # what is left of it must not answer
            cures = [] if self.scale else ["scale=True"]
            if isinstance(self._trainer, Trainer):
                rate = self._trainer.optimizer.learning_rate
                cures.insert(0, f"a smaller learning_rate than {rate}")
            raise CircuitError(
                f"training diverged: {history.ended}; try {', or '.join(cures) or 'a larger l2'}"
            )

    @abstractmethod
    def _prepared(self, labels: np.ndarray) -> np.ndarray:
        """Labels as the loss takes them."""

    def _split(self, x: np.ndarray, labels: np.ndarray, weights: Any, strata: Any) -> Any:
        which, held = train_test_split(
            np.arange(len(x)),
            test_size=self.validation_fraction,
            random_state=self._seed,
            stratify=strata,
        )
        if len(held) < 2:
            raise CircuitError(
                f"a validation_fraction of {self.validation_fraction} holds out {len(held)} of "
                f"{len(x)} rows; early stopping needs 2 at least"
            )
        apart = [None if a is None else (a[which], a[held]) for a in (x, labels, weights)]
        training, validation = (
            [None if pair is None else pair[k] for pair in apart] for k in range(2)
        )
        return (*training, validation)

    def _scored(self, event: Event, x: np.ndarray, labels: np.ndarray, weights: Any) -> bool:
        """Whether the score of held-out rows, which becomes part of the history, is finite."""
        try:
            score = float(self._score_of(self._forward(x), labels, weights))
        except CircuitError:  # the model's outputs are not finite
            score = np.nan
        if np.isfinite(score):
            event.history.rows[-1]["validation_score"] = score
            return True
        event.history.diverged = True
        event.stop(f"the validation score became {score} in epoch {event.epoch}")
        return False

    def _remember(self, history: History) -> None:
        self.history_.rows.extend(history.rows)
        self.history_.ended = history.ended
        self.history_.notes.extend(history.notes)
        self.n_iter_ = len(self.history_)
        self.loss_curve_ = self.history_["loss"]
        self.best_loss_ = min(filter(np.isfinite, self.loss_curve_), default=np.nan)
        scores = [r["validation_score"] for r in self.history_.rows if "validation_score" in r]
        self.validation_scores_ = scores or None
        self.best_validation_score_ = max(scores, default=None)

    def _check(self) -> None:
        """Refuse parameters that nothing else would refuse by name."""
        parameters = self.get_params(deep=False)
        refuse_parameters(parameters)
        if self._full_batch and parameters.get("dropout"):
            raise CircuitError(
                "dropout draws anew at each step, and solver='lbfgs' needs a cost that is the same "
                "each time; set dropout=0, and use l2 to regularize"
            )

    # Prediction ----------------------------------------------------------------------------------

    def _scores(self, X: Any) -> np.ndarray:
        """The model's outputs, (rows, outputs)."""
        check_is_fitted(self, "model_")
        return self._forward(self._scaled(self._read(X, reset=False)))

    def _forward(self, x: np.ndarray) -> np.ndarray:
        """Outputs for scaled rows, by NumPy, so that nothing is compiled to predict.

        The rows are filled up to whole blocks: products of one size round alike, and so what is
        predicted for a row does not depend on how many others are there.
        """
        rows = len(x)
        filled = np.concatenate([x, np.zeros((-rows % _BLOCK, x.shape[1]), np.float32)])
        return self.model_.predict(filled, batch_size=_BLOCK)[:rows]
