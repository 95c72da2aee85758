"""Tables of everyday size: our estimators against scikit-learn's multilayer perceptrons.

Compared: `fit` of 20 features or so, from arrays in memory to a trained estimator, with the same
hidden layer of 100, Adam with the same rate, batches of 200, spring on the weights and number of
epochs: 200, and 10 of the 100,000 generated rows; neither stops early. Features, and the labels of
diabetes, are scaled beforehand for both, and ours scale them once more.

"first fit" is measured in a fresh process for every run, once both libraries' estimators are
imported and before anything else has run: our side then imports the engine and LLVM with it,
records and simplifies the step, and reads its machine code from the cache, which an earlier run has
filled.
"first fit, engine imported" counts all that but the import of the engine, as scikit-learn's
compiled modules are imported before the clock starts too. Sides take turns.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.compile_time import fresh
from benchmarks.measure import Line, Times, lines_of, mean

EPOCHS = {"digits": 200, "breast cancer": 200, "diabetes": 200, "100,000 rows": 10}
GOAL = 1.5  # the geometric mean over the data
NEVER = 10**6  # epochs of patience
OURS, PEER = "pullback", "MLP of scikit-learn"


def measure(quick: bool) -> list[Line]:
    lines: list[Line] = []
    for what, words in (
        ("first", "first fit"),
        ("imported", "first fit, engine imported"),
    ):
        peers: list[Line] = []
        for name in EPOCHS:
            times = _times(name, what, 2 if quick else 3)
            mine, theirs = lines_of(f"{name}, {words}", times, {})
            lines += [mine, theirs]
            peers.append(theirs)
        lines.append(mean(peers, PEER, GOAL, words))
    return lines


def _times(name: str, what: str, rounds: int) -> dict[str, Times]:
    """Seconds of a fit on each side, whose processes take turns."""
    told = "from benchmarks.tables import fit; fit({!r}, {!r}, {!r})"
    with _cache() as cache:
        fresh(told.format(name, OURS, what), cache)  # fills the cache
        runs: dict[str, list[float]] = {OURS: [], PEER: []}
        for k in range(rounds):
            for who in (OURS, PEER)[:: 1 if k % 2 else -1]:
                runs[who].append(fresh(told.format(name, who, what), cache)["seconds"])
    return {who: Times(statistics.median(all_), min(all_)) for who, all_ in runs.items()}


@contextmanager
def _cache() -> Iterator[str]:
    """The folder that `PULLBACK_CACHE` names, else an empty one for as long as it is needed."""
    named = os.environ.get("PULLBACK_CACHE")
    if named:
        yield named
    else:
        with tempfile.TemporaryDirectory() as made:
            yield made


# In the fresh process ----------------------------------------------------------------------------


def fit(name: str, who: str, what: str) -> None:
    """Print the seconds of a fit."""
    import time

    warnings.simplefilter("ignore")  # that it has not converged
    x, y = _data(name)
    estimator = _ours(name) if who == OURS else _theirs(name)
    if what == "imported" and who == OURS:
        import pullback.engines.native.engine  # noqa: F401
    start = time.perf_counter()
    estimator.fit(x, y)
    seconds = time.perf_counter() - start
    assert estimator.n_iter_ == EPOCHS[name]
    print({"seconds": seconds})


def _data(name: str) -> tuple[np.ndarray, np.ndarray]:
    from sklearn import datasets
    from sklearn.preprocessing import scale

    if name == "100,000 rows":
        x, y = datasets.make_classification(100_000, 20, n_informative=10, random_state=0)
    else:
        load = {
            "digits": datasets.load_digits,
            "breast cancer": datasets.load_breast_cancer,
            "diabetes": datasets.load_diabetes,
        }
        x, y = load[name](return_X_y=True)
    return scale(x), scale(y) if name == "diabetes" else y


def _ours(name: str) -> Any:
    from pullback.estimators import NetworkClassifier, NetworkRegressor

    kind = NetworkRegressor if name == "diabetes" else NetworkClassifier
    return kind(epochs=EPOCHS[name], patience=NEVER, random_state=0)


def _theirs(name: str) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPRegressor if name == "diabetes" else MLPClassifier
    return kind(max_iter=EPOCHS[name], n_iter_no_change=NEVER, random_state=0)
