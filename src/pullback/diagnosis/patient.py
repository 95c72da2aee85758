"""In: a Trainer and its data. Out: a net at its start, which can be trained anew and changed.

All that a doctor tries, it tries on a patient: the Trainer that it was made of, its model and the
data stay as they are. A cure is another patient, with one thing changed.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis.answers import measured
from pullback.diagnosis.disease import DISEASES, Disease
from pullback.diagnosis.protocol import Learner, Moment, Net
from pullback.diagnosis.rows import told_of
from pullback.inspect.activations import ActivationStatistics, activation_statistics
from pullback.layers.description import construct, describe
from pullback.layers.layer import Layer
from pullback.losses.loss import Loss
from pullback.losses.penalty import Penalty
from pullback.optim.average import Average
from pullback.optim.optimizer import Optimizer
from pullback.train.callbacks import Event
from pullback.train.data import Rows, of_kind, several
from pullback.train.finder import LearningRates, swept
from pullback.train.history import History
from pullback.train.judge import Judge
from pullback.train.monitors import Monitor
from pullback.train.stopping import is_larger_better
from pullback.train.trainer import Trainer

_EVERY = 5  # steps between two looks at the layers


@dataclass(frozen=True)
class Parts:
    """What a Trainer is made of."""

    model: Any
    losses: tuple[Loss, ...]
    optimizer: Optimizer
    penalties: tuple[Penalty, ...] = ()
    mixup: float = 0.0
    average: Average | None = None
    engine: str = "native"
    threads: int | None = None
    seed: int = 0

    @classmethod
    def of(cls, trainer: Trainer) -> Parts:
        """The parts of a Trainer, with a model that has learned nothing yet."""
        model = _at_start(trainer)
        return cls(
            model,
            trainer.losses,
            trainer.optimizer,
            trainer.penalties,
            trainer.mixup,
            trainer.average,
            trainer.engine,
            trainer.threads,
            trainer.seed,
        )

    @property
    def diseases(self) -> Mapping[str, Disease]:
        return DISEASES

    @property
    def names(self) -> tuple[str, str]:
        model = self.model
        named = getattr(model, "__name__", type(model).__name__)
        return repr(model) if isinstance(model, Layer) else named, ", ".join(map(repr, self.losses))

    @property
    def measured_by(self) -> Any:
        return self.losses

    def but(self, **changes: Any) -> Parts:
        return replace(self, **changes)

    def trainer(self, monitor: Monitor | bool = False) -> Trainer:
        """A new Trainer of these parts, with a model of its own."""
        return Trainer(
            copy.deepcopy(self.model),
            self.losses,
            self.optimizer,
            penalties=self.penalties,
            engine=self.engine,
            threads=self.threads,
            seed=self.seed,
            mixup=self.mixup,
            average=self.average,
            monitor=monitor,
        )

    def activations(self, model: Any, rows: Rows) -> ActivationStatistics | None:
        if not isinstance(model, Layer) or len(self.losses) > 1:
            return None
        inputs = of_kind("inputs", rows.columns)
        given = tuple(inputs) if len(inputs) > 1 else inputs[0]
        return activation_statistics(model, given, rows.columns["labels"], *self.losses)

    def rates(self, rows: Rows, batch_size: int) -> LearningRates:
        return swept(self.trainer(), rows, batch_size)

    def loss(self, rows: Rows) -> float:
        trainer = self.trainer()
        return Judge(trainer._step, trainer.engine, trainer.threads).measure(rows)["loss"]

    def outputs(self, rows: Rows) -> np.ndarray:
        model = self.trainer().model
        return np.asarray(several(model(*of_kind("inputs", rows.columns)))[0].value)

    def plain(self, model: Any, optimizer: Any) -> Parts | None:
        return replace(self, model=model, optimizer=optimizer, penalties=(), mixup=0.0)


@dataclass(frozen=True)
class Trained:
    """A patient after training: what was measured, and the Trainer that has the model."""

    history: History
    trainer: Learner

    def final(self, name: str) -> float:
        """A measurement after the last epoch; nan where there is none."""
        rows = self.history.rows
        return rows[-1].get(name, math.nan) if rows else math.nan

    def best(self, name: str) -> float:
        """The best epoch by a measurement, as early stopping would keep it.

        It is nan where there is none, and of a training that was lost: how far away it was before
        says nothing.
        """
        values = [row[name] for row in self.history.rows if name in row]
        there = [x for x in values if math.isfinite(x)]
        if self.history.diverged or not there:
            return math.nan
        return max(there) if is_larger_better(name) else min(there)


@dataclass(frozen=True)
class Origin:
    """Which rows of what a user gave a patient has: their numbers, from 0.

    `apart` says that the rows to judge by were given for themselves, and have numbers of their own;
    else they were held out of the same rows.
    """

    data: np.ndarray
    held_out: np.ndarray
    apart: bool = False


@dataclass(frozen=True)
class Patient:
    """A net before training, its data, and how it is trained.

    `data` are rows to train on and `held_out` those to judge by. `sizes` are those of its batches,
    where they come in an order of their own; else they have `batch_size` rows in random order.
    `columns` names the features of a table. `origin` says which rows these are; None: all that
    there are, in their order, and those to judge by apart. `shortened` says that it is trained for
    fewer epochs than by its owner, for want of time.
    """

    parts: Net
    data: Rows
    held_out: Rows
    epochs: int
    batch_size: int = 32
    sizes: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    origin: Origin | None = None
    shortened: bool = False

    def but(self, **changes: Any) -> Patient:
        """The same with other parts: `model`, `optimizer` and what else `Parts` has, or of its own.

        >>> import pullback as pb
        >>> parts = Parts(pb.Dense(1), (pb.SquaredError(),), pb.SGD(10.0), engine="eager")
        >>> rows = Rows({"inputs": np.ones((4, 1)), "labels": np.ones(4)})
        >>> patient = Patient(parts, rows, rows, epochs=1)
        >>> patient.but(optimizer=pb.SGD(0.1)).parts.optimizer
        SGD(0.1, momentum=0.0)
        """
        own = {name: value for name, value in changes.items() if hasattr(self, name)}
        parts = {name: value for name, value in changes.items() if name not in own}
        return replace(self, parts=self.parts.but(**parts), **own)

    def keeping(self, places: np.ndarray) -> Patient:
        """The same with the rows to train on at these places alone, in their batches."""
        origin, sizes = self.origin, self.sizes
        if origin is not None:
            origin = replace(origin, data=origin.data[places])
        if sizes:
            batch = np.repeat(np.arange(len(sizes)), sizes)[places]
            sizes = tuple(int(count) for count in np.bincount(batch) if count)
        return self.but(data=self.data.take(places), origin=origin, sizes=sizes)

    def train(
        self,
        *,
        seed: int | None = None,
        epochs: int | None = None,
        watch: Callable[[Moment], Any] | None = None,
        monitor: bool = True,
    ) -> Trained:
        """Train as its owner does, the same batches for the same seed, and keep all of it."""
        parts = self.parts if seed is None else self.parts.but(seed=seed)
        trainer = parts.trainer(Monitor(_EVERY) if monitor else False)
        given: dict[str, Any]
        if self.sizes:
            given = {"inputs": self.batches, "labels": None}
        else:
            given = {**told_of(self.data), "batch_size": self.batch_size}
        held_out = tuple(told_of(self.held_out).values())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it diverges is what is to be found out
            history = trainer.fit(
                **given,
                epochs=epochs or self.epochs,
                validation=held_out,
                callbacks=[self._measured, *([] if watch is None else [watch])],
                progress=False,
            )
        return Trained(history, trainer)

    def batches(self) -> Iterator[tuple[Any, ...]]:
        """The batches of an epoch, in their own order."""
        ends = accumulate(self.sizes, initial=0)
        for start, end in pairwise(ends):
            yield tuple(told_of(self.data.take(slice(start, end))).values())

    def built(self) -> Any:
        """A copy of the model with its parameters made."""
        model = copy.deepcopy(self.parts.model)
        model(*(x[:2] for x in self.inputs))
        return model

    def _measured(self, event: Event) -> None:
        """A callback that adds what a loss does not measure of the rows to judge by."""
        if event.kind == "epoch":
            inputs = of_kind("inputs", self.held_out.columns)
            given = tuple(inputs) if len(inputs) > 1 else inputs[0]
            found = measured(self.parts.losses, self.held_out, lambda: event.trainer.predict(given))
            row = event.history.rows[-1]
            row.update({name: x for name, x in found.items() if name not in row})

    @property
    def numbers(self) -> np.ndarray:
        """The numbers of the rows to train on in what the user gave."""
        return np.arange(len(self.data)) if self.origin is None else self.origin.data

    def feature(self, k: int) -> str:
        """The name of a feature of a table."""
        return self.columns[k] if k < len(self.columns) else f"feature {k}"

    @property
    def facts(self) -> dict[str, Any]:
        """What the net is and how it is trained, by name, for people and programs to read."""
        parts = self.parts
        model, loss = parts.names
        return {
            "model": model,
            "loss": loss,
            "optimizer": repr(parts.optimizer),
            "penalties": ", ".join(map(repr, parts.penalties)),
            "rows": len(self.data),
            "validation_rows": len(self.held_out),
            "epochs": self.epochs,
            "batch_size": self.batch_size if not self.sizes else max(self.sizes),
            "seed": parts.seed,
        }

    @property
    def inputs(self) -> list[np.ndarray]:
        return of_kind("inputs", self.data.columns)

    @property
    def labels(self) -> list[np.ndarray]:
        return of_kind("labels", self.data.columns)

    @property
    def layers(self) -> list[tuple[str, Layer]]:
        """The model's layers by path; none of a model that is no layer."""
        model = self.parts.model
        return list(model.walk()) if isinstance(model, Layer) else []


