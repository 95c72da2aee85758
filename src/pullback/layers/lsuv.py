"""In: a model and a batch. Out: weights by which each layer's output has variance 1 on that batch.

The layers are taken in the order in which they run: each gets an orthogonal weight, runs on what
those before it now make, and is divided by the deviation of its output. So the circuit runs once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.shown import Shown, Table
from pullback.core.text import number
from pullback.core.unit import Unit, set_together
from pullback.core.walk import order, replay
from pullback.layers.arguments import count, number_between
from pullback.layers.calls import Call, watch
from pullback.layers.initializers import orthogonal
from pullback.layers.layer import Layer, Rng

_ROUNDING = 8  # units in the last place by which numbers differ that are meant to be the same


@dataclass(frozen=True)
class Scaled:
    """One layer: its name, its output's variance with an orthogonal weight, and then.

    `note` says why a layer was left as it was; its numbers are then nan.
    """

    name: str
    before: float = float("nan")
    after: float = float("nan")
    iterations: int = 0
    note: str = ""


@dataclass(frozen=True, repr=False)
class LSUV(Shown):
    """What `initialize_lsuv` did, a row for each layer that has weights, as a table."""

    rows: tuple[Scaled, ...]

    def __getitem__(self, name: str) -> Scaled:
        """The row of a layer, by its name."""
        return {row.name: row for row in self.rows}[name]

    def _says(self) -> Iterator[Table]:
        cells = []
        for row in self.rows:
            numbers = [number(row.before), number(row.after), str(row.iterations)]
            cells.append([row.name, *(["", "", row.note] if row.note else numbers)])
        yield Table(("layer", "orthogonal", "variance", "iterations"), cells)


def initialize_lsuv(
    model: Layer,
    *inputs: Any,
    tolerance: float = 0.01,
    max_iterations: int = 10,
    zero_mean: bool = False,
    rng: Rng = None,
) -> LSUV:
    """Start a model so that each weighted layer's output has variance 1 on a batch.

        weight = orthogonal; until |var(y) - 1| < tolerance: weight = weight / sqrt(var(y))

    Layer-sequential unit-variance initialization. `inputs` are those of a call of the model, with
    some hundred rows; the variance is over all elements of a layer's output, before what follows
    it. With `zero_mean` each unit's bias is moved first, so that its mean is 0 (Krähenbühl). The
    model predicts meanwhile: nothing is dropped, and running statistics stay. `rng` draws the
    orthogonal matrices, by default as the seed 0.

    Left as they are, with a note: frozen layers; those whose weights run inside a loop, as
    recurrent ones, or which have several, as attention; and those whose output does not vary.

    Raises `CircuitError` where there is no layer to scale, fewer than two rows are given, or an
    output is not finite; the model is then as it was.
    Source: Mishkin and Matas, "All you need is a good init" (ICLR 2016); Krähenbühl, Doersch,
    Donahue, Darrell, "Data-dependent initializations of convolutional neural networks" (ICLR 2016).

    >>> from pullback.layers import Dense, Sequential, Tanh
    >>> x = np.random.default_rng(0).normal(3.0, 2.0, (200, 10))
    >>> model = Sequential(Dense(20), Tanh(), Dense(5))
    >>> print(initialize_lsuv(model, x))
    layer   orthogonal  variance  iterations
    dense1  6.333       1         1
    dense2  0.2807      1         1
    >>> round(float(model(x).value.var()), 3)
    1.0
    """
    if not isinstance(model, Layer):
        raise CircuitError(f"LSUV starts a model made of layers, got {model!r}")
    number_between("LSUV", "tolerance", tolerance, 0.0)
    count("LSUV", "iteration", max_iterations)
    if not inputs or not all(np.size(x) for x in inputs):
        raise CircuitError("LSUV needs the inputs of a call with some rows, a batch to measure on")
    if any(np.shape(x)[:1] == (1,) for x in inputs):
        raise CircuitError("one row does not tell how far rows are apart; give LSUV some hundred")
    with watch() as calls:
        model(*inputs)
    before = {unit: unit.value for unit in model.find_parameters(frozen=True).values()}
    start = _Start(model, calls, tolerance, max_iterations, zero_mean)
    generator = np.random.default_rng(0 if rng is None else rng)
    try:
        rows = tuple(start.take(call, generator) for call in start.weighted())
        if all(row.note for row in rows):
            raise CircuitError(
                "LSUV found no layer to scale"
                + "".join(f"; {row.name}: {row.note}" for row in rows)
            )
    except BaseException:  # Ctrl-C too
        set_together(before)
        raise
    return LSUV(rows)


class _Start:
    """A circuit that has run, in which the weights of one layer after another are set.

    Wires stand in running order, and what a layer is made of is younger than all before it: so to
    go on to a layer is to run the wires from the one before it to its output.
    """

    def __init__(
        self,
        model: Layer,
        calls: Sequence[Call],
        tolerance: float,
        max_iterations: int,
        zero_mean: bool,
    ) -> None:
        self.paths = {layer: path for path, layer in model.walk()}
        self.calls = calls
        self.circuit = order(_wires(calls[0].output))
        self.place = {unit: k for k, unit in enumerate(self.circuit)}
        self.done = 0  # wires of the circuit that are computed with the weights of now
        self.tolerance, self.most, self.zero_mean = tolerance, max_iterations, zero_mean

    def weighted(self) -> list[Call]:
        """The first call of each layer that has weights, in running order."""
        first = {}
        for call in self.calls:
            if call.layer._weights and call.layer not in first:
                first[call.layer] = call
        last = len(self.circuit)
        return sorted(first.values(), key=lambda call: self.place.get(_wires(call.output)[0], last))

    def take(self, call: Call, rng: np.random.Generator) -> Scaled:
        layer = call.layer
        name = self.paths.get(layer, layer.name) or layer.called
        if reason := self._why_not(call):
            return Scaled(name, note=reason)
        weight, bias = layer.own_parameters["weight"], layer.own_parameters.get("bias")
        parameters = [weight] if bias is None else [weight, bias]
        kept = {unit: unit.value for unit in parameters}
        begin, self.done = self.done, self.place[call.output] + 1

        def variance() -> float:
            replay(self.circuit[begin : self.done])
            return self._variance(call.output, name)

        weight.value = orthogonal(weight.shape, rng)
        first = now = variance()
        same = self._is_same(call.output, first)
        if self.zero_mean and bias is not None and bias.shape == call.output.shape[-1:]:
            axes = tuple(range(call.output.ndim - 1))
            bias.value = bias.value - np.mean(call.output.value, axis=axes, dtype=np.float64)
            now = variance()
        for iterations in range(self.most + 1):
            if abs(now - 1.0) <= self.tolerance:
                return Scaled(name, first, now, iterations)
            if iterations == self.most or self._is_same(call.output, now):
                break
            for unit in parameters if self.zero_mean else [weight]:
                unit.value = unit.value / np.sqrt(now)
            now = variance()
        set_together(kept)
        variance()
        if same:
            return Scaled(name, note="left: its output is the same everywhere, so look before it")
        return Scaled(name, note=f"left: {self.most} iterations bring no variance of 1")

    def _why_not(self, call: Call) -> str:
        layer, output = call.layer, call.output
        if not layer.trainable:
            return "left: it is frozen"
        if not isinstance(output, Unit) or output not in self.place:
            return "left: it runs inside a loop"
        if layer._weights != {"weight"}:
            return f"left: its weights are {', '.join(sorted(layer._weights))}"
        return ""

    def _is_same(self, output: Unit, variance: float) -> bool:
        """Whether an output of this variance differs from place to place by rounding alone."""
        step = _ROUNDING * float(np.finfo(output.dtype).eps)
        return variance <= step**2 * float(np.mean(np.square(output.value, dtype=np.float64)))

    def _variance(self, output: Unit, name: str) -> float:
        variance = float(np.var(output.value, dtype=np.float64))
        if not np.isfinite(variance):
            raise CircuitError(f"the output of layer {name!r} is not finite on this batch")
        return variance


def _wires(output: Any) -> tuple[Unit, ...]:
    return output if isinstance(output, tuple) else (output,)
