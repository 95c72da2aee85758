"""Searches of one's own by Optuna: what a trial hears, and that it can end training."""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

import pullback as pb
from pullback.estimators import NetworkRegressor
from pullback.search import objective, pruning

optuna = pytest.importorskip("optuna")

X = np.linspace(-1.0, 1.0, 24)[:, None]
Y = 3.0 * X[:, 0] + np.sin(5.0 * X[:, 0])


def fit(trial, rate, **told):
    line = pb.Sequential(pb.Dense(1), pb.Reshape(()))
    trainer = pb.Trainer(line, pb.SquaredError(), pb.SGD(rate), engine="eager")
    usual = {"epochs": 6, "batch_size": 4, "validation": 0.25}
    return trainer.fit(X, Y, callbacks=pruning(trial, **told), **usual)


def test_a_trial_hears_every_epoch():
    study = optuna.create_study()
    trial = study.ask()
    history = fit(trial, 0.05)
    heard = study.trials[0].intermediate_values
    assert heard == dict(zip(range(1, 7), history["validation_loss"], strict=True))


def test_a_hopeless_training_is_ended():
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(1))

    def train(trial):
        return fit(trial, (0.1, 1e-4)[trial.number])["validation_loss"][-1]

    study.optimize(train, n_trials=2)
    assert [t.state.name for t in study.trials] == ["COMPLETE", "PRUNED"]
    assert list(study.trials[1].intermediate_values) == [1]


def test_what_is_not_measured_is_refused():
    trial = optuna.create_study().ask()
    with pytest.raises(pb.CircuitError, match="pruning watches 'accuracy', which is not measured"):
        fit(trial, 0.1, monitor="accuracy")


def small(trial):
    rate = trial.suggest_float("rate", 1e-3, 0.1)
    return NetworkRegressor((4,), learning_rate=rate, epochs=3, random_state=0, engine="eager")


def test_an_objective_is_the_cross_validated_score():
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial({"rate": 0.02})
    study.optimize(objective(small, X, Y, cv=3), n_trials=1)
    fixed = small(optuna.trial.FixedTrial({"rate": 0.02}))
    scores = cross_val_score(fixed, X, Y, cv=3)
    heard = study.trials[0].intermediate_values
    np.testing.assert_allclose(study.best_value, scores.mean())
    np.testing.assert_allclose(list(heard.values()), np.cumsum(scores) / [1, 2, 3])


def test_an_objective_spares_hopeless_settings_the_other_folds():
    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.ThresholdPruner(lower=1e9)
    )
    study.optimize(objective(small, X, Y, cv=3), n_trials=1)
    assert study.trials[0].state.name == "PRUNED"
    assert list(study.trials[0].intermediate_values) == [1]
