"""In: what a person asks of training, in words and numbers. Out: the same, checked.

What was not asked for is None, and is chosen where the data are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from numbers import Integral
from typing import Any, Literal, TypeVar

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.registry import meant
from pullback.engines.prepare import ENGINES, refuse_engine, refuse_missing
from pullback.optim import OPTIMIZERS
from pullback.train.writers import refuse_board

_CALLED = {"balanced": "class-weights"}  # of fields whose option has another name
S = TypeVar("S", bound="Settings")


@dataclass(frozen=True)
class Settings:
    """How to train, as the options of a command line name it."""

    optimizer: str | None = None
    learning_rate: float | Literal["find"] | None = None
    l2: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    patience: int = 20
    seed: int = 0
    engine: str = "native"
    threads: int | None = None
    checkpoint: str | None = None
    resume: bool = False
    monitor: bool = True
    log: str | None = None
    tensorboard: str | None = None
    figure: str | None = None

    def same(self) -> dict[str, str]:
        """What must be the same when a run is resumed, by option: not how long it takes."""
        free = ("epochs", "threads", "checkpoint", "resume", "log", "tensorboard", "figure")
        told = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in free}
        return {option_of(name): "not told" if x is None else repr(x) for name, x in told.items()}


def checked(settings: S) -> S:
    """The settings with all names as they are registered.

    Raises `CircuitError` for the first that nothing could be trained with.
    """
    engine = named("engine", settings.engine, ENGINES)
    refuse_missing(engine)
    for option, value, least in (
        ("--epochs", settings.epochs, 1),
        ("--batch-size", settings.batch_size, 1),
        ("--patience", settings.patience, 0),
        ("--seed", settings.seed, 0),
        ("--threads", settings.threads, 1),
    ):
        if value is not None and value < least:
            raise CircuitError(f"{option} is a whole number of at least {least}, got {value}")
    refuse_engine(engine, settings.threads)
    rate, l2 = settings.learning_rate, settings.l2
    if isinstance(rate, float | int) and not 0.0 < rate < np.inf:
        raise CircuitError(f"--learning-rate is a number above 0, such as 0.1, got {rate}")
    if l2 is not None and not 0.0 <= l2 < np.inf:
        raise CircuitError(f"--l2 is a number of at least 0, such as 0.0001, got {l2}")
    if settings.resume and settings.checkpoint is None:
        raise CircuitError("--resume goes on with a run in a folder: name it, as --checkpoint")
    if settings.checkpoint is not None and not settings.checkpoint.strip():
        raise CircuitError("--checkpoint needs the name of a folder")
    if settings.tensorboard is not None:
        refuse_board(settings.tensorboard, "--tensorboard")
    optimizer = settings.optimizer and named("optimizer", settings.optimizer, OPTIMIZERS)
    return replace(settings, engine=engine, optimizer=optimizer)


def option_of(field: str) -> str:
    """The option of the command line that sets a field.

    >>> option_of("batch_size"), option_of("balanced")
    ('--batch-size', '--class-weights')
    """
    return f"--{_CALLED.get(field, field.replace('_', '-'))}"


def refuse_others(settings: Any, options: Mapping[str, str], why: str) -> None:
    """Raise where one of these fields was asked for: their options are for something else.

    Raises `CircuitError` with `why`.
    """
    for field, option in options.items():
        if getattr(settings, field) is not None:
            raise CircuitError(f"{option} {why}")


def named(kind: str, name: str, known: Iterable[str]) -> str:
    """The known name that is this one, in upper or lower case.

    >>> named("optimizer", "sgd", ["SGD", "Adam"])
    'SGD'

    Raises `CircuitError`, with the name that is near or all there are, where there is none.
    """
    names = list(known)
    for candidate in names:
        if candidate.casefold() == name.casefold():
            return candidate
    raise CircuitError(f"there is no {kind} {name!r}; {meant(name, names)}")


def refuse_counts(**numbers: Any) -> None:
    """Refuse what is no whole number of at least 1, by its name.

    >>> refuse_counts(epochs=0)
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: epochs is a whole number of at least 1, got 0
    """
    for name, number in numbers.items():
        if not isinstance(number, Integral) or number < 1:
            raise CircuitError(f"{name} is a whole number of at least 1, got {number!r}")
