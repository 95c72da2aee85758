"""python -m benchmarks.cross_validation [--seeds N]

Writes a table of 5-fold cross-validation: our estimators, as they are by default, beside
scikit-learn's multilayer perceptrons, as they are and with the features (and, of the regressor, the
labels) scaled beforehand as ours do it themselves. Each seed draws the folds anew and starts both
networks; all see the same folds. A figure is the mean of accuracy, or of R², over all folds and
seeds ± the standard deviation of the seeds' means.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_friedman1,
    make_friedman2,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pullback.estimators import NetworkClassifier, NetworkRegressor

Make = Callable[[int], Any]

CLASSIFIED = {
    "iris": load_iris(return_X_y=True),
    "wine": load_wine(return_X_y=True),
    "breast cancer": load_breast_cancer(return_X_y=True),
    "digits": load_digits(return_X_y=True),
}
REGRESSED = {
    "diabetes": load_diabetes(return_X_y=True),
    "Friedman 1": make_friedman1(500, noise=1.0, random_state=0),
    "Friedman 2": make_friedman2(500, noise=1.0, random_state=0),
}


def _scaled_classifier(seed: int) -> Any:
    return make_pipeline(StandardScaler(), MLPClassifier(random_state=seed))


def _scaled_regressor(seed: int) -> Any:
    network = make_pipeline(StandardScaler(), MLPRegressor(random_state=seed))
    return TransformedTargetRegressor(network, transformer=StandardScaler())


CLASSIFIERS: dict[str, Make] = {
    "ours": lambda seed: NetworkClassifier(random_state=seed),
    "MLP": lambda seed: MLPClassifier(random_state=seed),
    "scaled": _scaled_classifier,
}
REGRESSORS: dict[str, Make] = {
    "ours": lambda seed: NetworkRegressor(random_state=seed),
    "MLP": lambda seed: MLPRegressor(random_state=seed),
    "scaled": _scaled_regressor,
}


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser("python -m benchmarks.cross_validation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = range(parser.parse_args().seeds)
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("| data | measured | pullback | MLP of scikit-learn | the same, scaled |")
    print("| --- | --- | ---: | ---: | ---: |")
    for measured, sets, makes, folds in (
        ("accuracy", CLASSIFIED, CLASSIFIERS, StratifiedKFold),
        ("R²", REGRESSED, REGRESSORS, KFold),
    ):
        for name, (x, y) in sets.items():
            cells = (_figure(make, x, y, folds, seeds) for make in makes.values())
            print(f"| {name} | {measured} | {' | '.join(cells)} |", flush=True)


def _figure(make: Make, x: np.ndarray, y: np.ndarray, folds: Any, seeds: range) -> str:
    means = [
        cross_val_score(make(seed), x, y, cv=folds(5, shuffle=True, random_state=seed)).mean()
        for seed in seeds
    ]
    return f"{np.mean(means):.3f} ± {np.std(means):.3f}"


if __name__ == "__main__":
    main()
