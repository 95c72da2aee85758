"""In: a module of PyTorch, its criterion and its optimizer. Out: what a doctor asks of a net."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import count
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis.disease import Disease
from pullback.diagnosis.finding import Finding
from pullback.diagnosis.patient import Parts
from pullback.diagnosis.torch.criterion import Criterion, OwnLoss
from pullback.diagnosis.torch.hooks import looked
from pullback.diagnosis.torch.learner import TorchTrainer, device_of, of_chance, seeded, tensors
from pullback.diagnosis.torch.library import torch
from pullback.diagnosis.torch.optimizer import TorchOptimizer
from pullback.inspect.activations import ActivationStatistics
from pullback.losses.loss import Loss
from pullback.train.data import Rows, of_kind
from pullback.train.finder import LearningRates, curve, usual_rates
from pullback.train.monitors import Monitor


@dataclass(frozen=True)
class WeightDecay:
    """What an optimizer's weight decay is as a penalty: there, or with `penalties=()` not."""

    strength: float


@dataclass(frozen=True, eq=False)
class TorchParts:
    """What a module is trained with, and what a doctor asks of it: the `Net` of PyTorch.

    `clip` is the length that gradients are cut to. `amiss` is what was found before the module
    could be trained at all. `diseases` are what is looked for, by name.
    """

    model: Any
    optimizer: TorchOptimizer
    criterion: Criterion
    clip: float | None = None
    seed: int = 0
    amiss: tuple[Finding, ...] = ()
    diseases: Mapping[str, Disease] = field(default_factory=dict)

    @property
    def losses(self) -> tuple[Loss, ...]:
        return (self.criterion.meaning,)

    @property
    def names(self) -> tuple[str, str]:
        how = self.criterion
        own = getattr(how.function, "__name__", type(how.function).__name__)
        return type(self.model).__name__, how.name or own

    @property
    def penalties(self) -> tuple[WeightDecay, ...]:
        strength = self.optimizer.weight_decay
        return (WeightDecay(strength),) if strength else ()

    @property
    def mixup(self) -> float:
        return 0.0

    @property
    def average(self) -> None:
        return None

    @property
    def engine(self) -> str:
        return "torch"

    @property
    def threads(self) -> int | None:
        return None

    @property
    def measured_by(self) -> Any:
        how = self.criterion
        return how.function, how.labels, how.scores

    def but(self, **changes: Any) -> TorchParts:
        if changes.get("penalties") == ():
            optimizer = changes.get("optimizer", self.optimizer)
            changes = {**changes, "optimizer": replace(optimizer, decayed=0.0)}
            del changes["penalties"]
        known = {own.name for own in fields(self)}
        for name in changes:
            if name not in known:
                raise CircuitError(f"a net of PyTorch has no {name} that the doctor could change")
        return replace(self, **changes)

    def trainer(self, monitor: Monitor | bool = False) -> TorchTrainer:
        return TorchTrainer(self)

    def activations(self, model: Any, rows: Rows) -> ActivationStatistics | None:
        device = device_of(model)
        with seeded(self.seed, model):
            return looked(model, *tensors(rows, device), self.criterion)

    def rates(self, rows: Rows, batch_size: int) -> LearningRates:
        rates = usual_rates()
        with seeded(self.seed, self.model):
            return curve(rates, self._pairs(rates, rows, min(batch_size, len(rows))))

    def _pairs(self, rates: np.ndarray, rows: Rows, size: int) -> Iterator[tuple[float, float]]:
        """The loss of each step before it is taken, and what a copy that stands still has there."""
        moving, still = self.trainer(), self.trainer()
        for rate, some in zip(rates, _without_end(rows, size, self.seed), strict=False):
            xs, y = tensors(some, moving.device)
            with torch.random.fork_rng(of_chance(moving.model)):  # both draw the same at random
                other = self.criterion(still.model(*xs), y)
            loss = self.criterion(moving.model(*xs), y)
            moving.go_at(float(rate))
            moving.step(loss)
            yield float(loss.detach()), float(other.detach())

    def loss(self, rows: Rows) -> float:
        return self.trainer().judge(rows)["loss"]

    def outputs(self, rows: Rows) -> np.ndarray:
        return self.trainer().predict(tuple(of_kind("inputs", rows.columns)))

    def plain(self, model: Any, optimizer: Any) -> Parts | None:
        if isinstance(self.criterion.meaning, OwnLoss) or self.criterion.summed:
            return None
        return Parts(model, self.losses, optimizer, seed=self.seed)


def _without_end(rows: Rows, size: int, seed: int) -> Iterator[Rows]:
    """Batches of rows, in another order each time."""
    for epoch in count(1):
        order = rows.order(seed, epoch)
        for start in range(0, len(rows) - size + 1, size):
            yield rows.take(order[start : start + size])
