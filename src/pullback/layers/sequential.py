"""Layers one after another, as one layer."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.layers.layer import LAYERS, Layer, Rng, register
from pullback.layers.storage import read_model, write_model


@final
@register
class Sequential(Layer):
    """Each layer's output is the next one's input.

    Layers without a name of their own are named by what they are and counted: "dense1", "relu1",
    "dense2"; names are unique, and so are those of the parameters, "dense1.weight". `rng`, a seed
    or a generator, makes the parameters of all layers that have none; by default the seed 0.

    Raises `CircuitError` for no layers, things that are no layers, or a name twice.

    >>> from pullback.layers import Dense, ReLU
    >>> model = Sequential(Dense(16), ReLU(), Dense(3))
    >>> model(np.ones((5, 4))).shape
    (5, 3)
    >>> [(name, unit.shape) for name, unit in model.parameters.items()][:2]
    [('dense1.weight', (4, 16)), ('dense1.bias', (16,))]
    """

    def __init__(self, *layers: Layer, name: str = "", rng: Rng = None) -> None:
        super().__init__(name, rng)
        self.name = name  # unnamed, a model adds nothing to its layers' names
        self.input_shape: tuple[int, ...] | None = None
        if not layers:
            raise CircuitError("a Sequential needs at least one layer")
        counts: Counter[str] = Counter()
        for layer in layers:
            if not isinstance(layer, Layer):
                raise CircuitError(f"a Sequential is made of layers, got {layer!r}")
            kind = type(layer).__name__.lower()
            counts[kind] += 1
            if layer.name in ("", kind):
                layer.name = f"{kind}{counts[kind]}"
        self.layers = layers
        names = Counter(layer.name for layer in layers)
        twice = [name for name, n in names.items() if n > 1]
        if twice:
            raise CircuitError(f"two layers are named {twice[0]!r}; give each its own name")

    @property
    def config(self) -> Mapping[str, Any]:
        kinds = [
            {"kind": type(layer).__name__, "name": layer.name, **layer.config}
            for layer in self.layers
        ]
        return {"layers": kinds}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Sequential:
        """The model that `config` describes, without its parameters."""

        def layer(kind: str, name: str, **arguments: Any) -> Layer:
            if LAYERS[kind] is cls:
                return cls(*(layer(**told) for told in arguments["layers"]), name=name)
            return LAYERS[kind](name=name, **arguments)

        return cls(*(layer(**told) for told in config["layers"]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a safetensors file: its parameters, and its layers by name as JSON.

        Raises `CircuitError` where it has no parameters yet or the file cannot be written.
        """
        if self.input_shape is None:
            raise CircuitError("the model has no parameters yet; call it on a batch, or train it")
        tensors = {name: unit.value for name, unit in self.parameters.items()}
        write_model(path, {**self.config, "input_shape": list(self.input_shape)}, tensors)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Sequential:
        """The model that `save` wrote. Nothing in the file can run code.

        Raises `CircuitError` where the file is missing, damaged, or no model of this library.
        """
        config, tensors = read_model(path)
        try:
            model = cls.from_config(config)
            model(np.zeros((1, *config["input_shape"]), np.float32))
        except (KeyError, TypeError, ValueError, AttributeError, MemoryError) as error:
            raise CircuitError(f"{path} does not describe a model: {error}") from None
        if set(model.parameters) != set(tensors):
            odd = sorted(set(model.parameters) ^ set(tensors))[0]
            raise CircuitError(f"{path} is damaged: {odd!r} is missing, or is too much")
        for name, unit in model.parameters.items():
            if tensors[name].dtype != unit.dtype or tensors[name].shape != unit.shape:
                raise CircuitError(
                    f"{path} is damaged: {name!r} should be {unit.shape} of {unit.dtype}"
                )
            unit.value = tensors[name]
        return model

    @property
    def parameters(self) -> dict[str, Unit]:
        prefix = f"{self.name}." if self.name else ""
        return {
            prefix + name: unit for layer in self.layers for name, unit in layer.parameters.items()
        }

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.input_shape = shape[1:]
        for layer in self.layers:
            if layer.rng is None:
                layer.rng = rng

    def apply(self, x: Unit, *, training: bool) -> Unit:
        for layer in self.layers:
            x = layer(x, training=training)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, k: int) -> Layer:
        return self.layers[k]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __repr__(self) -> str:
        inside = ", ".join(map(repr, self.layers))
        return f"Sequential({inside})"
