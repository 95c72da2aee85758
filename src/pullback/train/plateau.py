"""In: the epochs of a training. Out: a smaller learning rate, once they get no better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pullback.core.errors import CircuitError
from pullback.optim.checks import at_least_zero, count, fraction
from pullback.train.callbacks import Callback, Event, watched

if TYPE_CHECKING:
    from pullback.train.lbfgs import LBFGS
    from pullback.train.trainer import Trainer

_LEAST = 1e-8  # a smaller change of the rate is none, as in PyTorch


class Plateau:
    """A callback: see `reduce_on_plateau`."""

    def __init__(
        self,
        monitor: str,
        factor: float,
        patience: int,
        threshold: float,
        *,
        relative: bool,
        cooldown: int,
        minimum: float,
        larger: bool,
    ) -> None:
        self.monitor, self.factor, self.patience = monitor, factor, patience
        self.threshold, self.relative = threshold, relative
        self.cooldown, self.minimum, self.larger = cooldown, minimum, larger
        self.begin()

    def begin(self) -> None:
        """Forget what was."""
        self.best, self.since, self.rest = (-math.inf if self.larger else math.inf), 0, 0

    def __call__(self, event: Event) -> None:
        if event.kind == "begin":
            optimizer: Any = getattr(event.trainer, "optimizer", None)
            if optimizer is None or callable(optimizer.learning_rate):
                who = "L-BFGS has none" if optimizer is None else f"{optimizer!r} makes it itself"
                raise CircuitError(
                    f"reduce_on_plateau sets the learning rate, and {who}, at every step; give an "
                    "optimizer with a number"
                )
            self.begin()
        elif event.kind == "epoch":
            rate = event.trainer.learning_rate
            event.history.rows[-1]["learning_rate"] = rate
            if self.is_due(watched(event, self.monitor, "reduce_on_plateau")):
                lower = max(rate * self.factor, self.minimum)
                if rate - lower > _LEAST:
                    event.trainer.learning_rate = lower

    def state(self) -> dict[str, Any]:
        """What it remembers, and by what rule: see `Resumable`."""
        rule = self.monitor, self.factor, self.patience, self.threshold, self.cooldown, self.minimum
        return {
            "rule": repr((*rule, self.relative, self.larger)),
            "best": float(self.best),
            "since": self.since,
            "rest": self.rest,
        }

    def restore(self, state: Any, trainer: Trainer | LBFGS) -> None:
        """Go on with what `state` told.

        Raises `CircuitError` where it is of another rule, or damaged.
        """
        now = self.state()
        if not isinstance(state, Mapping) or state.keys() != now.keys():
            raise CircuitError("what reduce_on_plateau remembered is not in order")
        if state["rule"] != now["rule"]:
            raise CircuitError(
                f"reduce_on_plateau of the run was of {state['rule']}, and is now of {now['rule']}"
            )
        if any(type(state[name]) is not type(now[name]) for name in now):
            raise CircuitError("what reduce_on_plateau remembered is not in order")
        self.best, self.since, self.rest = state["best"], state["since"], state["rest"]

    def is_due(self, value: float) -> bool:
        """Count an epoch; whether the rate is to fall after it."""
        if self._is_better(value):
            self.best, self.since = value, 0
        else:
            self.since += 1
        if self.rest > 0:
            self.rest, self.since = self.rest - 1, 0
        if self.since <= self.patience:
            return False
        self.rest, self.since = self.cooldown, 0
        return True

    def _is_better(self, value: float) -> bool:
        change = self.threshold if self.larger else -self.threshold
        bar = self.best * (1.0 + change) if self.relative else self.best + change
        return value > bar if self.larger else value < bar


def reduce_on_plateau(
    monitor: str = "validation_loss",
    *,
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    relative: bool = True,
    cooldown: int = 0,
    minimum: float = 0.0,
    larger_is_better: bool | None = None,
) -> Callback:
    """Multiplies the learning rate by `factor` where a measurement gets no better.

    That is after more than `patience` epochs in a row without progress: a value smaller than the
    best so far by more than `threshold`, times the best if it is `relative`; or larger by as much
    where `larger_is_better`, which None takes to be so for names that end in "accuracy". After each
    fall, `cooldown` epochs do not count. The rate does not fall below `minimum`. The history gets a
    column "learning_rate", of the rate that each epoch was trained with. Each call of `fit` begins
    to count anew, at the rate there is.

    It reduces after the same epochs as PyTorch's `ReduceLROnPlateau`. A patience smaller than that
    of `early_stopping` beside it lets a smaller rate be tried before training ends.

    Raises `CircuitError` for a factor that is not between 0 and 1, numbers that are negative, and
    counts that are not whole; in training, where the optimizer's own schedule makes the rate, and
    where nothing of that name is measured.

    >>> reduce = reduce_on_plateau("loss", factor=0.5, patience=3)
    """
    if not fraction("factor", factor):
        raise CircuitError("factor must be above 0 and below 1, got 0")
    larger = monitor.endswith("accuracy") if larger_is_better is None else larger_is_better
    return Plateau(
        monitor,
        float(factor),
        count("patience", patience) if patience else 0,
        at_least_zero("threshold", threshold),
        relative=relative,
        cooldown=count("cooldown", cooldown) if cooldown else 0,
        minimum=at_least_zero("minimum", minimum),
        larger=larger,
    )
