"""Convolution of images: forward, gradient of the input and gradient of the weights, float32.

Compared: the seven layers below, 64 images each, against PyTorch with channels last, its fastest
layout here. It is fair because both read the same channels-last arrays and write outputs made
beforehand or, PyTorch, made by its own cached allocator, as its users have it. The geometric mean
is that of the ratios of all seven.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measure import Line, Work, compare, native, threads

LAYERS = [
    # height and width, channels in, channels out, window
    (28, 1, 8, 5), (14, 8, 16, 5), (32, 3, 16, 5), (16, 16, 24, 5), (8, 24, 24, 5),
    (32, 64, 64, 3), (16, 128, 128, 3),
]  # fmt: skip
IMAGES = 64
GOAL = 1.0

Layer = tuple[int, int, int, int]


def measure(quick: bool) -> list[Line]:
    lines, ratios = [], []
    for layer in LAYERS:
        size, channels, filters, window = layer
        mine, theirs = compare(
            f"{channels} → {filters} channels, {window}x{window} on {size}x{size}",
            partial(ours, layer),
            {"PyTorch channels-last": partial(pytorch, layer)},
            quick=quick,
            tolerance=1e-4,
        )
        lines += [mine, theirs]
        ratios.append((theirs.ratio, theirs.best_ratio))
    means = [math.exp(sum(map(math.log, some)) / len(some)) for some in zip(*ratios, strict=True)]
    lines.append(
        Line(
            "geometric mean",
            "PyTorch channels-last",
            math.nan,
            means[0],
            math.nan,
            means[1],
            f"≥ {GOAL:g}",
            min(means) >= GOAL,
        )
    )
    return lines


def data(layer: Layer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, the pull on the output, and weights."""
    size, channels, filters, window = layer
    rng = np.random.default_rng(0)
    shapes = (
        (IMAGES, size, size, channels),
        (IMAGES, size, size, filters),
        (window, window, channels, filters),
    )
    return tuple(rng.normal(size=shape).astype(np.float32) for shape in shapes)


def scaled(*parts: np.ndarray) -> np.ndarray:
    """All numbers, each part over its largest, so that none hides another."""
    return np.concatenate([(part / np.abs(part).max()).ravel() for part in parts])


def ours(layer: Layer) -> Work:
    import pullback as pb

    x, pull, w = (pb.Unit(value) for value in data(layer))
    y = pb.convolve(x, w, padding="same")
    results = [y, *pb.gradient(y, [x, w], pull)]
    kept = {pb.Unit(np.zeros(unit.shape, unit.dtype)): unit for unit in results}
    step = native(pb.Program({}, {}, kept))
    step()
    return Work(step, 1, lambda: scaled(*(unit.value for unit in kept)))


def pytorch(layer: Layer) -> Work:
    import torch

    torch.set_num_threads(threads())
    x, pull, w = map(torch.from_numpy, data(layer))
    last: Any = torch.channels_last
    x, pull = (v.permute(0, 3, 1, 2).contiguous(memory_format=last) for v in (x, pull))
    w = w.permute(3, 2, 0, 1).contiguous(memory_format=last)
    border = layer[3] // 2

    def run() -> tuple[torch.Tensor, ...]:
        y = torch.nn.functional.conv2d(x, w, padding=border)
        dx, dw, _ = torch.ops.aten.convolution_backward(
            pull, x, w, None, [1, 1], [border] * 2, [1, 1], False, [0, 0], 1, [True, True, False]
        )
        return y, dx, dw

    def answer() -> np.ndarray:
        y, dx, dw = run()
        parts = y.permute(0, 2, 3, 1), dx.permute(0, 2, 3, 1), dw.permute(2, 3, 1, 0)
        return scaled(*(part.numpy() for part in parts))

    return Work(run, 1, answer)
