"""In: a model and inputs. Out: its outputs for them, computed by an engine, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pullback.core.abstract import abstract_of
from pullback.core.errors import AbstractError
from pullback.core.unit import Unit
from pullback.core.values import as_value
from pullback.engines.engine import Engine
from pullback.engines.prepare import prepare
from pullback.program.program import Program

SIZES = (16, 256, 1024)
"""Rows of a compiled batch: few sizes, so that little is compiled; the last batch is filled up."""


class Predictor:
    """A model's outputs without training, compiled once for each size of batch.

    >>> predict = Predictor(lambda x, training: x * 2.0, "eager")
    >>> predict([np.array([[1.0], [2.0]])])
    (array([[2.],
           [4.]]),)
    """

    def __init__(self, model: Any, engine: str, threads: int | None = None) -> None:
        self._model = model
        self._engine = engine
        self._threads = threads
        self._runs: dict[tuple, Engine] = {}

    def __call__(self, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """The arrays of all outputs, for inputs of one row at least."""
        rows = len(inputs[0])
        size = next((n for n in SIZES if n >= rows), SIZES[-1])
        pieces = [
            self._batch([x[i : i + size] for x in inputs], size) for i in range(0, rows, size)
        ]
        return tuple(np.concatenate(output) for output in zip(*pieces, strict=True))

    def _batch(self, inputs: list[np.ndarray], size: int) -> list[np.ndarray]:
        count = len(inputs[0])
        compiled = self._engine != "eager"
        if compiled and count < size:
            inputs = [np.concatenate([x, np.repeat(x[-1:], size - count, 0)]) for x in inputs]
        given = {f"inputs{k}": x for k, x in enumerate(inputs)}
        if not compiled:
            wires = [Unit(x, name) for name, x in given.items()]
            return [np.asarray(y.value) for y in self._outputs(wires)]
        key = self._key(inputs)
        if key not in self._runs:
            try:
                program = self._recorded(
                    {name: abstract_of(as_value(x)) for name, x in given.items()}
                )
            except AbstractError:  # the model looks at the numbers
                program = self._recorded(given)
            key = self._key(inputs)  # a new model is built when it is first called
            self._runs[key] = prepare(self._engine, program, threads=self._threads)
        return [np.asarray(y)[:count] for y in self._runs[key](**given).values()]

    def _recorded(self, given: Mapping[str, Any]) -> Program:
        wires = {name: Unit(x, name) for name, x in given.items()}
        outputs = self._outputs(list(wires.values()))
        return Program(wires, {str(k): y for k, y in enumerate(outputs)}, {})

    def _key(self, inputs: Sequence[np.ndarray]) -> tuple:
        """What a compiled batch depends on: its shapes, and how the layers are set."""
        return (*((x.shape, x.dtype.str) for x in inputs), getattr(self._model, "settings", ()))

    def _outputs(self, wires: list[Unit]) -> tuple[Unit, ...]:
        outputs = self._model(*wires, training=None)
        return outputs if isinstance(outputs, tuple) else (outputs,)
