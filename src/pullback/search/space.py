"""In: what may be tried of each setting, and a trial. Out: the settings that the trial draws.

Rates and springs are told as multiples of what the recipe takes by itself, so that the same range
serves every optimizer and task; sizes are steps, so that networks share what was compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.tables.dataset import Dataset
from pullback.tables.recipe import HIDDEN, Recipe, can_smooth, prepared

if TYPE_CHECKING:
    from optuna.trial import Trial

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Among:
    """One of these values, in no order."""

    values: tuple[Any, ...]

    def drawn(self, trial: Trial, name: str) -> Any:
        return trial.suggest_categorical(name, self.values)

    def told(self, value: Any) -> Any:
        """The value as a trial is told to take it."""
        return value


@dataclass(frozen=True)
class Steps:
    """One of these values, in their order. A storage knows it by its number, from 0."""

    values: tuple[Any, ...]

    def drawn(self, trial: Trial, name: str) -> Any:
        return self.values[trial.suggest_int(name, 0, len(self.values) - 1)]

    def told(self, value: Any) -> int:
        """The number of the nearest one."""
        return int(np.argmin([abs(value - x) for x in self.values]))


@dataclass(frozen=True)
class Between:
    """A positive number from `low` to `high`, on a logarithmic scale."""

    low: float
    high: float

    def drawn(self, trial: Trial, name: str) -> float:
        return three_digits(trial.suggest_float(name, self.low, self.high, log=True))

    def told(self, value: float) -> float:
        return min(max(value, self.low), self.high)


Range = Among | Steps | Between


def three_digits(x: float) -> float:
    """The same number in three digits: more of them change no network, and nobody reads them.

    >>> three_digits(0.0025639201733163096), three_digits(12345.0)
    (0.00256, 12300.0)
    """
    return float(f"{x:.3g}")


_RANGES: Mapping[str, Range] = {
    "depth": Steps((0, 1, 2, 3)),
    "width": Steps((16, 32, 64, 128, 256, 512)),
    "taper": Steps((0.5, 1.0)),
    "activation": Among(("ReLU", "Tanh", "GELU")),
    "dropout": Steps((0.0, 0.1, 0.2, 0.3, 0.5)),
    "label_smoothing": Steps((0.0, 0.02, 0.05, 0.1, 0.2)),
    "mixup": Steps((0.0, 0.1, 0.2, 0.4, 0.8)),
    "optimizer": Among(("SGD", "Adam", "RMSProp")),
    "learning_rate_factor": Between(0.1, 10.0),
    "l2_factor": Between(0.01, 100.0),
    "batch_size": Steps((16, 32, 64, 128)),
}
_SHAPE = ("depth", "width", "taper")  # what `hidden` is made of
FACTORS = {"learning_rate_factor": "learning_rate", "l2_factor": "l2"}
_OF_LAYERS = ("hidden", "activation", "dropout")  # which a network of depth 0 has not


@dataclass(frozen=True)
class Space:
    """What may be tried of each setting, by its name.

    `depth` counts hidden layers, 0 being a linear model; `width` is the size of the first, and each
    further one has `taper` times the units of the one before it. `learning_rate_factor` and
    `l2_factor` multiply what the recipe takes by itself. The others are the recipe's own.

    >>> Space.of(("hidden", "optimizer", "l2"), "SquaredError").names
    ('activation', 'dropout', 'mixup', 'learning_rate_factor', 'batch_size')
    """

    ranges: Mapping[str, Range] = field(default_factory=lambda: dict(_RANGES))

    def __post_init__(self) -> None:
        unknown = sorted(set(self.ranges) - set(_RANGES))
        if unknown:
            raise CircuitError(
                f"there is no setting {unknown[0]!r} to try; there are: {', '.join(_RANGES)}"
            )
        if not self.ranges:
            raise CircuitError("every setting is given, so that there is nothing to try")
        shape = [name for name in _SHAPE if name in self.ranges]
        if shape and len(shape) < len(_SHAPE):
            raise CircuitError(f"{', '.join(_SHAPE)} are tried together, or none of them")

    @classmethod
    def of(cls, given: Iterable[str], loss: str) -> Space:
        """All that there is to try with a loss but what is given, by the names of a `Recipe`."""
        left = set(given)
        left |= set() if can_smooth(loss) else {"label_smoothing"}
        left |= set(_SHAPE) if "hidden" in left else set()
        left |= {factor for factor, name in FACTORS.items() if name in left}
        return cls({name: tried for name, tried in _RANGES.items() if name not in left})

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.ranges)

    def drawn(self, trial: Trial) -> Settings:
        """The settings that a trial of Optuna's shall try."""
        return {name: tried.drawn(trial, name) for name, tried in self.ranges.items()}

    def start(self, task: str) -> dict[str, Any]:
        """The recipe's own settings, as a trial is told to take them: known to do well."""
        hidden = HIDDEN[task]
        own = {
            "depth": len(hidden),
            "width": hidden[0],
            "taper": 1.0,
            "activation": "ReLU",
            "dropout": 0.0,
            "label_smoothing": 0.0,
            "mixup": 0.0,
            "optimizer": "SGD",
            "learning_rate_factor": 1.0,
            "l2_factor": 1.0,
            "batch_size": Recipe.batch_size,
        }
        return {name: tried.told(own[name]) for name, tried in self.ranges.items()}


def recipe_of(settings: Settings, base: Recipe, train: Dataset) -> Recipe:
    """The recipe that these settings make of `base`, for these training rows.

    Rates and springs have three digits, but for those that the recipe takes by itself.

    >>> from pullback.datasets import load_dataset
    >>> told = {"depth": 2, "width": 64, "taper": 0.5, "learning_rate_factor": 2.0}
    >>> recipe = recipe_of(told, Recipe(), load_dataset("digits"))
    >>> recipe.hidden, recipe.learning_rate
    ((64, 32), 0.2)
    """
    plain = {name: x for name, x in settings.items() if name not in (*_SHAPE, *FACTORS)}
    if "depth" in settings:
        width, taper = settings["width"], settings["taper"]
        plain["hidden"] = tuple(max(1, round(width * taper**k)) for k in range(settings["depth"]))
        if not plain["hidden"]:
            plain = {name: x for name, x in plain.items() if name not in _OF_LAYERS}
            base = replace(base, model="linear", **dict.fromkeys(_OF_LAYERS))
    recipe = replace(base, **plain)
    usual = prepared(recipe, train)  # which makes no parameters
    own = {"learning_rate": usual.optimizer.learning_rate, "l2": usual.l2}
    told = {
        name: own[name] if settings[x] == 1.0 else three_digits(settings[x] * own[name])
        for x, name in FACTORS.items()
        if x in settings
    }
    return replace(recipe, **told)
