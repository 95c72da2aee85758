"""In: what epochs measured, and what a monitor saw of each layer. Out: alarms, each said once.

The rules are those by which experts see that a training goes wrong. They look at numbers that are
there anyway, after each epoch, so that they cost nothing; what the cause is, they do not know.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any, final

from pullback.layers.activations import Sigmoid, Tanh
from pullback.layers.layer import Layer
from pullback.train.callbacks import Event
from pullback.train.divergence import CALL
from pullback.train.monitors import LayerRow

_CONSTANT = 1e-3  # of the loss: what changes less from the first epoch on does not learn
_EPOCHS = 3  # that must say the same
_PATIENCE = 5  # epochs without a better validation loss
_WORSE = 0.1  # of the best validation loss and of how far it fell, by which a later one is worse
_ZERO = 0.999  # of the elements of a layer
_FLAT = 0.98  # of 1, the mean square of a tanh that is nearly always at its ends
_LARGE, _SMALL = 1e-1, 1e-6  # update-to-weight ratios that are too large, or too small

Rows = Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Alarm:
    """What went wrong, by name, in which epoch it was seen first, of which layer, and in numbers.

    `layer` is "" where it is about the whole.

    >>> print(Alarm(3, "dead layer", "relu1", "all that it makes is 0"))
    dead layer in epoch 3: 'relu1': all that it makes is 0
    """

    epoch: int
    name: str
    layer: str
    seen: str

    def __str__(self) -> str:
        where = f"{self.layer!r}: " if self.layer else ""
        return f"{self.name} in epoch {self.epoch}: {where}{self.seen}"


@final
class Alarms:
    """A callback that looks at each epoch, warns of what is new, and keeps it in `history.alarms`.

    Of a run that is resumed, what was said before is kept again, and not said again.
    """

    def __call__(self, event: Event) -> None:
        history = event.history
        if event.kind == "begin":
            for k in range(1, len(history) + 1):
                self._hear(event, k)
        elif event.kind == "epoch":
            for alarm in self._hear(event, len(history)):
                warnings.warn(f"{alarm}; {CALL}", stacklevel=4)
        elif history.diverged:  # of which `fit` itself warns
            history.alarms.append(Alarm(event.epoch, "not a number", "", history.ended))

    def _hear(self, event: Event, count: int) -> list[Alarm]:
        """Keep what is new after so many epochs, and return it."""
        history = event.history
        rows = history.rows[:count]
        layers = [row for row in history.of_layers if row.epoch <= rows[-1]["epoch"]]
        said = {(alarm.name, alarm.layer) for alarm in history.alarms}
        found = alarms(rows, layers, event.trainer.model)
        new = [alarm for alarm in found if (alarm.name, alarm.layer) not in said]
        history.alarms += new
        return new


def alarms(rows: Rows, layers: Sequence[LayerRow], model: Any) -> Iterator[Alarm]:
    """What the last of these epochs gives reason to say."""
    epoch = int(rows[-1]["epoch"])
    for name, seen in (*_of_loss(rows), *_of_validation(rows)):
        yield Alarm(epoch, name, "", seen)
    by_layer: dict[str, list[Mapping[str, float]]] = {}
    late = list(takewhile(lambda row: row.epoch > epoch - _EPOCHS, reversed(layers)))
    for row in reversed(late):
        by_layer.setdefault(row.layer, []).append(row.measures)
    bounds = _bounded(model)
    for layer, measures in by_layer.items():
        for name, seen in _of_layer(rows, measures, bounds.get(layer)):
            yield Alarm(epoch, name, layer, seen)


# Rules -------------------------------------------------------------------------------------------

Said = Iterator[tuple[str, str]]
"""Names of alarms, and what was seen."""


def _of_loss(rows: Rows) -> Said:
    losses = [row["loss"] for row in rows]
    if len(losses) < _EPOCHS or not all(map(math.isfinite, losses)):
        return
    first, last = losses[0], losses[-_EPOCHS:]
    if last[-1] > first and all(a < b for a, b in pairwise(last)):
        yield "diverging loss", f"it grows, and {last[-1]:.4g} is more than {first:.4g} at first"
    spread = max(losses) - min(losses)
    if rows[0]["epoch"] == 1 and first != 0.0 and spread <= _CONSTANT * abs(first):
        yield "constant loss", f"it is {last[-1]:.4g}, and was {first:.4g} after the first epoch"


def _of_validation(rows: Rows) -> Said:
    losses = [row.get("validation_loss", math.nan) for row in rows]
    if len(losses) <= _PATIENCE or not all(map(math.isfinite, losses)):
        return
    best = min(losses)
    later = losses[-_PATIENCE:]
    falls = rows[-1]["loss"] < rows[losses.index(best)]["loss"]
    if falls and min(later) > best + _WORSE * max(abs(best), losses[0] - best):
        yield "rising validation loss", f"{later[-1]:.4g} after {best:.4g}, and the loss falls on"


def _of_layer(rows: Rows, seen: Sequence[Mapping[str, float]], bounds: str | None) -> Said:
    """What is to be said of a layer, of which the last epochs have seen this."""
    now = seen[-1]
    loss = rows[-1]["loss"]
    if now.get("gradient", 1.0) == 0.0 and loss != 0.0:
        yield "zero gradient", f"its parameters do not move, and the loss is {loss:.4g}"
    if now.get("zeros", 0.0) > _ZERO:
        yield "dead layer", "all that it makes is 0"
    if bounds and _flatness(now, bounds) > _FLAT:
        yield "saturated layer", "nearly all that it makes lies at its ends, where its slope is 0"
    ratios = [row["ratio"] for row in seen if math.isfinite(row.get("ratio", math.nan))]
    if len(ratios) == _EPOCHS and min(ratios[1:]) > _LARGE and loss >= rows[0]["loss"]:
        yield "large updates", f"a step moves its weights by {ratios[-1]:.2g} of their length"
    at_first = rows[-1]["epoch"] == _EPOCHS  # later a schedule may let it rest
    if len(ratios) == _EPOCHS and max(ratios) < _SMALL and at_first:
        yield "small updates", f"a step moves its weights by {ratios[-1]:.2g} of their length"


def _flatness(seen: Mapping[str, float], bounds: str) -> float:
    """The mean square of what a layer makes, as a tanh from -1 to 1."""
    mean, std = seen.get("mean", 0.0), seen.get("std", 0.0)
    square = mean * mean + std * std
    return square if bounds == "tanh" else 4.0 * square - 4.0 * mean + 1.0


def _bounded(model: Any) -> dict[str, str]:
    """The layers inside a model that end in a tanh or a sigmoid, but for its last."""
    if not isinstance(model, Layer):
        return {}
    kinds = {Tanh: "tanh", Sigmoid: "sigmoid"}
    walked = [(path or layer.called, layer) for path, layer in model.walk() if not layer.layers]
    return {name: kinds[type(x)] for name, x in walked[:-1] if type(x) in kinds}  # pyright: ignore[reportArgumentType]
