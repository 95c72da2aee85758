"""In: a Trainer and data. Out: which learning rates lower the loss, tried on a copy.

The rate grows by the same factor at every step. While it is too small nothing happens; then the
loss falls, the faster the larger the rate; and where it is too large the loss explodes.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.shown import Shown, Table
from pullback.core.text import number
from pullback.optim.checks import count, positive
from pullback.optim.schedules.schedule import seeks
from pullback.train.data import Batches, Rows, are_batches

if TYPE_CHECKING:
    from pullback.figures.sheet import Sheet
    from pullback.train.trainer import Trainer

_LOWEST, _HIGHEST, _STEPS = 1e-6, 10.0, 100
_EXPLODED = 4.0  # times the lowest loss; the sweep ends there
_KEPT = 0.9  # of the running mean that tells it
_WIDTH = 1 / 3  # of the window that smooths, in powers of ten of the rate
_ROUNDING = 1e-4  # a fall by a smaller part of the loss is none
_LEAST = 10  # steps that say something


@dataclass(frozen=True, eq=False, repr=False)
class LearningRates(Shown):
    """The loss of each step of a sweep, and the learning rate that it was taken with.

    `losses` are rid of most of what makes batches differ: see `find_learning_rate`.
    `smoothed` is the mean of the losses around each rate, weighed by a bell a third of a power of
    ten wide, to both sides: so it does not lag behind, as a running mean does. `steepest` is the
    rate at which it falls fastest, by the logarithm of the rate, before it is `lowest`.
    `suggestion` is the geometric mean of `steepest` and a tenth of `lowest`, the two rules of
    practice; None where the loss did not fall by more than it varies from step to step.

    >>> rates = np.geomspace(1e-4, 1.0, 41)
    >>> found = LearningRates(rates, 1.0 - np.tanh(10.0 * rates) + 4.0 * rates**2)
    >>> print(found)
    learning rate   loss
           0.0001  0.999
            0.001  0.989
             0.01  0.894
              0.1  0.307
                1   2.75
    suggestion 0.032: between 0.063, where the loss falls fastest, and a tenth of 0.16
    """

    rates: np.ndarray
    losses: np.ndarray

    @property
    def smoothed(self) -> np.ndarray:
        at = np.log10(self.rates)
        bells = np.exp(-0.5 * ((at[:, None] - at) / (0.5 * _WIDTH)) ** 2)
        return bells @ self.losses / bells.sum(axis=1)

    @property
    def _noise(self) -> float:
        """How much the loss varies from step to step, where nothing happens yet."""
        first = self.losses[: max(2, len(self.losses) // 4)]
        return float(np.std(first) + _ROUNDING * np.abs(first).mean())

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed loss is lowest."""
        return float(self.rates[self.smoothed.argmin()])

    @property
    def steepest(self) -> float | None:
        """The rate at which the smoothed loss falls fastest, on its way down; None if it rises."""
        smoothed = self.smoothed
        falls = smoothed[: int(smoothed.argmin()) + 1]
        if len(falls) < 2 or falls[0] - falls[-1] <= self._noise:
            return None
        return float(self.rates[np.gradient(falls, np.log(self.rates[: len(falls)])).argmin()])

    @property
    def suggestion(self) -> float | None:
        """The rate to train with, as a rule, to two digits."""
        steepest = self.steepest
        if steepest is None:
            return None
        return float(f"{np.sqrt(steepest * self.lowest / 10.0):.1e}")

    def plot(self) -> Sheet:
        """Losses over learning rates, with the suggestion, as a figure (extra `plot`).

        Raises `CircuitError` without matplotlib.
        """
        try:
            from pullback.figures.sheet import BLUE, FRAME, RED, SMALL, Sheet
        except ImportError:
            raise CircuitError(
                'to plot learning rates, install matplotlib: pip install "pullback[plot]"'
            ) from None
        sheet = Sheet(4.0, "The loss while the learning rate grows", self._conclusion)
        axes = sheet.place(0.75, 0.75, 8.0, 2.65)
        axes.set_xscale("log")
        axes.plot(self.rates, self.losses, ".", color=FRAME, markersize=4, label="each step")
        axes.plot(self.rates, self.smoothed, color=BLUE, label="smoothed")
        if self.suggestion is not None:
            axes.axvline(self.suggestion, color=RED, linewidth=1.0, label="suggestion")
        low, high = float(self.smoothed.min()), float(self.smoothed[: _LEAST + 1].max())
        room = max(high - low, 1e-12)
        axes.set_ylim(low - 0.3 * room, high + 0.7 * room)
        ticks = 10.0 ** np.arange(
            np.ceil(np.log10(self.rates[0])), np.floor(np.log10(self.rates[-1])) + 1
        )
        axes.set_xticks(ticks, [number(x) for x in ticks])
        axes.set_xticks([], minor=True)
        middle = [low, 0.5 * (low + high), high]
        axes.set_yticks(middle, [number(x) for x in middle])
        axes.tick_params(labelsize=SMALL)
        axes.set_xlabel("learning rate", fontsize=SMALL)
        axes.set_ylabel("loss", fontsize=SMALL)
        axes.legend(fontsize=SMALL, frameon=False, loc="upper left")
        return sheet

    @property
    def _conclusion(self) -> str:
        if self.suggestion is None:
            return "no suggestion: at no rate did the loss fall"
        assert self.steepest is not None
        return (
            f"suggestion {self.suggestion:.2g}: between {self.steepest:.2g}, where the loss falls "
            f"fastest, and a tenth of {self.lowest:.2g}"
        )

    def _says(self) -> Iterator[str | Table]:
        """The smoothed loss at powers of ten, and the suggestion."""
        first, last = np.log10(self.rates[0]), np.log10(self.rates[-1])
        powers = np.arange(np.ceil(first - 1e-9), np.floor(last + 1e-9) + 1)
        places = [int(np.abs(np.log10(self.rates) - power).argmin()) for power in powers]
        cells = []
        for power, place in zip(powers, places, strict=True):
            cells.append([f"{10.0**power:g}", f"{self.smoothed[place]:.3g}"])
        yield Table(("learning rate", "loss"), cells, right=range(2))
        yield self._conclusion


