"""In: a model, its losses and some rows. Out: the circuit of one pass, with what flows in it.

The pass is one of a copy of the model, forwards and backwards, and every wire of it can be looked
at: so what is measured here holds for models made of layers and for those that are functions.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.gate import constant
from pullback.core.gradient import gradients_of_all
from pullback.core.rewrite import rewrite
from pullback.core.unit import Unit, wire
from pullback.core.walk import leading_to, order
from pullback.inspect.activations import moved
from pullback.layers.calls import Call, watch
from pullback.layers.layer import Layer
from pullback.layers.recurrent import Recurrent
from pullback.layers.training import Training
from pullback.losses.loss import Loss
from pullback.train.data import Rows, of_kind, several
from pullback.train.measured import judged

_PRODUCTS = ("matmul", "convolve")  # gates that sum their first input by weights, their second
_ROUNDING = 1e-3  # of what is computed in single precision
_SEEN = 1e-2  # of the size of a value, that two of them are apart

Product = tuple[str, Unit, Unit]
"""A sum by trained weights: where it stands, its input and its output."""


@dataclass(frozen=True)
class Flow:
    """One pass of some rows through a copy of a model, as wires: all of it can be looked at."""

    model: Any
    inputs: tuple[Unit, ...]
    labels: tuple[Unit, ...]
    scores: tuple[Unit, ...]
    loss: Unit
    calls: tuple[Call, ...]

    @cached_property
    def circuit(self) -> list[Unit]:
        """All wires that the loss is made of, in running order."""
        return order([self.loss])

    @cached_property
    def readers(self) -> dict[Unit, list[Unit]]:
        """The wires that are made of each wire."""
        found: dict[Unit, list[Unit]] = {}
        for unit in self.circuit:
            for x in unit.inputs:
                found.setdefault(x, []).append(unit)
        return found

    @cached_property
    def parameters(self) -> dict[str, Unit]:
        return dict(self.model.parameters)

    @cached_property
    def weights(self) -> dict[str, Unit]:
        """The parameters that multiply, but for those of one axis, which scale."""
        return {name: unit for name, unit in self.model.weights.items() if unit.ndim > 1}

    @cached_property
    def layers(self) -> dict[str, Layer]:
        """The model's layers, by the scope in which their wires stand."""
        model = self.model
        walked = model.walk() if isinstance(model, Layer) else ()
        return {path.replace(".", "/"): layer for path, layer in walked}

    @cached_property
    def _arriving(self) -> dict[Unit, Unit]:
        """The gradient of the loss by every wire that one reaches."""
        sources = [x for x in self.circuit if x.gate is None and x.dtype.kind == "f"]
        with np.errstate(all="ignore"):
            return gradients_of_all([self.loss], [constant(1.0)], sources)

    def slopes(self, wires: Sequence[Unit]) -> list[np.ndarray | None]:
        """The gradient of the loss by each of these wires; None where no gradient reaches one."""
        flow = self._arriving
        return [np.asarray(flow[x].value) if x in flow else None for x in wires]

    @cached_property
    def gradients(self) -> dict[str, np.ndarray | None]:
        """The gradient of the loss by each parameter; None where no gradient reaches one."""
        names = list(self.parameters)
        return dict(zip(names, self.slopes(list(self.parameters.values())), strict=True))

    @cached_property
    def products(self) -> list[Product]:
        """Sums by trained weights, in running order.

        The output is that of the layer, with the bias, where a layer made the sum.
        """
        parameters = set(self.parameters.values())
        made = {call.layer: call.output for call in self.calls if isinstance(call.output, Unit)}
        found = []
        for unit in self.circuit:
            if unit.gate is None or unit.gate.name not in _PRODUCTS:
                continue
            x, weight = unit.inputs[0], moved(unit.inputs[1])
            if weight in parameters and x not in parameters:
                layer = self.layers.get(unit.scope)
                output = unit if layer is None else made.get(layer, unit)
                found.append((self.where(unit), x, output))
        return found

    @property
    def recurrent(self) -> list[tuple[Recurrent, Call]]:
        """The recurrent layers that ran, and their calls."""
        return [(x.layer, x) for x in self.calls if isinstance(x.layer, Recurrent)]

    def path(self, layer: Layer) -> str:
        """The path of a layer in the model."""
        paths = {inner: path.replace("/", ".") for path, inner in self.layers.items()}
        return paths.get(layer, layer.called)

    def where(self, unit: Unit) -> str:
        """Where a wire stands: its layer, or else the name that messages call it by."""
        return unit.scope.replace("/", ".") or unit.label

    @cached_property
    def varied(self) -> set[Unit]:
        """The wires in which rows differ: all that is made of the inputs."""
        return set(leading_to([self.loss], self.inputs))

    def bends(self, names: Sequence[str]) -> Iterator[tuple[str, Unit]]:
        """The wires that gates of these names make and that are no factor of others, by place.

        A loss bends what it is given as it should, and is left out.
        A gate that multiplies, as the sigmoid in a GLU, is closed or open as it should be; dropout,
        which multiplies by chance, is another thing.
        """
        for unit in order(self.scores):
            if unit.gate is None or unit.gate.name not in names:
                continue
            factors = [
                x
                for made in self.readers.get(unit, [])
                if made.gate is not None and made.gate.name == "multiply"
                for x in made.inputs
                if x is not unit and x in self.varied
            ]
            if unit in self.varied and not factors:
                yield self.where(unit), unit

    def is_affine(self, source: Unit, end: Unit) -> bool:
        """Whether `end` is made of `source`, of nothing else that rows differ in, and affinely.

        It is tried: what is made of the middle of two random values must be the middle of what is
        made of them.
        """
        path = leading_to([end], [source])
        known = set(path)
        if source not in known or any(
            x in self.varied and x not in known for unit in path[1:] for x in unit.inputs
        ):
            return False
        rng = np.random.default_rng(0)
        scale = float(np.abs(source.value).max()) or 1.0
        a, b = (rng.normal(0.0, scale, source.shape) for _ in range(2))
        ends = []
        for value in (a, b, 0.5 * (a + b)):
            made = {source: Unit(value.astype(source.dtype))}
            ends.append(np.asarray(rewrite([end], made, _again)[0].value, np.float64))
        left, right, middle = ends
        apart = np.abs(left - right).max()
        if not apart > _SEEN * np.abs(left).max():
            return False  # it hardly depends on the source, so that nothing can be seen
        return bool(np.abs(0.5 * (left + right) - middle).max() < _ROUNDING * apart)


