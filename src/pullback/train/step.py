"""In: a model, losses, an optimizer and a batch. Out: one step of training as a Program.

Forward, backward, penalties, metrics, the update of every parameter and the next value of all
state: all of them are wires of one circuit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from pullback.core.abstract import Abstract, abstract_of
from pullback.core.errors import AbstractError, CircuitError
from pullback.core.gradient import gradient
from pullback.core.rewrite import rewrite, wired
from pullback.core.unit import Unit
from pullback.core.values import as_value
from pullback.core.walk import order
from pullback.gates.shape import astype
from pullback.layers.arguments import number_between
from pullback.layers.calls import Call, watch
from pullback.layers.layer import Layer
from pullback.layers.training import Training
from pullback.losses.loss import Loss, prepare_weights
from pullback.losses.penalty import Penalty, proximal_steps
from pullback.optim.average import Average
from pullback.optim.memory import MemoryByParameter
from pullback.optim.optimizer import Optimizer
from pullback.optim.schedules.schedule import seeks
from pullback.optim.transform import numbered
from pullback.program.program import Program
from pullback.train.averaging import Averaging
from pullback.train.data import input_arrays, named, of_kind, several
from pullback.train.door import Door
from pullback.train.measured import judged, refuse_counts
from pullback.train.mixup import Mixing
from pullback.train.monitors import Monitor, Wires, watched

Columns = Mapping[str, np.ndarray]
Carried = Callable[[Any], Any]
_LONG = 60  # characters of a model that a line has room for
_SUCH_AS = {
    Loss: "SquaredError()",
    Optimizer: "Adam(0.001)",
    Penalty: "L2(0.0001)",
    Average: "EMA(0.99)",
}


class Model(Protocol):
    """What a step trains: a function of wires that owns parameters, such as any layer."""

    def __call__(self, x: Any, /, *others: Any, training: Training | None = None) -> Any: ...
    @property
    def parameters(self) -> dict[str, Unit]: ...
    @property
    def weights(self) -> dict[str, Unit]: ...


class TrainingStep:
    """A step of training: what all batches share, and its Program for batches of one size.

    It is what a `Trainer` runs, for whoever wants a loop of their own. The parts are those of a
    `Trainer`. `rate` is the wire of the learning rate, None where a schedule makes it; `memory` is
    what the optimizer remembers; `mean_weights` are, for each loss, the mean weight of a row of all
    data: see `weigh`.

    Raises `CircuitError` where a part is not what it should be.

    >>> from pullback.engines.prepare import prepare
    >>> from pullback.layers import Dense
    >>> from pullback.losses import SquaredError
    >>> from pullback.optim import SGD
    >>> step = TrainingStep(Dense(1, rng=0), SquaredError(), SGD(0.1))
    >>> data = step.columns([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0])
    >>> run = prepare("eager", step.program({name: rows[:2] for name, rows in data.items()}))
    >>> for _ in range(200):
    ...     epoch = run.epoch(data, np.array([0, 2, 3, 1]), lambda: False)  # two steps
    >>> (step.model.parameters["dense.weight"].value.round(2)).tolist()  # of y = 2 x + 1
    [[2.0]]
    """

    def __init__(
        self,
        model: Model,
        loss: Loss | Sequence[Loss],
        optimizer: Optimizer,
        penalties: Penalty | Sequence[Penalty] = (),
        seed: int = 0,
        mixup: float = 0.0,
        monitor: Monitor | None = None,
        average: Average | None = None,
    ) -> None:
        losses = (loss,) if isinstance(loss, Loss | str) else loss
        losses = losses if isinstance(losses, Sequence) else (losses,)
        penalties = (penalties,) if isinstance(penalties, Penalty) else penalties
        for part, kind in (
            *((part, Loss) for part in losses),
            (optimizer, Optimizer),
            *((part, Penalty) for part in penalties),
            *([] if average is None else [(average, Average)]),
        ):
            if not isinstance(part, kind):
                name = kind.__name__
                article = "an" if name[0] in "AEIOU" else "a"
                raise CircuitError(
                    f"training needs {article} {name}, such as {_SUCH_AS[kind]}, got {part!r}"
                )
        if not callable(model) or not hasattr(model, "parameters"):
            raise CircuitError(f"training needs a model, such as a Sequential, got {model!r}")
        self.model = model
        self.losses: tuple[Loss, ...] = tuple(losses)
        self.optimizer = optimizer
        self.penalties = tuple(penalties)
        self.seed = seed
        self.mixup = number_between("training", "mixup", mixup, 0.0)
        self.monitor = monitor
        self.rate = optimizer.rate()
        self._door = Door(model)
        self._scored: dict[Any, list[tuple[tuple[int, ...], np.dtype]]] = {}  # of one row
        self.memory = MemoryByParameter(optimizer)
        self.mean_weights = [Unit(1.0, "mean_weight") for _ in self.losses]
        self.averaging = None if average is None else Averaging(model, average)
        self._number = Unit(np.array(0), "step")

    def told(self, *more: Any) -> str:
        """Its model, losses and more in a line, as they are given to what makes it."""
        model = repr(self.model)
        if len(model) > _LONG:
            model = f"{type(self.model).__name__}(…)"
        loss = self.losses[0] if len(self.losses) == 1 else self.losses
        penalties = [f"penalties={list(self.penalties)}"] if self.penalties else []
        return ", ".join([model, repr(loss), *map(repr, more), *penalties])

    @property
    def sources(self) -> dict[str, Unit]:
        """The model's parameters and state by name: what its predictions depend on."""
        return {**self.model.parameters, **getattr(self.model, "state", {})}

    @property
    def number(self) -> Unit:
        """The count of the steps that draw at random, by which each draws anew."""
        return self._number

    def settle(self, rate: float) -> None:
        """Take this learning rate where one was still to be found, before any step."""
        self.optimizer = self.optimizer.settled(rate)
        self.rate = self.optimizer.rate()
        self.memory = MemoryByParameter(self.optimizer)

    # Data ------------------------------------------------------------------------------------

    def columns(
        self, inputs: Any, labels: Any, weights: Any = None, *, what: str = "training"
    ) -> dict[str, np.ndarray]:
        """Data as the step takes them, by the names of its inputs: arrays with a row an example.

        "inputs", "labels" and, where there are some, "weights"; tuples become "inputs1", "inputs2"
        and so on. `what` they are for is said in refusals.

        Raises `CircuitError` where the model and the losses cannot take them.
        """
        if labels is None:
            raise CircuitError(f"{what} needs labels, or batches of inputs and labels")
        xs = self.inputs(inputs, what)
        given = several(labels)
        for y in given:
            if len(np.atleast_1d(y)) != len(xs[0]):
                raise CircuitError(
                    f"{len(xs[0])} {what} inputs need as many labels, got {len(np.atleast_1d(y))}"
                )
        shapes = self._score_shapes(xs)
        refuse_counts(self.losses, shapes, given)
        ys = []
        for loss, y, (shape, dtype) in zip(self.losses, given, shapes, strict=True):
            ys.append(loss.prepare(y, shape))
            loss.refuse_too_large(ys[-1], shape, dtype)
        columns = {**named("inputs", xs), **named("labels", ys)}
        if weights is not None:
            columns["weights"] = prepare_weights(weights, len(xs[0]))
        return columns

    def inputs(self, inputs: Any, what: str) -> list[np.ndarray]:
        """Inputs alone, each as an array that the model takes."""
        arrays = input_arrays(inputs, what, self._dtype)
        first: Any = getattr(self.model, "first_inputs", [])
        if first and len(first) != len(arrays):
            raise CircuitError(
                f"the model takes {len(first)} inputs, as a tuple; got {len(arrays)} for {what}"
            )
        if first and arrays[0].ndim < 2 <= len(first[0][0]):
            raise CircuitError(
                f"{what} inputs have shape {arrays[0].shape}; they need rows: give x[None] for one"
            )
        self._door.refuse(arrays)
        return arrays

    def _dtype(self, x: np.ndarray) -> np.dtype:
        """The dtype that inputs take: the parameters' own, but for integers that a layer takes."""
        layers = [x for _, x in self.model.walk()] if isinstance(self.model, Layer) else []
        lengths = x.ndim == 1  # of sequences, where a layer takes them
        whole = any(x.takes_integers or (lengths and x.takes_lengths) for x in layers)
        if x.dtype.kind in "iu" and whole:
            return np.dtype(np.int64)
        for unit in self.model.parameters.values():
            return unit.dtype
        for layer in layers:  # not built yet
            if "dtype" in layer.config:
                return np.dtype(layer.config["dtype"])
        return np.dtype(np.float32)

    def _score_shapes(self, xs: Sequence[np.ndarray]) -> list[tuple[tuple[int, ...], np.dtype]]:
        """Shape and dtype of each of the model's outputs for these rows."""
        settings = getattr(self.model, "settings", None)
        key = tuple((x.shape[1:], x.dtype.str) for x in xs), settings
        if key not in self._scored:
            try:
                rows = [Unit(Abstract((1, *x.shape[1:]), x.dtype), "inputs") for x in xs]
                samples = several(self.model(*rows))
            except AbstractError:  # the model looks at the numbers
                samples = several(self.model(*(x[:1] for x in xs)))
            self._scored[key] = [(y.shape[1:], y.dtype) for y in samples]
        return [((len(xs[0]), *shape), dtype) for shape, dtype in self._scored[key]]

    def weigh(self, columns: Columns) -> None:
        """Set the mean weight of a row to that of these data, beside which each row counts.

        Without it, a row counts as much as its weight beside 1.
        """
        shapes = self._score_shapes(of_kind("inputs", columns))
        labels, weights = of_kind("labels", columns), columns.get("weights")
        every = zip(self.mean_weights, self.losses, labels, shapes, strict=True)
        for unit, loss, label, (shape, _) in every:
            unit.value = loss.mean_weight(label, shape, weights)

    def weigh_batch(self, columns: Columns) -> None:
        """Set the mean weight of a row for a batch of which nobody knows the rest."""
        labels = of_kind("labels", columns)
        for unit, loss, label in zip(self.mean_weights, self.losses, labels, strict=True):
            unit.value = loss.mean_of_batch(label)

    def counts(self, columns: Columns, *, weighted: bool = True) -> list[np.ndarray | None]:
        """For each output how much of each row there is to measure, times its weight if `weighted`.

        None where all rows count the same.
        """
        weights = columns.get("weights") if weighted else None
        found: list[np.ndarray | None] = []
        for loss, label in zip(self.losses, of_kind("labels", columns), strict=True):
            own = loss.metric_weights(Unit(label))
            if own is None:
                found.append(weights)
            else:
                found.append(np.asarray(own.value) * (1.0 if weights is None else weights))
        return found

    # Programs --------------------------------------------------------------------------------

    def key(self, columns: Columns) -> tuple:
        """What a recorded step depends on: the shapes of a batch, what moves, and how it is made.

        Another step is recorded where parameters were frozen or thawed, or a layer set otherwise.
        """
        shapes = [(name, x.shape, x.dtype.str) for name, x in columns.items()]
        parameters = self.model.parameters
        moving = (*parameters.values(), *self.memory.of(parameters))
        return (*shapes, *moving, getattr(self.model, "settings", ()))

    def program(self, batch: Columns, *, metrics: bool = True, monitored: bool = True) -> Program:
        """The step on batches such as this one, some rows of what `columns` made.

        Its inputs are the batch's columns; its outputs are the "loss", and what else the losses
        measure unless `metrics` is False, and, seldom, what the monitor makes, where it is to be
        `monitored`. All Programs of a step share its state.

        It is recorded for shapes and dtypes alone: its wires carry no numbers before it runs. A
        model that asks for numbers while it is recorded gets those of the batch, at their cost.
        """
        if seeks(self.optimizer.learning_rate):
            raise CircuitError(
                f"the learning rate of {self.optimizer!r} is still to be found: a Trainer's fit "
                "does that, or find_learning_rate"
            )
        monitor = self.monitor if monitored else None
        try:
            return self._recorded(batch, metrics, monitor, abstract_of)
        except AbstractError:
            return self._recorded(batch, metrics, monitor, lambda x: x)

    def _recorded(
        self, batch: Columns, metrics: bool, monitor: Monitor | None, carried: Carried
    ) -> Program:
        """The step, recorded on what wires carry in place of arrays."""
        seed = np.array(self.seed % 2**32)
        wires = {name: Unit(carried(as_value(x, name)), name) for name, x in batch.items()}
        drawn = Unit(carried(seed), "seed")
        training = Training(drawn, self._number)
        inputs, labels = of_kind("inputs", wires), of_kind("labels", wires)
        weights = wires.get("weights")
        mixing = None
        if self.mixup:
            mixing = Mixing.of(self.mixup, inputs[0].shape[0], training)
            inputs = [mixing.inputs(x) for x in inputs]
        with watch() as calls:
            scores = several(self.model(*inputs, training=training))
        if mixing is not None:
            scores = [mixing.scores(y) for y in scores]
            labels = [mixing.labels(y) for y in labels]
            weights = mixing.weights(weights)
        loss, numbers = judged(self.losses, scores, labels, weights, self.mean_weights)
        moved, seldom = self._update(loss, calls, monitor, carried)
        updates = {**moved, **training.updates}
        if self.averaging is not None:
            updates |= self.averaging.updates(updates, carried)
        outputs = {**(numbers if metrics else {"loss": loss}), **seldom}
        if self._number in order([*outputs.values(), *updates.values()]):
            updates[self._number] = astype(self._number + 1, self._number.dtype)
        for unit, value in [*zip(wires.values(), batch.values(), strict=True), (drawn, seed)]:
            if type(unit._value) is Abstract:
                unit.value = value
        return Program(wires, outputs, updates, tuple(seldom))

    def _update(
        self, loss: Unit, calls: Sequence[Call], monitor: Monitor | None, carried: Carried
    ) -> tuple[dict[Unit, Unit], dict[str, Unit]]:
        """The next value of each parameter and of what the optimizer remembers.

        And by name what a monitor makes of the step.

        Penalties and the optimizer are wired to twins of these, whose numbers nobody asks for.
        """
        parameters = list(self.model.parameters.values())
        memory = self.memory.of(self.model.parameters)
        self.optimizer.refuse(self._held()[0])
        held = self._held() if self.penalties else ({}, {})
        weights = list(self.model.weights.values())
        sources = [*parameters, *memory, *weights, *(x for xs in held for x in xs.values())]

        seen: list[str] = []

        def updated(twin: dict[Unit, Unit]) -> list[Unit]:
            objective = loss
            named = [{name: twin[x] for name, x in xs.items()} for xs in held]
            costs = [penalty(*named) for penalty in self.penalties]
            for penalty, cost in zip(self.penalties, costs, strict=True):
                objective = objective if penalty.proximal else objective + cost
            used = set(order([objective])) if self.penalties else ()
            sprung = [p for p in parameters if twin[p] in used]
            flow = gradient(objective, [*parameters, *(twin[p] for p in sprung)])
            directions = dict(zip(parameters, flow, strict=False))
            pulls = dict(zip(sprung, flow[len(parameters) :], strict=True))
            for p, spring in pulls.items():
                directions[p] = spring + directions[p]

            def slopes(others: Sequence[Unit]) -> list[Unit]:
                """The same circuit, of the same random numbers, where the parameters are others."""
                pairs = list(zip(parameters, others, strict=True))
                return rewrite(
                    list(directions.values()), dict(pairs) | {twin[p]: x for p, x in pairs}
                )

            moved, news = self.optimizer.update(
                list(directions.values()),
                [twin[x] for x in memory],
                {name: twin[p] for name, p in self.model.parameters.items()},
                self.rate,
                [twin[w] for w in weights],
                settle=proximal_steps(self.penalties, *named),
                slopes=slopes,
            )
            if monitor is None:
                return [*moved, *news]
            nexts = dict(zip(parameters, moved, strict=True))
            kinds = numbered([type(penalty).__name__.lower() for penalty in self.penalties])
            told = {kind: x for kind, x in zip(kinds, costs, strict=True) if not x.is_constant}
            # of the loss alone, made of what lies in memory: the sum
            alone = {p: d - pulls[p] if p in pulls else d for p, d in directions.items()}
            wires = Wires(self.model, calls, loss, told, alone, twin, nexts)
            found = watched(monitor, wires)
            seen.extend(found)
            return [*moved, *news, *found.values()]

        wires = wired(updated, sources, carried)
        changing = [*parameters, *memory]
        watching = dict(zip(seen, wires[len(changing) :], strict=True))
        return dict(zip(changing, wires, strict=False)), watching

    def _held(self) -> tuple[Mapping[str, Unit], Mapping[str, Unit]]:
        """The parameters and weights that penalties can name: frozen ones too, though they rest."""
        model: Any = self.model
        if not isinstance(model, Layer):
            return model.parameters, model.weights
        found = model.find_parameters
        return found(frozen=True), found(frozen=True, weights=True)
