"""Settings of a network looked for in three ways; the same settings, and more, on many machines.

python examples/search.py [--quick]

Needs Optuna: pip install "pullback[search]". The first way is also a command, `pullback search`.
"""

from __future__ import annotations

import argparse

import optuna
from scipy.stats import loguniform
from sklearn.model_selection import RandomizedSearchCV

import pullback as pb
from pullback.datasets import load_dataset, load_table
from pullback.estimators import NetworkClassifier
from pullback.search import Search, pruning
from pullback.tables.recipe import Recipe


def the_whole_search(minutes: float, epochs: int | None) -> None:
    """Architectures and rates by cross-validation, and one model of the best."""
    search = Search(load_table("iris"), Recipe(epochs=epochs), given=("epochs",))
    ended = search.run(minutes=minutes, jobs=1)
    best, made = ended.found.best, ended.together
    assert best is not None
    assert made is not None
    print(f"{len(ended.found.tried)} settings tried; the best: {dict(best.settings)}")
    print(f"right by cross-validation: {best.mean:.1%} ± {best.error:.1%}")
    accuracy = made.verdict.metrics["model"]["test"]["accuracy"]
    print(f"{made.networks} networks together, on the test part: {accuracy:.1%}")


def scikit_learn(points: int, epochs: int) -> None:
    """What scikit-learn searches with takes the estimators as they are.

    On a cluster of Dask or Ray (extra `clusters`) it is the same within
    `joblib.parallel_config("dask")` or, after `ray.util.joblib.register_ray()`, "ray".
    """
    data = load_dataset("digits")
    tried = {
        "hidden": [(64,), (128,), (64, 64)],
        "learning_rate": loguniform(3e-4, 1e-2),
        "l2": loguniform(1e-5, 1e-1),
    }
    network = NetworkClassifier(epochs=epochs, random_state=0)
    search = RandomizedSearchCV(network, tried, n_iter=points, cv=3, random_state=0)
    search.fit(data.inputs, data.labels)
    print(f"scikit-learn: {search.best_score_:.1%} by {search.best_params_}")


def optuna_and_a_trainer(trials: int, epochs: int) -> None:
    """Any model of yours: the trial hears each epoch's validation, and ends hopeless ones.

    With `storage="sqlite:///search.db"` and `load_if_exists=True` the study is gone on with, and
    several processes, or machines that share a database, add to it at once.
    """
    train, validation = load_dataset("digits").split(0.8, 0.2)

    def objective(trial: optuna.Trial) -> float:
        width = trial.suggest_int("width", 16, 128, log=True)
        rate = trial.suggest_float("rate", 1e-3, 1.0, log=True)
        model = pb.Sequential(pb.Dense(width), pb.ReLU(), pb.Dense(10), rng=0)
        trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(rate), engine="eager")
        history = trainer.fit(
            train.inputs,
            train.labels,
            epochs=epochs,
            validation=(validation.inputs, validation.labels),
            callbacks=pruning(trial),
        )
        return min(history["validation_loss"])

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=trials)
    pruned = sum(trial.state.name == "PRUNED" for trial in study.trials)
    print(f"Optuna: a loss of {study.best_value:.3f} by {study.best_params}, {pruned} pruned")


def main() -> None:
    """Parse the command line, search."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    the_whole_search(0.01 if quick else 1.0, 2 if quick else None)
    scikit_learn(1 if quick else 10, 1 if quick else 30)
    optuna_and_a_trainer(2 if quick else 20, 1 if quick else 20)


if __name__ == "__main__":
    main()
