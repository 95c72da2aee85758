"""In: rows, and how much each shall come in training. Out: the rows of an epoch, in order.

Rare classes that come more often are learned from in every batch; class weights let them count for
more instead, in the few batches that have them. Either is enough.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.losses.class_weights import balance
from pullback.losses.loss import Loss, prepare_weights


@dataclass(frozen=True, eq=False)
class Sampling:
    """How often rows come in an epoch: each in proportion to its weight.

    An epoch has `rows` rows, by default as many as there are. A row of weight w comes rows * w /
    sum(weights) times in it, rounded down or up by chance: so none that is to come once or more is
    ever left out, and rows of equal weights come once each. Each epoch draws anew, by the seed of
    the `Trainer`; rows that validate or test are never drawn. `weights` are a number for each row,
    or "balanced", which lets every class come as often, and needs class numbers as labels.

    What a model says after balanced sampling is as if classes were equally common:
    `pullback.metrics.with_priors` takes that back.

    Raises `CircuitError` for weights or a number of rows that cannot be.
    Source: Madow, "On the theory of systematic sampling, II" (1949), of rows in random order.

    >>> Sampling("balanced").times(np.array([0, 0, 0, 1]))
    array([0.66666667, 0.66666667, 0.66666667, 2.        ])
    """

    weights: Any = "balanced"
    rows: int | None = None

    def __post_init__(self) -> None:
        if self.rows is not None and (not isinstance(self.rows, Integral) or self.rows < 1):
            raise CircuitError(f"an epoch has a whole number of rows, 1 or more, got {self.rows!r}")
        if isinstance(self.weights, str):
            if self.weights != "balanced":
                raise CircuitError(
                    f'sampling is "balanced", or a weight for each row, got {self.weights!r}'
                )
            return
        object.__setattr__(self, "weights", prepare_weights(self.weights, np.size(self.weights)))

    @classmethod
    def of(cls, given: Any) -> Sampling | None:
        """What a user gives: None, "balanced", weights, or one that is made already."""
        return given if given is None or isinstance(given, cls) else cls(given)

    @property
    def balanced(self) -> bool:
        return isinstance(self.weights, str)

    def check(self, losses: Sequence[Loss], labels: Sequence[np.ndarray]) -> None:
        """Raise `CircuitError` where rows with these labels cannot be drawn so.

        Warns where class weights let rare classes count for more already.
        """
        if not self.balanced:
            prepare_weights(self.weights, len(labels[0]))
            return
        if len(losses) != 1 or losses[0].reading.task != "classification":
            raise CircuitError(
                f"balanced sampling is for one loss of classes, got {', '.join(map(repr, losses))};"
                " give sampling a weight for each row"
            )
        if labels[0].ndim != 1 or (np.floor(labels[0]) != labels[0]).any():
            raise CircuitError(
                "balanced sampling needs one class for each row, not probabilities of classes; "
                "give sampling a weight for each row"
            )
        if getattr(losses[0], "class_weights", None) is not None:
            warnings.warn(
                "balanced sampling and class weights both let rare classes count for more, and "
                "together they do so twice: leave one out",
                stacklevel=4,
            )

    def take(self, which: np.ndarray) -> Sampling:
        """The same for these rows alone."""
        return self if self.balanced else replace(self, weights=self.weights[which])

    def times(self, labels: np.ndarray) -> np.ndarray:
        """How often each row comes in an epoch on the average, (rows,)."""
        weights = self.weights
        if self.balanced:
            _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
            weights = balance(counts.astype(float))[classes]
        return weights * ((self.rows or len(labels)) / weights.sum(dtype=np.float64))

    def order(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The numbers of the rows of an epoch, in random order."""
        mixed = rng.permutation(len(labels))  # so that which rows come together is by chance
        if self.balanced:  # rows of a class side by side: so it comes as often as it should, too
            mixed = mixed[np.argsort(labels[mixed], kind="stable")]
        ends = np.cumsum(self.times(labels)[mixed])
        count = self.rows or len(labels)
        # The steps of a comb with a random start; rounding must not carry the last past all rows.
        steps = (np.arange(count) + rng.random()) * (ends[-1] / count)
        last = int(np.searchsorted(ends, ends[-1], side="left"))
        found = np.minimum(np.searchsorted(ends, steps, side="right"), last)
        return rng.permutation(mixed[found])
