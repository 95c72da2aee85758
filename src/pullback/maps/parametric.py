"""In: points. Out: a network that maps them, trained on t-SNE's cost; any other point, too.

The network takes the place of the positions: its outputs are where points lie, the cost of
`models.tsne` is its loss, and what moves points moves its parameters, by the chain rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.engines.prepare import prepare
from pullback.files.progress import working
from pullback.gates.shape import reshape, transpose
from pullback.layers import Sequential, Standardize
from pullback.losses import Loss
from pullback.maps import given
from pullback.maps.affinities import affinities
from pullback.maps.arguments import random_of, refuse_parameters, refuse_perplexity
from pullback.maps.neighbours import index
from pullback.models.tsne import kl_divergence
from pullback.optim import Adam
from pullback.tables.parts import multilayer
from pullback.train import TrainingStep
from pullback.train.interrupt import Interruptible

_ROUNDED = 1e-2  # of the spread of points, above which single precision is too little


@final
@dataclass(frozen=True)
class MapDivergence(Loss):
    """KL(P || Q) of a batch: scores (batch, d) are positions, labels (batch, batch) its p.

    >>> scores = np.array([[0.0], [1.0], [3.0]])
    >>> print(f"{MapDivergence()(scores, (1.0 - np.eye(3)) / 6.0).value:.4f}")
    0.2133
    """

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        p = np.asarray(labels)
        if p.shape != (shape[0], shape[0]):
            raise CircuitError(f"p of {shape[0]} points is a square of them, got {p.shape}")
        return p

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        return reshape(kl_divergence(transpose(scores), labels), (1,))


@final
class ParametricTSNE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A network that maps points as t-SNE does, and any other points where these belong.

    A step takes a batch of points, p_ij as far as it is among them, and moves the network's
    parameters down KL(P || Q) of where it puts them. What it learns is a function: `transform` asks
    nothing of the points that it learned from.

    Parameters
    ----------
    n_components, perplexity, metric, metric_params, neighbors, random_state, engine, n_jobs,
        verbose : as those of `TSNE`.
    hidden : the sizes of the network's hidden layers.
    learning_rate : of Adam.
    epochs : how many times the network sees every point.
    batch_size : points in a batch. Each pulls at those of its neighbours that are in it, so that
        with many points a batch should be large: time grows with its square.

    Attributes
    ----------
    model_ : the network, a `Sequential`. embedding_ : where it puts the points of `fit`, (N,
        n_components). loss_curve_ : the mean cost of the batches of each epoch, in nats. n_iter_ :
        epochs made. n_features_in_, feature_names_in_ : as of `TSNE`.

    `fit` raises `CircuitError` as that of `TSNE`. Ctrl-C ends it with what was learned so far.
    Source: van der Maaten, "Learning a parametric embedding by preserving local structure" (2009).

    >>> corners = np.repeat(np.eye(3), 20, axis=0)
    >>> points = corners + np.random.default_rng(0).normal(0.0, 0.1, corners.shape)
    >>> tsne = ParametricTSNE(perplexity=5, hidden=(16,), epochs=20, engine="eager").fit(points)
    >>> tsne.transform(np.eye(3)).shape
    (3, 2)
    """

    embedding_: np.ndarray

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float | Sequence[float] = 30.0,
        hidden: Sequence[int] | int = (256, 256),
        learning_rate: float = 3e-3,
        epochs: int = 300,
        batch_size: int = 500,
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        neighbors: str = "auto",
        random_state: Any = None,
        engine: str = "native",
        n_jobs: int | None = None,
        verbose: bool | None = None,
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.hidden = hidden
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.metric = metric
        self.metric_params = metric_params
        self.neighbors = neighbors
        self.random_state = random_state
        self.engine = engine
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> ParametricTSNE:
        """Learn to map the points X (N, features)."""
        x = given.points(self, X, reset=True, sparse=False)
        parameters = self.get_params(deep=False)
        refuse_parameters(parameters)
        if self.metric == "precomputed":
            raise CircuitError("a network maps points: give these, and a metric, not distances")
        if isinstance(self.learning_rate, str):
            raise CircuitError(f"learning_rate is a number above 0, got {self.learning_rate!r}")
        k = refuse_perplexity(self.perplexity, len(x))
        threads = None if self.n_jobs == -1 else self.n_jobs
        random = random_of(self.random_state)
        with working("looking for the nearest", None, self._show):
            among, _ = index(x, self.metric, self.metric_params, self.neighbors, threads)
            near = among.of_each(k)
            p = affinities(near.indices, near.distances, self.perplexity, threads)
        self.model_, x = self._network(x, random), _single(x)
        size = min(self.batch_size, len(x))
        step = TrainingStep(self.model_, MapDivergence(), Adam(self.learning_rate))
        first = np.arange(size)
        run = prepare(
            self.engine, step.program(step.columns(x[first], _among(p, first))), threads=threads
        )
        self.loss_curve_: list[float] = []
        with (
            Interruptible() as interrupt,
            working("a network learns", self.epochs, self._show) as line,
        ):
            for _ in range(self.epochs):
                costs = []
                for rows in _batches(len(x), size, random):
                    if interrupt.requested:
                        break
                    costs.append(float(run(inputs=x[rows], labels=_among(p, rows))["loss"]))
                if interrupt.requested:
                    break
                self.loss_curve_.append(float(np.mean(costs)))
                line.advance(1)
                line.tell(f"a network learns, KL {self.loss_curve_[-1]:.3f}")
        self.n_iter_ = len(self.loss_curve_)
        self.embedding_ = self.model_.predict(x)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> np.ndarray:
        """Learn to map the points X, and return where they lie, (N, n_components)."""
        return self.fit(X).embedding_

    def transform(self, X: Any) -> np.ndarray:
        """Where the network puts points X (M, features), (M, n_components)."""
        check_is_fitted(self, "model_")
        x = given.points(self, X, reset=False, sparse=False)
        with np.errstate(over="ignore"):  # which the network refuses
            return self.model_.predict(x.astype(np.float32))

    def _network(self, x: np.ndarray, random: np.random.RandomState) -> Sequential:
        """A network whose inputs, as they are, spread about 1 around 0."""
        seed = int(random.randint(np.iinfo(np.int32).max))
        layers = multilayer(self.hidden, "relu", 0.0, self.n_components, seed, "he")
        return Sequential(Standardize(x.mean(axis=0), _spread(x)), layers, rng=seed)

    @property
    def _show(self) -> bool | None:
        return None if self.verbose is None else bool(self.verbose)

    @property
    def _n_features_out(self) -> int:
        return self.embedding_.shape[1]

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def _spread(x: np.ndarray) -> float:
    """How far points spread along a column, in the mean of all columns."""
    return float(np.sqrt(x.var(axis=0).mean()))


def _single(x: np.ndarray) -> np.ndarray:
    """x in the network's precision, refused where that loses what lies between points."""
    with np.errstate(over="ignore"):
        single = x.astype(np.float32)
    if not np.abs(single - x).max() <= _ROUNDED * _spread(x):
        raise CircuitError(
            "a network computes in single precision, which tells too few points of X apart; "
            "subtract the mean of its columns, and divide by their spread"
        )
    return single


def _batches(n: int, size: int, random: np.random.RandomState) -> Iterator[np.ndarray]:
    """All n points in a new order, so many at a time; those left over come another time."""
    order = random.permutation(n)
    for start in range(0, n - size + 1, size):
        yield order[start : start + size]


def _among(p: csr_array, rows: np.ndarray) -> np.ndarray:
    """p of pairs of these points, 1 in sum where there are such neighbours at all."""
    some: Any = p[rows][:, rows]
    part = some.toarray()
    return (part / (part.sum() or 1.0)).astype(np.float32)
