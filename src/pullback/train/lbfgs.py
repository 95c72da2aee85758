"""In: a model, losses, and data. Out: the model at a low of its cost over all rows at once.

SciPy's L-BFGS walks; where it asks, the compiled `Objective` answers the cost of all rows and its
slope. So it is no step of gates as an optimizer's, but a sibling of the `Trainer`.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import refuse_not_finite
from pullback.core.unit import Unit
from pullback.layers.arguments import count
from pullback.losses.loss import Loss
from pullback.losses.penalty import Penalty
from pullback.optim.checks import at_least_zero
from pullback.optim.sgd import SGD
from pullback.train.callbacks import Callback, Event, functions, tell
from pullback.train.data import Batches, Rows
from pullback.train.divergence import lost
from pullback.train.history import History
from pullback.train.interrupt import Interruptible
from pullback.train.objective import Objective, Point
from pullback.train.settings import refuse_counts
from pullback.train.step import Model
from pullback.train.trainer import Trainer

ROUNDING = 64.0 * float(np.finfo(float).eps)
"""A share of a cost that is as good as nothing: less of it is what sums of doubles are off by."""

_SHORTER = 0.1  # of a step that leads to where nothing is finite


@final
class LBFGS:
    """Trains a model by L-BFGS: full-batch descent that learns the curvature from its last steps.

    Each step goes along -H g, where g is the slope of mean loss + penalties over all rows, and H an
    estimate of the inverse of the second derivatives from how g changed in the last `memory_size`
    steps; a line search finds its length, so that there is no learning rate. On data of some
    thousand rows, and for smooth costs, it needs far fewer passes than minibatches do to come to a
    minimum, and comes closer.

    The parts are those of a `Trainer`. Training ends where no part of g is above `gtol`, or where a
    step lowered the cost by less than `ftol` of it, or of 1 where it is smaller: by default, by no
    more than rounding; SciPy's own default, 2.2e-9, ends earlier. All is computed in double
    precision, whatever the dtype of the parameters, which are rounded to theirs after each step:
    near a minimum float32 has not the digits that a line search needs.

    The cost must be the same each time that it is asked for the same parameters. So there are no
    layers that draw at random or keep statistics of batches, such as `Dropout` and `BatchNorm`, and
    no `Force`, whose value its pulls do not lower. Kinks of layers and losses, as of `ReLU` and
    `Hinge`, are taken, though L-BFGS may come to rest at one; a penalty that has its kink where the
    minimum is, such as `L1`, is refused.

    It pickles and copies, as a `Trainer` does. Each call of `fit` learns the curvature anew.

    Raises `CircuitError` where a part is not what it should be.
    Source: Liu and Nocedal, "On the limited memory BFGS method for large scale optimization"
    (1989); the code is SciPy's L-BFGS-B, of Byrd, Lu, Nocedal and Zhu (1995).

    >>> from pullback.layers import Dense, Sequential, Tanh
    >>> from pullback.losses import SoftmaxCrossEntropy
    >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> lbfgs = LBFGS(
    ...     Sequential(Dense(4), Tanh(), Dense(2), rng=1), SoftmaxCrossEntropy(), engine="eager"
    ... )
    >>> history = lbfgs.fit(x, [0, 1, 1, 0], epochs=50)
    >>> lbfgs.evaluate(x, [0, 1, 1, 0])["accuracy"]
    1.0
    """

    def __init__(
        self,
        model: Model,
        loss: Loss | Sequence[Loss],
        *,
        penalties: Penalty | Sequence[Penalty] = (),
        memory_size: int = 10,
        gtol: float = 1e-5,
        ftol: float = ROUNDING,
        engine: str = "native",
        threads: int | None = None,
        seed: int = 0,
    ) -> None:
        self.memory_size = count("L-BFGS", "step to remember", memory_size)
        self.gtol, self.ftol = at_least_zero("gtol", gtol), at_least_zero("ftol", ftol)
        # What both share: data, measuring, predicting. Its optimizer is never asked.
        self._trainer = Trainer(
            model,
            loss,
            SGD(),
            penalties=penalties,
            engine=engine,
            threads=threads,
            seed=seed,
        )
        for part in self.losses:
            if not part.potential:
                raise CircuitError(
                    f"{part!r} is a force, and its value is no cost that L-BFGS could lower; take "
                    "a loss, or train by a Trainer"
                )
        for penalty in self.penalties:
            if penalty.proximal or not penalty.smooth:
                raise CircuitError(
                    f"{penalty!r} has a kink or is a step of its own, and L-BFGS comes to rest "
                    "anywhere; take L2, or train by a Trainer"
                )
        self._epochs = 0  # finished by all calls of fit

    def __repr__(self) -> str:
        return f"LBFGS({self._trainer._step.told()})"

    @property
    def model(self) -> Model:
        return self._trainer.model

    @property
    def losses(self) -> tuple[Loss, ...]:
        return self._trainer.losses

    @property
    def penalties(self) -> tuple[Penalty, ...]:
        return self._trainer.penalties

    @property
    def sources(self) -> list[Unit]:
        """The model's parameters and state: what its predictions depend on."""
        return self._trainer.sources

    @property
    def named_sources(self) -> dict[str, Unit]:
        """The same by name."""
        return self._trainer.named_sources

    @property
    def learning_rate(self) -> float:
        """There is none; asking for it, or setting it, raises `CircuitError`."""
        raise CircuitError("L-BFGS has no learning rate: a line search finds how far each step is")

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        raise CircuitError("L-BFGS has no learning rate: a line search finds how far each step is")

    def fit(
        self,
        inputs: Any,
        labels: Any = None,
        *,
        weights: Any = None,
        epochs: int = 200,
        chunk_size: int | None = None,
        validation: float | tuple[Any, ...] | None = None,
        callbacks: Callback | Iterable[Callback] = (),
        progress: bool | None = None,
    ) -> History:
        """Take at most `epochs` steps down the cost of all rows, and return the history.

        Data, `validation`, `callbacks` and `progress` are those of `Trainer.fit`. An epoch is a
        step of L-BFGS: all rows pass once, or more often where the line search looks further; the
        history's "evaluations" say how often. Its "loss" and metrics are those of the model as the
        step has left it; where there are penalties, "cost" is the loss with them.

        `chunk_size` rows are computed at once, by default about 512, which bounds the memory and
        changes no more than the rounding: each step sees the whole sum. Data that come in batches
        must be the same each time that they are gone through, and count as if they came at once.

        Ctrl-C, or a callback, ends training with the lowest cost so far; a step to where the cost
        is not finite is made shorter. `history.ended` says how it ended: "converged: …" or
        "completed", for all epochs, or that the line search found nothing lower, as where rounding
        or a kink is all that is left.

        Raises `CircuitError` before any work as `Trainer.fit` does, for a cost that is random, and
        where the cost to begin with is not finite.
        """
        from pullback.train.progress import TrainingProgress  # rich takes a while to import

        refuse_counts(epochs=epochs, chunk_size=1 if chunk_size is None else chunk_size)
        callbacks = functions(callbacks)
        data, held_out = self._trainer._reader.data(inputs, labels, weights, validation, epochs + 1)
        refuse_not_finite(self._trainer.named_sources)
        engine = "native" if self._trainer.engine == "eager-native" else self._trainer.engine
        objective = Objective(
            self._trainer._step,
            lambda: self._rows_of(data),
            engine,
            self._trainer.threads,
            chunk=chunk_size,
        )
        rows = objective.rows
        watched = bool(callbacks) or held_out is not None  # between steps, the model as it is then
        history = History()
        event = Event("begin", self, self._epochs, {}, history)
        tell(callbacks, event)
        with Interruptible() as interrupt, TrainingProgress(epochs, progress) as shown:

            def cost(x: np.ndarray, begun: int) -> Point | None:
                """The cost, in the evaluation after so many of the same step."""

                def tell(done: int) -> None:
                    shown.within(begun * rows + done, (begun + 1) * rows, event.measured)

                return objective(x, stop=lambda: interrupt.requested, tell=tell)

            descent = _Descent(cost, objective.vector)
            start = time.perf_counter()

            def finished(point: Point, evaluations: int) -> None:
                """Record a step, and tell of it; raise `_Ended` where it was the last one."""
                nonlocal event, start
                if watched:
                    objective.put(point.x)
                self._epochs += 1
                row = {"epoch": self._epochs, **point.measured, "evaluations": evaluations}
                if held_out is not None:
                    values = self._trainer._judge.measure(held_out)
                    row |= {f"validation_{k}": v for k, v in values.items()}
                row["seconds"] = time.perf_counter() - start
                start = time.perf_counter()
                history.rows.append(row)
                shown.epoch(row)
                if (what := lost(row, {}, [])) is not None:
                    history.diverged = True
                    raise _Ended(f"{what} in epoch {self._epochs}")
                event = Event("epoch", self, self._epochs, row, history)
                tell(callbacks, event)
                if event.ended is not None:
                    raise _Ended(event.ended)

            try:
                if event.ended is not None:
                    raise _Ended(event.ended)
                history.ended = descent.run(
                    finished, epochs, memory=self.memory_size, gtol=self.gtol, ftol=self.ftol
                )
            except _Ended as end:
                history.ended = str(end) or f"interrupted in epoch {self._epochs + 1}"
            finally:
                objective.put(descent.x)
        tell(callbacks, Event("end", self, self._epochs, event.measured, history))
        if not history.diverged and (what := self._trainer._lost({})) is not None:  # in float32
            history.ended, history.diverged = f"{history.ended}, when {what}", True
        if history.diverged:
            warnings.warn(
                f"training ended: {history.ended}; scale the inputs and labels", stacklevel=2
            )
        return history

    def _rows_of(self, data: Rows | Batches) -> Iterator[Rows]:
        """All rows, once: at one go, or as batches come."""
        if isinstance(data, Rows):
            yield data
        else:
            for batch in data:
                yield self._trainer._reader.tuple(batch, "training")

    def evaluate(self, inputs: Any, labels: Any, *, weights: Any = None) -> dict[str, float]:
        """The mean loss, without penalties, and the metrics: see `Trainer.evaluate`."""
        return self._trainer.evaluate(inputs, labels, weights=weights)

    def predict(self, inputs: Any) -> Any:
        """The model's outputs for inputs of (rows, ...): see `Trainer.predict`."""
        return self._trainer.predict(inputs)