def rebuilt(model: Layer, edit: Callable[[dict[str, Any]], Any] = lambda told: None) -> Layer:
    """The layer made again without parameters, by its description as `edit` leaves it.

    Seeds, initializers that are functions, and what is frozen, layers have again by their paths.
    Raises `CircuitError` for a model that cannot be described, as one with a function inside.
    """
    told = copy.deepcopy(describe(model))
    edit(told)
    made = construct(told)
    known = dict(model.walk())
    for path, layer in made.walk():
        if path in known:
            _hand_on(known[path], layer)
    if not isinstance(made.rng, int):
        made.rng = 0
    return made


def _hand_on(old: Layer, new: Layer) -> None:
    """Give a layer that was made again what no description holds."""
    new.trainable = old.trainable
    if isinstance(old.rng, int):
        new.rng = old.rng
    functions = [
        x for x, told in new.config.items() if isinstance(told, Mapping) and x in vars(old)
    ]
    if type(new) is type(old):
        vars(new).update({x: vars(old)[x] for x in functions if new.config[x] == old.config[x]})


def descriptions(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The description of a layer, and of all layers inside it, in order."""
    yield told
    inside = told.get("layers", ())
    for inner in () if isinstance(inside, int) else inside:  # of a stack it is their number
        yield from descriptions(inner)


def _at_start(trainer: Trainer) -> Any:
    """The model as it was before training, which one that can be described is made anew for."""
    if not trainer._epochs or not isinstance(trainer.model, Layer):
        return copy.deepcopy(trainer.model)
    try:
        return rebuilt(trainer.model)
    except CircuitError:
        return copy.deepcopy(trainer.model)
