"""In: scores, labels and weights. Out: the loss and the metrics, of a batch and over an epoch.

A row's weight is how often it counts. So that this is the same in any batch, also in one of a
single row, the costs of a batch are divided by the mean weight of all rows, and not by that of
those that chance has put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.losses.loss import Loss


def judged(
    losses: Sequence[Loss],
    scores: Sequence[Unit],
    labels: Sequence[Any],
    weights: Any = None,
    mean_weights: Sequence[Unit] | None = None,
) -> tuple[Unit, dict[str, Unit]]:
    """The loss of scores against labels, and all that is measured of them by name.

    `mean_weights` are, for each loss, the mean weight of a row of all data; by default, of these.
    """
    refuse_counts(losses, scores, labels)
    total: Any = None
    each: dict[str, Unit] = {}
    for k, (loss, y, label) in enumerate(zip(losses, scores, labels, strict=True)):
        value = loss(y, label, weights, None if mean_weights is None else mean_weights[k])
        total = value if total is None else total + value
        suffix = f"_{k + 1}" if len(scores) > 1 else ""
        if suffix:
            each[f"loss{suffix}"] = value
        each |= {f"{name}{suffix}": unit for name, unit in loss.metrics(y, label, weights).items()}
    return total, {"loss": total, **each}


def refuse_counts(losses: Sequence[Any], scores: Sequence[Any], labels: Sequence[Any]) -> None:
    """Raise `CircuitError` where there is not one loss and one kind of label for each output."""
    if not len(scores) == len(losses) == len(labels):
        raise CircuitError(
            f"the model has {len(scores)} outputs; they need as many losses and labels, got "
            f"{len(losses)} and {len(labels)}"
        )


@dataclass(frozen=True)
class Steps:
    """What steps measured, each on so many rows, of so much weight in all."""

    rows: np.ndarray
    weight: np.ndarray
    numbers: Mapping[str, Any]

    @classmethod
    def of(cls, size: int, weights: np.ndarray | None, numbers: Mapping[str, Any]) -> Steps:
        """Of steps on `size` rows each, with the weights of all their rows in order, if any.

        >>> Steps.of(2, np.array([1.0, 2.0, 3.0, 0.0]), {"loss": np.array([0.1, 0.2])}).weight
        array([3., 3.])
        """
        rows = np.full(np.size(numbers["loss"]), size)
        return cls(rows, rows if weights is None else weights.reshape(-1, size).sum(1), numbers)

    def means(self) -> dict[str, float]:
        """The mean of each number over all rows; losses are weighted already, metrics are here."""
        return {
            name: float(np.average(np.atleast_1d(values), weights=self._shares(name)))
            for name, values in self.numbers.items()
        }

    def _shares(self, name: str) -> np.ndarray:
        weighted = name == "loss" or name.startswith("loss_") or not self.weight.any()
        return self.rows if weighted else self.weight


def joined(steps: Iterable[Steps]) -> Steps:
    """All steps of an epoch in one."""
    parts = list(steps)
    return Steps(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.weight for part in parts]),
        {
            name: np.concatenate([np.atleast_1d(part.numbers[name]) for part in parts])
            for name in parts[0].numbers
        },
    )
