"""In: a step's model, losses and penalties, all rows, and a vector. Out: the cost and its slope.

The cost is that of all rows at once: the mean loss and the penalties. Its value and its gradient
are summed up over chunks of the rows, by one compiled Program that loops over them. All of it is in
double precision, whatever the model's dtype: near a minimum, a line search tells costs apart that
are the same in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.abstract import Abstract, abstract_of
from pullback.core.double import doubled, in_double
from pullback.core.errors import AbstractError, CircuitError
from pullback.core.finite import is_finite
from pullback.core.gradient import gradient
from pullback.core.unit import Unit
from pullback.core.values import as_value, is_number
from pullback.core.walk import order
from pullback.engines.engine import Engine
from pullback.engines.prepare import prepare
from pullback.layers.training import Training
from pullback.program.program import Program
from pullback.train.data import Rows, of_kind, several
from pullback.train.measured import Steps, joined, judged
from pullback.train.step import Carried, Columns, TrainingStep

CHUNK = 512  # rows; a product of 128 to 1,024 of them is nearly as quick
_DOUBLE = np.dtype(np.float64)
_COST = "cost"


@dataclass(frozen=True)
class Point:
    """A vector of parameters, what it costs over all rows, the slope there, and what is measured.

    `measured` are the loss, metrics and, where there are penalties, the cost with them.
    """

    x: np.ndarray
    cost: float
    gradient: np.ndarray
    measured: Mapping[str, float]

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.cost)) and is_finite(self.gradient)


class Objective:
    """mean loss + penalties over all rows, as a function of one vector of parameters.

    `data` gives all rows, each time that it is asked, at one go or in pieces; `chunk` of them are
    computed at once, by default about 512. The vector has the parameters that move when the
    objective is made, one behind the other; `rows` is how many there are.

    Raises `CircuitError` where no parameter moves; and, when it is first asked, for a model whose
    cost is no function of its parameters alone, and for penalties with a kink.

    >>> from pullback.layers import Dense
    >>> from pullback.losses import SquaredError
    >>> from pullback.optim import SGD
    >>> step = TrainingStep(Dense(1), SquaredError(), SGD())
    >>> rows = Rows(step.columns([[1.0], [2.0], [4.0]], [0.0, 0.0, 0.0]))
    >>> found = Objective(step, lambda: [rows], "eager", chunk=2)(np.array([3.0, 0.0]))
    >>> found.cost, found.gradient  # of the mean of (3 x)**2
    (63.0, array([42., 14.]))
    """

    def __init__(
        self,
        step: TrainingStep,
        data: Callable[[], Iterable[Rows]],
        engine: str,
        threads: int | None = None,
        *,
        chunk: int | None = None,
    ) -> None:
        self._step = step
        self._data = data
        self._engine = engine
        self._threads = threads
        self._chunk = chunk
        self._runs: dict[tuple, Engine] = {}  # by the shapes of a chunk
        self.rows = self._weighed()
        self._moving = list(step.model.parameters.values())
        if not self._moving:
            raise CircuitError("there are no parameters to train; thaw a layer that has some")
        self._twins = [Unit(doubled(unit.value), unit.name or "") for unit in self._moving]
        self._sums = [Unit(np.zeros(unit.shape), "sum") for unit in self._moving]  # of slopes

    def _weighed(self) -> int:
        """Set the mean weight of a row to that of all rows, of which the number is returned."""
        units = self._step.mean_weights
        sums, count = np.zeros(len(units)), 0
        for rows in self._data():
            self._step.weigh(rows.columns)
            sums += [len(rows) * unit.value for unit in units]
            count += len(rows)
        for unit, total in zip(units, sums, strict=True):
            unit.value = float(total / count)
        return count

    # Parameters ------------------------------------------------------------------------------

    @property
    def vector(self) -> np.ndarray:
        """What the model's parameters are now."""
        return np.concatenate([np.ravel(unit.value).astype(_DOUBLE) for unit in self._moving])

    def put(self, x: np.ndarray) -> None:
        """Let the model's parameters be those of a vector, rounded to their dtype."""
        _share(x, self._moving)

    # The cost --------------------------------------------------------------------------------

    def __call__(
        self,
        x: np.ndarray,
        *,
        stop: Callable[[], bool] = lambda: False,
        tell: Callable[[int], Any] = lambda rows: None,
    ) -> Point | None:
        """The cost of all rows at x; None if it was stopped.

        On its way it may `tell` how many rows are done.

        Raises `CircuitError` where there are not as many rows as before.
        """
        _share(x, self._twins)
        for unit in self._sums:
            unit.value = np.zeros(unit.shape)
        measured: list[Steps] = []
        cost, done = 0.0, 0
        for rows, which, size in _chunks(self._data(), self._chunk):
            run = self._run(rows, size)
            seen = lambda steps, _, done=done, size=size: tell(done + steps * size)
            epoch = run.epoch(rows.columns, which, stop, seen)
            if epoch.steps * size < len(which):
                return None
            numbers = dict(epoch.numbers)
            cost += size * float(numbers.pop(_COST).sum())
            counts = self._step.counts(rows.columns)
            counts = [None if count is None else count[which] for count in counts]
            measured.append(Steps.of(size, numbers, counts, [None] * len(counts)))
            done += len(which)
        if done != self.rows:
            raise CircuitError(
                f"the batches had {self.rows} rows and have {done} now; L-BFGS needs the same "
                "data each time that it goes through them"
            )
        slope = np.concatenate([np.ravel(unit.value) for unit in self._sums])
        means = joined(measured).means()
        if self._step.penalties:
            means[_COST] = cost / done
        return Point(x, cost / done, slope / done, means)

    def _run(self, rows: Rows, size: int) -> Engine:
        """The cost of a chunk of so many of these rows, recorded at its first use."""
        kinds = ((name, x.shape[1:], x.dtype.str) for name, x in rows.columns.items())
        key = (size, *kinds)
        if key not in self._runs:
            chunk = rows.take(slice(size)).columns
            try:
                program = self._recorded(chunk, abstract_of)
            except AbstractError:  # the model looks at the numbers
                program = self._recorded(chunk, lambda x: x)
            self._runs[key] = prepare(self._engine, program, threads=self._threads)
        return self._runs[key]

    def _recorded(self, chunk: Columns, carried: Carried) -> Program:
        """What a chunk adds to the sums: its rows times the slopes of its mean cost."""
        step = self._step
        wires = {name: Unit(carried(as_value(x, name)), name) for name, x in chunk.items()}
        chance = Unit(np.array(0), "seed"), Unit(np.array(0), "step")
        training = Training(*chance)
        scores = several(step.model(*of_kind("inputs", wires), training=training))
        labels, weights = of_kind("labels", wires), wires.get("weights")
        cost, numbers = judged(step.losses, scores, labels, weights, step.mean_weights)
        _refuse_chance(cost, chance, training)
        for penalty in step.penalties:  # each chunk has all of it, and it counts as its rows do
            cost = cost + penalty(*step._held())
        given = {name: Unit(carried(doubled(as_value(x, name))), name) for name, x in chunk.items()}
        made = {wires[name]: unit for name, unit in given.items()}
        made |= zip(self._moving, self._twins, strict=True)
        cost, *measured = in_double([cost, *numbers.values()], made)
        flow = gradient(cost, self._twins)
        rows = float(len(next(iter(chunk.values()))))
        updates = {
            total: total + rows * slope for total, slope in zip(self._sums, flow, strict=True)
        }
        for name, unit in given.items():
            if type(unit._value) is Abstract:
                unit.value = doubled(as_value(chunk[name], name))
        outputs = dict(zip(numbers, measured, strict=True))
        return Program(given, {**outputs, _COST: cost}, updates)


