"""t-SNE: from points to a map, everything included, and how good the map is.

Compared: `fit` on the 1,797 digits of scikit-learn, 64 pixels each, on 20,000 pictures of
Fashion-MNIST and on all 70,000 of them, reduced beforehand to 50 principal components for everyone,
which is not timed. It is fair because all have the same points, perplexity 30, the same start from
principal components, 750 iterations, 250 of them with an exaggeration of 12, and as many threads;
the rest is what each does by itself: neighbours, learning rates, momentum. In each round the start
is moved by a thousandth of its size, at random: maps differ by such chance more than by method.
openTSNE is timed by its Fourier transforms and by its tree; scikit-learn, whose tree takes long, up
to 20,000 points. Each fit has a process of its own.

The cost of every map is computed by one function in double precision, with the p of exact
neighbours and the z of all pairs. In the lines of costs, of what is not trusted (which is 1 -
trustworthiness) and of memory (the largest that a process ever had, points included), a ratio is
theirs to ours, too: above 1 ours is smaller.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import Line, Times, lines_of, threads

PERPLEXITY, EARLY, ITERATIONS, COMPONENTS = 30.0, 250, 750, 50
DIGITS = 1_797
ROUNDS = {DIGITS: 9, 20_000: 1, 70_000: 1}
FFT, TREE, SCIKIT = "openTSNE, FFT", "openTSNE, tree", "scikit-learn"
PEERS = {DIGITS: (FFT, TREE, SCIKIT), 20_000: (FFT, TREE, SCIKIT), 70_000: (FFT,)}
GOALS = {DIGITS: 2.0, 20_000: 2.0, 70_000: 1.2}
GIB = 6.0  # that 70,000 points may take


class Made(NamedTuple):
    """A map, the seconds that it took, and the most memory of the process in bytes."""

    positions: np.ndarray
    seconds: float
    memory: float


def measure(quick: bool) -> list[Line]:
    lines = []
    for n in (DIGITS,) if quick else ROUNDS:
        who = ("pullback", *PEERS[n])
        made: dict[str, list[Made]] = {name: [] for name in who}
        for seed in range(1 if quick else ROUNDS[n]):
            for name in who:
                made[name].append(_apart(partial(fitted, name, n, seed)))
                print(f"{n:,} points, {name}: {made[name][-1].seconds:.2f} s", file=sys.stderr)
        lines += _lines(n, made)
    return lines


def _lines(n: int, made: dict[str, list[Made]]) -> list[Line]:
    case = f"{n:,} points"
    seconds = {name: [one.seconds for one in some] for name, some in made.items()}
    times = {name: Times(float(np.median(some)), min(some)) for name, some in seconds.items()}
    lines = lines_of(case, times, {" or ".join(PEERS[n]): GOALS[n]})
    figures = {"cost": partial(cost, n), "memory": lambda one: one.memory / 2**30}
    if n == DIGITS:
        figures["what is not trusted"] = partial(distrust, n)
    for what, figure in figures.items():
        found = {name: [figure(one) for one in some] for name, some in made.items()}
        mine = found.pop("pullback")
        print(f"{case}, {what}: {np.median(mine):.4f}; {found}", file=sys.stderr)
        best = min(found, key=lambda name, found=found: np.median(found[name]))
        for name, theirs in found.items():
            ratios = float(np.median(theirs) / np.median(mine)), min(theirs) / min(mine)
            aimed = what != "memory" and name == best
            aim = ("≥ 0.995", min(ratios) >= 0.995) if aimed else ("", None)
            lines.append(Line(f"{case}, {what}", name, None, ratios[0], None, ratios[1], *aim))
        if n == max(ROUNDS) and what == "memory":
            share = GIB / max(mine)
            aim = ("≥ 1", share >= 1.0)
            lines.append(Line(f"{case}, {what}", "6 GiB", None, share, None, share, *aim))
    return lines


@cache
def points(n: int) -> np.ndarray:
    """So many points, (n, features)."""
    from sklearn.datasets import load_digits
    from sklearn.decomposition import PCA

    from pullback.datasets import load_dataset

    if n == DIGITS:
        digits: Any = load_digits()
        return digits.data
    pictures: Any = load_dataset("fashion-mnist")
    x = np.concatenate([pictures.images, pictures.test.images])[:n].reshape(n, -1)
    return PCA(COMPONENTS, random_state=0).fit_transform(x.astype(np.float32))


def begun(n: int, seed: int) -> np.ndarray:
    """Where points begin, (n, 2)."""
    from sklearn.decomposition import PCA

    y = PCA(2, random_state=0).fit_transform(points(n))
    moved = y / y[:, 0].std() + 1e-3 * np.random.default_rng(seed).normal(size=y.shape)
    return (1e-4 * moved).astype(np.float32)


def fitted(who: str, n: int, seed: int) -> Made:
    x, y0 = points(n), begun(n, seed)
    fit = {"pullback": _ours, SCIKIT: _scikit}.get(who, partial(_open, who))
    few = 10 * int(PERPLEXITY)
    fit(x[:few], y0[:few], 10)  # imports, and pools of threads
    clock = time.perf_counter if threads() > 1 else time.process_time
    start = clock()
    y = fit(x, y0, ITERATIONS)
    seconds = clock() - start
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Made(np.asarray(y, np.float64), seconds, kilobytes * 1024.0)


def _ours(x: np.ndarray, y0: np.ndarray, iterations: int) -> np.ndarray:
    from pullback.maps import TSNE

    tsne = TSNE(init=y0, perplexity=PERPLEXITY, max_iter=iterations, n_jobs=threads())
    return tsne.fit_transform(x)


def _scikit(x: np.ndarray, y0: np.ndarray, iterations: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    most = max(iterations, EARLY)  # fewer it does not do
    tsne = TSNE(init=y0, perplexity=PERPLEXITY, max_iter=most, n_jobs=threads())
    return tsne.fit_transform(x)


def _open(who: str, x: np.ndarray, y0: np.ndarray, iterations: int) -> np.ndarray:
    from openTSNE import TSNE

    early = min(iterations, EARLY)
    tsne = TSNE(
        perplexity=PERPLEXITY,
        early_exaggeration_iter=early,
        n_iter=iterations - early,
        negative_gradient_method="fft" if who == FFT else "bh",
        initialization=y0,
        n_jobs=threads(),
    )
    return tsne.fit(x)


# How good a map is -------------------------------------------------------------------------------


@cache
def affinities_of(n: int) -> Any:
    """p of exact neighbours."""
    from pullback.maps.affinities import affinities
    from pullback.maps.neighbours import index

    near = index(points(n), way="exact", threads=threads())[0].of_each(int(3 * PERPLEXITY))
    return affinities(near.indices, near.distances, PERPLEXITY)


def cost(n: int, made: Made) -> float:
    """KL(P || Q) in double precision."""
    p, y = affinities_of(n), made.positions
    z = 0.0
    for some in np.array_split(np.arange(n), max(1, n // 500)):
        z += (1.0 / (1.0 + _squares(y[some], y))).sum() - len(some)
    rows = np.repeat(np.arange(n), np.diff(p.indptr))
    log_q = -np.log1p(np.square(y[rows] - y[p.indices]).sum(axis=1))
    return float((p.data * (np.log(p.data) - log_q)).sum() + np.log(z))


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a_i - b_j|**2."""
    dx, dy = (a[:, k, None] - b[None, :, k] for k in range(2))
    return dx * dx + dy * dy


def distrust(n: int, made: Made) -> float:
    """1 - trustworthiness: how far away in the data are those who are near in the map."""
    from sklearn.manifold import trustworthiness

    return 1.0 - float(trustworthiness(points(n), made.positions))


def _apart(work: Any) -> Any:
    """What work answers in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work)
