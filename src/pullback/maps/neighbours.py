"""In: points, (N, features), and a metric. Out: the k nearest of each, and how far they are.

Scikit-learn finds them exactly, in time that grows with the square of the number of points. Where
that takes long, usearch finds most of them: it walks a graph of points from near to nearer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from scipy.sparse import issparse

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite
from pullback.maps.scaling import Scaling

WAYS = ("auto", "exact", "approximate")
_SEEDS = 1000  # of all groups, added one by one: what threads add at once may miss each other
MANY = 20_000  # points, above which "auto" is not exact
GRAPHS = {"euclidean": "l2sq", "l2": "l2sq", "cosine": "cos"}  # metrics, as usearch names them
SQUARES = ("euclidean", "l2", "sqeuclidean", "minkowski", "nan_euclidean")
"""Metrics of differences whose squares scikit-learn makes of products, which lose small ones."""


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
                f"row {i} has no distance to others by this metric, as by cosine or correlation a "
                "row of equal numbers has none; drop such rows, or choose another metric"
                if np.isnan(far[i]).any()
                else f"distances of row {i} are beyond all numbers of {far.dtype}; divide X by its "
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
        near = get_close_matches(str(metric), VALID_METRICS["brute"], n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise CircuitError(
            f"there is no metric {metric!r}; {hint}there are: {names}; or a function"
        )


def scaling(x: Any, metric: Any) -> Scaling:
    """How points are brought near to 1, where it changes no neighbours."""
    named = metric if isinstance(metric, str) else ""
    return Scaling.of(x, moved=named in SQUARES) if named in (*SQUARES, "cosine") else Scaling()


def _unit(size: float, metric: Any) -> float:
    """The distance that is 1 between points that were brought near to 1."""
    if metric == "cosine":
        return 1.0
    return size**2 if metric == "sqeuclidean" else size


class Exact:
    """The nearest points by scikit-learn."""

    def __init__(
        self, x: Any, metric: Any, parameters: Mapping[str, Any] | None, threads: int | None
    ) -> None:
        from sklearn.metrics.pairwise import PAIRWISE_BOOLEAN_FUNCTIONS as TRUTHS
        from sklearn.neighbors import NearestNeighbors

        whole = callable(metric) or metric == "precomputed"  # a tree asks more of a distance
        options: dict[str, Any] = {"metric": metric, "metric_params": parameters, "n_jobs": threads}
        if "p" in (parameters or {}):
            options["p"] = None  # of which scikit-learn has another one
        self._metric, self._sparse = metric, issparse(x)
        self._scaling = scaling(x, metric)
        self._truths = metric in TRUTHS and not self._sparse and bool(((x == 0) | (x == 1)).all())
        self._index: Any = NearestNeighbors(algorithm="brute" if whole else "auto", **options)
        self._asked(self._index.fit, self._taken(x))

    def of_each(self, k: int) -> Neighbours:
        return self._found(None, k)

    def of(self, x: Any, k: int) -> Neighbours:
        return self._found(self._taken(x), k)

    def _found(self, x: Any, k: int) -> Neighbours:
        distances, indices = self._asked(self._index.kneighbors, x, k)
        return Neighbours(indices, distances * _unit(self._scaling.size, self._metric))

    def _taken(self, x: Any) -> Any:
        """Points as scikit-learn takes them: of a tree it asks that all are dense."""
        x = self._scaling(x.toarray() if issparse(x) and not self._sparse else x)
        return x != 0.0 if self._truths else x

    def _asked(self, what: Any, *given: Any) -> Any:
        try:
            with np.errstate(all="ignore"):
                return what(*given)
        except (TypeError, ValueError, np.linalg.LinAlgError) as error:
            if callable(self._metric):  # then it is its own
                raise
            raise CircuitError(
                f"the metric {self._metric!r} does not fit such points, or asks for other "
                f"metric_params: {error}"
            ) from error


class Approximate:
    """Most of the nearest points, by a graph of usearch (Malkov and Yashunin, "Efficient and robust
    approximate nearest neighbor search using hierarchical navigable small world graphs", 2020).

    Copies of a point stand in the graph as one: many at one place would be all neighbours of each
    other, and no way would lead past them. With one thread neighbours are the same from run to run;
    with several the graph is built in the order in which these come.
    """

    def __init__(self, x: np.ndarray, metric: str, threads: int | None) -> None:
        from usearch.index import Index as Graph

        self._metric, self._threads = metric, threads or 0
        self._scaling = scaling(x, metric)
        x = self._taken(x)
        self._places, self._first, self._members, self._counts = _places(x)
        self._x = x[self._members[self._first]]
        self._graph: Any = Graph(
            ndim=x.shape[1],
            metric=GRAPHS[metric],
            dtype="f32",
            expansion_add=64,
            expansion_search=96,
        )
        mixed = np.random.default_rng(0).permutation(len(self._x))
        for some, at_once in ((mixed[:_SEEDS], 1), (np.sort(mixed[_SEEDS:]), self._threads)):
            self._graph.add(some, self._x[some], threads=at_once)

    def of_each(self, k: int) -> Neighbours:
        near = self._found(self._x, k + 1)
        indices, distances = near.indices[self._places], near.distances[self._places]
        other = indices != np.arange(len(indices))[:, None]
        other[other.all(axis=1), -1] = False  # where more copies of a point than k hide it
        return Neighbours(*(part[other].reshape(-1, k) for part in (indices, distances)))

    def of(self, x: Any, k: int) -> Neighbours:
        return self._found(self._taken(x), k)

    def _taken(self, x: Any) -> np.ndarray:
        x = self._scaling(x.toarray() if issparse(x) else x)
        return np.ascontiguousarray(x, np.float32) + np.float32(0.0)  # of two zeros one

    def _found(self, x: np.ndarray, k: int) -> Neighbours:
        """The k nearest points of each x, all of one place before those of the next."""
        places = min(k, len(self._x))
        keys, distances = self._searched(x, places)
        distances = np.maximum(distances, 0.0)  # rounding makes some less
        far = np.sqrt(distances) if GRAPHS[self._metric] == "l2sq" else distances
        far = far.astype(np.float64) * _unit(self._scaling.size, self._metric)
        ends = np.minimum(np.cumsum(self._counts[keys], axis=1), k)
        counts = np.diff(ends, axis=1, prepend=0)
        begins = np.repeat(ends - counts, counts.ravel()).reshape(-1, k)
        first = np.repeat(self._first[keys], counts.ravel()).reshape(-1, k)
        return Neighbours(
            self._members[first + np.arange(k) - begins],
            np.repeat(far, counts.ravel()).reshape(-1, k),
        )

    def _searched(self, x: np.ndarray, places: int) -> tuple[np.ndarray, np.ndarray]:
        """The keys of the nearest places of each x, and what the graph calls their distances.

        Where it finds fewer, since no way leads to the others, all places are looked at.
        """
        several = x if len(x) > 1 else np.concatenate([x, x])  # what it finds of one is of no rows
        found: Any = self._graph.search(several, places, threads=self._threads)
        keys, distances = found.keys.astype(np.int64), found.distances.copy()
        fewer = np.asarray(found.counts) < places
        if fewer.any():
            both = np.flatnonzero(fewer).repeat(2)  # two rows at least, here too
            every = self._graph.search(several[both], places, exact=True, threads=self._threads)
            keys[both], distances[both] = every.keys, every.distances
        return keys[: len(x)], distances[: len(x)]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_graph": bytes(self._graph.save())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from usearch.index import Index as Graph

        vars(self).update(state, _graph=Graph.restore(state["_graph"]))


def _places(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """At which place each point is, and of each place its first member, all, and how many.

    Members stand place after place in one list, in which the first is told by its position.

    >>> [part.tolist() for part in _places(np.array([[5.0], [3.0], [5.0]]))]
    [[0, 1, 0], [0, 2], [0, 2, 1], [2, 1]]
    """
    numbers: dict[bytes, int] = {}
    found = (numbers.setdefault(row.tobytes(), len(numbers)) for row in x)
    places = np.fromiter(found, np.int64, len(x))
    counts = np.bincount(places)
    return places, np.cumsum(counts) - counts, np.argsort(places, kind="stable"), counts
