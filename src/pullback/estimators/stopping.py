"""In: the epochs of a training. Out: its end, once it has not become better for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.unit import Unit
from pullback.train import Event


class Stopping:
    """Ends training as scikit-learn's multilayer perceptrons do.

    An epoch is no better when it is not better by `tol` than the best so far, however little that
    was better than the one before it; more than `patience` such epochs in a row end the training.
    What is watched is the training loss or, where there is a `score`, that: it is asked after
    every epoch, written into the history as "validation_score", and the model goes back in the
    end to what it was when the score was best. A score that is not finite ends training too: the
    model has diverged.

    >>> stop = Stopping(1e-4, 10)
    """

    def __init__(self, tol: float, patience: int, score: Callable[[], float] | None = None) -> None:
        self._tol, self._patience, self._score = tol, patience, score
        self._best, self._since = np.inf, 0
        self._kept: dict[Unit, Any] = {}

    @property
    def keeps(self) -> bool:
        """Whether the model goes back to what it was in a better epoch."""
        return bool(self._kept)

    def __call__(self, event: Event) -> None:
        if event.kind == "epoch":
            self._epoch(event)
        elif event.kind == "end":
            for unit, value in self._kept.items():
                unit.value = value

    def _epoch(self, event: Event) -> None:
        if self._score is None:
            value = event.measured["loss"]
        else:
            score = self._score()
            if not np.isfinite(score):
                event.history.diverged = True
                event.stop(f"the validation score became {score} in epoch {event.epoch}")
                return
            event.history.rows[-1]["validation_score"] = score
            value = -score
        self._since = self._since + 1 if value > self._best - self._tol else 0
        if value < self._best:
            self._best = value
            if self._score is not None:
                sources = event.trainer.sources
                self._kept = {unit: np.copy(unit.value) for unit in sources}
        if self._since > self._patience:
            watched = "the loss" if self._score is None else "the validation score"
            event.stop(f"{watched} did not improve by {self._tol:g} for {self._since} epochs")
