"""Times the kernels of the native engine against NumPy, SciPy's BLAS and PyTorch, turn by turn.

    python -m benchmarks.kernels [vector] [matmul] [convolution] [--threads 2]

Prints the best of many runs of each, and the geometric mean of peer / ours (above 1: ours is
quicker). With one thread the time is that of the thread's processor, so that other work on the
machine disturbs it less; set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 for it. Threads of ours
are started anew for each run, which takes some 20 microseconds and is counted.
"""

from __future__ import annotations

import argparse
import ctypes
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from scipy.linalg import blas

from pullback.engines.native import store
from pullback.engines.native.ir import Loop, Operand, Operation, Store, Walked
from pullback.engines.native.kernels import Kernel
from pullback.engines.native.kernels.convolution import Convolution
from pullback.engines.native.kernels.product import Product
from pullback.engines.native.target import host

RNG = np.random.default_rng(0)
NAMES = ("exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "erf", "sigmoid", "softplus")
Run = Callable[[], object]

_workers = ThreadPoolExecutor(64)


def best(threads: int, *runs: Run, seconds: float = 1.0) -> list[float]:
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


def _function(code: Any) -> Callable[..., None]:
    """What a record of code becomes."""
    types = {"i8": ctypes.c_int64, "p": ctypes.c_void_p}
    (address,) = store.load(code)
    return ctypes.CFUNCTYPE(None, *(types[kind] for kind in code.arguments))(address)


def _kernel(threads: int, name: str, sizes: Any, *arrays: np.ndarray) -> Run:
    """A kernel on these arrays, which so many threads share."""
    run = _function(Kernel(name, sizes, len(arrays)))
    room = -(-sizes.workspace(host()) // 64) * 64 + 64
    spaces, counters = np.zeros((threads, room), np.uint8), np.zeros(2, np.int64)
    places = [x.ctypes.data for x in (counters, *arrays)]
    each = [(t, threads, spaces[t].ctypes.data, *places) for t in range(threads)]
    kept = spaces, counters, arrays

    def shared() -> None:
        others = [_workers.submit(run, *given) for given in each[1:]]
        run(*each[0])
        for other in others:
            other.result()
        assert kept

    return shared


def vector(threads: int) -> None:
    x = abs(RNG.normal(size=1 << 14)).astype(np.float32)
    y = np.empty_like(x)
    peers = {"sigmoid": torch.sigmoid, "softplus": torch.nn.functional.softplus, "erf": torch.erf}
    tensor, ratios = torch.from_numpy(x), []
    for name in NAMES:
        made = Operation("v", name, (Operand("x", "f4"),), "f4", "f4")
        walked = Walked("x", "f4", (1,)), Walked("y", "f4", (1,))
        loop = _function(Loop(1, 0, walked, (made, Store(Operand("v", "f4"), "y"))))
        given = 0, 1, x.size, x.ctypes.data, y.ctypes.data
        if name in peers:
            peer, label = (lambda f=peers[name]: f(tensor)), "PyTorch"
        else:
            peer, label = (lambda name=name: getattr(np, name)(x, out=y)), "NumPy"
        times = best(1, lambda loop=loop, given=given: loop(*given), peer, seconds=0.5)
        ours, theirs = (t / x.size * 1e9 for t in times)
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


def matmul(threads: int) -> None:
    ratios = []
    for m, k, n, turned in MATMULS:
        a = RNG.normal(size=(k, m) if "a" in turned else (m, k)).astype(np.float32)
        b = RNG.normal(size=(n, k) if "b" in turned else (k, n)).astype(np.float32)
        # BLAS takes matrices by columns: the transposed of all, b first.
        by_columns = b.T, a.T, "b" in turned, "a" in turned
        a, b = a.T if "a" in turned else a, b.T if "b" in turned else b
        c, d = np.empty((m, n), np.float32), np.empty((m, n), np.float32)
        strides = [tuple(by // 4 for by in array.strides) for array in (a, b)]
        ta, tb, td = (torch.from_numpy(array) for array in (a, b, d))

        def scipys(d=d, given=by_columns) -> None:
            x, y, turn_x, turn_y = given
            blas.sgemm(1.0, x, y, c=d.T, trans_a=turn_x, trans_b=turn_y, overwrite_c=True)

        times = best(
            threads,
            _kernel(threads, "product", Product("f4", m, n, k, *strides), c, a, b),
            scipys,
            lambda a=a, b=b, d=d: np.matmul(a, b, out=d),
            lambda ta=ta, tb=tb, td=td: torch.mm(ta, tb, out=td),
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
        sizes = Convolution("f4", n, H, H, C, H, H, F, K, K, 1, 1, border, border)
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
            _kernel(threads, "convolve", sizes, y, x, w),
            _kernel(threads, "convolve_input", sizes, dx, dy, w),
            _kernel(threads, "convolve_weights", sizes, dw, x, dy),
            lambda tx=tx, tw=tw, border=border: torch.nn.functional.conv2d(tx, tw, padding=border),
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


def main() -> None:
    sections = {f.__name__: f for f in (vector, matmul, convolution)}
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
