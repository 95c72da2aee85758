"""In: points, (N, features), and a metric. Out: the k nearest of each, and how far they are.

Scikit-learn finds them exactly, in time that grows with the square of the number of points. Where
that takes long, usearch finds most of them: it walks a graph of points from near to nearer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite

WAYS = ("auto", "exact", "approximate")
MANY = 20_000  # points, above which "auto" is not exact
GRAPHS = {"euclidean": "l2sq", "l2": "l2sq", "cosine": "cos"}  # metrics, as usearch names them


@dataclass(frozen=True)
class Neighbours:
    """The nearest of each point, from near to far: their numbers and distances, (N, k)."""

    indices: np.ndarray
    distances: np.ndarray

    def __post_init__(self) -> None:
        far = self.distances
        if not is_finite(far):
            i = int(np.argmin(np.isfinite(far).all(axis=1)))
            raise CircuitError(
                f"distances of row {i} are beyond all numbers of {far.dtype}; divide X by its "
                "largest number, or choose another metric"
            )
        if (far < 0.0).any():
            raise CircuitError(f"the metric is none: it makes a distance of {far.min():g}")


class Index(Protocol):
    """Points among which to look for the nearest."""

    def of_each(self, k: int) -> Neighbours:
        """The k nearest of each point, itself left out."""
        ...

    def of(self, x: Any, k: int) -> Neighbours:
        """The k nearest of each point of x, which are none of these."""
        ...


def index(
    x: Any,
    metric: Any = "euclidean",
    parameters: Mapping[str, Any] | None = None,
    way: str = "auto",
    threads: int | None = None,
) -> tuple[Index, str]:
    """Points x (N, features), or distances where the metric is "precomputed", to look among.

    `way` is "exact", "approximate", or "auto": exact up to 20,000 points, and approximate above
    that where usearch is installed and knows the metric. The text says where it is missing.

    Raises `CircuitError` for a metric that is none of scikit-learn's, or not of usearch where it is
    asked for; and where usearch is asked for and missing.

    >>> among, _ = index(np.array([[0.0], [1.0], [3.0]]))
    >>> among.of_each(1).indices.T
    array([[1, 0, 1]])
    """
    _refuse_metric(metric)
    known = isinstance(x, np.ndarray) and isinstance(metric, str) and metric in GRAPHS
    if way == "exact" or (way == "auto" and not (known and len(x) > MANY)):
        return Exact(x, metric, parameters, threads), ""
    if not known:
        raise CircuitError(
            f"approximate neighbours are of dense points by the metrics {', '.join(GRAPHS)}, got "
            f"{metric!r}; choose neighbors='exact'"
        )
    if find_spec("usearch") is not None:
        return Approximate(x, metric, threads), ""
    cure = "pip install 'pullback[maps]'"
    if way == "approximate":
        raise CircuitError(
            f"approximate neighbours need usearch, which is not installed; run {cure}, or choose "
            "neighbors='exact'"
        )
    note = f"the nearest of {len(x):,} points were found exactly; {cure} makes it faster"
    return Exact(x, metric, parameters, threads), note


def _refuse_metric(metric: Any) -> None:
    from sklearn.neighbors import VALID_METRICS

    if not callable(metric) and metric not in VALID_METRICS["brute"]:
        names = ", ".join(sorted(VALID_METRICS["brute"]))
        raise CircuitError(f"there is no metric {metric!r}; there are: {names}; or a function")


class Exact:
    """The nearest points by scikit-learn."""

    def __init__(
        self, x: Any, metric: Any, parameters: Mapping[str, Any] | None, threads: int | None
    ) -> None:
        from sklearn.neighbors import NearestNeighbors

        whole = callable(metric) or metric == "precomputed"  # a tree asks more of a distance
        options: dict[str, Any] = {"metric": metric, "metric_params": parameters, "n_jobs": threads}
        if "p" in (parameters or {}):
            options["p"] = None  # of which scikit-learn has another one
        self._index: Any = NearestNeighbors(algorithm="brute" if whole else "auto", **options)
        with np.errstate(all="ignore"):
            self._index.fit(x)

    def of_each(self, k: int) -> Neighbours:
        return self.of(None, k)

    def of(self, x: Any, k: int) -> Neighbours:
        with np.errstate(all="ignore"):
            distances, indices = self._index.kneighbors(x, k)
        return Neighbours(indices, distances)


class Approximate:
    """Most of the nearest points, by a graph of usearch (Malkov and Yashunin, "Efficient and robust
    approximate nearest neighbor search using hierarchical navigable small world graphs", 2020).

    With one thread they are the same from run to run; with several the graph is built in the order
    in which these come.
    """

    def __init__(self, x: np.ndarray, metric: str, threads: int | None) -> None:
        from usearch.index import Index as Graph

        self._metric, self._threads = GRAPHS[metric], threads or 0
        self._x = np.ascontiguousarray(x, np.float32)
        self._graph: Any = Graph(
            ndim=x.shape[1], metric=self._metric, dtype="f32", expansion_add=64, expansion_search=96
        )
        self._graph.add(np.arange(len(x)), self._x, threads=self._threads)

    def of_each(self, k: int) -> Neighbours:
        near = self.of(self._x, k + 1)
        other = near.indices != np.arange(len(self._x))[:, None]
        other[other.all(axis=1), -1] = False  # where copies of a point hide it
        return Neighbours(*(part[other].reshape(-1, k) for part in (near.indices, near.distances)))

    def of(self, x: Any, k: int) -> Neighbours:
        found = self._graph.search(np.asarray(x, np.float32), k, threads=self._threads)
        distances = np.maximum(found.distances.reshape(-1, k), 0.0)  # rounding makes some less
        far = np.sqrt(distances) if self._metric == "l2sq" else distances
        return Neighbours(found.keys.reshape(-1, k).astype(np.int64), far)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_graph": bytes(self._graph.save())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from usearch.index import Index as Graph

        vars(self).update(state, _graph=Graph.restore(state["_graph"]))
