"""In: data, and a step of training. Out: an epoch, which is left at any step and gone on with.

A pass knows its `Place`: how many batches are done, and what these measured. A pass that is made
anew at that place, also by another process, goes on as if it had never been left, to the bit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.tensorfile import digest_of
from pullback.engines.engine import Engine, Looks, numbers_of
from pullback.engines.prepare import prepare
from pullback.layers.layer import Layer
from pullback.train.data import Batches, Rows
from pullback.train.measured import Steps, joined
from pullback.train.step import TrainingStep

Stop = Callable[[], bool]
Looked = Mapping[str, np.ndarray]
"""What a monitor saw, (looks, ...) of each seldom output."""
Tell = Callable[[int, int | None, Mapping[str, float]], None]
"""Is told how many rows are done, of how many, and what was measured so far."""


class Runs:
    """A step of training, recorded and made ready to run at the first batch of each size."""

    def __init__(self, step: TrainingStep, engine: str, threads: int | None) -> None:
        self.step, self.engine, self.threads = step, engine, threads
        self.ready: dict[tuple, Engine] = {}

    def on(self, rows: Rows, *, monitored: bool = True) -> Engine:
        """What runs a step on batches of these shapes."""
        key = *self.step.key(rows.columns), monitored
        if key not in self.ready:
            program = self.step.program(rows.columns, monitored=monitored)
            self.ready[key] = prepare(self.engine, program, threads=self.threads)
        return self.ready[key]

    def looks(self, passed: int) -> Looks:
        """When the monitor looks, in an epoch of which so many steps have passed."""
        monitor = self.step.monitor
        return Looks(passed=passed) if monitor is None else Looks(monitor.every, passed)

    def one(
        self, rows: Rows, passed: int, *, alone: bool = False, monitored: bool = True
    ) -> tuple[Steps, Looked]:
        """A step on one batch, of data that are known, or that stands for itself `alone`."""
        run = self.on(rows, monitored=monitored)
        asked = self.looks(passed).asked(0)
        made = run.run(rows.columns, asked)
        numbers = {name: made[name] for name in numbers_of(run.program)}
        looked = {name: np.asarray(made[name])[None] for name in run.program.seldom if asked}
        counts = self.step.counts(rows.columns)
        own = self.step.counts(rows.columns, weighted=False) if alone else [None] * len(counts)
        return Steps.of(len(rows), numbers, counts, own), looked

    @property
    def learn_from_batches(self) -> bool:
        """Whether layers learn from a batch as a whole, which one row alone is not."""
        model: Any = self.step.model
        if not isinstance(model, Layer):
            return bool(getattr(model, "state", {}))
        return any(layer.own_state for _, layer in model.walk())


@dataclass(frozen=True)
class Place:
    """How far a pass is: the batches that are done, their rows, and what they measured by step.

    `looked` is what a monitor saw, in the steps at which it looked.
    Of batches from elsewhere, `seen` is a hash of those that are done, where one was asked for.
    """

    batches: int = 0
    rows: int = 0
    numbers: Mapping[str, np.ndarray] | None = None
    shares: Mapping[str, np.ndarray] | None = None
    looked: Mapping[str, np.ndarray] | None = None
    seen: str = ""

    @property
    def measured(self) -> list[Steps]:
        """What was measured, in one piece, if anything was."""
        if self.numbers is None or self.shares is None:
            return []
        return [Steps(self.numbers, self.shares)]


class Pass(ABC):
    """An epoch on its way."""

    def __init__(self, place: Place) -> None:
        self._batches, self._rows, self._seen = place.batches, place.rows, place.seen
        self._measured = place.measured
        self._looked = [place.looked] if place.looked else []
        self._steps = sum(np.size(steps.numbers["loss"]) for steps in self._measured)

    @property
    def place(self) -> Place:
        """Where the pass is now, for another one to go on from."""
        if not self._measured:
            return Place(self._batches, self._rows, seen=self._seen)
        self._measured = [joined(self._measured)]
        (all_of,) = self._measured
        numbers, shares = all_of.numbers, all_of.shares
        return Place(self._batches, self._rows, numbers, shares, self.looked, self._seen)

    @property
    def looked(self) -> Looked:
        """What the monitor saw so far, in one piece."""
        if len(self._looked) > 1:
            names = self._looked[0]
            parts = {name: [looked[name] for looked in self._looked] for name in names}
            self._looked = [{name: np.concatenate(some) for name, some in parts.items()}]
        return self._looked[0] if self._looked else {}

    def means(self) -> dict[str, float]:
        """The means of what was measured, over all rows that are done."""
        return joined(self._measured).means()

    def _add(self, steps: Steps, looked: Looked, rows: int) -> None:
        """So many rows more are done, by steps that measured this, of which some were looked at."""
        for before in self._measured[:1]:
            if before.numbers.keys() != steps.numbers.keys():
                raise CircuitError(
                    "the first part of the epoch measured other things than this one"
                )
        self._measured.append(steps)
        self._looked += [looked] if looked else []
        self._steps += np.size(steps.numbers["loss"])
        self._rows += rows

    @abstractmethod
    def go_on(self, stop: Stop, tell: Tell, most: int | None = None) -> bool:
        """Run steps until the epoch is over, and say whether it is.

        It is left earlier where `stop` says so, which is asked now and then, and after so many
        steps at `most`.
        """


@final
class RowPass(Pass):
    """An epoch over rows in memory, in an order that hangs on seed and epoch and on no past."""

    def __init__(self, runs: Runs, data: Rows, size: int, epoch: int, place: Place) -> None:
        super().__init__(place)
        self._runs, self._data, self._size = runs, data, size
        self._order = data.order(runs.step.seed, epoch)
        self._whole = len(self._order) // size  # batches of `size` rows
        self._rest = self._order[self._whole * size :]
        if len(self._rest) == 1 and self._whole and runs.learn_from_batches:
            self._rest = self._rest[:0]
        self._counts: list[np.ndarray | None] | None = None
        if not self._batches == self._steps <= self._whole + bool(len(self._rest)):
            raise CircuitError("the epoch was left at a place that it has not")

    def go_on(self, stop: Stop, tell: Tell, most: int | None = None) -> bool:
        last = self._whole if most is None else min(self._batches + most, self._whole)
        if self._batches < last:
            self._run(last, stop, tell)
            if self._batches < self._whole or (len(self._rest) and most is not None):
                return False
        if self._batches == self._whole and len(self._rest):
            if stop():
                return False
            self._batches += 1
            rest = self._data.take(self._rest)
            made = self._runs.one(rest, self._batches - 1, monitored=not self._whole)
            self._add(*made, len(self._rest))
        return True

    def _run(self, last: int, stop: Stop, tell: Tell) -> None:
        """The batches of whole size up to the one of number `last`."""
        data, size, first = self._data, self._size, self._batches
        before = joined(self._measured).numbers if self._measured else None
        order = self._order[first * size : last * size]

        def seen(steps: int, numbers: Mapping[str, Sequence[float]]) -> None:
            of_all = {k: [*before.get(k, ()), *v] if before else v for k, v in numbers.items()}
            means = {k: float(np.mean(v)) for k, v in of_all.items()}
            tell((first + steps) * size, len(self._order), means)

        looks = self._runs.looks(first)
        batch = data.take(np.arange(size) % len(data))  # of which an epoch may have more
        done = self._runs.on(batch).epoch(data.columns, order, stop, seen, looks)
        if self._counts is None:
            self._counts = self._runs.step.counts(data.columns)
        rows = order[: done.steps * size]
        counts = [None if count is None else count[rows] for count in self._counts]
        if done.steps:
            self._batches += done.steps
            steps = Steps.of(size, done.numbers, counts, [None] * len(counts))
            self._add(steps, done.seldom, done.steps * size)


@final
class BatchPass(Pass):
    """An epoch over batches that come from elsewhere, in their own order.

    To go on from a place it goes through the batches before it, and trains on none of them. With
    `hashed` it keeps a hash of what came, by which it sees whether the same comes again.

    Raises `CircuitError` where it does not.
    """

    def __init__(
        self,
        runs: Runs,
        data: Batches,
        ready: Callable[[tuple[Any, ...]], Rows],
        place: Place,
        *,
        hashed: bool = False,
    ) -> None:
        super().__init__(place)
        self._runs, self._data, self._ready, self._hashed = runs, data, ready, hashed
        self._coming: Iterator[tuple[Any, ...]] = iter(data)
        if place.batches:
            self._skip(place)

    def _skip(self, place: Place) -> None:
        seen = ""
        for batch in range(place.batches):
            given = next(self._coming, None)
            if given is None:
                raise CircuitError(
                    f"the epoch was left after {place.batches} batches, and now there are "
                    f"{batch}; give the same batches again"
                )
            seen = digest_of({"before": seen}, self._ready(given).columns) if place.seen else ""
        if seen != place.seen:
            raise CircuitError(
                f"the first {place.batches} batches of the epoch are others than those before it "
                "was left; give the same ones in the same order, as something with an `epoch` does"
            )

    def go_on(self, stop: Stop, tell: Tell, most: int | None = None) -> bool:
        last = None if most is None else self._batches + most
        while not stop() and self._batches != last:
            batch = next(self._coming, None)
            if batch is None:
                return True
            self._step(self._ready(batch), tell)
        return False

    def _step(self, rows: Rows, tell: Tell) -> None:
        larger = self._rows > self._steps  # than one row were some before
        self._batches += 1
        if self._hashed:
            self._seen = digest_of({"before": self._seen}, rows.columns)
        if len(rows) == 1 and larger and self._runs.learn_from_batches:
            return
        self._runs.step.weigh_batch(rows.columns)
        self._add(*self._runs.one(rows, self._steps, alone=True), len(rows))
        count = self._data.count
        of = None if count is None else round(self._rows * count / self._steps)
        tell(self._rows, of, self._measured[-1].means())
