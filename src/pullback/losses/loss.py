"""In: the scores of a batch and its labels. Out: one wire that says how wrong they are.

A loss is a function of wires made of gates. It also knows which labels it can take, so that wrong
ones are refused before any work, and which metrics people read beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np

from pullback.core.abstract import Abstract
from pullback.core.copying import Portable
from pullback.core.errors import CircuitError
from pullback.core.registry import Registry
from pullback.core.unit import Unit, scope
from pullback.gates.shape import astype
from pullback.losses.labels import numbers
from pullback.losses.reading import Reading
from pullback.losses.rows import class_accuracy, mean_absolute_error, sign_accuracy, weighted_mean

L = TypeVar("L", bound="Loss")

LOSSES: Registry[type[Loss]] = Registry("loss")


class Loss(Portable, ABC):
    """The mean over a batch of each example's cost. A subclass is a final frozen dataclass.

    `reading` says how its scores are read as answers: what the command line and the estimators know
    of a loss.
    """

    reading: ClassVar[Reading] = Reading()
    potential: ClassVar[bool] = True  # whether the gradient that training follows is its slope

    def __call__(
        self, scores: Any, labels: Any, weights: Any = None, mean_weight: Unit | None = None
    ) -> Unit:
        """The mean cost, one number, of scores and labels that are wires or arrays.

        With weights w of shape (batch,) it is mean(w * cost) / mean(w), and 0 where all weights of
        a wire are 0; class weights multiply the others. Of a minibatch, give as `mean_weight` what
        `mean_weight` says of all rows: it stands for mean(w), which chance would make another one
        in each batch. Arrays are checked by `prepare` and `prepare_weights`; wires are taken as
        they are.

        Raises `CircuitError` where there are no rows, or labels or weights do not fit the scores.
        """
        if not isinstance(scores, Unit):
            scores = Unit(_floats(scores), "scores")
        if scores.dtype.kind != "f":
            raise CircuitError(f"{scores.label} carries {scores.dtype} values; scores are floats")
        if 0 in scores.shape or not scores.shape:
            raise CircuitError(f"a loss needs at least one row of scores, got shape {scores.shape}")
        if not isinstance(labels, Unit):
            labels = Unit(self.prepare(labels, scores.shape), "labels")
        if weights is not None and not isinstance(weights, Unit):
            weights = Unit(prepare_weights(weights, scores.shape[0]), "weights")
        with scope(type(self).__name__.lower()):
            costs = self.cost(scores, labels)
            own = self.row_weights(scores, labels)
            if own is not None:
                weights = own if weights is None else own * weights
            return costs.mean() if weights is None else weighted_mean(costs, weights, mean_weight)

    def mean_weight(
        self, labels: np.ndarray, shape: tuple[int, ...], weights: np.ndarray | None = None
    ) -> float:
        """The mean over rows of their weight, with that of their class, for scores of this shape.

        `labels` and `weights` are as `prepare` and `prepare_weights` make them.
        """
        scores = Unit(Abstract(shape, np.dtype(np.float64)))  # no weight asks for their numbers
        own = self.row_weights(scores, Unit(labels))
        if own is None:
            return 1.0 if weights is None else float(np.mean(weights, dtype=np.float64))
        return float(np.mean(own.value if weights is None else own.value * weights))

    def mean_of_batch(self, labels: np.ndarray) -> float:
        """The mean weight of a batch of which nobody knows the rest: by what there is of each row.

        It stands for 1, the usual weight of a row, where rows have steps that do not count.
        """
        return 1.0

    @abstractmethod
    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        """Labels as this loss computes with them, for scores of this shape.

        Raises `CircuitError` naming the first label that does not fit.
        """

    @abstractmethod
    def cost(self, scores: Unit, labels: Unit) -> Unit:
        """The cost of each example, of shape (batch,)."""

    def refuse_too_large(self, labels: np.ndarray, shape: tuple[int, ...], dtype: Any) -> None:
        """Raise `CircuitError` where labels are so large that their costs overflow scores' dtype.

        `labels` are as `prepare` makes them; the costs are those of scores of 0, of this shape.
        """
        if labels.dtype.kind != "f" or not labels.size:
            return
        costs = self.cost(Unit(np.zeros(shape, dtype)), Unit(labels)).value
        with np.errstate(over="ignore"):
            total = costs.sum()
        if np.isfinite(total):
            return
        least = self.cost(Unit(np.zeros(shape, dtype)), Unit(np.zeros_like(labels))).value
        if not np.isfinite(least).all():
            return  # it is scores of 0 that have no cost, whatever the labels
        row = int(np.abs(labels.reshape(len(labels), -1)).max(axis=1).argmax())
        raise CircuitError(
            f"label {labels[row]} (row {row}) is too large: {type(self).__name__} of it overflows "
            f"{np.dtype(dtype)}; scale the labels first"
        )

    def row_weights(self, scores: Unit, labels: Unit) -> Unit | None:
        """How much the loss itself lets each row count, of shape (batch,); None: all the same."""
        return None

    def metric_weights(self, labels: Unit) -> Unit | None:
        """How much of each row there is to measure, of shape (batch,); None: the same of all.

        It is comparable from batch to batch: how many steps a sequence has, not which share.
        """
        return None

    def of_rows(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        """What is worth reading beside the loss, by name: for each row a number or truth value.

        By default, of classes whether they are right, and of quantities the size of the error.
        """
        pair = self.reading.pair
        if pair is not None:
            return {"accuracy": sign_accuracy(scores, labels, sum(pair) / 2)}
        if self.reading.task == "classification":
            return {"accuracy": class_accuracy(scores, labels)}
        if self.reading.task == "regression":
            return {"mean_absolute_error": mean_absolute_error(scores, labels)}
        return {}

    def metrics(self, scores: Unit, labels: Unit, weights: Unit | None = None) -> dict[str, Unit]:
        """What is worth reading beside the loss, by name: means over the rows, by their weights."""
        rows = self.of_rows(scores, labels)
        own = self.metric_weights(labels)
        if own is not None:
            weights = own if weights is None else own * weights
        if weights is None:
            return {name: unit.mean() for name, unit in rows.items()}
        return {
            name: weighted_mean(astype(unit, weights.dtype), weights) for name, unit in rows.items()
        }


def register(loss: type[L]) -> type[L]:
    """Decorate a loss so that it is found by name."""
    LOSSES.add(loss.__name__, loss)
    return loss


def fitting(task: str, classes: int = 0) -> list[str]:
    """The losses that a task with so many classes can be trained with.

    >>> from pullback.losses import LOSSES
    >>> fitting("classification", 3)
    ['MulticlassHinge', 'SoftmaxCrossEntropy', 'SoftmaxFocalCrossEntropy']
    """
    return [name for name, loss in LOSSES.items() if loss.reading.fits(task, classes)]


def prepare_weights(weights: Any, rows: int) -> np.ndarray:
    """Sample weights as losses compute with them: one for each row, of shape (rows,).

    Raises `CircuitError` where there are not as many as rows, for the first one that is negative,
    nan or infinite, and where all are 0 or too large to be added up.

    >>> prepare_weights([1, 2], 2)
    array([1., 2.])
    """
    array = numbers(weights, "weights", "sample weights are one number a row")
    if array.shape != (rows,):
        raise CircuitError(f"{rows} rows need weights of shape ({rows},), got {array.shape}")
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(wrong):
        raise CircuitError(
            f"weight {array[wrong[0]]} (row {wrong[0]}) is not a finite number of at least 0; "
            "give the row weight 0 to leave it out"
        )
    if not array.any():
        raise CircuitError("all weights are 0; at least one row must count")
    with np.errstate(over="ignore"):
        total = array.sum()
    if not np.isfinite(total):
        raise CircuitError(f"the weights add up to more than {array.dtype} holds; divide them")
    return array if array.dtype == np.float32 else array.astype(np.float64)


def _floats(scores: Any) -> Any:
    """Whole numbers given as scores, as floats."""
    array = numbers(scores, "scores", "scores are numbers")
    return array if array.dtype.kind == "f" else array.astype(np.float64)
