"""In: a model of recurrent layers. Out: one step of it, as a function of wires."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.layers.layer import Layer
from pullback.layers.padded import Padded
from pullback.layers.recurrent import Recurrent
from pullback.layers.recurrent.stacks import Stack
from pullback.layers.sequential import Sequential

Step = Callable[..., tuple[Unit, ...]]


def step_of(model: Any) -> tuple[Step, tuple[int, ...], np.dtype]:
    """A step of layers one after another, the sizes of its state, and the dtype of that.

    Raises `CircuitError` for a model whose output at a step needs more than the state before it.
    """
    if not isinstance(model, Layer) or not model.built:
        raise CircuitError("steps are of a model that has made its parameters; train it first")
    parts = list(_parts(model))
    cells = [part for part in parts if isinstance(part, Recurrent)]
    if not cells:
        raise CircuitError("the model has no recurrent layer, whose state goes from step to step")
    sizes = tuple(size for cell in cells for size in cell.sizes)
    dtypes = (x.dtype for x in model.find_parameters(frozen=True).values())

    def step(numbers: Unit, *state: Unit) -> tuple[Unit, ...]:
        flow: Any = numbers
        rest, after = list(state), []
        for part in parts:
            if isinstance(part, Recurrent):
                pieces = len(part.sizes)
                made = part.cell(flow, *rest[:pieces])
                news = made[:pieces] if isinstance(made, tuple) else (made,)
                flow, rest = news[0], rest[pieces:]
                after += news
            else:
                flow = part(flow)
        return flow, *after

    return step, sizes, np.result_type(*dtypes)


def _parts(layer: Layer) -> Iterator[Layer]:
    """The layers that a step goes through, recurrent ones and others, in order."""
    if isinstance(layer, Sequential | Padded):
        for inner in layer.layers:
            yield from _parts(inner)
    elif isinstance(layer, Stack):
        for level in layer.levels:
            if len(level) > 1:
                raise CircuitError(f"layer {layer.name!r} also runs backwards, from steps to come")
            yield from level
    elif isinstance(layer, Recurrent):
        if layer.config["reverse"]:
            raise CircuitError(f"layer {layer.name!r} runs backwards, from steps to come")
        yield layer
    elif any(isinstance(inner, Recurrent) for _, inner in layer.walk()):
        raise CircuitError(
            f"layer {layer.name!r} has recurrent layers inside, and is no Sequential or Padded; "
            "write its step as a function, for StepByStep"
        )
    else:
        yield layer
