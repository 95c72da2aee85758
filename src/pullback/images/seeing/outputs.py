"""In: a model and a picture. Out: the wires that its layers made of it, by the layers' names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.core.walk import age
from pullback.layers.calls import watch
from pullback.layers.layer import Layer


@dataclass(frozen=True, eq=False)
class Output:
    """What one layer made: `path` is its name, "residual1.conv2d2"."""

    path: str
    layer: Layer
    wire: Unit


def run(model: Layer, x: Unit) -> tuple[Unit, list[Output]]:
    """The scores that a model gives pictures, and the output of each layer, in running order.

    A layer that is called again is there once more, as "relu1 (2)"; what makes several wires is
    left out, as is the model itself.

    Raises `CircuitError` where the model cannot take x, or has several outputs.
    """
    with watch() as calls:
        try:
            scores = model(x, training=None)
        except CircuitError as error:
            built = model.first_inputs[0][0][1:]
            raise CircuitError(
                f"the model, built for pictures of shape {built}, does not take {x.shape[1:]}: "
                f"{error}"
            ) from None
    if not isinstance(scores, Unit):
        raise CircuitError(f"the model has {len(scores)} outputs; pictures are seen by one of one")
    paths = {layer: path for path, layer in model.walk()}
    found = []
    times: dict[Layer, int] = {}
    for call in calls:
        times[call.layer] = times.get(call.layer, 0) + 1
        if (call.layer is model and model.layers) or not isinstance(call.output, Unit):
            continue
        path = paths[call.layer] or call.layer.name
        if times[call.layer] > 1:
            path = f"{path} ({times[call.layer]})"
        found.append(Output(path, call.layer, call.output))
    return scores, found


def named_layer(model: Layer, layer: Any) -> tuple[str, Layer]:
    """The layer of a name, or the layer itself, and its name in the model.

    Raises `CircuitError` where the model has none such, saying which there are.
    """
    inside = [(path, x) for path, x in model.walk() if path]
    for path, x in inside:
        if layer is x or layer == path:
            return path, x
    known = ", ".join(path for path, _ in inside)
    raise CircuitError(f"the model has no layer {layer!r}; there are: {known}")


def output_of(model: Layer, outputs: list[Output], layer: Any) -> Output:
    """What the layer of this name made, at its first call unless the name says another.

    Raises `CircuitError` where there is none, or the layer took no part in the run.
    """
    for output in outputs:
        if layer == output.path:
            return output
    path, wanted = named_layer(model, layer)
    for output in outputs:
        if output.layer is wanted:
            return output
    raise CircuitError(
        f"the layer {path!r} has no part, or several outputs, in what the model does"
    )


def made_by(model: Layer, x: Unit, layer: Any) -> tuple[str, Unit]:
    """The name of a layer and what it makes of pictures; without a layer, what the model makes.

    Raises `CircuitError` as `run` and `output_of`.
    """
    scores, outputs = run(model, x)
    if layer is not None:
        found = output_of(model, outputs, layer)
        return found.path, found.wire
    last = [output.path for output in outputs if output.wire is scores]
    return (last[-1] if last else "the model"), scores


def telling(outputs: list[Output]) -> list[Output]:
    """The outputs that show something new, in running order: each wire of floats once.

    A wire has the name of the innermost layer that made it, not of one that handed it on, and what
    only reshapes another one is left out.
    """
    found: dict[Unit, Output] = {}
    for output in outputs:  # of layers inside each other, the outer one begins first
        before = found.get(output.wire)
        if output.wire.dtype.kind == "f" and (
            before is None or output.layer in before.layer.layers
        ):
            found[output.wire] = output
    return [found[wire] for wire in sorted(found, key=age) if not _is_view(wire, found)]


def _is_view(wire: Unit, others: Collection[Unit]) -> bool:
    return wire.gate is not None and wire.gate.view and wire.inputs[0] in others