def find_learning_rate(
    trainer: Trainer,
    inputs: Any,
    labels: Any = None,
    *,
    weights: Any = None,
    batch_size: int = 32,
    lowest: float = _LOWEST,
    highest: float = _HIGHEST,
    steps: int = _STEPS,
) -> LearningRates:
    """Train a copy for some steps at growing learning rates, and see which lower the loss.

    The rates go from `lowest` to `highest` in equal factors; the sweep ends where the loss
    explodes. Data are what `Trainer.fit` takes. The trainer, its model, what its optimizer
    remembers and its random numbers stay as they are, to the bit. Where a schedule makes the rate,
    it is set aside, and the sweep starts without the optimizer's memory: what is found is for the
    rate the schedule is told.

    A second copy, which stands still, sees the same batches with the same random numbers. The loss
    of a step is that of its batch before it, without penalties, minus what the other copy makes of
    the batch, plus the mean of that: what varies from batch to batch is no noise then.

    Raises `CircuitError` as `Trainer.fit` does, for rates that do not grow, for fewer than 10
    steps, for an iterator, which could be gone through only once, and where the loss is lost at the
    lowest rates.
    Source: Smith, "Cyclical learning rates for training neural networks" (WACV 2017), section 3.3.

    >>> from pullback.layers import Dense
    >>> from pullback.losses import SquaredError
    >>> from pullback.optim import SGD
    >>> from pullback.train import Trainer
    >>> x = np.linspace(-1.0, 1.0, 64)[:, None]
    >>> trainer = Trainer(Dense(1), SquaredError(), SGD("find"), engine="eager")
    >>> found = find_learning_rate(trainer, x, 2.0 * x + 1.0)
    >>> 0.01 < found.suggestion < 1.0
    True
    """
    data: Rows | Batches
    if are_batches(inputs, labels):
        data = Batches(inputs, 1)
    else:
        data = trainer._reader.rows(inputs, labels, weights, "training")
    return swept(trainer, data, batch_size, (lowest, highest, steps))


