"""In: a recurrent model and what it reads. Out: how far its gates are open, and a figure of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.core.values import plain_array
from pullback.figures import refuse_without_matplotlib
from pullback.gates.loop import loop
from pullback.gates.shape import swapaxes
from pullback.inspect.arguments import at_least_one
from pullback.layers.calls import watch
from pullback.layers.layer import Layer
from pullback.layers.recurrent import Recurrent
from pullback.layers.recurrent.cells import Cell
from pullback.sequences.text.seeing.given import chosen_units, drawable, refuse_other_length

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Gates = dict[str, np.ndarray]


def gate_values(model: Layer, inputs: Any) -> dict[str, Gates]:
    """How far the gates of all recurrent layers of a model are open as it reads, by their paths.

    `inputs` are one sequence, (steps,) of whole numbers or (steps, features), as the model takes
    batches of them. For each layer of LSTM or GRU cells the answer has its gates by name, each
    (steps, units) from 0 to 1: "input", "forget" and "output", or "reset" and "update". A layer
    that runs backwards has its gates at the steps where they were open. State begins at zero.

    Raises `CircuitError` where no layer has gates.

    >>> from pullback.layers import LSTM, Dense, Embedding, Sequential
    >>> model = Sequential(Embedding(5, 3), LSTM(4), Dense(5))
    >>> gates = gate_values(model, np.array([2, 0, 1]))
    >>> {path: list(found) for path, found in gates.items()}
    {'lstm1.layer1': ['input', 'forget', 'output']}
    >>> gates["lstm1.layer1"]["forget"].shape
    (3, 4)
    """
    sequence = plain_array(inputs, "the inputs")
    if sequence.ndim > (1 if sequence.dtype.kind in "iu" else 2):
        raise CircuitError(
            "gates are of one sequence, (steps,) of whole numbers or (steps, features), without an "
            f"axis of rows; got {sequence.dtype} of shape {sequence.shape}"
        )
    with watch() as calls:
        model(sequence[None])
    paths = {layer: path for path, layer in model.walk()}
    found = {
        paths[call.layer]: _gates(call.layer, call.layer.cell, call.inputs[0])
        for call in calls
        if isinstance(call.layer, Recurrent)
        and isinstance(call.layer.cell, Cell)
        and call.layer.cell.gate_names
        and call.layer in paths
    }
    if not found:
        raise CircuitError("the model has no layer of cells with gates, such as an LSTM or a GRU")
    return found


def _gates(layer: Recurrent, cell: Cell, x: Unit) -> Gates:
    """The gates of a layer that reads x (1, steps, n), run once more."""
    pieces = cell.states

    def step(*given: Unit) -> tuple[Unit, ...]:
        made = cell(given[pieces], *given[:pieces])
        return made[: pieces + 1]  # the next state, and the gates

    weight = next(iter(cell.find_parameters(frozen=True).values()))
    dtype = np.result_type(x.dtype, weight.dtype)
    start = tuple(np.zeros((1, size), dtype) for size in cell.state_sizes)
    stacks = loop(step, start, swapaxes(x, 0, 1), reverse=layer.config["reverse"])
    parts = np.split(stacks[pieces].value[:, 0], len(cell.gate_names), axis=1)
    return dict(zip(cell.gate_names, parts, strict=True))


def gates_over_time(
    text: str | Sequence[str],
    gates: Mapping[str, Any],
    units: Sequence[int] | None = None,
    *,
    title: str = "",
    most: int = 4,
) -> Figure:
    """Draw a text, and below each character how far the gates of some units were open there.

    `text` is characters, or words; `gates` are values from 0 to 1 by the name of the gate, (steps,)
    of one unit or (steps, units), such as `gate_values` answers them of a layer. `units` says which
    are drawn, by default those whose gates vary most, `most` of them. Dark is closed, bright open.

    Raises `CircuitError` where there is not one value for each character, one is not from 0 to 1,
    gates are of other units than others, a unit is not there, and without matplotlib.
    Source: Karpathy, Johnson, Fei-Fei, "Visualizing and understanding recurrent networks" (2015).

    >>> figure = gates_over_time("to be", {"forget": [0.9, 0.8, 0.1, 0.9, 1.0]})
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['forget']
    """
    refuse_without_matplotlib()
    at_least_one(most=most)
    from pullback.figures.sheet import Scale
    from pullback.sequences.text.seeing.drawing.states import draw_states

    if not isinstance(gates, Mapping) or not gates:
        raise CircuitError(f"gates are values by the name of the gate, got {gates!r}")
    arrays = {}
    for name, given in gates.items():
        what = f"the values of the {name} gate"
        arrays[str(name)] = array = drawable(given, what, "(steps,) or (steps, units)", 1, 2)
        refuse_other_length(text, array, what)
        if array.min() < 0.0 or array.max() > 1.0:
            raise CircuitError(
                f"{what} are from 0, closed, to 1, open; got {array.min():g} to {array.max():g}"
            )
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise CircuitError(f"gates are of the same units each, got {told}")
    single = next(iter(arrays.values())).ndim == 1
    if single and units is not None:
        raise CircuitError("the gates are of one unit; units= is for values (steps, units)")
    values = np.stack([x[:, None] if single else x for x in arrays.values()], axis=2)
    chosen = chosen_units(values.std(axis=0).sum(axis=1), units, most)
    names = [
        name if single or k else f"unit {unit}  {name}"
        for unit in chosen
        for k, name in enumerate(arrays)
    ]
    note = "dark is closed, bright open"
    if units is None and len(chosen) < values.shape[1]:
        note += f"; {len(chosen)} of {values.shape[1]} units, those that vary most"
    title = title or ("The gates of a unit" if len(chosen) == 1 else "The gates of units")
    lines = values[:, chosen].reshape(len(values), -1)
    return draw_states(list(text), lines, names, title, note, Scale(0.0, 1.0), len(arrays))
