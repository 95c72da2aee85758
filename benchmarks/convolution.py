"""Convolution of images: forward, gradient of the input and gradient of the weights.

Compared: all three of a layer, one after another, and each by itself, in float32 unless something
else stands there, 64 images each, against PyTorch with channels last, its fastest layout here. It
is fair because both read the same channels-last arrays and write outputs made beforehand or,
PyTorch, made by its own cached allocator, as its users have it. Images have a border of zeros, half
a window wide. The geometric mean is that of the ratios of the first seven layers, all three
together; the other layers have no goal. The limit is the multiply-adds of all three, as fast as the
cores do them in registers; those with zeros of the border are not counted.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import (
    ONLY,
    Line,
    Work,
    Works,
    against,
    lines_of,
    mean,
    native,
    threads,
    turns,
)


class Layer(NamedTuple):
    size: int  # height and width
    channels: int
    filters: int
    window: int
    stride: int = 1
    groups: int = 1
    dilation: int = 1
    dtype: str = "float32"

    def __str__(self) -> str:
        text = f"{self.channels} → {self.filters} channels, {self.window}x{self.window}"
        others = {"stride": self.stride, "groups": self.groups, "dilation": self.dilation}
        text = f"{text} on {self.size}x{self.size}"
        text += "".join(f", {name} {value}" for name, value in others.items() if value > 1)
        return text + (f", {self.dtype}" if self.dtype != "float32" else "")

    @property
    def border(self) -> int:
        return self.window // 2 * self.dilation

    @property
    def outputs(self) -> int:
        """Height and width of what it makes."""
        span = (self.window - 1) * self.dilation + 1
        return (self.size + 2 * self.border - span) // self.stride + 1


LAYERS = [
    Layer(28, 1, 8, 5), Layer(14, 8, 16, 5), Layer(32, 3, 16, 5), Layer(16, 16, 24, 5),
    Layer(8, 24, 24, 5), Layer(32, 64, 64, 3), Layer(16, 128, 128, 3),
]  # fmt: skip
OTHERS = [
    Layer(32, 64, 64, 3, stride=2), Layer(32, 64, 128, 1), Layer(32, 3, 16, 7, stride=2),
    Layer(32, 64, 64, 3, dtype="float64"), Layer(32, 64, 64, 3, groups=64),
    Layer(32, 64, 64, 3, groups=4), Layer(32, 64, 64, 3, dilation=2),
]  # fmt: skip
PASSES = "forward", "gradient of the input", "gradient of the weights"
IMAGES = 64
LEAST, MEAN = 0.95, 1.1  # goals of the seven
TOLERANCE = {"float32": 1e-4, "float64": 1e-11}
PEER = "PyTorch channels-last"


def measure(quick: bool) -> list[Line]:
    lines, wholes = [], []
    for layer in LAYERS:
        found = _measured(layer, quick, {PEER: LEAST})
        lines += found
        wholes += [line for line in found if line.who == PEER]
    lines.append(mean(wholes, PEER, MEAN))
    return lines + [line for layer in OTHERS for line in _measured(layer, quick, {})]


def _measured(layer: Layer, quick: bool, goals: dict[str, float]) -> list[Line]:
    sides = {"pullback": ours, PEER: pytorch, "multiply-adds": limit}
    times = turns(
        str(layer),
        {who: partial(side, layer) for who, side in sides.items()},
        ("multiply-adds",),
        quick=quick,
        tolerance=TOLERANCE[layer.dtype],
        seconds=0.2,
    )
    wholes = {who: each[ONLY] for who, each in times.items()}
    mine, theirs, alone = lines_of(str(layer), wholes, goals, ("multiply-adds",))
    parts = [
        against(str(layer), f"{PEER}, {part}", times["pullback"][part], times[PEER][part])
        for part in PASSES
    ]
    return [mine, theirs, *parts, alone]


def data(layer: Layer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, the pull on the output, and weights."""
    rng = np.random.default_rng(0)
    shapes = (
        (IMAGES, layer.size, layer.size, layer.channels),
        (IMAGES, layer.outputs, layer.outputs, layer.filters),
        (layer.window, layer.window, layer.channels // layer.groups, layer.filters),
    )
    return tuple(rng.normal(size=shape).astype(layer.dtype) for shape in shapes)


def scaled(*parts: np.ndarray) -> np.ndarray:
    """All numbers, each part over its largest, so that none hides another."""
    return np.concatenate([(part / np.abs(part).max()).ravel() for part in parts])


def ours(layer: Layer) -> Works:
    import pullback as pb

    x, pull, w = (pb.Unit(value) for value in data(layer))
    windows = {"stride": layer.stride, "groups": layer.groups, "dilation": layer.dilation}
    y = pb.convolve(x, w, padding=layer.border, **windows)
    results = [y, *pb.gradient(y, [x, w], pull)]

    def work(*results: Any) -> Work:
        kept = {pb.Unit(np.zeros(unit.shape, unit.dtype)): unit for unit in results}
        step = native(pb.Program({}, {}, kept))
        step()
        return Work(step, 1, lambda: scaled(*(unit.value for unit in kept)))

    parts = dict(zip(PASSES, map(work, results), strict=True))
    return {ONLY: work(*results), **parts}


def pytorch(layer: Layer) -> Works:
    import torch

    torch.set_num_threads(threads())
    x, pull, w = map(torch.from_numpy, data(layer))
    last: Any = torch.channels_last
    x, pull = (v.permute(0, 3, 1, 2).contiguous(memory_format=last) for v in (x, pull))
    w = w.permute(3, 2, 0, 1).contiguous(memory_format=last)
    stride, border, dilation = ([n] * 2 for n in (layer.stride, layer.border, layer.dilation))

    def forward() -> torch.Tensor:
        return torch.nn.functional.conv2d(x, w, None, stride, border, dilation, layer.groups)

    def backward(by_input: bool, by_weights: bool) -> tuple[torch.Tensor, ...]:
        asked = [by_input, by_weights, False]
        found = torch.ops.aten.convolution_backward(
            pull, x, w, None, stride, border, dilation, False, [0, 0], layer.groups, asked
        )
        return tuple(each for each, wanted in zip(found, asked, strict=True) if wanted)

    def work(run: Any) -> Work:
        def answer() -> np.ndarray:
            orders = {x.shape: (0, 2, 3, 1), pull.shape: (0, 2, 3, 1), w.shape: (2, 3, 1, 0)}
            return scaled(*(part.permute(orders[part.shape]).numpy() for part in run()))

        return Work(run, 1, answer)

    parts = (
        lambda: (forward(),),
        lambda: backward(True, False),
        lambda: backward(False, True),
    )
    whole = work(lambda: (forward(), *backward(True, True)))
    return {ONLY: whole, **dict(zip(PASSES, map(work, parts), strict=True))}


def limit(layer: Layer) -> Work:
    from benchmarks.limits import multiply_adds

    taps = layer.dilation * np.arange(layer.window)
    places = layer.stride * np.arange(layer.outputs)[:, None] + taps
    inside = int(((places >= layer.border) & (places < layer.size + layer.border)).sum())
    each = IMAGES * inside**2 * layer.channels * layer.filters // layer.groups
    return multiply_adds(layer.dtype, 3 * 2 * each)
