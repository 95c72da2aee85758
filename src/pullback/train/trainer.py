"""In: a model, a loss, an optimizer, and data. Out: a trained model and the history of training.

A step is recorded once for each size of batch, as one Program, see `step.py`; training is running
it over the data.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, NoReturn

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import refuse_not_finite, refuse_outputs
from pullback.core.unit import Unit
from pullback.engines.engine import Engine
from pullback.engines.prepare import prepare, refuse_engine
from pullback.layers.layer import Layer
from pullback.losses.loss import Loss
from pullback.losses.penalty import Penalty
from pullback.optim.average import Average
from pullback.optim.checks import positive
from pullback.optim.optimizer import Optimizer
from pullback.optim.schedules.schedule import seeks
from pullback.train.callbacks import Callback, Event, functions
from pullback.train.data import Batches, Rows, are_batches, in_batches, of_kind
from pullback.train.divergence import lost, refuse_to_go_on
from pullback.train.door import refuse_order
from pullback.train.finder import found_rate
from pullback.train.history import History
from pullback.train.interrupt import Interruptible
from pullback.train.measured import Steps, joined, judged
from pullback.train.predictor import Predictor
from pullback.train.step import Model, TrainingStep


class Trainer:
    """Trains a model by minibatches.

    `penalties` are added to the loss. A model of several outputs takes a tuple of losses, one for
    each, which are added up. `engine` is what runs the steps: "native" (compiled at the first
    epoch), "eager" (NumPy, at once), "eager-native" (eager, and native as soon as that is compiled,
    in the middle of an epoch too) or "jax". `threads` share a step of a native engine, as in
    `prepare`. `seed` fixes the order of the batches, the validation split and what layers draw at
    random: the same seed gives the same run, bit for bit, with any number of threads, but for
    "eager-native", where the step at which it goes over depends on time.

    With `mixup`, alpha of Zhang and others (2018), 0.1 to 0.4 as a rule, a step trains on mixtures:
    share * x + (1 - share) * the inputs of the row before it in the batch, the share of each row
    drawn from Beta(alpha, alpha). The cost of a mixture is that against its row's labels, times the
    share and the weight of that row, plus that against the other row's, times the rest and the
    weight of that one; so are metrics counted, in training only.

    With an `average`, `EMA` or `SWA`, the weights are averaged as part of each step. `model` is
    what training moves, as it would without; `averaged` is a model of its own that has the
    averages, and it is what validation, `evaluate` and `predict` ask, what `early_stopping` keeps,
    and what to save: `trainer.averaged.save(path)`.

    It pickles, and `copy.deepcopy` copies it, with the model and all that training remembers: the
    copy trains on as the original does, to the bit.

    Raises `CircuitError` where a part is not what it should be.

    >>> from pullback.layers import Dense, ReLU, Sequential
    >>> from pullback.losses import SoftmaxCrossEntropy
    >>> from pullback.optim import SGD
    >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = Sequential(Dense(8), ReLU(), Dense(2))
    >>> trainer = Trainer(model, SoftmaxCrossEntropy(), SGD(0.5, momentum=0.9), engine="eager")
    >>> history = trainer.fit(x, [0, 1, 1, 0], epochs=100, batch_size=4)
    >>> trainer.evaluate(x, [0, 1, 1, 0])["accuracy"]
    1.0
    """

    def __init__(
        self,
        model: Model,
        loss: Loss | Sequence[Loss],
        optimizer: Optimizer,
        *,
        penalties: Penalty | Sequence[Penalty] = (),
        engine: str = "native",
        threads: int | None = None,
        seed: int = 0,
        mixup: float = 0.0,
        average: Average | None = None,
    ) -> None:
        step = TrainingStep(model, loss, optimizer, penalties, seed, mixup, average)
        refuse_engine(engine, threads)
        self.model = model
        self.losses = step.losses
        self.optimizer = optimizer
        self.penalties = step.penalties
        self.mixup = step.mixup
        self.average = average
        self.engine = engine
        self.threads = threads
        self.seed = seed
        self._frozen = True
        self._epochs = 0  # finished by all calls of fit: each draws an order of its own
        self._in_epoch = False
        self._step = step
        self._prepare_to_record()

    def _prepare_to_record(self) -> None:
        """Forget the Programs: each is recorded when it is first asked for."""
        self._runs: dict[tuple, Engine] = {}
        engine = "native" if self.engine == "eager-native" else self.engine
        judged = self._step.averaging or self.model
        self._predictor = Predictor(judged, engine, self.threads)

    def __getstate__(self) -> dict[str, Any]:
        if self._in_epoch:
            raise CircuitError(
                "a Trainer is not copied in the middle of an epoch, which could not be gone on "
                "with; copy it between epochs, such as in a callback"
            )
        recorded = ("_runs", "_predictor")
        return {name: value for name, value in vars(self).items() if name not in recorded}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare_to_record()

    def __copy__(self) -> NoReturn:
        raise CircuitError(
            "two Trainers cannot share a model and what is remembered of its training; "
            "copy.deepcopy makes one with a model of its own"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if getattr(self, "_frozen", False) and name not in ("learning_rate",) and name[0] != "_":
            raise AttributeError(f"a Trainer's {name} is fixed when it is made; make another one")
        super().__setattr__(name, value)

    @property
    def learning_rate(self) -> float:
        """The present learning rate, which may be set between epochs; a schedule sets it itself.

        Setting it raises `CircuitError` where a schedule does, or for a rate that is not positive.
        """
        if self._step.rate is None:
            raise CircuitError(f"{self.optimizer!r} makes its learning rate itself, at every step")
        if seeks(self.optimizer.learning_rate):
            raise CircuitError("the learning rate is still to be found: the first fit does that")
        return float(self._step.rate.value)

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        if self._step.rate is None:
            raise CircuitError(f"{self.optimizer!r} makes its learning rate itself, at every step")
        rate = positive("the learning rate", rate)
        if seeks(self.optimizer.learning_rate):
            self._settle(rate)
        else:
            self._step.rate.value = rate

    @property
    def sources(self) -> list[Unit]:
        """Parameters and state of the model that answers: what its predictions depend on."""
        return list(self._named_sources.values())

    @property
    def averaged(self) -> Any:
        """The model that answers: that of the averages, where there is an `average`, or `model`."""
        averaging = self._step.averaging
        return self.model if averaging is None else averaging.mean

    @property
    def _named_sources(self) -> dict[str, Unit]:
        return _sources_of(self.averaged)

    # Training --------------------------------------------------------------------------------

    def fit(
        self,
        inputs: Any,
        labels: Any = None,
        *,
        weights: Any = None,
        epochs: int = 10,
        batch_size: int = 32,
        validation: float | tuple[Any, ...] | None = None,
        callbacks: Callback | Iterable[Callback] = (),
        progress: bool | None = None,
    ) -> History:
        """Run `epochs` over the data in batches of seeded random order, and return the history.

        inputs (rows, ...), labels (rows, ...) as the loss takes them, and, if wanted, weights
        (rows,), how much each row counts beside the mean of all: arrays or tables of pandas; tuples
        of them for a model of several inputs or outputs. Data larger than memory are given as
        `inputs` alone: something that gives batches (inputs, labels) or (inputs, labels, weights)
        in turn, once an epoch, or a function that makes such a thing; their order and size are then
        its own, and how much a row counts is its weight beside 1; of sequences, each step of a
        batch counts the same.

        `validation` is a share of the rows to hold out and measure after every epoch, or a tuple of
        inputs and labels, and weights. `callbacks` are functions of an `Event`: see
        `early_stopping`. `progress` shows a live line: by default where a person looks on. Ctrl-C
        ends training after the step in hand; the model keeps what it has learned. A loss, or a
        number of the model or the optimizer, that is not finite after an epoch ends it too, with a
        warning; a model that is left so neither answers nor is saved or trained on. A second `fit`
        goes on where the first one ended, as if it had not. A learning rate "find" is found before
        the first epoch, on a copy, and told in `history.notes`: see `find_learning_rate`.
        A single row that is left for a last batch, or comes as one after larger ones, is left out
        of the epoch where layers learn from a batch as a whole, such as `BatchNorm`.

        Raises `CircuitError` before any work where the data do not fit: no rows, lengths that
        differ, nan or infinity, labels that the loss cannot take.
        """
        from pullback.train.progress import TrainingProgress  # rich takes a while to import

        for name, number in {"epochs": epochs, "batch_size": batch_size}.items():
            if not isinstance(number, Integral) or number < 1:
                raise CircuitError(f"{name} is a whole number of at least 1, got {number!r}")
        callbacks = functions(callbacks)
        data: Rows | Batches
        held_out = None
        if are_batches(inputs, labels):
            data = Batches(inputs, epochs)
            if isinstance(validation, Real):
                raise CircuitError("batches have no rows to hold out; give validation data")
        else:
            refuse_order(self.model)
            data = self._ready(inputs, labels, weights, "training")
            if isinstance(validation, Real):
                data, held_out = data.split(float(validation), self.seed)
        if isinstance(validation, tuple | list):
            held_out = self._ready_of(tuple(validation), "validation")
        elif not isinstance(validation, Real | None):
            raise CircuitError(
                "validation is a share of the rows, or a tuple of inputs and labels, got "
                f"{validation!r}"
            )
        refuse_to_go_on(_sources_of(self.model), self._step.memory.wires)
        if isinstance(data, Rows):
            self._step.weigh(data.columns)
        history = History()
        if seeks(self.optimizer.learning_rate):
            self._settle(found_rate(self, data, batch_size), history)
        event = Event("begin", self, self._epochs, {}, history)
        self._tell(callbacks, event)
        with Interruptible() as interrupt, TrainingProgress(epochs, progress) as shown:
            for epoch in range(self._epochs + 1, self._epochs + epochs + 1):
                if event.ended is not None:
                    history.ended = event.ended
                    break
                start = time.perf_counter()
                self._in_epoch = True
                try:
                    measured = self._epoch(
                        data, batch_size, epoch, lambda: interrupt.requested, shown.within
                    )
                    if measured is None:
                        history.ended = f"interrupted in epoch {epoch}"
                        break
                    self._epochs = epoch
                finally:
                    self._in_epoch = False
                self._measure_statistics(data, batch_size, epoch)
                row = {"epoch": epoch, **measured}
                if held_out is not None:
                    values = self._measure(held_out)
                    row |= {f"validation_{k}": v for k, v in values.items()}
                row["seconds"] = time.perf_counter() - start
                history.rows.append(row)
                shown.epoch(row)
                if (what := self._lost(row)) is not None:
                    history.ended, history.diverged = f"{what} in epoch {epoch}", True
                    break
                event = Event("epoch", self, epoch, row, history)
                self._tell(callbacks, event)
            else:
                history.ended = event.ended or history.ended
        self._tell(callbacks, Event("end", self, self._epochs, event.measured, history))
        if not history.diverged and (what := self._lost({})) is not None:  # in an epoch cut short
            history.ended, history.diverged = f"{history.ended}, when {what}", True
        if history.diverged:
            self._warn(history.ended)
        return history

    def _settle(self, rate: float, history: History | None = None) -> None:
        """Take this learning rate where one was still to be found."""
        self._step.settle(rate)
        vars(self)["optimizer"] = self._step.optimizer
        if history is not None:
            history.notes.append(f"learning rate {rate:g}, found by trying")

    def _tell(self, callbacks: Iterable[Callback], event: Event) -> None:
        for callback in callbacks:
            callback(event)

    def _lost(self, row: Mapping[str, float]) -> str | None:
        return lost(row, _sources_of(self.model), self._step.memory.wires)

    def _warn(self, ended: str) -> None:
        rate = "" if self._step.rate is None else f" than {self.learning_rate:g}"
        warnings.warn(
            f"training ended: {ended}; try a smaller learning rate{rate}, or scale the inputs and "
            "labels",
            stacklevel=3,
        )

    def _epoch(
        self,
        data: Rows | Batches,
        size: int,
        epoch: int,
        stop: Callable[[], bool],
        tell: Callable[[int, int | None, Mapping[str, float]], None],
    ) -> dict[str, float] | None:
        """One pass over the data: the means of what was measured, or None if it was stopped.

        On its way it may `tell` of how many rows, of how many, what was measured so far.
        """
        measured: list[Steps] = []
        if isinstance(data, Batches):
            done = 0
            for batch in data:
                if stop():
                    return None
                rows = self._ready_of(batch, "training")
                larger = done > len(measured)  # than one row were some before
                if len(rows) == 1 and larger and self._learns_from_batches:
                    continue
                self._step.weigh_batch(rows.columns)
                measured.append(self._one(rows, alone=True))
                done += len(rows)
                of = None if data.count is None else round(done * data.count / len(measured))
                tell(done, of, measured[-1].means())
            return joined(measured).means()
        order = np.random.default_rng([self.seed, epoch]).permutation(len(data))
        whole = len(data) // size * size
        if whole:
            run = self._run(data.take(slice(size)))

            def seen(steps: int, numbers: Mapping[str, Sequence[float]]) -> None:
                tell(steps * size, len(data), {k: float(np.mean(v)) for k, v in numbers.items()})

            done = run.epoch(data.columns, order[:whole], stop, seen)
            if done.steps * size < whole:
                return None
            counts = self._step.counts(data.columns)
            counts = [None if count is None else count[order[:whole]] for count in counts]
            measured.append(Steps.of(size, done.numbers, counts, [None] * len(counts)))
        rest = order[whole:]
        if len(rest) > 1 or (len(rest) == 1 and not (whole and self._learns_from_batches)):
            if stop():
                return None
            measured.append(self._one(data.take(rest)))
        return joined(measured).means()

    def _measure_statistics(self, data: Rows | Batches, size: int, epoch: int) -> None:
        """Measure running statistics over the data with averaged weights, where they need it."""
        averaging = self._step.averaging
        if averaging is None or not averaging.measures_again:
            return
        engine = "native" if self.engine == "eager-native" else self.engine
        count = Unit(0.0, "batches")
        runs: dict[tuple, Engine] = {}
        for rows in in_batches(data, size, [self.seed, epoch], self._ready_of):
            if len(rows) < 2:
                continue
            inputs = {k: x for k, x in rows.columns.items() if k.startswith("inputs")}
            key = tuple((x.shape, x.dtype.str) for x in inputs.values())
            if key not in runs:
                program = averaging.measuring(inputs, count, self.seed)
                runs[key] = prepare(engine, program, threads=self.threads)
            runs[key](**inputs)

    @property
    def _learns_from_batches(self) -> bool:
        """Whether layers learn from a batch as a whole, which one row alone is not."""
        model: Any = self.model
        if not isinstance(model, Layer):
            return bool(getattr(model, "state", {}))
        return any(layer.own_state for _, layer in model.walk())

    def _one(self, rows: Rows, *, alone: bool = False) -> Steps:
        """A step on one batch, of data that are known, or that stands for itself `alone`."""
        numbers = self._run(rows)(**rows.columns)
        counts = self._step.counts(rows.columns)
        own = self._step.counts(rows.columns, weighted=False) if alone else [None] * len(counts)
        return Steps.of(len(rows), numbers, counts, own)

    def _run(self, rows: Rows) -> Engine:
        """A step on batches of these shapes, recorded at its first use."""
        key = self._step.key(rows.columns)
        if key not in self._runs:
            program = self._step.program(rows.columns)
            self._runs[key] = prepare(self.engine, program, threads=self.threads)
        return self._runs[key]

    # Measuring -------------------------------------------------------------------------------

    def evaluate(self, inputs: Any, labels: Any, *, weights: Any = None) -> dict[str, float]:
        """The mean loss, without penalties, and the metrics, over these data.

        Raises `CircuitError` as `fit` does, and as `predict` does.
        """
        rows = self._ready(inputs, labels, weights, "evaluation")
        refuse_not_finite(self._named_sources)
        xs = of_kind("inputs", rows.columns)
        scores = self._predictor(xs)
        refuse_outputs(scores, xs)
        measured = self._measured_of(scores, rows)
        if not np.isfinite(measured["loss"]):
            raise CircuitError(
                f"the loss of these data is {measured['loss']}: an answer is too far from its "
                f"label for {scores[0].dtype}; scale inputs and labels as in training"
            )
        return measured

    def _measure(self, rows: Rows) -> dict[str, float]:
        """What validation data say, be it that training has diverged."""
        return self._measured_of(self._predictor(of_kind("inputs", rows.columns)), rows)

    def _measured_of(self, scores: Sequence[np.ndarray], rows: Rows) -> dict[str, float]:
        wires = [Unit(y, "scores") for y in scores]
        labels = [Unit(y, "labels") for y in of_kind("labels", rows.columns)]
        weights = rows.columns.get("weights")
        weights = None if weights is None else Unit(weights, "weights")
        _, numbers = judged(self.losses, wires, labels, weights)
        return {name: float(unit.value) for name, unit in numbers.items()}

    def predict(self, inputs: Any) -> Any:
        """The model's outputs for inputs of (rows, ...), by the engine: an array, or a tuple.

        Raises `CircuitError` where the inputs do not fit, and where a number of the model, or the
        answer to a row, is nan or infinite.
        """
        xs = self._step.inputs(inputs, "prediction")
        refuse_not_finite(self._named_sources)
        first, *others = outputs = self._predictor(xs)
        refuse_outputs(outputs, xs)
        return (first, *others) if others else first

    # Data ------------------------------------------------------------------------------------

    def _ready_of(self, given: tuple[Any, ...], what: str) -> Rows:
        """Data that were given as (inputs, labels) or (inputs, labels, weights)."""
        if len(given) not in (2, 3):
            raise CircuitError(f"{what} data are (inputs, labels), or (inputs, labels, weights)")
        return self._ready(given[0], given[1], given[2] if len(given) == 3 else None, what)

    def _ready(self, inputs: Any, labels: Any, weights: Any, what: str) -> Rows:
        return Rows(self._step.columns(inputs, labels, weights, what=what))


def _sources_of(model: Model) -> dict[str, Unit]:
    """A model's parameters and state, by name."""
    return {**model.parameters, **getattr(model, "state", {})}
