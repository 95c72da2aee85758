"""In: a patient. Out: what is measured of it, each thing once, when it is first asked for.

These are the checks that experts make by hand. Diseases read them; none trains by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.diagnosis.flow import Flow, flowed
from pullback.diagnosis.longer import (
    Longer,
    of_pieces,
    of_windows,
    with_longer_pieces,
    with_longer_windows,
)
from pullback.diagnosis.lost import Lost, first_lost
from pullback.diagnosis.patient import Patient, Trained
from pullback.diagnosis.protocol import Moment
from pullback.diagnosis.reference import Reference
from pullback.diagnosis.shifts import with_labels_beside
from pullback.diagnosis.slopes import checked
from pullback.inspect.activations import ActivationStatistics
from pullback.inspect.report import GradientReport
from pullback.layers import Dense, Flatten, Sequential
from pullback.layers.recurrent import Recurrent
from pullback.train.data import Rows, of_kind
from pullback.train.finder import LearningRates

_ROWS = 256  # of a batch that is looked at
_STEPS = 4096  # of all its sequences together
_FEW = 16  # of them, where few are enough
_TINY = 8  # rows that any net that is well can learn by heart
_TINY_STEPS = 300
_OF_TINY = 0.1  # of the time
_LINEAR_STEPS = 400  # that a linear model needs
CUT = "there was no more time"
"""How a training ended that was cut short."""


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

    def watch(self, event: Moment) -> None:
        """A callback that ends a training where a person asked to end."""
        if self._stop():
            event.stop("the doctor was interrupted")

    def within(self, share: float) -> Callable[[Moment], None]:
        """The same, which ends a training also after a share of all the time."""
        end = self.spent + share * self.seconds

        def watch(event: Moment) -> None:
            self.watch(event)
            if self.spent > end:
                event.stop(CUT)

        return watch


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
    def reference(self) -> Reference | None:
        """What ordinary models make of the same rows; None of labels that are no one thing a row.

        None as well of a model of several outputs, and of fewer rows than say anything.
        """
        return Reference.of(self.patient, self.clock)

    @cached_property
    def classes(self) -> int:
        """How many classes the labels are of; 0 where they are none."""
        reading = self.patient.parts.losses[0].reading
        if reading.task != "classification":
            return 0
        labels = self.patient.labels[0]
        if reading.pair is not None:
            return 2
        return labels.shape[1] if labels.dtype.kind == "f" else len(np.unique(labels))

    @cached_property
    def table(self) -> np.ndarray | None:
        """The inputs as (rows, features) of floats, where they are one array of numbers."""
        inputs = self.patient.inputs
        if len(inputs) != 1 or inputs[0].dtype.kind != "f":
            return None
        return inputs[0].reshape(len(inputs[0]), -1)

    @cached_property
    def tabular(self) -> np.ndarray | None:
        """The inputs, where they are one table of numbers, (rows, features)."""
        inputs = self.patient.inputs
        alone = len(inputs) == 1 and inputs[0].ndim == 2 and inputs[0].dtype.kind == "f"
        return inputs[0] if alone else None

    # The start -------------------------------------------------------------------------------

    @cached_property
    def batch(self) -> Rows:
        """Some rows as they come in training: of sequences fewer, the longer they are."""
        data, rows = self.patient.data, _ROWS
        if any(isinstance(layer, Recurrent) for _, layer in self.patient.layers):
            steps = max(x.shape[1] if x.ndim > 1 else 1 for x in self.patient.inputs)
            rows = min(_ROWS, max(_FEW, _STEPS // steps))
        if self.patient.sizes:
            return data.take(slice(rows))
        return data.take(data.order(self.patient.parts.seed, 1)[:rows])

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

    # The circuit -----------------------------------------------------------------------------

    @cached_property
    def flow(self) -> Flow | None:
        """One pass of some rows before training, as a step makes it; None where there is none."""
        return self._flow(self.patient.parts.model, "flow")

    @cached_property
    def flow_at_end(self) -> Flow | None:
        """The same after training; None also where training was lost."""
        trained = self.trained
        if trained.history.diverged:
            return None
        return self._flow(trained.trainer.model, "flow at the end")

    @cached_property
    def prediction(self) -> Flow | None:
        """One pass of a few rows before training, as a prediction makes it."""
        return self._flow(self.patient.parts.model, "prediction", training=False)

    @cached_property
    def structure(self) -> Flow | None:
        """The same with parameters at random: it shows what is wired, be it that they are zero."""
        model = self.patient.built()
        rng = np.random.default_rng(0)
        for unit in model.parameters.values():
            spread = 1.0 / np.sqrt(np.prod(unit.shape[:-1]))
            unit.value = rng.normal(0.0, spread, unit.shape)
        return self._flow(model, "structure", training=False)

    @cached_property
    def slopes(self) -> list[GradientReport]:
        """Whether gradients are right, at the values before training and after it."""
        losses = self.patient.parts.losses
        found: list[GradientReport] = []
        if not all(loss.potential for loss in losses):
            return found
        trained = self.trained
        models = [self.patient.parts.model]
        if not trained.history.diverged:
            models.append(trained.trainer.model)
        for model in models:
            self.clock.at("checks gradients against nudges")
            try:
                flow = flowed(model, self.batch.take(slice(_TINY)), losses, training=True)
                found.append(checked(flow))
            except CircuitError as error:
                self.failed["slopes"] = str(error)
        return found

    def _flow(self, model: Any, when: str, *, training: bool = True) -> Flow | None:
        self.clock.at("looks at what flows on each wire")
        rows = self.batch if training else self.batch.take(slice(_FEW))
        try:
            return flowed(model, rows, self.patient.parts.losses, training=training)
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
    def known(self) -> list[Trained]:
        """The patient's trainings with one seed after another, which proofs compare with."""
        return [self.trained]

    @cached_property
    def end(self) -> ActivationStatistics | None:
        """What each layer makes of the same rows after training."""
        return self._activations(self.trained.trainer.model, "end")

    @cached_property
    def lost(self) -> Lost | None:
        """The first gate of the training that made nan or infinity; None where none did."""
        self.clock.at("looks for the first gate that made no number")
        return first_lost(self.patient, self.trained)

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
        sizes = (size,) if self.patient.sizes else ()  # a stateful net is given no rows
        patient = self.patient.but(
            data=few,
            held_out=few,
            sizes=sizes,
            batch_size=size,
            epochs=_TINY_STEPS,
            penalties=(),
        )
        return patient.train(watch=self.clock.within(_OF_TINY))

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
    def beside(self) -> Mapping[int, Trained]:
        """The patient trained on the labels of the rows so far beside each row."""
        self.clock.at("trains the net on the labels of the rows beside")
        return {
            by: with_labels_beside(self.patient, by).train(watch=self.clock.watch, monitor=False)
            for by in (-2, -1, 1, 2)
        }

    @cached_property
    def longer(self) -> Longer | None:
        """The patient trained on longer parts of its sequences; None where there are none."""
        pieces = with_longer_pieces(self.patient)
        patient = pieces or with_longer_windows(self.patient)
        if patient is None or self.trained.history.diverged:
            return None
        self.clock.at("trains the net on longer parts of its sequences")
        longer = patient.train(watch=self.clock.watch, monitor=False)
        if longer.history.diverged:
            return None
        how = of_windows if pieces is None else of_pieces
        return how(patient, self.patient, (self.trained, longer))

    @cached_property
    def linear(self) -> float | None:
        """The loss that a linear model of the same inputs has of rows to judge by.

        It is trained for the same loss or, of quantities, fitted by least squares. None of other
        inputs than one array of numbers.
        """
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
            patient = replace(standardized(self.patient), parts=parts)
            if parts.losses[0].reading.task == "regression":
                return _of_least_squares(patient, shape[1:])
            steps = len(patient.sizes) or -(-len(patient.data) // patient.batch_size)
            epochs = max(patient.epochs, -(-_LINEAR_STEPS // steps))
            trained = patient.train(epochs=epochs, watch=self.clock.within(_OF_TINY), monitor=False)
            return trained.best("validation_loss")
        except CircuitError as error:
            self.failed["linear"] = str(error)
            return None

    # Measures --------------------------------------------------------------------------------

    def loss_at_start(self) -> float:
        """The mean loss of some rows to train on before any step."""
        return self._loss_at_start

    @cached_property
    def _loss_at_start(self) -> float:
        return self.patient.parts.loss(self.batch)


def spread(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each feature, which are what the last axis counts."""
    axes = tuple(range(max(1, x.ndim - 1)))
    return x.mean(axis=axes, dtype=np.float64), x.std(axis=axes, dtype=np.float64)


def standardized(patient: Patient) -> Patient:
    """The patient with inputs of mean 0 and deviation 1 in each feature, by its training rows.

    The features of pictures and sequences are what the last axis counts.
    """
    names = [name for name in patient.data.columns if name.startswith("inputs")]
    data, held_out = dict(patient.data.columns), dict(patient.held_out.columns)
    for name in names:
        x = data[name]
        if x.dtype.kind != "f":
            continue
        mean, deviation = spread(x)
        deviation = np.where(deviation > 0.0, deviation, 1.0)
        for columns in (data, held_out):
            columns[name] = ((columns[name] - mean) / deviation).astype(x.dtype)
    return patient.but(data=Rows(data, patient.data.sampling), held_out=Rows(held_out))


def _of_least_squares(patient: Patient, shape: tuple[int, ...]) -> float:
    """The mean loss of scores of this shape a row that are fitted to the labels, of other rows."""
    rows = patient.data.columns, patient.held_out.columns
    xs = [of_kind("inputs", x)[0] for x in rows]
    table, others = (np.c_[x.reshape(len(x), -1), np.ones(len(x))].astype(np.float64) for x in xs)
    y, labels = (of_kind("labels", x)[0] for x in rows)
    weights, *_ = np.linalg.lstsq(table, y.reshape(len(y), -1).astype(np.float64), rcond=None)
    scores = (others @ weights).reshape(len(others), *shape).astype(np.float32)
    return float(np.mean(patient.parts.losses[0].cost(Unit(scores), Unit(labels)).value))


def _with_labels(rows: Rows, order: np.ndarray) -> Rows:
    """The rows with labels of others."""
    columns = {
        name: column[order] if name.startswith("labels") else column
        for name, column in rows.columns.items()
    }
    return Rows(columns, rows.sampling)
