"""In: a wire. Out: the wire of a layer's output, made of gates and of the layer's parameters.

A layer is a function of wires that owns sources: its parameters. It makes them at its first call,
when it sees the shape of its input, so sizes are inferred. Layers compose: `Sequential` is a layer,
and any function of layers and gates is a model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from pullback.core.registry import Registry
from pullback.core.unit import Unit, scope

LAYERS: Registry[type[Layer]] = Registry("layer")

Rng = np.random.Generator | int | None
L = TypeVar("L", bound="Layer")


class Layer(ABC):
    """What all layers share: a name, parameters made at the first call, and a group in drawings.

    A subclass is final. It gives `build`, which makes parameters for a shape of input, and `apply`,
    which wires the gates; and `config`, the arguments that would construct it again.
    """

    def __init__(self, name: str = "", rng: Rng = None) -> None:
        self.name = name or type(self).__name__.lower()
        self.rng = rng
        self.built = False

    def __call__(self, x: Any, *, training: bool = False) -> Unit:
        """The layer's output for an input of shape (batch, ...); `training` for train behaviour."""
        x = x if isinstance(x, Unit) else Unit(x, "inputs")
        with scope(self.name):
            if not self.built:
                self.build(x.shape, np.random.default_rng(0 if self.rng is None else self.rng))
                self.built = True
            return self.apply(x, training=training)

    @abstractmethod
    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        """Make the parameters for inputs of this shape, drawing what is random from `rng`."""

    @abstractmethod
    def apply(self, x: Unit, *, training: bool) -> Unit:
        """Wire the layer's gates to x."""

    @property
    @abstractmethod
    def config(self) -> Mapping[str, Any]:
        """The arguments, as JSON can hold them, that construct this layer without parameters."""

    @property
    def parameters(self) -> dict[str, Unit]:
        """The trainable sources by name, as "dense1.weight"; empty until the first call."""
        return {}

    @property
    def weights(self) -> dict[str, Unit]:
        """The parameters that multiply, which penalties pull towards zero: not the biases."""
        return {k: unit for k, unit in self.parameters.items() if not k.endswith("bias")}

    def predict(self, inputs: Any, *, batch_size: int = 1024) -> np.ndarray:
        """The outputs for many inputs, in batches, as an array."""
        inputs = np.asarray(inputs)
        starts = range(0, max(len(inputs), 1), batch_size)
        return np.concatenate([self(inputs[i : i + batch_size]).value for i in starts])

    def __repr__(self) -> str:
        told = ", ".join(f"{k}={v!r}" for k, v in self.config.items())
        return f"{type(self).__name__}({told})"


def register(layer: type[L]) -> type[L]:
    """Decorate a layer so that saved models, which name it, find it."""
    LAYERS.add(layer.__name__, layer)
    return layer
