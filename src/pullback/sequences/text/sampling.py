"""In: scores of what may come next. Out: what comes next, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.values import plain_array
from pullback.gates.reduction import softmax
from pullback.layers.layer import Rng


@dataclass(frozen=True)
class Sampling:
    """How a number is drawn from scores: softmax(scores / temperature), of the likeliest alone.

    A temperature below 1 prefers the likely ones, above 1 it makes all more alike; 0 takes the
    largest score, the first of equals. `top_k` draws from the k likeliest alone, `top_p` from the
    fewest whose probabilities come to p, the likeliest at least; of both, `top_k` is first. Equals
    count in their order.

    Raises `CircuitError` for a temperature below 0, a top_k that is no whole number from 1 on, and
    a top_p outside (0, 1].
    Source: Fan, Lewis, Dauphin, "Hierarchical neural story generation" (2018), for top-k; Holtzman
    and others, "The curious case of neural text degeneration" (2020), for top-p.

    >>> Sampling(top_p=0.5).probabilities(np.log([0.4, 0.3, 0.2, 0.1])).round(3)
    array([0.571, 0.429, 0.   , 0.   ])
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        t, k, p = self.temperature, self.top_k, self.top_p
        if not isinstance(t, Real) or isinstance(t, bool) or not 0.0 <= t < np.inf:
            raise CircuitError(f"a temperature is a finite number, 0 or above, got {t!r}")
        if k is not None and (not isinstance(k, Integral) or isinstance(k, bool) or k < 1):
            raise CircuitError(f"top_k is a whole number of at least 1, got {k!r}")
        if p is not None and (not isinstance(p, Real) or isinstance(p, bool) or not 0.0 < p <= 1.0):
            raise CircuitError(f"top_p is a share above 0 and up to 1, got {p!r}")

    def probabilities(self, scores: Any) -> np.ndarray:
        """How likely each number is to be drawn, (..., classes), for scores of that shape."""
        scores = _checked(scores)
        if self.temperature == 0.0:
            return np.equal.outer(scores.argmax(-1), np.arange(scores.shape[-1])).astype(float)
        return softmax(self._kept(scores), axis=-1)

    def draw(self, scores: Any, rng: np.random.Generator) -> np.ndarray:
        """Numbers (...) for scores (..., classes), drawn by `rng`.

        Raises `CircuitError` for scores that are nan, or all -infinity, of which there is none.
        """
        scores = _checked(scores)
        if self.temperature == 0.0:
            return scores.argmax(-1)
        noise = self.noise(scores.shape, rng)
        if self.keeps_all(scores.shape[-1]):
            return (scores + noise).argmax(-1)
        return np.where(self._kept(scores) > -np.inf, scores + noise, -np.inf).argmax(-1)

    def noise(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """What to add to scores of a shape, so that the largest is drawn by its probability.

        Source: Gumbel, "Statistical theory of extreme values" (1954): the place of the largest of
        scores / T with such noise added is distributed as softmax(scores / T).
        """
        if self.temperature == 0.0:
            return np.zeros(shape)
        with np.errstate(over="ignore"):  # where all are as good as any
            return self.temperature * rng.gumbel(size=shape)

    def keeps_all(self, classes: int) -> bool:
        """Whether none of so many classes is left out."""
        everything = (self.top_k or classes) >= classes and self.top_p in (None, 1.0)
        return everything or self.temperature == 0.0

    def _kept(self, scores: np.ndarray) -> np.ndarray:
        """The scores by temperature, -infinity where they are not drawn from."""
        with np.errstate(over="ignore"):
            scores = (scores - scores.max(-1, keepdims=True)) / self.temperature
        if self.keeps_all(scores.shape[-1]):
            return scores
        order = np.argsort(-scores, axis=-1, kind="stable")
        ranked = np.take_along_axis(scores, order, -1)
        if self.top_k is not None:
            ranked[..., self.top_k :] = -np.inf
        if self.top_p is not None:
            shares = softmax(ranked, axis=-1)
            before = np.cumsum(shares, axis=-1) - shares
            before[..., 0] = 0.0
            ranked[before >= self.top_p] = -np.inf
        kept = np.empty_like(scores)
        np.put_along_axis(kept, order, ranked, -1)
        return kept


def sample(
    scores: Any,
    rng: Rng = None,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> np.ndarray:
    """Numbers (...), drawn from scores (..., classes) as `Sampling` says.

    `rng` is a generator of NumPy's or its seed, by default 0.

    Raises `CircuitError` as `Sampling` and its `draw` do.

    >>> sample([[0.0, 5.0, 0.0], [0.0, 0.0, 5.0]], temperature=0.0)
    array([1, 2])
    """
    how = Sampling(temperature, top_k, top_p)
    return how.draw(scores, np.random.default_rng(0 if rng is None else rng))


def _checked(scores: Any) -> np.ndarray:
    """Scores as doubles with an axis of classes, of which each row has one that may be drawn."""
    array = plain_array(scores, "scores")
    if array.ndim < 1 or array.shape[-1] < 1 or array.dtype.kind not in "fiu":
        raise CircuitError(
            f"scores are numbers of shape (..., classes), got {array.dtype} of shape {array.shape}"
        )
    array = array.astype(np.float64)
    if array.size and not np.isfinite(array.max(-1)).all():
        raise CircuitError(
            "scores hold nan or infinity, or are all -infinity: nothing to draw from"
        )
    return array
