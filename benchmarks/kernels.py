"""Times the kernels of the native engine against NumPy, SciPy's BLAS and PyTorch, turn by turn.

    python benchmarks/kernels.py [vector] [matmul] [convolution] [pooling] [--threads 2]

Prints the best of many runs of each, and the geometric mean of peer / ours (above 1: ours is
quicker). With one thread the time is that of the thread's processor, so that other work on the
machine disturbs it less; set OMP_NUM_THREADS=1 and NUMBA_NUM_THREADS=1 for it, because Numba and
PyTorch share an OpenMP runtime.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import numpy as np
import torch
from numba import njit, prange

from pullback.engines.native.kernels.convolution import (
    convolution_workspace_size,
    convolve,
    convolve_input,
    convolve_weights,
)
from pullback.engines.native.kernels.lower import address, no_limit
from pullback.engines.native.kernels.matmul import (
    matmul_into,
    matmul_into_by_threads,
    thread_workspace_size,
)
from pullback.engines.native.kernels.pooling import max_pool, max_pool_gradient
from pullback.engines.native.kernels.vector import FUNCTIONS

RNG = np.random.default_rng(0)


def best(threads: int, *runs: Callable[[], object], seconds: float = 1.0) -> list[float]:
    """The shortest time of each, run in turns for about so many seconds."""
    clock = time.thread_time if threads == 1 else time.perf_counter
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


def mean(ratios: list[float]) -> str:
    return f"geometric mean, peer / ours: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}"


def _over(function: Callable[..., object]) -> Callable[..., None]:
    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    return loop


def vector(threads: int) -> None:
    x = abs(RNG.normal(size=1 << 14)).astype(np.float32)
    y = np.empty_like(x)
    peers = {"sigmoid": torch.sigmoid, "softplus": torch.nn.functional.softplus, "erf": torch.erf}
    tensor, ratios = torch.from_numpy(x), []
    for name, function in FUNCTIONS.items():
        loop = _over(function)
        if name in peers:
            peer, label = (lambda f=peers[name]: f(tensor)), "PyTorch"
        else:
            peer, label = (lambda name=name: getattr(np, name)(x, out=y)), "NumPy"
        ours, theirs = (t / x.size * 1e9 for t in best(1, lambda: loop(x, y), peer, seconds=0.5))
        ratios.append(theirs / ours)
        print(f"{name:9} {ours:5.2f} ns an element, {label} {theirs:5.2f}")
    print(mean(ratios))


MATMULS = [
    # m, k, n, which operand is transposed
    (64, 784, 128, ""), (64, 128, 10, ""), (784, 64, 128, "a"), (64, 10, 128, "b"),
    (512, 784, 1024, ""), (512, 1024, 10, ""), (784, 512, 1024, "a"), (512, 10, 1024, "b"),
    (512, 1024, 1024, "b"), (1024, 1024, 1024, ""), (50, 128, 512, ""), (50, 256, 512, ""),
    (1, 2, 3, ""),
]  # fmt: skip


@njit
def _ours(c, a, b, workspace, threads):
    if threads == 1:
        matmul_into(c, a, b, workspace)
    else:
        matmul_into_by_threads(c, a, b, workspace, threads)


@njit
def _blas(c, a, b):
    np.dot(a, b, c)  # what Numba calls is the BLAS of SciPy


def matmul(threads: int) -> None:
    ratios = []
    for m, k, n, turned in MATMULS:
        a = RNG.normal(size=(k, m) if "a" in turned else (m, k)).astype(np.float32)
        b = RNG.normal(size=(n, k) if "b" in turned else (k, n)).astype(np.float32)
        a, b = a.T if "a" in turned else a, b.T if "b" in turned else b
        c, d = np.empty((m, n), np.float32), np.empty((m, n), np.float32)
        workspace = np.empty(thread_workspace_size(m, n, k, 4, threads), np.uint8)
        ta, tb, td = (torch.from_numpy(array) for array in (a, b, d))
        times = best(
            threads,
            lambda: _ours(c, a, b, workspace, threads),
            lambda: _blas(d, a, b),
            lambda: np.matmul(a, b, out=d),
            lambda: torch.mm(ta, tb, out=td),
        )
        ratios.append(min(times[1:]) / times[0])
        speeds = [2e-9 * m * n * k / t for t in times]
        print(
            f"{m:4} x {k:4} x {n:4} {turned or ' '}  ours {times[0] * 1e6:8.1f} us"
            "  GFLOP/s: ours {:6.1f}  SciPy {:6.1f}  NumPy {:6.1f}  PyTorch {:6.1f}".format(*speeds)
        )
    print(mean(ratios), "(the best of the three)")


CONVOLUTIONS = [
    # images, height and width, channels in, channels out, window
    (64, 28, 1, 8, 5), (64, 14, 8, 16, 5), (64, 32, 3, 16, 5), (64, 16, 16, 24, 5),
    (64, 8, 24, 24, 5), (64, 32, 64, 64, 3), (64, 16, 128, 128, 3),
]  # fmt: skip


@njit(parallel=True)
def forward(y, x, w, border, spaces):
    n, H, W, C = x.shape
    K, _, _, F = w.shape
    T = spaces.shape[0]
    for t in prange(T):
        convolve(
            address(y), address(x), address(w), 0, n * t // T, n * (t + 1) // T,
            H, W, C, H, W, F, K, K, 1, 1, border, border, address(spaces[t]),
            no_limit(x[0, 0, 0, 0]),
        )  # fmt: skip


@njit(parallel=True)
def input_gradient(dx, dy, w, border, spaces):
    n, H, W, C = dx.shape
    K, _, _, F = w.shape
    T = spaces.shape[0]
    for t in prange(T):
        convolve_input(
            address(dx), address(dy), address(w), n * t // T, n * (t + 1) // T,
            H, W, C, H, W, F, K, K, 1, 1, border, border, address(spaces[t]), dx[0, 0, 0, 0],
        )  # fmt: skip


@njit(parallel=True)
def weights_gradient(dw, x, dy, border, spaces):
    n, H, W, C = x.shape
    K, _, _, F = dw.shape
    T, rows = spaces.shape[0], K * K * C
    for t in prange(T):
        first = min(rows, (rows * t // T + 7) // 8 * 8)
        last = min(rows, (rows * (t + 1) // T + 7) // 8 * 8)
        convolve_weights(
            address(dw), address(x), address(dy), first, last, n,
            H, W, C, H, W, F, K, K, 1, 1, border, border, address(spaces[t]), x[0, 0, 0, 0],
        )  # fmt: skip


def convolution(threads: int) -> None:
    ratios = []
    last, options = torch.channels_last, ([1, 1], [0, 0], 1)
    for n, H, C, F, K in CONVOLUTIONS:
        border = K // 2
        x, dy, w = (
            RNG.normal(size=shape).astype(np.float32)
            for shape in ((n, H, H, C), (n, H, H, F), (K, K, C, F))
        )
        y, dx, dw = (np.empty_like(array) for array in (dy, x, w))
        size = convolution_workspace_size(H, H, C, H, H, F, K, K, 1, 1, 4)
        spaces = np.empty((threads, (size + 63) // 64 * 64), np.uint8)
        tx, tdy = (
            torch.from_numpy(array).permute(0, 3, 1, 2).contiguous(memory_format=last)
            for array in (x, dy)
        )
        tw = torch.from_numpy(w).permute(3, 2, 0, 1).contiguous(memory_format=last)

        def backward(tx=tx, tdy=tdy, tw=tw, border=border):
            steps, _, groups = options
            torch.ops.aten.convolution_backward(
                tdy, tx, tw, None, steps, [border] * 2, [1, 1], False, [0, 0], groups,
                [True, True, False],
            )  # fmt: skip

        times = best(
            threads,
            lambda: forward(y, x, w, border, spaces),
            lambda: input_gradient(dx, dy, w, border, spaces),
            lambda: weights_gradient(dw, x, dy, border, spaces),
            lambda: torch.nn.functional.conv2d(tx, tw, padding=border),
            backward,
            seconds=2.0,
        )
        work = 2e-9 * n * H * H * K * K * C * F
        ours, theirs = sum(times[:3]), sum(times[3:])
        ratios.append(theirs / ours)
        speeds = [work / t for t in times[:3]], [work / times[3], 2 * work / times[4]]
        print(
            f"{C:3} to {F:3} channels, {K}x{K} on {n} x {H}x{H}: {ours * 1e3:7.2f} ms, PyTorch"
            f" {theirs * 1e3:7.2f}; GFLOP/s"
            + " ours: forward {:.0f}, input {:.0f}, weights {:.0f};".format(*speeds[0])
            + " PyTorch: forward {:.0f}, both gradients {:.0f}".format(*speeds[1])
        )
    print(mean(ratios), "(PyTorch channels-last, forward and both gradients)")


@njit
def _pool(y, x):
    n, H, W, C = x.shape
    max_pool(address(y), address(x), 0, n, H, W, C, H // 2, W // 2, 2, 2, 2, 2, 0, 0, y[0, 0, 0, 0])


@njit
def _pool_gradient(dx, dy, y, x):
    n, H, W, C = x.shape
    max_pool_gradient(
        address(dx), address(dy), address(y), address(x), 0, n, H, W, C, H // 2, W // 2,
        2, 2, 2, 2, 0, 0, y[0, 0, 0, 0],
    )  # fmt: skip


def pooling(threads: int) -> None:
    ratios = []
    for n, H, C in ((64, 28, 8), (64, 14, 16), (64, 32, 16), (64, 16, 24), (64, 32, 64)):
        x = np.maximum(RNG.normal(size=(n, H, H, C)), 0).astype(np.float32)
        y = np.empty((n, H // 2, H // 2, C), np.float32)
        dy, dx = RNG.normal(size=y.shape).astype(np.float32), np.empty_like(x)
        tx, tdy = (torch.from_numpy(array).permute(0, 3, 1, 2) for array in (x, dy))
        _, where = torch.ops.aten.max_pool2d_with_indices(tx, [2, 2], [2, 2])
        times = best(
            1,
            lambda: _pool(y, x),
            lambda: _pool_gradient(dx, dy, y, x),
            lambda: torch.ops.aten.max_pool2d_with_indices(tx, [2, 2], [2, 2]),
            lambda: torch.ops.aten.max_pool2d_with_indices_backward(
                tdy,
                tx,
                [2, 2],
                [2, 2],
                [0, 0],
                [1, 1],
                False,
                where,
            ),
        )
        ratios.append(sum(times[2:]) / sum(times[:2]))
        print(
            f"{n} x {H}x{H} x {C}: "
            "forward {:.0f} us, gradient {:.0f} us; PyTorch {:.0f} and {:.0f} us".format(
                *(t * 1e6 for t in times)
            )
        )
    print(mean(ratios))


def main() -> None:
    sections = {f.__name__: f for f in (vector, matmul, convolution, pooling)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[[], *sections])
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for name in arguments.sections or sections:
        print(f"\n{name}, {arguments.threads} threads")
        with torch.no_grad():
            sections[name](arguments.threads)


if __name__ == "__main__":
    main()
