"""In: a model, a loss, an optimizer, and data. Out: a trained model and the history of training.

A step is recorded once for each size of batch, as one Program: forward, backward, penalties,
metrics and the update of every parameter. Training is running it over the data.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from pullback.compile.program import Program
from pullback.core.errors import CircuitError
from pullback.core.gradient import gradient
from pullback.core.unit import Unit
from pullback.engines.engine import ENGINES, Engine, prepare
from pullback.losses.loss import Loss
from pullback.losses.penalty import Penalty
from pullback.optim.optimizer import Optimizer
from pullback.train.history import History
from pullback.train.interrupt import Interruptible


class Model(Protocol):
    """What a Trainer trains: a function of a wire that owns parameters, such as any layer."""

    def __call__(self, x: Any, *, training: bool = False) -> Unit: ...
    @property
    def parameters(self) -> dict[str, Unit]: ...
    @property
    def weights(self) -> dict[str, Unit]: ...


class Trainer:
    """Trains a model by minibatches.

    `penalties` are added to the loss, over the model's weights. `engine` is what runs the steps:
    "eager" (NumPy, at once), "native" (compiled at the first epoch) or "jax". `seed` fixes the
    order of the batches and the validation split: the same seed gives the same run, bit for bit.

    >>> from pullback.layers import Dense, ReLU, Sequential
    >>> from pullback.losses import SoftmaxCrossEntropy
    >>> from pullback.optim import SGD
    >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = Sequential(Dense(8), ReLU(), Dense(2))
    >>> trainer = Trainer(model, SoftmaxCrossEntropy(), SGD(0.5, momentum=0.9))
    >>> history = trainer.fit(x, [0, 1, 1, 0], epochs=100, batch_size=4)
    >>> trainer.evaluate(x, [0, 1, 1, 0])["accuracy"]
    1.0
    """

    def __init__(
        self,
        model: Model,
        loss: Loss,
        optimizer: Optimizer,
        *,
        penalties: Sequence[Penalty] = (),
        engine: str = "eager",
        seed: int = 0,
    ) -> None:
        for part, kind in (
            (loss, Loss),
            (optimizer, Optimizer),
            *((p, Penalty) for p in penalties),
        ):
            if not isinstance(part, kind):
                raise CircuitError(f"a Trainer needs a {kind.__name__}, got {part!r}")
        if not callable(model) or not hasattr(model, "parameters"):
            raise CircuitError(f"a Trainer needs a model, such as a Sequential, got {model!r}")
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.penalties = tuple(penalties)
        if engine not in ENGINES:
            raise CircuitError(f"there is no engine {engine!r}; there are: {', '.join(ENGINES)}")
        self.engine = engine
        self.seed = seed
        self._frozen = True
        self._epochs = 0  # finished by all calls of fit: each draws an order of its own
        self._memory: list[Unit] | None = None
        self._rate: Unit | None = None  # the learning rate, one wire for the steps of all sizes
        self._runs: dict[tuple, Engine] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if getattr(self, "_frozen", False) and not name.startswith("_"):
            raise AttributeError(f"a Trainer's {name} is fixed when it is made; make another one")
        super().__setattr__(name, value)

    # Training --------------------------------------------------------------------------------

    def fit(
        self,
        inputs: Any,
        labels: Any,
        *,
        epochs: int = 10,
        batch_size: int = 32,
        validation: float | tuple[Any, Any] | None = None,
        progress: bool | None = None,
    ) -> History:
        """Run `epochs` over the data in batches of seeded random order, and return the history.

        inputs (rows, ...), labels (rows,) as the loss takes them. `validation` is a share of the
        rows to hold out and measure after every epoch, or a pair of inputs and labels. `progress`
        shows a live line: by default where a person looks on. Ctrl-C ends training after the step
        in hand; the model keeps what it has learned. A loss that is not finite ends it too.
        A second `fit` goes on where the first one ended, as if it had not.

        Raises `CircuitError` before any work where the data do not fit: no rows, lengths that
        differ, nan or infinity, labels that the loss cannot take.
        """
        from pullback.train.progress import TrainingProgress  # rich takes a while to import

        if epochs < 1 or batch_size < 1:
            raise CircuitError(
                f"epochs and batch_size must be at least 1, got {epochs} and {batch_size}"
            )
        x, y = self._ready(inputs, labels, "training")
        held_out = None
        if isinstance(validation, tuple):
            held_out = self._ready(*validation, "validation")
        elif validation is not None:
            x, y, held_out = self._hold_out(x, y, validation)
        history = History()
        with Interruptible() as interrupt, TrainingProgress(epochs, progress) as shown:
            for epoch in range(self._epochs + 1, self._epochs + epochs + 1):
                start = time.perf_counter()
                measured = self._epoch(x, y, batch_size, epoch, lambda: interrupt.requested)
                if measured is None:
                    history.ended = f"interrupted in epoch {epoch}"
                    break
                self._epochs = epoch
                row = {"epoch": epoch, **measured}
                if held_out is not None:
                    values = self._measure(*held_out, batch_size)
                    row |= {f"validation_{k}": v for k, v in values.items()}
                row["seconds"] = time.perf_counter() - start
                history.rows.append(row)
                shown.epoch(row)
                if not np.isfinite(row["loss"]):
                    history.ended = f"the loss became {row['loss']} in epoch {epoch}"
                    warnings.warn(
                        f"training ended: {history.ended}; try a smaller learning rate than "
                        f"{self.optimizer.learning_rate}, or scale the inputs",
                        stacklevel=2,
                    )
                    break
        return history

    def _epoch(
        self, x: np.ndarray, y: np.ndarray, size: int, epoch: int, stop: Callable[[], bool]
    ) -> dict[str, float] | None:
        """One pass over the data: the means of what was measured, or None if it was stopped."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(x))
        whole = len(x) // size * size
        weighted: list[tuple[int, Mapping[str, Any]]] = []
        if whole:
            run = self._step(x[:size], y[:size])
            done = run.epoch({"inputs": x, "labels": y}, order[:whole], stop)
            if done.steps * size < whole:
                return None
            weighted.append((size, done.numbers))
        if whole < len(x):
            if stop():
                return None
            rows = order[whole:]
            values = self._step(x[rows], y[rows])(inputs=x[rows], labels=y[rows])
            weighted.append((len(rows), values))
        return _mean(weighted)

    def _step(self, x: np.ndarray, y: np.ndarray) -> Engine:
        """The Program of one training step for batches of these shapes, recorded at first use."""
        key = ("train", x.shape, y.shape)
        if key not in self._runs:
            inputs, labels, scores, loss = self._forward(x, y, training=True)
            metrics = dict(self.loss.metrics(scores, labels))
            parameters = list(self.model.parameters.values())
            objective = loss
            for penalty in self.penalties:
                objective = objective + penalty(self.model.parameters, self.model.weights)
            if self._memory is None:
                self._memory = self.optimizer.init(self.model.parameters)
                self._rate = self.optimizer.rate()
            moved, news = self.optimizer.update(
                gradient(objective, parameters),
                self._memory,
                parameters,
                self._rate,
                self.model.weights.values(),
            )
            updates = dict(zip([*parameters, *self._memory], [*moved, *news], strict=True))
            program = Program(
                {"inputs": inputs, "labels": labels}, {"loss": loss, **metrics}, updates
            )
            self._runs[key] = prepare(self.engine, program)
        return self._runs[key]

    def _forward(
        self, x: np.ndarray, y: np.ndarray, *, training: bool
    ) -> tuple[Unit, Unit, Unit, Unit]:
        inputs = Unit(x, "inputs")
        scores = self.model(inputs, training=training)
        labels = Unit(y, "labels")
        return inputs, labels, scores, self.loss(scores, labels)

    # Measuring -------------------------------------------------------------------------------

    def evaluate(self, inputs: Any, labels: Any, *, batch_size: int = 1024) -> dict[str, float]:
        """The mean loss, without penalties, and the metrics, over these data.

        Raises `CircuitError` as `fit` does.
        """
        return self._measure(*self._ready(inputs, labels, "evaluation"), batch_size)

    def _measure(self, x: np.ndarray, y: np.ndarray, size: int) -> dict[str, float]:
        weighted = []
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            key = ("measure", x[rows].shape, y[rows].shape)
            if key not in self._runs:
                for old in [k for k in self._runs if k[0] == "measure"][: 1 - _KEPT]:
                    del self._runs[old]
                inputs, labels, scores, loss = self._forward(x[rows], y[rows], training=False)
                outputs = {"loss": loss, **self.loss.metrics(scores, labels)}
                program = Program({"inputs": inputs, "labels": labels}, outputs, {})
                self._runs[key] = prepare(self.engine, program)
            weighted.append((len(x[rows]), self._runs[key](inputs=x[rows], labels=y[rows])))
        return _mean(weighted)

    # Data ------------------------------------------------------------------------------------

    def _ready(self, inputs: Any, labels: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
        """The data as arrays that the model and the loss can take, or a clear refusal."""
        x = np.asarray(inputs)
        if x.dtype.kind not in "fiub":
            raise CircuitError(f"{what} inputs must be numbers, got an array of {x.dtype}")
        if x.ndim < 1 or len(x) == 0:
            raise CircuitError(f"there are no {what} rows: the inputs have shape {x.shape}")
        if len(x) != len(np.atleast_1d(labels)):
            raise CircuitError(
                f"{len(x)} {what} inputs need as many labels, got {len(np.atleast_1d(labels))}"
            )
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            row = int(np.argwhere(~np.isfinite(x))[0][0])
            raise CircuitError(
                f"{what} inputs contain {x[row][~np.isfinite(x[row])].flat[0]} (row {row}); "
                "fill or drop such values first"
            )
        sample = self.model(x[:1].astype(self._dtype(x[:1])))
        y = self.loss.prepare(labels, (len(x), *sample.shape[1:]))
        return np.ascontiguousarray(x, self._dtype(x)), y

    def _dtype(self, x: np.ndarray) -> np.dtype:
        """The dtype that inputs take: the parameters' own."""
        if not self.model.parameters:
            self.model(x.astype(np.float32))
        kinds: Mapping[str, Unit] = self.model.parameters
        return next((unit.dtype for unit in kinds.values()), np.dtype(np.float32))

    def _hold_out(
        self, x: np.ndarray, y: np.ndarray, share: float
    ) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Split off a share of the rows, by the seed."""
        if not 0.0 < share < 1.0:
            raise CircuitError(f"validation must be a share between 0 and 1, got {share}")
        count = round(share * len(x))
        if not 0 < count < len(x):
            raise CircuitError(f"a validation share of {share} leaves no rows of {len(x)}")
        order = np.random.default_rng(self.seed).permutation(len(x))
        held, kept = order[:count], order[count:]
        return x[kept], y[kept], (x[held], y[held])


_KEPT = 8  # Programs that measure, of which each size of data needs its own


def _mean(weighted: Sequence[tuple[int, Mapping[str, Any]]]) -> dict[str, float]:
    """The means over all rows, from what batches of n rows measured: a number each or an array."""
    count = sum(n * np.size(next(iter(v.values()))) for n, v in weighted)
    return {k: sum(n * float(np.sum(v[k])) for n, v in weighted) / count for k in weighted[0][1]}
