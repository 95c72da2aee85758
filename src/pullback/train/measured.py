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


Counts = Sequence[np.ndarray | None]
"""For each output how much each row counts, in order; None: every row the same."""


@dataclass(frozen=True)
class Steps:
    """What steps measured, by name: a number for each step, and how much that counts."""

    numbers: Mapping[str, Any]
    shares: Mapping[str, np.ndarray]

    @classmethod
    def of(
        cls,
        size: int,
        numbers: Mapping[str, Any],
        metrics: Counts = (None,),
        losses: Counts = (None,),
    ) -> Steps:
        """Of steps on `size` rows each; how much rows count in metrics, and in the losses.

        A loss that is a mean by the weights of all data has them in itself, and its rows count the
        same.

        >>> numbers = {"loss": np.array([0.1, 0.2]), "accuracy": np.array([0.5, 1.0])}
        >>> Steps.of(2, numbers, [np.array([1.0, 2.0, 3.0, 0.0])]).shares
        {'loss': array([2., 2.]), 'accuracy': array([3., 3.])}
        """
        steps = np.size(numbers["loss"])

        def share(name: str) -> np.ndarray:
            output = int(name.rpartition("_")[2]) - 1 if _is_of_output(name, metrics) else 0
            given = (losses if name.startswith("loss") else metrics)[output]
            alike = np.full(steps, float(size))
            own = alike if given is None else given.reshape(-1, size).sum(1, dtype=np.float64)
            return own if own.any() else alike

        return cls(numbers, {name: share(name) for name in numbers})

    def means(self) -> dict[str, float]:
        """The mean of each number over all rows; the loss of several outputs is their sum."""
        found = {
            name: float(np.average(np.atleast_1d(values), weights=self.shares[name]))
            for name, values in self.numbers.items()
        }
        several = [found[name] for name in found if name.startswith("loss_")]
        return {**found, "loss": sum(several)} if several else found


def _is_of_output(name: str, outputs: Counts) -> bool:
    """Whether a name has the number of an output at its end, as all have where there are several.

    The loss of all of them together has none.
    """
    return len(outputs) > 1 and name != "loss"


def joined(steps: Iterable[Steps]) -> Steps:
    """All steps of an epoch in one."""
    parts = list(steps)
    return Steps(
        *(
            {
                name: np.concatenate([np.atleast_1d(of[name]) for of in which])
                for name in parts[0].numbers
            }
            for which in ([part.numbers for part in parts], [part.shares for part in parts])
        )
    )