def flowed(model: Any, rows: Rows, losses: Sequence[Loss], *, training: bool) -> Flow:
    """One pass of these rows through a copy of a model, as in training or as in prediction.

    A model that remembers from batch to batch predicts always, as its memory is for batches of one
    size. Raises `CircuitError` where the model or the losses cannot take the rows.
    """
    model = copy.deepcopy(model)
    layers = [layer for _, layer in model.walk()] if isinstance(model, Layer) else []
    learns = training and not any(layer.takes_pieces for layer in layers)
    inputs = tuple(Unit(x, "inputs") for x in of_kind("inputs", rows.columns))
    labels = tuple(Unit(y, "labels") for y in of_kind("labels", rows.columns))
    with watch() as calls, np.errstate(all="ignore"):
        scores = tuple(several(model(*inputs, training=Training() if learns else None)))
        loss, _ = judged(losses, scores, labels)
    return Flow(model, inputs, labels, scores, loss, tuple(calls))


def size(x: Any) -> float:
    """The root mean square."""
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.mean(np.square(np.asarray(x, np.float64)))))


def _again(unit: Unit, inputs: tuple[Unit, ...]) -> Unit | None:
    """What the gate of a wire makes of other inputs, computed anew."""
    if unit.gate is None or not unit.inputs or inputs == unit.inputs:
        return unit
    return wire(unit.gate.evaluate(inputs, unit.static), unit.gate, inputs, unit.static)
