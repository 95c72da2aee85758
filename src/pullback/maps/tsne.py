"""t-SNE as an estimator of scikit-learn: points in, a map out, on which near ones lie together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
from scipy.special import entr
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite
from pullback.core.text import counted
from pullback.files.progress import working
from pullback.maps import given
from pullback.maps.affinities import affinities
from pullback.maps.arguments import random_of, refuse_parameters, refuse_perplexity
from pullback.maps.forming import Formed, Phase, Watch, form
from pullback.maps.map import READING, Map
from pullback.maps.neighbours import index
from pullback.maps.placing import FEW, ITERATIONS, NEAREST, PERPLEXITY, placed
from pullback.maps.pulls import Pulls, pulls, strongest
from pullback.maps.repulsion import Repel, repulsion_by
from pullback.maps.repulsion.exact import Exact
from pullback.maps.springs import Pairs, Pieces, attraction_of
from pullback.maps.start import start
from pullback.maps.steps import Descent

EARLY_MOMENTUM, MOMENTUM = 0.5, 0.8
LEAST_RATE = 10.0  # that small maps move; 50 shakes those of 50 to 500 points out of their best
_ARROWS = 8  # neighbours of each point that a `Map` shows


@final
class TSNE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A map of points on which those that are near each other in the data lie together.

    How near two points are is a probability, p_ij, of distances in the data, and another, q_ij =
    1 / (1 + |y_i - y_j|**2) / z, of distances in the map. Descent makes small what is between them,

        KL(P || Q) = sum of p_ij * log(p_ij / q_ij)

    whose gradient by y_i, 4 * sum_j (p_ij - q_ij) (y_i - y_j) / (1 + |y_i - y_j|**2), is a pull of
    neighbours and a push of all points: circuits of `models.tsne`, compiled.

    Parameters
    ----------
    n_components : axes of the map, 1, 2 or 3.
    perplexity : how many neighbours a point has, about: 5 to 100. Of several, as [30, 300], the
        mean of what each finds near shows groups and how they lie. The nearest 3 * perplexity
        points count.
    early_exaggeration, early_exaggeration_iter : how many times as strongly neighbours pull in the
        first iterations, and how many these are. Where it draws all points together, as it does to
        those of a single cloud, it is left early, and `notes_` says so.
    exaggeration : the same for all later ones. From 2 to 12, groups of a large map draw together.
    learning_rate : of the gradient above. "auto" is N / (4 * exaggeration), and 10 at least:
        openTSNE's N / exaggeration, which leaves out the gradient's factor 4, on scikit-learn's
        scale, which does not (Belkina and others, 2019).
    max_iter : iterations, of which the early ones are part.
    init : "pca", "random", "spectral", or an array (N, n_components).
    metric, metric_params : as those of scikit-learn's `NearestNeighbors`: a name, a function of two
        points, or "precomputed" where X is the distances (N, N) themselves.
    neighbors : "exact", "approximate", which needs usearch, or "auto": exact up to 20,000 points.
        Approximate ones are the same from run to run with n_jobs=1 alone.
    method : how points push each other: "exact", "barnes-hut", "interpolation", or "auto", which
        chooses by size. Besides, "exact" lets every point pull at every other, and not its nearest
        alone: memory and time grow with N**2.
    angle : of "barnes-hut": how wide a group of points may look that pushes as one; 0 is exact.
    callback, callback_every : `callback(iteration, cost, positions)` is called every so many
        iterations with the map so far (N, n_components), and ends it where it returns True.
    keep_every : keeps a frame every so many iterations, for `map` to show how it formed; each takes
        8 bytes a point.
    random_state : a seed, for a random start. The same gives the same bits with any n_jobs.
    engine, n_jobs : which engine runs the circuits, by how many threads; None is all cores.
    verbose : True shows a line of progress, None where somebody looks on.

    Attributes
    ----------
    embedding_ : the map, (N, n_components) float32. kl_divergence_ : the cost of it, in nats,
        without exaggeration. n_iter_ : iterations made. learning_rate_ : the last one.
    affinities_ : p, (N, N), a sparse array of sum 1.
    frames_ : what `keep_every` kept. notes_ : sentences on what was chosen or went otherwise.
    n_features_in_, feature_names_in_ : of the X that was mapped.

    `fit` raises `CircuitError`, a `ValueError`, for parameters and data that are not as they should
    be. Ctrl-C ends it with the map so far.
    Source: van der Maaten and Hinton, "Visualizing data using t-SNE" (JMLR 9, 2008); the guide,
    "Case Study: t-SNE"; Kobak and Berens, "The art of using t-SNE for single-cell transcriptomics"
    (2019), for exaggeration, several perplexities and the learning rate.

    >>> corners = np.repeat(np.eye(3), 10, axis=0)
    >>> points = corners + np.random.default_rng(0).normal(0.0, 0.1, corners.shape)
    >>> tsne = TSNE(perplexity=3, engine="eager").fit(points)
    >>> tsne.embedding_.shape, round(tsne.kl_divergence_, 1)
    ((30, 2), 0.1)
    """

    embedding_: np.ndarray

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float | Sequence[float] = 30.0,
        early_exaggeration: float = 12.0,
        early_exaggeration_iter: int = 250,
        exaggeration: float = 1.0,
        learning_rate: float | str = "auto",
        max_iter: int = 750,
        init: Any = "pca",
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        neighbors: str = "auto",
        method: str = "auto",
        angle: float = 0.5,
        callback: Callable[[int, float, np.ndarray], Any] | None = None,
        callback_every: int = 50,
        keep_every: int | None = None,
        random_state: Any = None,
        engine: str = "native",
        n_jobs: int | None = None,
        verbose: bool | None = None,
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.early_exaggeration = early_exaggeration
        self.early_exaggeration_iter = early_exaggeration_iter
        self.exaggeration = exaggeration
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.init = init
        self.metric = metric
        self.metric_params = metric_params
        self.neighbors = neighbors
        self.method = method
        self.angle = angle
        self.callback = callback
        self.callback_every = callback_every
        self.keep_every = keep_every
        self.random_state = random_state
        self.engine = engine
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> TSNE:
        """Make a map of the points X (N, features), or of what lies X (N, N) apart."""
        x = self._read(X)
        refuse_parameters(self.get_params(deep=False))
        n = x.shape[0]
        k = refuse_perplexity(self.perplexity, n)
        k = n - 1 if self.method == "exact" else max(k, 1)
        repel = self._repel(n)
        random = random_of(self.random_state)
        with working(f"looking for the nearest of {counted(n, 'point')}", None, self._show):
            among, note = index(x, self.metric, self.metric_params, self.neighbors, self._threads)
            near = among.of_each(k)
            p = affinities(near.indices, near.distances, self.perplexity, self._threads)
        y0 = start(self.init, x, p, self.n_components, random, self.metric == "precomputed")
        springs = Pairs.of(p) if self.method == "exact" else Pieces.of(p)
        self._descent = Descent(y0.T, springs, engine=self.engine, threads=self._threads)
        self._index, self._formed = among, Formed()
        self.affinities_, self._noted = p, [note] if note else []
        early = min(self.early_exaggeration_iter, self.max_iter)
        first, later = self.early_exaggeration, self.exaggeration
        phases = [
            Phase(early, first, self._rate(first), EARLY_MOMENTUM),
            Phase(self.max_iter - early, later, self._rate(later), MOMENTUM),
        ]
        self._form(repel, phases)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> np.ndarray:
        """Make a map of the points X, and return where they lie, (N, n_components)."""
        return self.fit(X).embedding_

    def optimize(
        self,
        n_iter: int,
        *,
        exaggeration: float | None = None,
        learning_rate: float | str | None = None,
        momentum: float = MOMENTUM,
    ) -> TSNE:
        """Go on with the map for so many iterations, from where it came, as fast as it went.

        What is None is as in `fit`: then the map is, bit for bit, that of as many more `max_iter`.

        Raises `CircuitError` before `fit`, and for numbers that are not as they should be.
        """
        check_is_fitted(self, "embedding_")
        strength = self.exaggeration if exaggeration is None else exaggeration
        told = {"n_iter": n_iter, "exaggeration": strength, "momentum": momentum}
        told |= {} if learning_rate is None else {"learning_rate": learning_rate}
        refuse_parameters({**self.get_params(deep=False), **told})
        rate = self._rate(strength, learning_rate)
        self._form(self._repel(len(self.embedding_)), [Phase(n_iter, strength, rate, momentum)])
        return self

    def transform(
        self, X: Any, *, perplexity: float = PERPLEXITY, max_iter: int = ITERATIONS
    ) -> np.ndarray:
        """Where new points X (M, features) belong in the map, (M, n_components); it stays as it is.

        Each begins in the middle of its nearest points in the data, and descends a cost of its own,
        whatever other points are asked with it. Where distances were given, X (M, N) has those of
        new points to all of the map.

        Raises `NotFittedError` before `fit`, and `CircuitError` as `fit` does.
        """
        check_is_fitted(self, "embedding_")
        refuse_parameters({"perplexity": perplexity, "max_iter": max_iter})
        n = len(self.embedding_)
        k = min(n, max(NEAREST, int(3.0 * np.max(perplexity))))
        if np.max(perplexity) > k:
            raise CircuitError(f"a map of {n} points is too small for a perplexity of {perplexity}")
        near = self._index.of(self._read(X, reset=False), k)
        engine = {"engine": self.engine, "threads": self._threads}
        few = self.method == "auto" and len(near.indices) * n <= FEW
        repel = Exact(**engine) if few else self._repel(n)
        y = placed(near, self._descent.y, repel, perplexity, max_iter, **engine)
        return np.ascontiguousarray(y.T)

    def pulls(self, point: int) -> Pulls:
        """What pulls at a point of the map: each neighbour's pull, and the push of all others.

        Raises `NotFittedError` before `fit`, and `CircuitError` where there is no such point.
        """
        check_is_fitted(self, "embedding_")
        n = len(self.embedding_)
        whole = isinstance(point, int | np.integer) and not isinstance(point, bool)
        if not whole or not 0 <= point < n:
            raise CircuitError(f"the map has points 0 to {n - 1}, and not {point!r}")
        y = self._descent.y
        return pulls(int(point), y, self.affinities_, self._repel(n)(y).z)

    def map(
        self,
        labels: Any = None,
        names: Any = None,
        pictures: Any = None,
        title: str = "",
        legend: str = "",
    ) -> Map:
        """The map as a record, with what pulls at every point, to be looked at and saved.

        Of each point, where given: `labels` are what it is coloured by, classes or quantities,
        `names` what it is called where it is pointed at, and `pictures`, (N, H, W) or
        (N, H, W, 3), what it looks like. `legend` is what the labels are of.

        Raises `NotFittedError` before `fit`, and what a `Map` raises.
        """
        check_is_fitted(self, "embedding_")
        y, p = self._descent.y, self.affinities_
        repulsion = self._repel(y.shape[1])(y)
        who, how = strongest(y, p, min(_ARROWS, y.shape[1] - 1))
        perplexity = ", ".join(f"{one:g}" for one in np.atleast_1d(self.perplexity))
        made = (
            f"t-SNE of {counted(len(y.T), 'point')}, perplexity {perplexity}, "
            f"{counted(self.n_iter_, 'iteration')}, KL divergence {self.kl_divergence_:.3f}"
        )
        return Map(
            self.embedding_,
            self.frames_,
            labels,
            names,
            pictures,
            attraction=-4.0 * attraction_of(Pieces.of(p), y).T,
            repulsion=4.0 * repulsion.forces.T / np.float32(repulsion.z),
            neighbours=who,
            weights=how,
            title=title,
            notes=(f"{made}.", *self.notes_, READING),
            legend=legend,
        )

    # Beneath -------------------------------------------------------------------------------------

    def _read(self, X: Any, *, reset: bool = True) -> Any:
        if isinstance(self.metric, str) and self.metric == "precomputed":
            return given.distances(self, X, among=None if reset else len(self.embedding_))
        return given.points(self, X, reset=reset)

    def _rate(self, exaggeration: float, asked: float | str | None = None) -> float:
        rate = self.learning_rate if asked is None else asked
        if not isinstance(rate, str):
            return float(rate)
        n = self._descent.y.shape[1]
        return max(n / (4.0 * exaggeration), LEAST_RATE)

    def _repel(self, n: int) -> Repel:
        return repulsion_by(
            self.method,
            n,
            self.n_components,
            angle=self.angle,
            engine=self.engine,
            threads=self._threads,
        )

    def _form(self, repel: Repel, phases: Sequence[Phase]) -> None:
        entropy = float(entr(self.affinities_.data).sum())
        watch = Watch(self.callback, self.callback_every, self.keep_every, self._show)
        try:
            form(self._descent, repel, entropy, phases, watch, self._formed)
        finally:  # a callback's error, too, leaves the map where it came
            self._take(phases[-1].learning_rate)

    def _take(self, rate: float) -> None:
        """Show the map as far as it came; one that diverged is none."""
        vars(self).pop("embedding_", None)
        if not is_finite(self._descent.y):
            return
        self.embedding_ = self._descent.y.T.copy()
        self.kl_divergence_, self.n_iter_ = self._formed.cost, self._formed.iterations
        self.learning_rate_ = rate
        self.frames_ = tuple(self._formed.frames)
        last = (told for told in (self._formed.ended, self._formed.unrest) if told)
        self.notes_ = [*self._noted, *self._formed.notes, *last]

    @property
    def _threads(self) -> int | None:
        return None if self.n_jobs == -1 else self.n_jobs

    @property
    def _show(self) -> bool | None:
        return None if self.verbose is None else bool(self.verbose)

    @property
    def _n_features_out(self) -> int:
        return self.embedding_.shape[1]

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.transformer_tags.preserves_dtype = []
        return tags
