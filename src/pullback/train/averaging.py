"""In: a model that training moves. Out: a model like it, of averages, that answers in its place."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, final

import numpy as np

from pullback.core.rewrite import wired
from pullback.core.unit import Unit
from pullback.core.values import as_value
from pullback.engines.engine import Engine
from pullback.engines.prepare import prepare
from pullback.layers.layer import Layer
from pullback.layers.training import Training
from pullback.optim.average import Average
from pullback.optim.transform import fitting
from pullback.program.program import Program
from pullback.train.data import Rows


@final
class Averaging:
    """The average of a model's weights: the updates that keep it, and the model that has it.

    It answers as the averaged model does. That is a copy, made when a step is first recorded.

    >>> from pullback.layers import Dense
    >>> from pullback.optim import EMA
    >>> averaging = Averaging(Dense(1), EMA(0.9))
    >>> averaging([[1.0]], training=None).shape
    (1, 1)
    """

    def __init__(self, model: Any, average: Average) -> None:
        self.model, self.average = model, average
        self.steps = Unit(0.0, "average.step")
        self._mean: Any = None

    def __call__(self, *inputs: Any, training: Any = None) -> Any:
        return self.mean(*inputs, training=training)

    @property
    def settings(self) -> tuple:
        return getattr(self.mean, "settings", ())

    @property
    def mean(self) -> Any:
        """The averaged model: until the first step, a copy of the model as it is."""
        if not self._sources(self.model):  # not built yet
            return self.model
        if self._mean is None:
            self._mean = copy.deepcopy(self.model)
        return self._mean

    def updates(self, news: Mapping[Unit, Unit], carried: Callable[[Any], Any]) -> dict[Unit, Unit]:
        """The next averages, where the model's sources become what is new."""
        owns, means = self._sources(self.model), self._sources(self.mean)
        pairs = [(means[name], news.get(x, x)) for name, x in owns.items()]

        def updated(twin: dict[Unit, Unit]) -> list[Unit]:
            share = self.average(twin[self.steps])
            kept = 1.0 - share
            averages = [
                fitting(kept, twin[mean]) * twin[mean] + fitting(share, twin[mean]) * twin[new]
                if mean.dtype.kind == "f"
                else twin[new]
                for mean, new in pairs
            ]
            return [*averages, twin[self.steps] + 1.0]

        sources = [self.steps, *(x for pair in pairs for x in pair)]
        wires = wired(updated, sources, carried)
        return dict(zip([*(mean for mean, _ in pairs), self.steps], wires, strict=True))

    @property
    def measures_again(self) -> bool:
        """Whether running statistics are to be measured with the average, as it is now."""
        return bool(self.statistics) and self.average.measures_again(int(self.steps.value))

    @property
    def statistics(self) -> list[Unit]:
        """The averaged model's running statistics."""
        layers = self.mean.walk() if isinstance(self.mean, Layer) else ()
        return [
            unit
            for _, layer in layers
            if not layer.takes_pieces
            for unit in layer.own_state.values()
            if unit.dtype.kind == "f"
        ]

    def measure(self, batches: Iterable[Rows], engine: str, threads: int | None, seed: int) -> None:
        """Measure running statistics over all data with averaged weights, where they need it."""
        if not self.measures_again:
            return
        engine = "native" if engine == "eager-native" else engine
        count = Unit(0.0, "batches")
        runs: dict[tuple, Engine] = {}
        for rows in batches:
            if len(rows) < 2:
                continue
            inputs = {k: x for k, x in rows.columns.items() if k.startswith("inputs")}
            key = tuple((x.shape, x.dtype.str) for x in inputs.values())
            if key not in runs:
                runs[key] = prepare(engine, self.measuring(inputs, count, seed), threads=threads)
            runs[key](**inputs)

    @property
    def sources(self) -> dict[str, Unit]:
        """All that is remembered of averages, by name; nothing before the model is built."""
        mean = self.mean
        if mean is self.model:
            return {}
        return {**mean.parameters, **getattr(mean, "state", {}), "average.step": self.steps}

    def measuring(self, inputs: Mapping[str, np.ndarray], count: Unit, seed: int) -> Program:
        """A step that measures statistics over such batches: their mean, from `count` 0 on."""
        wires = {name: Unit(as_value(x, name), name) for name, x in inputs.items()}
        training = Training(Unit(np.array(seed % 2**32), "seed"), 0, kept=count / (count + 1.0))
        self.mean(*wires.values(), training=training)
        news = {x: training.updates[x] for x in self.statistics if x in training.updates}
        return Program(wires, {}, {**news, count: count + 1.0})

    def _sources(self, model: Any) -> dict[str, Unit]:
        """All of a model's sources but what it carries from one piece of a sequence to the next."""
        pieces: set[Unit] = set()
        if isinstance(model, Layer):
            carrying = (layer for _, layer in model.walk() if layer.takes_pieces)
            pieces = {unit for layer in carrying for unit in layer.own_state.values()}
        every = {**model.parameters, **getattr(model, "state", {})}
        return {name: unit for name, unit in every.items() if unit not in pieces}
