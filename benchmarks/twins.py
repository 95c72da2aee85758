"""In: a model of pullback's layers. Out: the same in PyTorch, with the same parameters.

So that both train from one start, and what they have become can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from pullback import layers
from pullback.layers.calls import watch
from pullback.layers.convolution.images import both

Turn = Callable[[np.ndarray], np.ndarray]


class Twin(nn.Sequential):
    """The model; `pairs` has for each of our wires PyTorch's, and how to turn our array into it."""

    pairs: list[tuple[Any, torch.Tensor, Turn]]

    def numbers(self) -> list[np.ndarray]:
        """All that training moves, in the layout of ours that `ours` gives."""
        return [tensor.detach().numpy().copy() for _, tensor, _ in self.pairs]

    def ours(self) -> list[np.ndarray]:
        """The present values of our wires, as PyTorch has them."""
        return [turn(unit.value) for unit, _, turn in self.pairs]


class _Around(nn.Module):
    """y = around(x) + inner(x)."""

    def __init__(self, inner: nn.Module, around: nn.Module) -> None:
        super().__init__()
        self.inner, self.around = inner, around

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.around(x) + self.inner(x)


def twin(model: layers.Layer, row: tuple[int, ...]) -> Twin:
    """The twin of a model for rows of this shape, channels last; PyTorch's has channels second."""
    with watch() as calls:
        model(np.zeros((1, *row), np.float32))
    shapes = {call.layer: call.output.shape[1:] for call in calls}
    made_before = [call.output.shape[1:] for call in calls]
    inputs = dict(zip([call.layer for call in calls[1:]], made_before, strict=False))
    maker = _Maker(shapes, inputs)
    made = Twin(*maker.module(model))
    made.pairs = maker.pairs
    with torch.no_grad():
        for unit, tensor, turn in made.pairs:
            tensor.copy_(torch.from_numpy(np.array(turn(unit.value))))
    return made


class _Maker:
    def __init__(self, shapes: Any, inputs: Any) -> None:
        self.shapes, self.inputs = shapes, inputs
        self.pairs: list[tuple[Any, torch.Tensor, Turn]] = []
        self.flat: tuple[int, ...] | None = None  # the image that was flattened last

    def module(self, layer: layers.Layer) -> list[nn.Module]:
        made = getattr(self, f"_{type(layer).__name__.lower()}")(layer)
        return made if isinstance(made, list) else [made]

    def _sequential(self, layer: layers.Sequential) -> list[nn.Module]:
        return [module for inner in layer.layers for module in self.module(inner)]

    def _residual(self, layer: layers.Residual) -> nn.Module:
        inner = layer.layers[:-1] if layer.config["around"] else layer.layers
        modules = [module for x in inner for module in self.module(x)]
        around = self.module(layer.layers[-1]) if layer.config["around"] else [nn.Identity()]
        return _Around(nn.Sequential(*modules), nn.Sequential(*around))

    def _conv2d(self, layer: layers.Conv2d) -> nn.Module:
        weight, config = layer.weight, layer.config
        assert weight is not None
        height, width = both(config["kernel"])
        padding = config["padding"]
        if padding == "valid":
            padding = 0
        elif padding == "same":
            assert config["stride"] == 1
        made = nn.Conv2d(
            weight.shape[2] * config["groups"],
            config["filters"],
            (height, width),
            stride=config["stride"],
            padding=padding,
            dilation=config["dilation"],
            groups=config["groups"],
            bias=layer.bias is not None,
        )
        self.pairs.append((weight, made.weight, lambda w: w.transpose(3, 2, 0, 1)))
        if layer.bias is not None:
            assert made.bias is not None
            self.pairs.append((layer.bias, made.bias, np.asarray))
        return made

    def _batchnorm(self, layer: layers.BatchNorm) -> nn.Module:
        assert layer.scale is not None
        made = nn.BatchNorm2d(layer.scale.size, eps=layer.epsilon, momentum=1 - layer.momentum)
        self.pairs.append((layer.scale, made.weight, np.asarray))
        self.pairs.append((layer.bias, made.bias, np.asarray))
        assert made.running_mean is not None
        assert made.running_var is not None
        self.pairs.append((layer.mean, made.running_mean, np.asarray))
        self.pairs.append((layer.variance, made.running_var, np.asarray))
        return made

    def _dense(self, layer: layers.Dense) -> nn.Module:
        assert layer.weight is not None
        made = nn.Linear(*layer.weight.shape)
        turn: Turn = np.transpose
        if self.flat is not None and len(self.flat) == 3:
            turn = _of_channels(self.flat)
        self.flat = None
        self.pairs.append((layer.weight, made.weight, turn))
        self.pairs.append((layer.bias, made.bias, np.asarray))
        return made

    def _flatten(self, layer: layers.Flatten) -> nn.Module:
        self.flat = self.inputs[layer]
        return nn.Flatten()

    def _maxpool2d(self, layer: layers.MaxPool2d) -> nn.Module:
        return nn.MaxPool2d(layer.config["size"], layer.config["stride"])

    def _globalaveragepool(self, layer: layers.GlobalAveragePool) -> list[nn.Module]:
        return [nn.AdaptiveAvgPool2d(1), nn.Flatten()]

    def _localresponsenorm(self, layer: layers.LocalResponseNorm) -> nn.Module:
        config = layer.config
        return nn.LocalResponseNorm(config["size"], config["alpha"], config["beta"], config["k"])

    def _relu(self, layer: layers.ReLU) -> nn.Module:
        return nn.ReLU()

    def _dropout(self, layer: layers.Dropout) -> nn.Module:
        return nn.Dropout(layer.rate)


def _of_channels(image: tuple[int, ...]) -> Turn:
    """How a dense weight over a flattened (H, W, C) becomes one over (C, H, W)."""

    def turn(w: np.ndarray) -> np.ndarray:
        return w.reshape(*image, -1).transpose(3, 2, 0, 1).reshape(w.shape[1], -1)

    return turn