def swept(
    trainer: Trainer,
    data: Rows | Batches,
    size: int,
    span: tuple[float, float, int] = (_LOWEST, _HIGHEST, _STEPS),
) -> LearningRates:
    """The sweep over data that are ready, from the first rate to the second in so many steps."""
    lowest, highest = positive("lowest", span[0]), positive("highest", span[1])
    steps = count("steps", span[2])
    if lowest >= highest or steps < _LEAST:
        raise CircuitError(
            f"learning rates are tried from a lower to a higher one in at least {_LEAST} steps, "
            f"got {lowest:g}, {highest:g} and {steps}"
        )
    moving, still = _trial(trainer, lowest), _trial(trainer, lowest)
    rates = np.geomspace(lowest, highest, steps)
    with closing(_batches(moving, data, size)) as batches:
        pairs = (
            (_stepped(moving, batch, data, rate), _stepped(still, batch, data, 0.0))
            for rate, batch in zip(rates, batches, strict=False)
        )
        return curve(rates, pairs)


def usual_rates() -> np.ndarray:
    """The rates that a sweep tries, unless it is told others.

    >>> usual_rates()[[0, -1]]
    array([1.e-06, 1.e+01])
    """
    return np.geomspace(_LOWEST, _HIGHEST, _STEPS)


def curve(rates: np.ndarray, pairs: Iterable[tuple[float, float]]) -> LearningRates:
    """A sweep over these rates, of pairs: the loss before a step, and that of what stands still.

    It ends where the loss explodes. Raises `CircuitError` where it does so at once.
    """
    losses: list[float] = []
    fixed: list[float] = []
    mean, best = 0.0, np.inf
    for k, (loss, other) in enumerate(pairs):
        mean = _KEPT * mean + (1.0 - _KEPT) * loss
        present = mean / (1.0 - _KEPT ** (k + 1))
        if not np.isfinite(present) or (k > _LEAST and present > _EXPLODED * abs(best) + 1e-12):
            break
        best = min(best, present)
        losses.append(loss)
        fixed.append(other)
    if len(losses) < 2:
        raise CircuitError(
            f"at a learning rate of {rates[0]:g} the loss is no number already; scale inputs and "
            "labels, or look at how the model starts"
        )
    from_batches = np.array(fixed) - np.mean(fixed)
    return LearningRates(rates[: len(losses)], np.array(losses) - from_batches)


def _stepped(trial: Trainer, batch: Rows, data: Rows | Batches, rate: float) -> float:
    """The loss of a batch before a step at this rate, which is taken."""
    step = trial._step
    assert step.rate is not None
    step.rate.value = float(rate)
    if isinstance(data, Rows):
        step.weigh(data.columns)
    else:
        step.weigh_batch(batch.columns)
    return float(trial._runs.on(batch).run(batch.columns, False)["loss"])


def found_rate(trainer: Trainer, data: Rows | Batches, size: int) -> float:
    """The suggestion for a Trainer whose learning rate is still to be found.

    Raises `CircuitError` where there is none.
    """
    found = swept(trainer, data, size)
    if found.suggestion is None:
        raise CircuitError(
            f"no learning rate from {_LOWEST:g} to {_HIGHEST:g} lowers the loss in {_STEPS} steps: "
            "give a number, or look at find_learning_rate(...).plot()"
        )
    return found.suggestion


def _trial(trainer: Trainer, rate: float) -> Trainer:
    """A copy with a learning rate that can be set: with all it remembers, if it has one already."""
    given = trainer.optimizer.learning_rate
    if not callable(given) and not seeks(given):
        return copy.deepcopy(trainer)
    return type(trainer)(
        copy.deepcopy(trainer.model),
        trainer.losses,
        replace(trainer.optimizer, learning_rate=rate),
        penalties=trainer.penalties,
        engine=trainer.engine,
        threads=trainer.threads,
        seed=trainer.seed,
        mixup=trainer.mixup,
    )


def _batches(trial: Trainer, data: Rows | Batches, size: int) -> Generator[Rows, None, None]:
    """Batches without end, of rows in another order each time."""
    if isinstance(data, Batches):
        with data.again("a learning rate is found by going through the data before training"):
            while True:
                yield from _once(trial, data)
    size, k = min(size, len(data)), 0
    while True:
        order = np.random.default_rng([trial.seed, k]).permutation(len(data))
        for start in range(0, len(data) - size + 1, size):
            yield data.take(order[start : start + size])
        k += 1


def _once(trial: Trainer, data: Batches) -> Iterator[Rows]:
    """Batches from elsewhere, but for single rows that training leaves out, too."""
    larger = False
    for batch in data:
        rows = trial._reader.tuple(batch, "training")
        if len(rows) > 1 or not (larger and trial._runs.learn_from_batches):
            yield rows
        larger = larger or len(rows) > 1
