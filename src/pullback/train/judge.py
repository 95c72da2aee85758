"""In: a model that is trained, and data. Out: what it says to them, and how good that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import refuse_not_finite, refuse_outputs
from pullback.core.unit import Unit
from pullback.train.data import Rows, of_kind
from pullback.train.measured import judged
from pullback.train.predictor import Predictor
from pullback.train.step import TrainingStep


class Judge:
    """Asks the model of a step, or that of its averages, by an engine, and measures the answers."""

    def __init__(self, step: TrainingStep, engine: str, threads: int | None) -> None:
        engine = "native" if engine == "eager-native" else engine
        self.step = step
        self.predictor = Predictor(step.averaging or step.model, engine, threads)

    def evaluate(self, rows: Rows, sources: Mapping[str, Unit]) -> dict[str, float]:
        """See `Trainer.evaluate`; `sources` are those of the model that answers."""
        refuse_not_finite(sources)
        xs = of_kind("inputs", rows.columns)
        scores = self.predictor(xs)
        refuse_outputs(scores, xs)
        measured = self._measured(scores, rows)
        if not np.isfinite(measured["loss"]):
            raise CircuitError(
                f"the loss of these data is {measured['loss']}: an answer is too far from its "
                f"label for {scores[0].dtype}; scale inputs and labels as in training"
            )
        return measured

    def measure(self, rows: Rows) -> dict[str, float]:
        """What validation data say, be it that training has diverged."""
        return self._measured(self.predictor(of_kind("inputs", rows.columns)), rows)

    def _measured(self, scores: Sequence[np.ndarray], rows: Rows) -> dict[str, float]:
        wires = [Unit(y, "scores") for y in scores]
        labels = [Unit(y, "labels") for y in of_kind("labels", rows.columns)]
        weights = rows.columns.get("weights")
        weights = None if weights is None else Unit(weights, "weights")
        _, numbers = judged(self.step.losses, wires, labels, weights)
        return {name: float(unit.value) for name, unit in numbers.items()}

    def predict(self, inputs: Any, sources: Mapping[str, Unit]) -> Any:
        """See `Trainer.predict`."""
        xs = self.step.inputs(inputs, "prediction")
        refuse_not_finite(sources)
        first, *others = outputs = self.predictor(xs)
        refuse_outputs(outputs, xs)
        return (first, *others) if others else first
