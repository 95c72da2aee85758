"""In: what a person asked for, a plan, and data. Out: the model trained, and how it went.

Every study, of tables, pictures and sequences, trains by this.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pullback.layers.layer import Layer
from pullback.losses.loss import Loss
from pullback.losses.penalty import Penalty
from pullback.optim.optimizer import Optimizer
from pullback.train.callbacks import Callback
from pullback.train.history import History
from pullback.train.settings import Settings
from pullback.train.stopping import early_stopping
from pullback.train.trainer import Trainer


class Planned(Protocol):
    """All that training needs, chosen for some data."""

    @property
    def model(self) -> Layer: ...
    @property
    def loss(self) -> Loss: ...
    @property
    def optimizer(self) -> Optimizer: ...
    @property
    def penalties(self) -> Sequence[Penalty]: ...
    @property
    def epochs(self) -> int: ...


@dataclass(frozen=True)
class Fitted:
    """A model that was trained, as far as a person let it: `seconds` are those of the training."""

    trainer: Trainer
    history: History
    seconds: float


def fitted(
    settings: Settings,
    plan: Planned,
    inputs: Any,
    labels: Any = None,
    *,
    validation: tuple[Any, ...],
    mixup: float = 0.0,
    sampling: Any = None,
    callbacks: Iterable[Callback] = (),
    progress: bool | None = None,
) -> Fitted:
    """Train the plan's model on these data, as `Trainer.fit` takes them, and keep its best epoch.

    Raises `CircuitError` as `Trainer.fit` does.
    """
    trainer = Trainer(
        plan.model,
        plan.loss,
        plan.optimizer,
        penalties=plan.penalties,
        engine=settings.engine,
        threads=settings.threads,
        seed=settings.seed,
        mixup=mixup,
    )
    stop = [early_stopping(patience=settings.patience)] if settings.patience else []
    sizes = {} if settings.batch_size is None else {"batch_size": settings.batch_size}
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "training ended")  # it is in history.ended, and shown
        history = trainer.fit(
            inputs,
            labels,
            epochs=plan.epochs,
            validation=validation,
            sampling=sampling,
            callbacks=[*stop, *callbacks],
            progress=progress,
            **sizes,
        )
    return Fitted(trainer, history, time.perf_counter() - start)
