"""In: the epochs of a training. Out: its end, once they get no better, and the best model again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.train.callbacks import Callback, Event, watched

if TYPE_CHECKING:
    from pullback.train.trainer import Trainer

Judge = Callable[[float, float, float], tuple[bool, bool]]
"""Of a value, the best before and a change: whether it is progress, and whether it is the best."""


def better(value: float, best: float, change: float) -> tuple[bool, bool]:
    """What is smaller by more than the change, and nothing else, is progress and the best."""
    smaller = value < best - change
    return smaller, smaller


def creeping(value: float, best: float, change: float) -> tuple[bool, bool]:
    """As scikit-learn judges: what is smaller by less than the change is the best, yet no progress.

    So many small steps do not add up to progress.
    """
    return not value > best - change, value < best


def is_larger_better(measured: str) -> bool:
    """Whether more of a measurement is better, by its name.

    >>> is_larger_better("validation_accuracy"), is_larger_better("loss")
    (True, False)
    """
    return measured.endswith(("accuracy", "_r2"))


class Stopping:
    """A callback: see `early_stopping`. `kept` is the model as it was after its best epoch."""

    def __init__(
        self,
        monitor: str,
        patience: int,
        change: float,
        *,
        larger: bool,
        keep: bool,
        judge: Judge = better,
    ) -> None:
        self.monitor, self.patience, self.change = monitor, patience, change
        self.sign, self.keep, self.judge = (-1.0 if larger else 1.0), keep, judge
        self.begin()

    def begin(self) -> None:
        """Forget what was."""
        self.best, self.best_epoch, self.since = np.inf, 0, 0
        self.kept: dict[str, Any] = {}

    def __call__(self, event: Event) -> None:
        if event.kind == "begin":
            self.begin()
        elif event.kind == "epoch":
            self.epoch(event)
        else:
            sources = event.trainer.named_sources
            for name, value in self.kept.items():
                sources[name].value = value

    def epoch(self, event: Event) -> None:
        """Count an epoch, and end training after too many without progress."""
        value = watched(event, self.monitor, "early stopping") * self.sign
        progress, best = self.judge(value, self.best, self.change)
        self.since = 0 if progress else self.since + 1
        if best:
            self.best, self.best_epoch = value, event.epoch
            if self.keep:
                named = event.trainer.named_sources
                self.kept = {name: np.copy(unit.value) for name, unit in named.items()}
        if self.since >= self.patience:
            ago = event.epoch - self.best_epoch
            words = f"was best in epoch {self.best_epoch}, {ago} epochs ago"
            if ago < self.since:
                words = f"did not improve by {self.change:g} for {self.since} epochs"
            event.stop(f"stopped early: {self.monitor} {words}")

    def state(self) -> dict[str, Any]:
        """What it remembers, and by what rule: see `Resumable`."""
        return {
            "monitor": self.monitor,
            "patience": int(self.patience),
            "change": float(self.change),
            "keep": bool(self.keep),
            "best": float(self.best),
            "best_epoch": self.best_epoch,
            "since": self.since,
            "kept": dict(self.kept),
        }

    def restore(self, state: Any, trainer: Trainer) -> None:
        """Go on with what `state` told.

        Raises `CircuitError` where it is of another rule or model, or damaged.
        """
        own, kinds = self.state(), {"best": float, "best_epoch": int, "since": int, "kept": dict}
        if not isinstance(state, dict) or state.keys() != own.keys():
            raise CircuitError("the state of early stopping is damaged")
        for name in own.keys() - kinds.keys():
            if type(state[name]) is not type(own[name]) or state[name] != own[name]:
                raise CircuitError(
                    f"the {name} of early stopping was {state[name]!r:.60}, and is now "
                    f"{own[name]!r}; go on with it as it was"
                )
        sources, kept = trainer.named_sources, state["kept"]
        if any(type(state[name]) is not kind for name, kind in kinds.items()) or not all(
            isinstance(x, np.ndarray)
            and name in sources
            and (x.shape, x.dtype) == (sources[name].shape, sources[name].dtype)
            for name, x in kept.items()
        ):
            raise CircuitError("the state of early stopping is damaged")
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.since, self.kept = state["since"], dict(kept)


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
    larger = is_larger_better(monitor) if larger_is_better is None else larger_is_better
    return Stopping(monitor, patience, minimum_change, larger=larger, keep=keep_best)
