"""In: a model, run once. Out: a table of its layers: what they make, and what they own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.shown import Shown, Table
from pullback.layers.calls import Call, calls_of

if TYPE_CHECKING:
    from pullback.layers.layer import Layer, Shape

_HEAD = ("name", "layer", "output", "parameters")


@dataclass(frozen=True)
class Row:
    """One call of a layer: its path, its arguments, its output's shape, and its own parameters.

    The parameters of the layers inside stand in their own rows, but of those that the layer made
    itself, which count as its own. The second call of a shared layer says "shared" in place of a
    number.
    """

    name: str
    layer: str
    output: str
    parameters: int
    shared: bool = False

    @property
    def cells(self) -> tuple[str, str, str, str]:
        count = "shared" if self.shared else f"{self.parameters:,}"
        return self.name, self.layer, self.output, count


@dataclass(frozen=True, repr=False)
class Summary(Shown):
    """The layers of a model as a table, for terminals of 80 columns and for notebooks.

    `parameters` counts the numbers that training moves, `frozen` those that it leaves alone, and
    `state` the running statistics; `nbytes` is the memory of all of them.
    """

    rows: tuple[Row, ...]
    parameters: int
    frozen: int
    state: int
    nbytes: int

    @property
    def totals(self) -> str:
        """The last line: "58 parameters, 232 bytes"."""
        counts = {"frozen": self.frozen, "of state": self.state}
        more = [f"{n:,} {what}" for what, n in counts.items() if n]
        return ", ".join([f"{self.parameters:,} parameters", *more, _bytes(self.nbytes)])

    def _says(self) -> Iterator[str | Table]:
        yield Table(_HEAD, [row.cells for row in self.rows], right=(3,))
        yield self.totals


def _first(model: Layer) -> Layer:
    """The layer that a model's inputs come to first."""
    layers = getattr(model, "layers", ())
    return _first(layers[0]) if layers else model


def summarize(model: Layer, shapes: Sequence[int | Shape], dtype: str | None) -> Summary:
    """What `Layer.summary` answers."""
    if dtype is None:
        dtype = "int64" if _first(model).takes_integers else "float32"
    if shapes:
        given = [shape if isinstance(shape, tuple | list) else (shape,) for shape in shapes]
        try:
            inputs = [np.zeros((1, *map(index, shape)), dtype) for shape in given]
        except (TypeError, ValueError):
            raise CircuitError(
                "a summary needs the sizes of a row, whole numbers, and a dtype, got "
                f"{', '.join(map(repr, shapes))} and {dtype!r}"
            ) from None
    elif model.built:
        inputs = [np.zeros((1, *shape[1:]), kind) for shape, kind in model.first_inputs]
    else:
        raise CircuitError("tell the shape of an input's row, as summary((28, 28, 1))")
    calls = calls_of(model, inputs)
    layers = [layer for _, layer in model.walk()]
    own = [unit for layer in layers for unit in layer.own_parameters.values()]
    state = [unit for layer in layers for unit in layer.own_state.values()]
    trained = sum(unit.size for unit in model.parameters.values())
    return Summary(
        rows=tuple(_rows(model, calls)),
        parameters=trained,
        frozen=sum(unit.size for unit in own) - trained,
        state=sum(unit.size for unit in state),
        nbytes=sum(unit.size * unit.dtype.itemsize for unit in (*own, *state)),
    )


def _rows(model: Layer, calls: Sequence[Call]) -> Iterator[Row]:
    paths = {layer: path for path, layer in model.walk()}
    seen: set[Layer] = set()
    made = {x for layer in paths if layer.makes_layers for _, x in layer.walk() if x is not layer}
    for call in calls:
        layer = call.layer
        if layer in made:
            continue
        layers = [x for _, x in layer.walk()] if layer.makes_layers else [layer]
        count = sum(unit.size for x in layers for unit in x.own_parameters.values())
        if layer is not model or count or not layer.layers:
            arguments = ["…"] * (bool(layer.layers) and not layer.makes_layers) + layer.arguments()
            yield Row(
                paths.get(layer, layer.name),
                f"{type(layer).__name__}({', '.join(arguments)})",
                _shapes(call.output),
                count,
                shared=count > 0 and layer in seen,
            )
        seen.add(layer)


def _shapes(output: Any) -> str:
    """The shape of what a layer made of one row, "(n, 10)"; n stands for the rows."""
    outputs = output if isinstance(output, tuple) else (output,)
    batched = [("n", *x.shape[1:]) if x.shape[:1] == (1,) else x.shape for x in outputs]
    return ", ".join(f"({', '.join(map(str, shape))})" for shape in batched)


def _bytes(count: int) -> str:
    """A number of bytes as people read it: 232 bytes, 1.5 kB, 12 MB.

    >>> _bytes(232), _bytes(1536), _bytes(12_000_000)
    ('232 bytes', '1.5 kB', '12.0 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    unit = min(3, (len(str(count)) - 1) // 3)
    return f"{count / 1000**unit:.1f} {['', 'kB', 'MB', 'GB'][unit]}"