class _Ended(Exception):
    """Training ends here, for the reason that it says; "" is a person's."""


class _Descent:
    """One walk of SciPy's: what it asks for, and the lowest point so far, `x`."""

    def __init__(self, cost: Callable[[np.ndarray, int], Point | None], x: np.ndarray) -> None:
        self._cost = cost
        self._evaluations = 0  # since the last step
        self._here: Point | None = None  # where the present step starts
        self._last: Point | None = None
        self.x = x

    def run(
        self,
        finished: Callable[[Point, int], None],
        steps: int,
        *,
        memory: int,
        gtol: float,
        ftol: float,
    ) -> str:
        """Walk for so many steps at most, tell of each when it is `finished`, and say how it ended.

        Raises `CircuitError` where the first point is not finite, and `_Ended` when it is stopped.
        """
        from scipy.optimize import minimize  # it takes a while to import

        def callback(intermediate_result: Any) -> None:
            point = self._last
            if point is None or not np.array_equal(point.x, intermediate_result.x):
                point = self._at(intermediate_result.x)
            self._here, self.x = point, point.x
            evaluations, self._evaluations = self._evaluations, 0
            finished(point, evaluations)

        result = minimize(
            self._asked,
            self.x,
            jac=True,
            method="L-BFGS-B",
            callback=callback,
            options={
                "maxcor": memory,
                "maxiter": steps,
                "maxfun": math.inf,
                "gtol": gtol,
                "ftol": ftol,
            },
        )
        if np.abs(result.jac).max() <= gtol:
            return f"converged: no part of the slope is above {gtol:g}"
        if result.success:
            return f"converged: a step lowered the cost by less than {ftol:g} of it"
        if result.nit >= steps:
            return "completed"
        return "the line search found no lower cost: rounding, or a kink, is all that is left"

    def _asked(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The cost and the slope that SciPy is told of."""
        point = self._at(x)
        if self._here is None:
            if not point.finite:
                raise CircuitError(
                    f"the cost to begin with is {point.cost}, or its slope is not finite; scale "
                    "inputs and labels, or begin with smaller weights"
                )
            self._here = point
        return (point.cost, point.gradient) if point.finite else _turned(self._here, x)

    def _at(self, x: np.ndarray) -> Point:
        self._evaluations += 1
        self._last = self._cost(x.copy(), self._evaluations - 1)
        if self._last is None:
            raise _Ended("")
        return self._last


def _turned(here: Point, x: np.ndarray) -> tuple[float, np.ndarray]:
    """The cost and slope to tell where they are not finite, so that a line search turns back.

    They are those of the parabola through the point where the step starts, as steep there, that is
    lowest at a tenth of the step: the line search, which fits parabolas, tries that next.
    """
    step = x - here.x
    fall = max(-float(here.gradient @ step), np.finfo(float).tiny)
    curvature = fall / _SHORTER  # the second derivative, with the step as the unit of length
    rise = curvature - fall
    return here.cost + 0.5 * curvature - fall, step * (rise / float(step @ step))
