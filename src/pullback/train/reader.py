"""In: data as a user gives them. Out: the same as a step of training takes them."""

from __future__ import annotations

from typing import Any

from pullback.core.errors import CircuitError
from pullback.train.data import Batches, Rows, are_batches, with_validation
from pullback.train.door import refuse_order
from pullback.train.step import TrainingStep


class Reader:
    """Reads what `fit` and `evaluate` are given, for the model and the losses of a step."""

    def __init__(self, step: TrainingStep) -> None:
        self.step = step

    def data(
        self,
        inputs: Any,
        labels: Any,
        weights: Any,
        validation: Any,
        passes: int,
        sampling: Any = None,
    ) -> tuple[Rows | Batches, Rows | None]:
        """Data to go through so often, and those to measure by, as `Trainer.fit` takes them."""
        seed = self.step.seed
        if are_batches(inputs, labels):
            return with_validation(Batches(inputs, passes, sampling), validation, seed, self.tuple)
        refuse_order(self.step.model)
        rows = self.rows(inputs, labels, weights, "training").sampled(sampling, self.step.losses)
        return with_validation(rows, validation, seed, self.tuple)

    def tuple(self, given: tuple[Any, ...], what: str) -> Rows:
        """Data that were given as (inputs, labels) or (inputs, labels, weights)."""
        if len(given) not in (2, 3):
            raise CircuitError(f"{what} data are (inputs, labels), or (inputs, labels, weights)")
        return self.rows(given[0], given[1], given[2] if len(given) == 3 else None, what)

    def rows(self, inputs: Any, labels: Any, weights: Any, what: str) -> Rows:
        """Data that were given one by one."""
        return Rows(self.step.columns(inputs, labels, weights, what=what))
