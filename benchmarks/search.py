"""Ten minutes of looking for settings on digits: `pullback search`, and scikit-learn's search.

Compared: the share of wrong answers by cross-validation of the best settings that either found, on
the same five folds of the same rows, with two processes for the same time. Ours gives trials up
after some folds, and draws the next by what did well. The peer goes through a grid of the same
settings of `MLPClassifier` in random order, as `RandomizedSearchCV` does, each point by all folds,
until the time is over: of the grid in its own order it would see the first corner alone. "train" is
what `pullback train` does by itself, on the same folds.

"without luck" is the error on each fold of what was best on the others. Our line of networks
together is of rows that each network did not see, and the one of the test part of 359 rows that
nothing was chosen by.
"""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.measure import Line

MINUTES = 10.0
QUICK = 0.5
THREADS = 2
OURS, PEER = "pullback", "MLP of scikit-learn"
HIDDEN = [
    tuple(round(width * taper**k) for k in range(depth))
    for depth, width, taper in itertools.product((1, 2, 3), (16, 32, 64, 128, 256, 512), (0.5, 1.0))
]
GRID = {
    "hidden_layer_sizes": sorted(set(HIDDEN)),
    "activation": ["relu", "tanh"],
    "solver": ["sgd", "adam"],
    "learning_rate_init": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1],
    "alpha": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1],
    "batch_size": [16, 32, 64, 128],
}


def measure(quick: bool) -> list[Line]:
    from pullback.datasets import load_table
    from pullback.search import Search
    from pullback.search.found import chosen_without

    minutes = QUICK if quick else MINUTES
    search = Search(load_table("digits"))
    ended = search.run(minutes=minutes, jobs=THREADS, progress=False)
    found, made = ended.found, ended.together
    start = time.perf_counter()
    theirs = list(_searched(search.task.folds, 60.0 * minutes))
    seconds = time.perf_counter() - start
    assert found.best is not None
    assert found.own is not None
    assert made is not None
    best = max(theirs, key=np.mean)
    luckless = chosen_without(theirs, larger=True)
    metrics = made.verdict.metrics["model"]

    def line(what: str, who: str, right: float, than: float | None = None) -> Line:
        goal = "fewer errors" if than is not None else ""
        reached = None if than is None else bool(right < than)
        took = ended.seconds if who == OURS else seconds
        return Line(f"digits, {what}", who, took, score=1.0 - right, goal=goal, reached=reached)

    mine = found.best.mean
    return [
        line(f"best of {len(found.tried)}", OURS, mine),
        line("train", OURS, found.own.mean, mine),
        line(f"best of {len(theirs)}", PEER, float(np.mean(best)), mine),
        line("without luck", OURS, found.chosen_without),
        line("without luck", PEER, luckless, found.chosen_without),
        line(f"{made.networks} networks together", OURS, metrics["validation"]["accuracy"] or 0.0),
        line("the same, test part", OURS, metrics["test"]["accuracy"] or 0.0),
    ]


def _searched(folds: Any, seconds: float) -> Iterator[list[float]]:
    """The peer's scores on each fold, of one point of its grid after another."""
    from joblib import Parallel, delayed
    from sklearn.model_selection import ParameterGrid, ParameterSampler

    data = folds.data
    divided = [(np.setdiff1d(folds.searched, part), part) for part in folds.parts]
    points = ParameterSampler(GRID, n_iter=len(ParameterGrid(GRID)), random_state=0)
    end = time.perf_counter() + seconds
    wanted = itertools.takewhile(lambda _: time.perf_counter() < end, points)
    from joblib.externals.loky import get_reusable_executor

    yield from Parallel(THREADS, return_as="generator_unordered", pre_dispatch=THREADS)(
        delayed(_scores)(point, data.inputs, data.labels, divided) for point in wanted
    )
    get_reusable_executor().shutdown()  # so that what they took counts as ours, not as others'


def _scores(point: dict[str, Any], x: Any, y: Any, divided: Any) -> list[float]:
    from sklearn.model_selection import cross_val_score
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")  # that some have not converged
    network = MLPClassifier(
        **point,
        max_iter=60,
        early_stopping=True,
        validation_fraction=0.125,
        n_iter_no_change=20,
        random_state=0,
    )
    return cross_val_score(network, x, y, cv=divided).tolist()
