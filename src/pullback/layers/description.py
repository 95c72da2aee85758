"""In: a layer. Out: what it is, as plain data that JSON can hold; and back, without parameters.

A description names kinds of layers from the closed registry and tells their arguments. A layer
that stands in several places is described once; the others say where: {"shared": "dense1"}. Layers
inside are arguments too, but where a kind makes its own of what it is told (`makes_layers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pullback.core.errors import CircuitError
from pullback.core.registry import Registry

if TYPE_CHECKING:
    from pullback.layers.layer import Layer

LAYERS: Registry[type[Layer]] = Registry("layer")


def join(outer: str, name: str) -> str:
    """The path of a name inside `outer`, either of which may be "".

    >>> join("residual1", "dense1"), join("", "dense1")
    ('residual1.dense1', 'dense1')
    """
    return f"{outer}.{name}" if outer and name else outer or name


def describe(layer: Layer) -> dict[str, Any]:
    """What `construct` makes the layer from again.

    >>> from pullback.layers import Dropout, Sequential
    >>> describe(Sequential(Dropout(0.5)))["layers"]
    [{'kind': 'Dropout', 'name': 'dropout1', 'rate': 0.5}]
    """
    paths = {inner: path for path, inner in layer.walk()}
    seen: set[Layer] = set()

    def tell(layer: Layer) -> dict[str, Any]:
        if layer in seen:
            return {"shared": paths[layer]}
        description = {"kind": type(layer).__name__, "name": layer.name, **layer.config}
        if layer.makes_layers:
            made = [inner for _, inner in layer.walk()]
            if seen & set(made):
                raise CircuitError(
                    f"what {paths[layer]!r} is made of stands before it as well, which no file can "
                    "tell; let it stand behind"
                )
            seen.update(made)
            return description
        seen.add(layer)
        if layer.layers:
            description["layers"] = [tell(inner) for inner in layer.layers]
        return description

    return tell(layer)


def construct(description: Mapping[str, Any]) -> Layer:
    """The layer that `describe` told of, without parameters.

    Raises `CircuitError` for a kind of layer that is not in the registry, or arguments that are not
    as `describe` tells them; other errors where the description is not of its form at all.

    >>> construct({"kind": "Sequential", "name": "", "layers": [{"kind": "ReLU", "name": "r"}]})
    Sequential(ReLU())
    """
    made: dict[str, Layer] = {}

    def make(described: Mapping[str, Any], outer: str) -> Layer:
        if "shared" in described:
            return made[described["shared"]]
        arguments = dict(described)
        kind, name = arguments.pop("kind"), arguments.pop("name")
        if kind not in LAYERS:
            raise CircuitError(
                f"it holds a layer {kind!r}, whose code no file holds: import what registers it, "
                "such as pullback.models, or build the model in Python as it was, and use its "
                "load_parameters"
            )
        path = join(outer, name)
        told = () if LAYERS[kind].makes_layers else arguments.pop("layers", ())
        inside = [make(inner, path) for inner in told]
        layer = LAYERS[kind](*inside, name=name, **arguments)
        if layer.config != arguments:
            raise CircuitError(f"the arguments of {path!r} are not as they would be written")
        made[path] = layer
        if layer.makes_layers:
            made.update((join(outer, at), inner) for at, inner in layer.walk())
        return layer

    return make(description, "")
