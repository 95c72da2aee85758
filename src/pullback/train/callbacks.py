"""In: what happens while training runs. Out: what someone wants to do about it.

A callback is a function of an `Event`. It may look at everything the event holds, set the
trainer's learning rate, and end the training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit

if TYPE_CHECKING:
    from pullback.train.history import History
    from pullback.train.trainer import Trainer


@dataclass
class Event:
    """Something that happened in training: its "begin", the end of an "epoch", its "end".

    `epoch` counts from 1, over all calls of `fit`; `measured` is what the epoch measured, and
    `history` all epochs of this call. At the "end", both are those of the last epoch.
    """

    kind: Literal["begin", "epoch", "end"]
    trainer: Trainer
    epoch: int
    measured: Mapping[str, float]
    history: History
    ended: str | None = None

    def stop(self, reason: str) -> None:
        """End the training after this event; `reason` becomes `history.ended`."""
        self.ended = reason


Callback = Callable[[Event], Any]


def early_stopping(
    monitor: str = "validation_loss",
    *,
    patience: int = 10,
    minimum_change: float = 0.0,
    larger_is_better: bool | None = None,
    keep_best: bool = True,
) -> Callback:
    """Ends training when a measurement has not become better for `patience` epochs in a row.

    Better is smaller by more than `minimum_change`, or larger where `larger_is_better`, which None
    takes to be so for names that end in "accuracy". With `keep_best` the model goes back, however
    training ends, to what it was after its best epoch. Each call of `fit` begins anew.

    Raises `CircuitError` for a patience below 1; in training, where nothing of that name is
    measured.

    >>> stop = early_stopping("loss", patience=3)
    """
    if patience < 1 or not minimum_change >= 0.0:
        raise CircuitError(
            "early stopping needs a patience of at least 1 and a change of at least 0, got "
            f"{patience} and {minimum_change}"
        )
    larger = monitor.endswith("accuracy") if larger_is_better is None else larger_is_better
    best, best_epoch, since = np.inf, 0, 0
    kept: dict[Unit, Any] = {}

    def callback(event: Event) -> None:
        nonlocal best, best_epoch, since
        if event.kind == "begin":
            best, best_epoch, since = np.inf, 0, 0
            kept.clear()
        elif event.kind == "epoch":
            if monitor not in event.measured:
                known = ", ".join(name for name in event.measured if name != "epoch")
                raise CircuitError(
                    f"early stopping watches {monitor!r}, which is not measured; there are: "
                    f"{known}" + (". Give fit a `validation`" if "valid" in monitor else "")
                )
            value = event.measured[monitor] * (-1.0 if larger else 1.0)
            if value < best - minimum_change:
                best, best_epoch, since = value, event.epoch, 0
                if keep_best:
                    kept.update((unit, np.copy(unit.value)) for unit in event.trainer.sources)
            else:
                since += 1
            if since >= patience:
                event.stop(
                    f"stopped early: {monitor} was best in epoch {best_epoch}, {since} epochs ago"
                )
        elif event.kind == "end":
            for unit, value in kept.items():
                unit.value = value

    return callback
