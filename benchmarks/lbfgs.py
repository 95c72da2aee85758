"""L-BFGS on all rows: a whole fit of a network, and how low it comes, beside scikit-learn.

Compared: `LBFGS` on a network of one hidden layer of 50 tanh units with scikit-learn's
`MLPClassifier` and `MLPRegressor` of `solver="lbfgs"`, on five sets that come with scikit-learn,
inputs and quantities scaled beforehand for both. It is fair because both have the same start, cost,
spring, stopping rules and most iterations, and SciPy's L-BFGS below them; both compute in double
precision. A fit is timed whole, ours with recording and loading what was compiled before; what it
takes to compile, once for each shape, is in the lines of first fits.

The cost of either side's parameters is computed by one function in double precision. In the lines
of costs a ratio is theirs to ours: above 1 ours is lower.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import Line, Times, against, lines_of, mean, threads

HIDDEN, ALPHA = 50, 1.0
ITERATIONS, TOLERANCE, REDUCTION = 100, 1e-4, 2.2e-9
SETS = ("digits", "breast cancer", "wine", "diabetes", "Friedman 1, 5,000 rows")
CLASSES = SETS[:3]
ROUNDS = 9
WORSE = 1.01  # times as high as theirs that a cost may be: minima of networks differ by chance
PEER = "scikit-learn"


class Made(NamedTuple):
    """Weights and biases in turn, the seconds of the fit, and how many iterations it took."""

    parameters: Sequence[np.ndarray]
    seconds: float
    iterations: int


def measure(quick: bool) -> list[Line]:
    lines: list[Line] = []
    timed: list[Line] = []
    costs: list[Line] = []
    for name in SETS[2:4] if quick else SETS:
        rounds = range(2 if quick else ROUNDS)
        made = {who: _apart(partial(fits, who, name, rounds)) for who in ("pullback", PEER)}
        first = {who: some[0].seconds for who, some in made.items()}
        later = {who: some[1:] for who, some in made.items()}
        times = {who: _times([one.seconds for one in some]) for who, some in later.items()}
        some = lines_of(name, times, {PEER: 1.0})
        timed.append(some[-1])
        lines += some
        ours, theirs = (Times(first[who], first[who]) for who in ("pullback", PEER))
        lines.append(against(f"{name}, the first fit", PEER, ours, theirs))
        found = {who: [cost(name, one.parameters) for one in some] for who, some in later.items()}
        counts = {who: [one.iterations for one in some] for who, some in later.items()}
        print(f"{name}: costs {found}, iterations {counts}", file=sys.stderr)
        median, best = (f(found[PEER]) / f(found["pullback"]) for f in (np.median, min))
        aim = f"≥ {1 / WORSE:.2f}", bool(min(median, best) >= 1 / WORSE)
        costs.append(Line(f"{name}, cost", PEER, None, float(median), None, float(best), *aim))
    return [*lines, mean(timed, PEER, 1.0), *costs]


def _times(seconds: Sequence[float]) -> Times:
    return Times(float(np.median(seconds)), min(seconds))


@cache
def data(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (rows, features), and classes, or quantities, scaled."""
    from sklearn import datasets
    from sklearn.preprocessing import StandardScaler

    load: Any = {
        "digits": datasets.load_digits,
        "breast cancer": datasets.load_breast_cancer,
        "wine": datasets.load_wine,
        "diabetes": datasets.load_diabetes,
    }.get(name)
    if load is None:
        x, y = datasets.make_friedman1(5_000, noise=1.0, random_state=0)
    else:
        x, y = load(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    return x, (y if name in CLASSES else (y - y.mean()) / y.std())


def start(name: str, seed: int) -> list[np.ndarray]:
    """The first weights and biases: by Glorot, and zeros."""
    x, y = data(name)
    classes = len(np.unique(y)) if name in CLASSES else 1
    sizes = x.shape[1], HIDDEN, classes if classes > 2 else 1
    rng = np.random.default_rng(seed)
    found = []
    for n, m in itertools.pairwise(sizes):
        reach = np.sqrt(6.0 / (n + m))
        found += [rng.uniform(-reach, reach, (n, m)), np.zeros(m)]
    return found


def fits(who: str, name: str, rounds: Sequence[int]) -> list[Made]:
    """A first fit, with nothing compiled before, and one of each round from a start of its own."""
    os.environ["PULLBACK_CACHE"] = tempfile.mkdtemp()
    fit = _ours if who == "pullback" else _scikit
    clock = time.perf_counter if threads() > 1 else time.process_time
    import scipy.optimize  # noqa: F401 - as everyone who fits has done
    import sklearn.neural_network  # noqa: F401

    import pullback  # noqa: F401

    made = []
    for seed in (0, *rounds):
        x, y = data(name)
        begun = start(name, seed)
        began = clock()
        parameters, iterations = fit(name, x, y, begun)
        made.append(Made(parameters, clock() - began, iterations))
    return made


def _ours(name: str, x: np.ndarray, y: np.ndarray, begun: list[np.ndarray]) -> tuple[Any, int]:
    import pullback as pb

    outputs = begun[-1].size
    model = pb.Sequential(
        pb.Dense(HIDDEN, dtype="float64"), pb.Tanh(), pb.Dense(outputs, dtype="float64")
    )
    model(x[:1])
    parameters = list(model.parameters.values())
    for unit, value in zip(parameters, begun, strict=True):
        unit.value = value
    classify = name in CLASSES
    spring = ALPHA / len(x) * (0.5 if classify else 1.0)  # of (y - label)**2, not half of it
    several = pb.SoftmaxCrossEntropy() if outputs > 1 else pb.BinaryCrossEntropy()
    loss = several if classify else pb.SquaredError()
    lbfgs = pb.LBFGS(model, loss, penalties=pb.L2(spring), gtol=TOLERANCE, ftol=REDUCTION)
    history = lbfgs.fit(x, y if classify else y[:, None], epochs=ITERATIONS, progress=False)
    return [np.asarray(unit.value) for unit in parameters], len(history)


def _scikit(name: str, x: np.ndarray, y: np.ndarray, begun: list[np.ndarray]) -> tuple[Any, int]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind: Any = MLPClassifier if name in CLASSES else MLPRegressor
    network = kind(
        hidden_layer_sizes=(HIDDEN,),
        activation="tanh",
        solver="lbfgs",
        alpha=ALPHA,
        max_iter=ITERATIONS,
        tol=TOLERANCE,
    )
    layers = iter(zip(begun[::2], begun[1::2], strict=True))
    network._init_coef = lambda *_: next(layers)  # what draws the start of each layer in turn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(x, y)
    pairs = zip(network.coefs_, network.intercepts_, strict=True)
    return [a for pair in pairs for a in pair], network.n_iter_


def cost(name: str, parameters: Sequence[np.ndarray]) -> float:
    """Mean loss + spring, in double precision."""
    from scipy.special import log_expit, log_softmax

    x, y = data(name)
    w1, b1, w2, b2 = (np.asarray(p, np.float64) for p in parameters)
    scores = np.tanh(x @ w1 + b1) @ w2 + b2
    if name not in CLASSES:
        loss = 0.5 * np.square(scores[:, 0] - y).mean()
    elif scores.shape[1] == 1:
        loss = -log_expit(np.where(y == 1, scores[:, 0], -scores[:, 0])).mean()
    else:
        loss = -log_softmax(scores, axis=1)[np.arange(len(y)), y].mean()
    return float(loss + 0.5 * ALPHA / len(x) * (np.square(w1).sum() + np.square(w2).sum()))


def _apart(work: Any) -> Any:
    """What work answers in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work)
