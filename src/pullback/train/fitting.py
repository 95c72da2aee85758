"""In: what a person asked for, a plan, and data. Out: the model trained, and how it went.

Every study, of tables, pictures and sequences, trains by this.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pullback.layers.layer import Layer
from pullback.losses.loss import Loss
from pullback.losses.penalty import Penalty
from pullback.optim.optimizer import Optimizer
from pullback.train.callbacks import Callback, Event
from pullback.train.checkpoints import Checkpoints
from pullback.train.history import History
from pullback.train.settings import Settings
from pullback.train.stopping import early_stopping
from pullback.train.trainer import Trainer
from pullback.train.writers import json_lines, tensorboard


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


@dataclass(frozen=True)
class AfterTraining:
    """What every study has after training: the model `done`, as far as a person let it."""

    done: Fitted

    @property
    def history(self) -> History:
        return self.done.history

    @property
    def seconds(self) -> float:
        return self.done.seconds

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer with the learning rate that it had, be it that it was found by trying."""
        return self.done.trainer.optimizer

    @property
    def interrupted(self) -> bool:
        return self.history.ended.startswith("interrupted")


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

    What it goes on from, if it shall resume a run, and how to do so after Ctrl-C, are said on
    standard error.

    Raises `CircuitError` as `Trainer.fit` does.
    """
    folder = settings.checkpoint
    trainer = trainer_of(
        settings,
        plan,
        mixup,
        checkpoint=None if folder is None else Checkpoints(folder, about=settings.same()),
        monitor=settings.monitor,
    )
    written = [
        *([json_lines(settings.log)] if settings.log else []),
        *([tensorboard(settings.tensorboard)] if settings.tensorboard else []),
    ]
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
            callbacks=[_resumed, *stop, *written, *callbacks],
            progress=progress,
            resume=settings.resume,
            **sizes,
        )
    if folder is not None and history.ended.startswith("interrupted"):
        _say(f"interrupted: the same command with --resume goes on from {folder}")
    seconds = time.perf_counter() - start
    if settings.figure is not None:
        history.plot().save(settings.figure)
    return Fitted(trainer, history, seconds)


def trainer_of(settings: Settings, plan: Planned, mixup: float = 0.0, **more: Any) -> Trainer:
    """The Trainer of a plan, by settings that were checked; `more` is given to it as it is."""
    return Trainer(
        plan.model,
        plan.loss,
        plan.optimizer,
        penalties=plan.penalties,
        engine=settings.engine,
        threads=settings.threads,
        seed=settings.seed,
        mixup=mixup,
        **more,
    )


def _resumed(event: Event) -> None:
    if event.kind == "begin" and event.resumed:
        _say(event.resumed)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
