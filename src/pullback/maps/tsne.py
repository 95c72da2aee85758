"""t-SNE as an estimator of scikit-learn: points in, a map of them out."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA

from pullback.maps.affinities import affinities
from pullback.maps.neighbours import nearest
from pullback.maps.repulsion import repulsion_by
from pullback.maps.steps import Descent, Pieces


@final
class TSNE(TransformerMixin, BaseEstimator):
    """A map of points on which those that are near each other in the data lie together.

    Source: van der Maaten and Hinton, "Visualizing data using t-SNE" (JMLR 9, 2008).
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: Any = 30.0,
        early_exaggeration: float = 12.0,
        learning_rate: float | str = "auto",
        max_iter: int = 750,
        method: str = "auto",
        random_state: Any = None,
        engine: str = "native",
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.early_exaggeration = early_exaggeration
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.method = method
        self.random_state = random_state
        self.engine = engine
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> TSNE:
        """Make a map of the points X (N, features); `embedding_` has where they lie."""
        x = np.asarray(X, np.float64)
        n = len(x)
        found = nearest(x, int(3 * self.perplexity))
        p = affinities(found.indices, found.distances, self.perplexity)
        start = PCA(self.n_components, random_state=self.random_state).fit_transform(x)
        descent = Descent(
            (start / start[:, 0].std() * 1e-4).T, Pieces.of(p), self.engine, self.n_jobs
        )
        repel = repulsion_by(
            self.method, n, self.n_components, engine=self.engine, threads=self.n_jobs
        )
        for i in range(self.max_iter):
            exaggeration, momentum = (self.early_exaggeration, 0.5) if i < 250 else (1.0, 0.8)
            rate = max(n / 4.0 / exaggeration, 50.0)
            forces = repel(descent.y.value)
            descent(forces, exaggeration=exaggeration, momentum=momentum, learning_rate=rate)
        self.embedding_ = np.ascontiguousarray(descent.y.value.T)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> np.ndarray:
        """Make a map of the points X, and return where they lie, (N, n_components)."""
        return self.fit(X).embedding_