def _share(x: np.ndarray, units: Sequence[Unit]) -> None:
    """Give each unit its part of a vector, rounded to its dtype."""
    start = 0
    for unit in units:
        part = x[start : start + unit.size].reshape(unit.shape)
        with np.errstate(over="ignore"):  # what is lost so is found where training ends
            unit.value = part.item() if is_number(unit._value) else part.astype(unit.dtype)
        start += unit.size


def even(rows: int) -> int:
    """How many rows make a good chunk: few enough for what layers make of them to stay in cache.

    Chunks of one size need one Program; so it is one that divides the rows, where there is such.

    >>> even(150), even(1797), even(2003)
    (150, 599, 512)
    """
    if rows <= 2 * CHUNK:
        return rows
    fitting = [n for n in range(CHUNK // 2, 2 * CHUNK + 1) if rows % n == 0]
    return min(fitting, key=lambda n: abs(n - CHUNK), default=CHUNK)


def _chunks(data: Iterable[Rows], asked: int | None) -> Iterator[tuple[Rows, np.ndarray, int]]:
    """Rows, which of them are next, and in chunks of how many: whole ones, then what is left."""
    for rows in data:
        size, which = asked or even(len(rows)), np.arange(len(rows))
        whole = len(rows) // size * size
        if whole:
            yield rows, which[:whole], size
        if whole < len(rows):
            yield rows, which[whole:], len(rows) - whole


def _refuse_chance(loss: Unit, chance: tuple[Unit, Unit], training: Training) -> None:
    """Raise `CircuitError` where a loss depends on more than rows and parameters."""
    for unit in order([loss]):
        if any(x in chance for x in unit.inputs):
            raise CircuitError(
                f"layer {unit.scope.rpartition('/')[2]!r} draws at random in training, and L-BFGS "
                "needs a cost that is the same each time; leave the layer out, or train by a "
                "Trainer"
            )
    for state in training.updates:
        layer = (state.name or "").rpartition(".")[0]
        raise CircuitError(
            f"layer {layer!r} changes what it remembers with each batch of training, and L-BFGS "
            "needs a cost that is the same each time; take another layer, such as LayerNorm for "
            "BatchNorm, or train by a Trainer"
        )
