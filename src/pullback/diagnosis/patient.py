"""In: a Trainer and its data. Out: a net at its start, which can be trained anew and changed.

All that a doctor tries, it tries on a patient: the Trainer that it was made of, its model and the
data stay as they are. A cure is another patient, with one thing changed.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis.disease import DISEASES, Disease
from pullback.diagnosis.protocol import Learner, Net
from pullback.inspect.activations import ActivationStatistics, activation_statistics
from pullback.layers.description import construct, describe
from pullback.layers.layer import Layer
from pullback.losses.loss import Loss
from pullback.losses.penalty import Penalty
from pullback.optim.average import Average
from pullback.optim.optimizer import Optimizer
from pullback.train.callbacks import Event
from pullback.train.data import Batches, Rows, of_kind, several
from pullback.train.finder import LearningRates, swept
from pullback.train.history import History
from pullback.train.judge import Judge
from pullback.train.monitors import Monitor
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
        return rows[-1].get(name, float("nan")) if rows else float("nan")


@dataclass(frozen=True)
class Patient:
    """A net before training, its data, and how it is trained.

    `data` are rows to train on and `held_out` those to judge by. `sizes` are those of its batches,
    where they come in an order of their own; else they have `batch_size` rows in random order.
    `columns` names the features of a table.
    """

    parts: Net
    data: Rows
    held_out: Rows
    epochs: int
    batch_size: int = 32
    sizes: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()

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

    def train(
        self,
        *,
        seed: int | None = None,
        epochs: int | None = None,
        watch: Callable[[Event], Any] | None = None,
        monitor: bool = True,
    ) -> Trained:
        """Train as its owner does, the same batches for the same seed, and keep all of it."""
        parts = self.parts if seed is None else self.parts.but(seed=seed)
        trainer = parts.trainer(Monitor(_EVERY) if monitor else False)
        given: dict[str, Any]
        if self.sizes:
            given = {"inputs": self.batches, "labels": None}
        else:
            given = {**_told(self.data), "batch_size": self.batch_size}
        held_out = tuple(_told(self.held_out).values())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it diverges is what is to be found out
            history = trainer.fit(
                **given,
                epochs=epochs or self.epochs,
                validation=held_out,
                callbacks=[] if watch is None else [watch],
                progress=False,
            )
        return Trained(history, trainer)

    def batches(self) -> Iterator[tuple[Any, ...]]:
        """The batches of an epoch, in their own order."""
        ends = accumulate(self.sizes, initial=0)
        for start, end in pairwise(ends):
            yield tuple(_told(self.data.take(slice(start, end))).values())

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

    Raises `CircuitError` for a model that cannot be described, as one with a function inside.
    """
    told = copy.deepcopy(describe(model))
    edit(told)
    made = construct(told)
    made.rng = model.rng if isinstance(model.rng, int) else 0
    return made


def descriptions(told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The description of a layer, and of all layers inside it, in order."""
    yield told  # type: ignore[misc]
    for inner in told.get("layers", ()):
        yield from descriptions(inner)


def _at_start(trainer: Trainer) -> Any:
    """The model as it was before training, which one that can be described is made anew for."""
    if not trainer._epochs or not isinstance(trainer.model, Layer):
        return copy.deepcopy(trainer.model)
    try:
        return rebuilt(trainer.model)
    except CircuitError:
        return copy.deepcopy(trainer.model)


def _told(rows: Rows) -> dict[str, Any]:
    """Rows as `fit` takes them."""
    columns = rows.columns
    told: dict[str, Any] = {}
    for kind in ("inputs", "labels"):
        found = of_kind(kind, columns)
        told[kind] = found[0] if len(found) == 1 else tuple(found)
    if "weights" in columns:
        told["weights"] = columns["weights"]
    return told


def collected(
    batches: Batches, most: int, ready: Callable[[tuple[Any, ...], str], Rows]
) -> tuple[Rows, tuple[int, ...]]:
    """The rows of the first batches of an epoch, of about so many rows at most, and their sizes."""
    found: list[Rows] = []
    count = 0
    for batch in batches:
        found.append(ready(batch, "training"))
        count += len(found[-1])
        if count >= most:
            break
    names: Sequence[str] = list(found[0].columns)
    columns = {name: np.concatenate([rows.columns[name] for rows in found]) for name in names}
    return Rows(columns), tuple(map(len, found))


def divided(
    rows: Rows, sizes: tuple[int, ...], share: float, seed: int
) -> tuple[Rows, Rows, tuple[int, ...]]:
    """Rows to train on, and a share to judge by: of batches, some of each, so that order stays."""
    if not sizes:
        return *rows.split(share, seed), ()
    every = max(2, round(1.0 / share))
    held = np.arange(len(rows)) % every == every - 1
    ends = np.cumsum(sizes)
    kept = [int((~held[end - size : end]).sum()) for end, size in zip(ends, sizes, strict=True)]
    return rows.take(~held), rows.take(held), tuple(size for size in kept if size)
