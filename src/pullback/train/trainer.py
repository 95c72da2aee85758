"""In: a model, a loss, an optimizer, and data. Out: a trained model and the history of training.

A step is recorded once for each size of batch, as one Program, see `step.py`; training is running
it over the data.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.engines.prepare import refuse_engine
from pullback.losses.loss import Loss
from pullback.losses.penalty import Penalty
from pullback.optim.average import Average
from pullback.optim.checks import positive
from pullback.optim.optimizer import Optimizer
from pullback.optim.schedules.schedule import seeks
from pullback.train.alarms import Alarms
from pullback.train.callbacks import Callback, Event, functions, tell
from pullback.train.checkpoints import Checkpoints
from pullback.train.data import Rows, in_batches
from pullback.train.divergence import how_it_diverged, lost, refuse_to_go_on
from pullback.train.finder import found_rate
from pullback.train.history import History
from pullback.train.interrupt import Interruptible
from pullback.train.judge import Judge
from pullback.train.keeper import Keeper, new_run
from pullback.train.monitors import Monitor, averaged
from pullback.train.passes import BatchPass, Pass, Place, RowPass, Runs
from pullback.train.rates import over_too_early, present_rate, rate_after, steps_of
from pullback.train.reader import Reader
from pullback.train.settings import refuse_counts
from pullback.train.state import Run
from pullback.train.step import Model, TrainingStep

if TYPE_CHECKING:
    from pullback.train.progress import TrainingProgress


class Trainer:
    """Trains a model by minibatches.

    `penalties` are added to the loss or, where they are proximal, act behind the optimizer's step,
    in the order given. A model of several outputs takes a tuple of losses, one for each, which are
    added up. `engine` is what runs the steps: "native" (compiled at the first
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

    With `checkpoint`, a folder or `Checkpoints` of one, all that training goes on with is written
    there after each epoch, every few minutes, and when Ctrl-C ends it: model, optimizer, chance,
    history, callbacks, and the place in the epoch. `fit(..., resume=True)` goes on with it, also
    after a kill -9, and gives the same bits as a run that was never interrupted.

    With `monitor`, True or a `Monitor`, the history also has what each penalty costs, and in
    `history.layers` how spread the activations of each layer are, how large its gradients, and how
    far its weights move: gates of the step, which run at every tenth one.

    With `doctor=True` it watches so too and, after an epoch, warns of what goes wrong, once each: a
    loss that grows or does not change, a validation loss that rises, and layers that are dead or
    saturated, have no gradient, or move by too much or too little. `history.alarms` has them.

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
    >>> x = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
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
        checkpoint: Checkpoints | str | os.PathLike[str] | None = None,
        monitor: Monitor | bool = False,
        average: Average | None = None,
        doctor: bool = False,
    ) -> None:
        watch = Monitor.told(monitor or doctor)
        step = TrainingStep(model, loss, optimizer, penalties, seed, mixup, watch, average)
        refuse_engine(engine, threads)
        self.model = model
        self.losses = step.losses
        self.optimizer = optimizer
        self.penalties = step.penalties
        self.mixup = step.mixup
        self.monitor = step.monitor
        self.average = average
        self.doctor = doctor
        self.engine = engine
        self.threads = threads
        self.seed = seed
        self.checkpoint = None if checkpoint is None else Checkpoints.told(checkpoint)
        if self.checkpoint is not None and seeks(optimizer.learning_rate):
            raise CircuitError(
                "with checkpoints give the optimizer a number, such as find_learning_rate suggests"
            )
        self._frozen = True
        self._run_id = new_run()
        self._epochs = 0  # finished by all calls of fit: each draws an order of its own
        self._in_epoch = False
        self._step = step
        self._prepare_to_record()

    def _prepare_to_record(self) -> None:
        """Forget the Programs: each is recorded when it is first asked for."""
        self._reader = Reader(self._step)
        self._runs = Runs(self._step, self.engine, self.threads)
        self._judge = Judge(self._step, self.engine, self.threads)

    def __repr__(self) -> str:
        return f"Trainer({self._step.told(self.optimizer)})"

    def __getstate__(self) -> dict[str, Any]:
        if self._in_epoch:
            raise CircuitError(
                "a Trainer is not copied in the middle of an epoch, which could not be gone on "
                "with; copy it between epochs, such as in a callback"
            )
        recorded = ("_reader", "_runs", "_judge")
        return {name: value for name, value in vars(self).items() if name not in recorded}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._run_id = new_run()  # two that go on apart do not write over each other's checkpoints
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
        """The rate of the next step, which may be set between epochs; a schedule sets it itself.

        Setting it raises `CircuitError` where a schedule does, or for a rate that is not positive.
        """
        return present_rate(self._step)

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
        return list(self.named_sources.values())

    @property
    def named_sources(self) -> dict[str, Unit]:
        """The same by name."""
        model = self.averaged
        return {**model.parameters, **getattr(model, "state", {})}

    @property
    def averaged(self) -> Any:
        """The model that answers: that of the averages, where there is an `average`, or `model`."""
        averaging = self._step.averaging
        return self.model if averaging is None else averaging.mean

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
        sampling: Any = None,
        callbacks: Callback | Iterable[Callback] = (),
        progress: bool | None = None,
        resume: bool = False,
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
        inputs and labels, and weights. `sampling`, "balanced", a weight for each row, or a
        `Sampling`, says how often rows of training come in an epoch. `callbacks` are functions of
        an `Event`: see `early_stopping`. `progress` shows a live line: by default where a person
        looks on. Ctrl-C ends training after the step in hand; the model keeps what it has learned.
        A loss, or a number of the model or the optimizer, that is not finite after an epoch ends it
        too, with a warning; a model that is left so neither answers nor is saved or trained on. A
        second `fit` goes on where the first one ended, as if it had not. A learning rate "find" is
        found before the first epoch and told in `history.notes`: see `find_learning_rate`. What a
        schedule makes is a column "learning_rate", of the last step of each epoch; one that is over
        long before the training is warned of.
        A single row that is left for a last batch, or comes as one after larger ones, is left out
        of the epoch where layers learn from a batch as a whole, such as `BatchNorm`.

        With `resume` it goes on where the run in the folder `checkpoint` was left, in the middle of
        an epoch too, up to `epochs` of the whole, which may be more than before; it begins anew
        where there is none yet, and only goes back to its end where that is finished. The history
        begins with the epochs from before. Batches from elsewhere must come again as they came: the
        first ones of the epoch in hand are passed over, and an `epoch` that their source counts is
        set. A checkpoint that cannot be written is warned of, and training goes on.

        Raises `CircuitError` before any work where the data do not fit: no rows, lengths that
        differ, nan or infinity, labels that the loss cannot take; and where checkpoints cannot be
        written or another process writes there, the run to resume was of other data, another model
        or other settings, naming the first, or there is one that it was not asked to resume.
        """
        from pullback.train.progress import TrainingProgress  # rich takes a while to import

        refuse_counts(epochs=epochs, batch_size=batch_size)
        called = [*([Alarms()] if self.doctor else []), *functions(callbacks)]
        epochs, batch_size = int(epochs), int(batch_size)
        with TrainingProgress(epochs, progress) as shown:
            shown.say("reading the rows")
            data, held = self._reader.data(inputs, labels, weights, validation, epochs, sampling)
            if isinstance(data, Rows):
                self._step.weigh(data.counted)
            run = Run(data, held, batch_size, called, self._epochs, self._epochs + epochs)
            if seeks(self.optimizer.learning_rate):
                shown.say("finding a learning rate")
                refuse_to_go_on(self._step.sources, self._step.memory.wires)
                self._settle(found_rate(self, data, run.batch_size))
                run.history.notes.append(f"learning rate {self.learning_rate:g}, found by trying")
            with Keeper(self.checkpoint, self._step, self.engine, self._run_id) as keeper:
                event = self._begun(run, keeper, resume=resume)
                shown.begin(run.last - run.first, done=run.done - run.first)
                with Interruptible() as interrupt:
                    while not run.is_over:
                        row = self._epoch(run, keeper, interrupt, shown)
                        if row is None or self._diverges(run, row):
                            break
                        event = Event("epoch", self, run.done, row, run.history)
                        tell(run.callbacks, event)
                        run.ended = event.ended
                        keeper.write(run)
                    else:
                        run.history.ended = run.ended or run.history.ended
                shown.stop()
                tell(run.callbacks, Event("end", self, self._epochs, event.measured, run.history))
        return self._finished(run.history)

    def _begun(self, run: Run, keeper: Keeper, *, resume: bool) -> Event:
        """A run at its beginning, or where its newest checkpoint is; and what callbacks heard."""
        found, said = keeper.resume(run, wanted=resume)
        if found is not None:
            self._prepare_to_record()
        refuse_to_go_on(self._step.sources, self._step.memory.wires)
        self._epochs, self._run_id = run.done, keeper.run
        row = run.history.rows[-1] if run.history.rows else {}
        event = Event("begin", self, run.done, row, run.history, resumed=said)
        tell(run.callbacks, event)
        if found is not None:
            found.restore_callbacks(run.callbacks, self)
        run.ended = event.ended or run.ended
        return event

    def _epoch(
        self, run: Run, keeper: Keeper, interrupt: Interruptible, shown: TrainingProgress
    ) -> dict[str, float] | None:
        """The epoch in hand from where it was left: its row of the history; None if interrupted."""
        start = time.perf_counter()
        self._in_epoch = True
        try:
            passing = self._pass(run)
            while not passing.go_on(
                lambda: interrupt.requested or keeper.is_due(), shown.within, keeper.most
            ):
                run.place = passing.place
                keeper.write(run, sound=self._lost({}) is None)
                if interrupt.requested:
                    run.history.ended = f"interrupted in epoch {run.done + 1}"
                    return None
            run.place = None
            run.done = self._epochs = run.done + 1
        finally:
            self._in_epoch = False
        if self._step.averaging:
            again = in_batches(run.data, run.batch_size, [self.seed, run.done], self._reader.tuple)
            self._step.averaging.measure(again, self.engine, self.threads, self.seed)
        costs, layers = averaged(run.done, passing.looked)
        row = {"epoch": run.done, **passing.means(), **costs}
        if run.held_out is not None:
            values = self._judge.measure(run.held_out)
            row |= {f"validation_{k}": v for k, v in values.items()}
        rate = rate_after(self.optimizer, max(0, steps_of(self._step.memory) - 1))
        row |= {} if rate is None else {"learning_rate": rate}  # of the last step
        row["seconds"] = time.perf_counter() - start
        run.history.rows.append(row)
        run.history.of_layers += layers
        shown.epoch(row)
        return row

    def _pass(self, run: Run) -> Pass:
        """An epoch over the data, at its beginning or where it was left."""
        place = run.place or Place()
        if isinstance(run.data, Rows):
            return RowPass(self._runs, run.data, run.batch_size, run.done + 1, place)
        return BatchPass(
            self._runs,
            run.data,
            lambda batch: self._reader.tuple(batch, "training"),
            place,
            hashed=self.checkpoint is not None,
        )

    def _diverges(self, run: Run, row: Mapping[str, float]) -> bool:
        """Whether what the epoch left is no finite number, which the history then says."""
        if (what := self._lost(row)) is not None:
            run.history.ended, run.history.diverged = f"{what} in epoch {run.done}", True
        return what is not None

    def _finished(self, history: History) -> History:
        """The history, after a look whether what is left of the model is numbers."""
        if not history.diverged and (what := self._lost({})) is not None:  # in an epoch cut short
            history.ended, history.diverged = f"{history.ended}, when {what}", True
        early = over_too_early(self.optimizer, steps_of(self._step.memory))
        history.notes += [early] if early else []
        why = how_it_diverged(history.ended, self._step.rate) if history.diverged else early
        if why:
            warnings.warn(why, stacklevel=3)
        return history

    def _settle(self, rate: float) -> None:
        """Take this learning rate where one was still to be found."""
        self._step.settle(rate)
        vars(self)["optimizer"] = self._step.optimizer

    def _lost(self, row: Mapping[str, float]) -> str | None:
        return lost(row, self._step.sources, self._step.memory.wires)

    # Measuring -------------------------------------------------------------------------------

    def evaluate(self, inputs: Any, labels: Any, *, weights: Any = None) -> dict[str, float]:
        """The mean loss, without penalties, and the metrics, over these data.

        Raises `CircuitError` as `fit` does, and as `predict` does.
        """
        rows = self._reader.rows(inputs, labels, weights, "evaluation")
        return self._judge.evaluate(rows, self.named_sources)

    def predict(self, inputs: Any) -> Any:
        """The model's outputs for inputs of (rows, ...), by the engine: an array, or a tuple.

        Raises `CircuitError` where the inputs do not fit, and where a number of the model, or the
        answer to a row, is nan or infinite.
        """
        return self._judge.predict(inputs, self.named_sources)
