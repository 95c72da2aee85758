"""In: a patient. Out: what is measured of it, each thing once, when it is first asked for.

These are the checks that experts make by hand. Diseases read them; none trains by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis.patient import Patient, Trained
from pullback.inspect.activations import ActivationStatistics
from pullback.layers import Dense, Flatten, Sequential
from pullback.train.callbacks import Event
from pullback.train.data import Rows
from pullback.train.finder import LearningRates

_ROWS = 256  # of a batch that is looked at
_TINY = 8  # rows that any net that is well can learn by heart
_TINY_STEPS = 300
_LINEAR_STEPS = 300


class Interrupted(Exception):
    """A person asked the doctor to come to an end."""


class Clock:
    """How long an examination has taken, how long it may take, and what it is at."""

    def __init__(
        self,
        seconds: float,
        tell: Callable[[str, float], Any] = lambda what, share: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.seconds = seconds
        self._tell, self._stop = tell, stop
        self._start = time.perf_counter()

    @property
    def spent(self) -> float:
        return time.perf_counter() - self._start

    @property
    def left(self) -> float:
        return max(0.0, self.seconds - self.spent)

    def at(self, what: str) -> None:
        """Say what is done next. Raises `Interrupted` where a person asked to end."""
        if self._stop():
            raise Interrupted
        self._tell(what, min(1.0, self.spent / self.seconds))

    def watch(self, event: Event) -> None:
        """A callback that ends a training where a person asked to end."""
        if self._stop():
            event.stop("the doctor was interrupted")


class Examination:
    """What is measured of a patient.

    `epochs` is how long it is trained: as its owner does, but no longer than the clock allows for.
    """

    def __init__(self, patient: Patient, clock: Clock) -> None:
        self.patient = patient
        self.clock = clock
        self.failed: dict[str, str] = {}  # what could not be measured, and why

    # The data --------------------------------------------------------------------------------

    @cached_property
    def classes(self) -> int:
        """How many classes the labels are of; 0 where they are none."""
        reading = self.patient.parts.losses[0].reading
        if reading.task != "classification":
            return 0
        labels = self.patient.labels[0]
        return len(np.unique(labels)) if reading.pair is None else 2

    @cached_property
    def table(self) -> np.ndarray | None:
        """The inputs as (rows, features) of floats, where they are one array of numbers."""
        inputs = self.patient.inputs
        if len(inputs) != 1 or inputs[0].dtype.kind != "f":
            return None
        return inputs[0].reshape(len(inputs[0]), -1)

    # The start -------------------------------------------------------------------------------

    @cached_property
    def batch(self) -> Rows:
        """Some rows as they come in training."""
        data = self.patient.data
        if self.patient.sizes:
            return data.take(slice(_ROWS))
        return data.take(data.order(self.patient.parts.seed, 1)[:_ROWS])

    @cached_property
    def start(self) -> ActivationStatistics | None:
        """What each layer makes of some rows before training, and the gradients; None of others."""
        return self._activations(self.patient.parts.model, "start")

    def _activations(self, model: Any, when: str) -> ActivationStatistics | None:
        self.clock.at(f"looks at what each layer makes of some rows at the {when}")
        try:
            return self.patient.parts.activations(model, self.batch)
        except CircuitError as error:
            self.failed[when] = str(error)
            return None

    # Training --------------------------------------------------------------------------------

    @cached_property
    def trained(self) -> Trained:
        """The patient trained as its owner does."""
        self.clock.at("trains the net as it is")
        return self.patient.train(watch=self.clock.watch)

    @cached_property
    def end(self) -> ActivationStatistics | None:
        """What each layer makes of the same rows after training."""
        return self._activations(self.trained.trainer.model, "end")

    @cached_property
    def again(self) -> Trained:
        """The same with another seed: how much of an outcome is chance."""
        self.clock.at("trains the net as it is, with another seed")
        return self.patient.train(
            seed=self.patient.parts.seed + 1, watch=self.clock.watch, monitor=False
        )

    @cached_property
    def rates(self) -> LearningRates | None:
        """The loss at growing learning rates; None where it is lost at the smallest."""
        self.clock.at("tries learning rates")
        try:
            return self.patient.parts.rates(self.patient.data, self.patient.batch_size)
        except CircuitError as error:
            self.failed["rates"] = str(error)
            return None

    @cached_property
    def tiny(self) -> Trained:
        """The patient trained on a few rows alone, which it should learn by heart."""
        self.clock.at("lets the net learn a few rows by heart")
        few = self.batch.take(slice(_TINY))
        size = len(few)
        epochs = _TINY_STEPS
        patient = self.patient.but(
            data=few, held_out=few, sizes=(), batch_size=size, epochs=epochs, penalties=()
        )
        return patient.train(watch=self.clock.watch)

    @cached_property
    def shuffled(self) -> Trained:
        """The patient trained on labels that belong to other rows: there is nothing to learn."""
        self.clock.at("trains the net on shuffled labels")
        rng = np.random.default_rng(self.patient.parts.seed)
        data, held_out = (
            _with_labels(rows, rng.permutation(len(rows)))
            for rows in (self.patient.data, self.patient.held_out)
        )
        return self.patient.but(data=data, held_out=held_out).train(
            watch=self.clock.watch, monitor=False
        )

    @cached_property
    def linear(self) -> Trained | None:
        """A linear model of the same inputs, trained for the same loss; None of other inputs."""
        if self.table is None or len(self.patient.parts.losses) > 1:
            return None
        self.clock.at("trains a linear model to compare with")
        from pullback.optim import Adam

        shape = self.patient.parts.outputs(self.batch.take(slice(1))).shape
        model = Sequential(Flatten(), Dense(shape[-1] if len(shape) == 2 else 1))
        parts = self.patient.parts.plain(model, Adam(0.01))
        if parts is None or len(shape) > 2:
            return None
        try:
            return replace(standardized(self.patient), parts=parts).train(
                watch=self.clock.watch, monitor=False
            )
        except CircuitError as error:
            self.failed["linear"] = str(error)
            return None

    # Measures --------------------------------------------------------------------------------

    def loss_at_start(self) -> float:
        """The mean loss of the rows to train on before any step."""
        return self.patient.parts.loss(self.batch)


def standardized(patient: Patient) -> Patient:
    """The patient with inputs of mean 0 and deviation 1 in each feature, by its training rows."""
    names = [name for name in patient.data.columns if name.startswith("inputs")]
    data, held_out = dict(patient.data.columns), dict(patient.held_out.columns)
    for name in names:
        x = data[name]
        if x.dtype.kind != "f":
            continue
        mean, deviation = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
        deviation = np.where(deviation > 0.0, deviation, 1.0)
        for columns in (data, held_out):
            columns[name] = ((columns[name] - mean) / deviation).astype(x.dtype)
    return patient.but(data=Rows(data, patient.data.sampling), held_out=Rows(held_out))


def _with_labels(rows: Rows, order: np.ndarray) -> Rows:
    """The rows with labels of others."""
    columns = {
        name: column[order] if name.startswith("labels") else column
        for name, column in rows.columns.items()
    }
    return Rows(columns, rows.sampling)
