"""In: a trial of Optuna's, and what it trains. Out: the trial hears how it goes, and may end it.

For searches of your own over anything: a `Trainer` reports its epochs, an estimator its folds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.search.storage import optuna
from pullback.train.callbacks import Callback, Event, watched

if TYPE_CHECKING:
    from optuna.trial import Trial


def pruning(trial: Trial, monitor: str = "validation_loss") -> Callback:
    """A callback for `Trainer.fit` that reports each epoch to the trial, and ends hopeless ones.

    The trial hears `measured[monitor]` after every epoch, counted from 1 in each fit. Where the
    study's pruner thinks little of it, training ends by `optuna.TrialPruned`, which the study
    understands: give one trial one fit. Choose the study's direction by what is monitored.

    Raises `CircuitError` where nothing of that name is measured, and where optuna is missing
    (extra `search`).

    >>> import optuna
    >>> import pullback as pb
    >>> def objective(trial):
    ...     rate = trial.suggest_float("rate", 1e-3, 1.0, log=True)
    ...     line = pb.Sequential(pb.Dense(1), pb.Reshape(()))
    ...     trainer = pb.Trainer(line, pb.SquaredError(), pb.SGD(rate), engine="eager")
    ...     x = np.linspace(-1.0, 1.0, 32)[:, None]
    ...     told = {"epochs": 8, "batch_size": 4, "validation": 0.25}
    ...     history = trainer.fit(x, 3.0 * x[:, 0], callbacks=pruning(trial), **told)
    ...     return history["validation_loss"][-1]
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> sampler = optuna.samplers.RandomSampler(seed=0)
    >>> study = optuna.create_study(sampler=sampler, pruner=optuna.pruners.MedianPruner(2))
    >>> study.optimize(objective, n_trials=6)
    >>> study.best_value < 0.1
    True
    """
    optuna()

    def report(event: Event) -> None:
        if event.kind != "epoch":
            return
        told(trial, watched(event, monitor, "pruning"), len(event.history))

    return report


def objective(
    build: Callable[[Trial], Any], X: Any, y: Any, *, cv: Any = 5, scoring: Any = None
) -> Callable[[Trial], float]:
    """An objective for `study.optimize`: the mean score of an estimator over folds.

    `build(trial)` gives the estimator, any of scikit-learn's kind, by what it asks the trial to
    suggest. After each fold the trial hears the mean so far, so that a pruner spares hopeless
    settings the other folds. `cv` and `scoring` are as in `cross_val_score`; a higher score is
    better, so the study's direction is "maximize".

    Raises `CircuitError` where optuna is missing (extra `search`).

    >>> import optuna
    >>> from sklearn.datasets import load_iris
    >>> from pullback.estimators import NetworkClassifier
    >>> def build(trial):
    ...     rate = trial.suggest_float("learning_rate", 1e-3, 1e-1, log=True)
    ...     told = {"epochs": 30, "random_state": 0, "engine": "eager"}
    ...     return NetworkClassifier((8,), learning_rate=rate, **told)
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> sampler = optuna.samplers.RandomSampler(seed=0)
    >>> study = optuna.create_study(direction="maximize", sampler=sampler)
    >>> study.optimize(objective(build, *load_iris(return_X_y=True), cv=2), n_trials=2)
    >>> study.best_value > 0.8
    True
    """
    from sklearn.base import is_classifier
    from sklearn.metrics import check_scoring
    from sklearn.model_selection import check_cv
    from sklearn.utils import _safe_indexing as rows

    optuna()

    def score(trial: Trial) -> float:
        estimator = build(trial)
        scorer: Any = check_scoring(estimator, scoring)
        folds: Any = check_cv(cv, y, classifier=is_classifier(estimator))
        scores: list[float] = []
        for train, held_out in folds.split(X, y):
            estimator = build(trial) if scores else estimator
            estimator.fit(rows(X, train), rows(y, train))
            scores.append(float(scorer(estimator, rows(X, held_out), rows(y, held_out))))
            told(trial, float(np.mean(scores)), len(scores))
        return float(np.mean(scores))

    return score


def told(trial: Trial, value: float, step: int) -> None:
    """Report a value; raise `optuna.TrialPruned` where the pruner thinks the trial hopeless."""
    trial.report(value, step)
    if trial.should_prune():
        raise optuna().TrialPruned(f"pruned after step {step}, at {value:g}")
