"""Single kernels by hand, in one process: what to look at while one of them is being changed.

    python -m benchmarks.kernels [functions] [products] [convolution] [--only TEXT] [--threads 2]

Of the cases whose names contain the text, prints the best of many runs of each side, turn by turn,
and the geometric mean of peer / ours (above 1: ours is quicker). With one thread the time is that
of the thread's processor, so that other work on the machine disturbs it less; functions and
products have but one. Threads of ours are started anew for each run, which takes some 20
microseconds and is counted.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.functions import Run, function, shared
from benchmarks.measure import limit_threads, threads

NAMES = ("exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "erf", "sigmoid", "softplus")
Case = tuple[str, float]  # what to print, and the ratio of peer / ours


def best(count: int, *runs: Run, seconds: float = 1.0) -> list[float]:
    """The shortest time of each, run in turns for about so many seconds, by so many threads."""
    clock = time.thread_time if count == 1 else time.perf_counter
    times = [math.inf] * len(runs)
    end = time.perf_counter() + seconds
    turns = 0
    while time.perf_counter() < end or turns < 5:
        for i, run in enumerate(runs):
            start = clock()
            run()
            times[i] = min(times[i], clock() - start)
        turns += 1
    return times


def functions(only: str) -> Iterator[Case]:
    """Of 16,384 numbers, against NumPy or, of what it has not, PyTorch."""
    import torch

    from pullback.engines.native.ir import Loop, Operand, Operation, Store, Walked

    x = abs(np.random.default_rng(0).normal(size=1 << 14)).astype(np.float32)
    y, tensor = np.empty_like(x), torch.from_numpy(x)
    peers = {"sigmoid": torch.sigmoid, "softplus": torch.nn.functional.softplus, "erf": torch.erf}
    for name in filter(lambda name: only in name, NAMES):
        made = Operation("v", name, (Operand("x", "f4"),), "f4", "f4")
        walked = Walked("x", "f4", (1,)), Walked("y", "f4", (1,))
        loop = function(Loop(1, 0, walked, (made, Store(Operand("v", "f4"), "y"))))
        given = 0, 1, x.size, x.ctypes.data, y.ctypes.data
        if name in peers:
            peer, who = (lambda: peers[name](tensor)), "PyTorch"
        else:
            peer, who = (lambda: getattr(np, name)(x, out=y)), "NumPy"
        times = best(1, lambda: loop(*given), peer, seconds=0.5)
        mine, theirs = (t / x.size * 1e9 for t in times)
        yield f"{name:9} {mine:5.2f} ns an element, {who} {theirs:5.2f}", theirs / mine


def products(only: str) -> Iterator[Case]:
    """The shapes of the work of this name."""
    from benchmarks.products import (
        ODD,
        SHAPES,
        TOLERANCE,
        gemm,
        kernel,
        mkl_function,
        openblas_function,
    )

    for dtype in TOLERANCE:
        addresses = openblas_function(dtype), mkl_function(dtype)
        for shape in SHAPES + ODD:
            if only not in f"{shape}, {dtype}":
                continue
            works = [kernel(shape, dtype)]
            works += [gemm(shape, dtype, address) for address in addresses if address]
            times = best(1, *(work.run for work in works), seconds=0.5)
            mine, *theirs = (t / work.units for t, work in zip(times, works, strict=True))
            speeds = (f"{1e-9 * shape.operations / t:6.1f}" for t in (mine, *theirs))
            who = zip(("ours", "OpenBLAS", "MKL"), speeds, strict=False)
            text = "  ".join(f"{name} {speed}" for name, speed in who)
            yield (
                f"{f'{shape}, {dtype}':46} ours {mine * 1e6:9.2f} µs  GFLOP/s: {text}",
                min(theirs) / mine,
            )


def convolution(only: str) -> Iterator[Case]:
    """The layers of the work of this name, all three passes of each."""
    from benchmarks.convolution import IMAGES, LAYERS, ONLY, OTHERS, PASSES, data, pytorch
    from pullback.engines.native.kernels.geometry import Convolution

    for layer in filter(lambda layer: only in str(layer), LAYERS + OTHERS):
        x, pull, w = data(layer)
        y, dx, dw = (np.empty_like(array) for array in (pull, x, w))
        sides = (layer.size, layer.size, layer.channels, layer.outputs, layer.outputs)
        window = layer.window, layer.window, layer.stride, layer.stride, layer.border, layer.border
        others = layer.groups, layer.dilation, layer.dilation
        sizes = Convolution(f"f{x.itemsize}", IMAGES, *sides, layer.filters, *window, *others)
        name = "depthwise" if sizes.depthwise else "convolve"
        runs: list[Any] = [
            shared(threads(), name, sizes, y, x, w),
            shared(threads(), f"{name}_input", sizes, dx, pull, w),
            shared(threads(), f"{name}_weights", sizes, dw, x, pull),
        ]
        others = pytorch(layer)
        runs += [others[part].run for part in (*PASSES, ONLY)]
        times = best(threads(), *runs, seconds=2.0)
        mine, theirs = sum(times[:3]), times[-1]
        passes = zip(PASSES, times[:3], times[3:], strict=False)
        parts = ", ".join(f"{what} {other / t:.2f}" for what, t, other in passes)
        yield (
            f"{layer}: {mine * 1e3:7.2f} ms, PyTorch {theirs * 1e3:7.2f}; its times ours: {parts}",
            theirs / mine,
        )


def main() -> None:
    """Parse the command line, run, print."""
    sections = {section.__name__: section for section in (functions, products, convolution)}
    parser = argparse.ArgumentParser("python -m benchmarks.kernels", description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[[], *sections])
    parser.add_argument("--only", default="", help="a part of the names of cases")
    parser.add_argument("--threads", type=int, default=1)
    told = parser.parse_args()
    limit_threads(told.threads)
    for name in told.sections or sections:
        print(f"\n{name}")
        ratios = []
        for text, ratio in sections[name](told.only):
            print(text, flush=True)
            ratios.append(ratio)
        if ratios:
            print(f"geometric mean, peer / ours: {statistics.geometric_mean(ratios):.2f}")


if __name__ == "__main__":
    main()
