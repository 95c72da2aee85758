"""In: a model, losses, an optimizer and batches. Out: one step of training as a Program.

Forward, backward, penalties, metrics, the update of every parameter and the next value of all
state: all of them are wires of one circuit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from pullback.core.gradient import gradient
from pullback.core.unit import Unit
from pullback.core.walk import order
from pullback.gates.shape import astype
from pullback.layers.layer import Layer
from pullback.layers.training import Training
from pullback.losses.loss import Loss
from pullback.losses.penalty import Penalty
from pullback.optim.memory import MemoryByParameter
from pullback.optim.optimizer import Optimizer
from pullback.program.program import Program
from pullback.train.data import Rows, of_kind, several
from pullback.train.measured import judged


class Model(Protocol):
    """What a Trainer trains: a function of wires that owns parameters, such as any layer."""

    def __call__(self, x: Any, /, *others: Any, training: Training | None = None) -> Any: ...
    @property
    def parameters(self) -> dict[str, Unit]: ...
    @property
    def weights(self) -> dict[str, Unit]: ...


class TrainingStep:
    """What all steps share, whatever the size of their batches, and how one is recorded.

    `rate` is the wire of the learning rate, None where a schedule makes it; `memory` is what the
    optimizer remembers, and `mean_weights` are, for each loss, the mean weight of a row of all
    data.
    """

    def __init__(
        self,
        model: Model,
        losses: Sequence[Loss],
        optimizer: Optimizer,
        penalties: Sequence[Penalty],
        seed: int,
    ) -> None:
        self.model = model
        self.losses = losses
        self.optimizer = optimizer
        self.penalties = penalties
        self.seed = seed
        self.rate = optimizer.rate()
        self.memory = MemoryByParameter(optimizer)
        self.mean_weights = [Unit(1.0, "mean_weight") for _ in losses]
        self._number = Unit(np.array(0), "step")

    def weigh(self, data: Rows) -> None:
        """Set the mean weight of a row to that of these data."""
        samples = several(self.model(*(x[:1] for x in of_kind("inputs", data.columns))))
        labels, weights = of_kind("labels", data.columns), data.columns.get("weights")
        for unit, loss, label, sample in zip(
            self.mean_weights, self.losses, labels, samples, strict=True
        ):
            unit.value = loss.mean_weight(label, (len(data), *sample.shape[1:]), weights)

    def key(self, rows: Rows) -> tuple:
        """What a recorded step depends on: the shapes of a batch, what moves, and how it is made.

        Another step is recorded where parameters were frozen or thawed, or a layer set otherwise.
        """
        shapes = [(name, x.shape, x.dtype.str) for name, x in rows.columns.items()]
        parameters = self.model.parameters
        moving = (*parameters.values(), *self.memory.of(parameters))
        return (*shapes, *moving, getattr(self.model, "settings", ()))

    def record(self, rows: Rows) -> Program:
        """The Program of a step on batches of these shapes."""
        wires = {name: Unit(x, name) for name, x in rows.columns.items()}
        training = Training(Unit(np.array(self.seed % 2**32), "seed"), self._number)
        scores = several(self.model(*of_kind("inputs", wires), training=training))
        labels, weights = of_kind("labels", wires), wires.get("weights")
        loss, numbers = judged(self.losses, scores, labels, weights, self.mean_weights)
        objective = loss
        for penalty in self.penalties:
            objective = objective + penalty(*self._held())
        parameters = self.model.parameters
        memory = self.memory.of(parameters)
        moved, news = self.optimizer.update(
            gradient(objective, list(parameters.values())),
            memory,
            list(parameters.values()),
            self.rate,
            self.model.weights.values(),
        )
        updates = dict(zip([*parameters.values(), *memory], [*moved, *news], strict=True))
        updates |= training.updates
        if self._number in order([*numbers.values(), *updates.values()]):
            updates[self._number] = astype(self._number + 1, self._number.dtype)
        return Program(wires, numbers, updates)

    def _held(self) -> tuple[Mapping[str, Unit], Mapping[str, Unit]]:
        """The parameters and weights that penalties can name: frozen ones too, though they rest."""
        model: Any = self.model
        if not isinstance(model, Layer):
            return model.parameters, model.weights
        found = model.find_parameters
        return found(frozen=True), found(frozen=True, weights=True)
