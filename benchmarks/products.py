"""Products of matrices, float32 and float64, on one thread: the kernel that steps of training call.

Compared: C = A B of m x k and k x n numbers, the operands warm in the caches as far as they fit,
against OpenBLAS as SciPy brings it and MKL as PyTorch does; the better of the two counts. Where A
or B is transposed, it lies by columns. It is fair because everyone gets the same operands, writes
into the same kind of buffer, and is called as a function of machine code, over and over from a loop
of machine code: what is counted is the product with its call, its checks of arguments and what it
packs or decides on the way, but nothing of Python, which would be most of the short ones. What is
known of the sizes is in the compiled kernel for ours, and found out in each call for the others.
The limit is m k n multiply-adds, as fast as the core does them in registers.
"""

from __future__ import annotations

import ctypes
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import Line, Work, Works, against, mean, turns

THREADS = 1
SECONDS = 0.04  # of a shape in a turn
LEAST, MEAN = 0.95, 1.05  # goals in float32
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}
PEER = "OpenBLAS or MKL"


class Shape(NamedTuple):
    """A is m x k, B is k x n; `turned` names those that lie by columns."""

    m: int
    k: int
    n: int
    turned: str = ""

    def __str__(self) -> str:
        return f"{self.m}x{self.k}x{self.n}" + "".join(f", {x} transposed" for x in self.turned)

    @property
    def operations(self) -> int:
        return 2 * self.m * self.k * self.n


SHAPES = [
    Shape(1024, 1024, 1024), Shape(512, 784, 1024), Shape(64, 784, 128), Shape(784, 64, 128, "A"),
    Shape(64, 128, 784), Shape(50, 128, 512), Shape(256, 256, 256),
]  # fmt: skip
ODD = [
    Shape(1, 1, 1), Shape(1, 64, 130), Shape(1, 784, 65), Shape(1, 129, 50, "B"),
    Shape(7, 3, 7), Shape(7, 64, 50), Shape(7, 784, 7, "B"), Shape(7, 129, 130, "A"),
    Shape(50, 3, 65), Shape(50, 129, 50), Shape(50, 784, 1), Shape(50, 64, 7, "B"),
    Shape(65, 1, 65), Shape(65, 64, 130), Shape(65, 129, 65, "A"), Shape(65, 784, 50, "B"),
    Shape(130, 3, 130), Shape(130, 64, 1), Shape(130, 129, 7), Shape(130, 784, 130, "AB"),
]  # fmt: skip


def measure(quick: bool) -> list[Line]:
    return [line for dtype in TOLERANCE for line in _measured(dtype, quick)]


def _measured(dtype: str, quick: bool) -> list[Line]:
    sides = {"pullback": ours, "OpenBLAS": openblas, "MKL": mkl, "multiply-adds": limits}
    times = turns(
        f"products, {dtype}",
        {who: partial(works, dtype) for who, works in sides.items()},
        ("multiply-adds",),
        quick=quick,
        tolerance=TOLERANCE[dtype],
        seconds=SECONDS,
    )
    lines, peers = [], []
    for shape in [*SHAPES, *ODD]:
        case, name = f"{shape}, {dtype}", str(shape)
        mine = times["pullback"][name]
        others = [times[who][name] for who in ("OpenBLAS", "MKL") if name in times[who]]
        other = min(others, key=lambda t: t.best)
        peers.append(against(case, PEER, mine, other, LEAST if dtype == "float32" else None))
        lines += [Line(case, "pullback", mine.median, best=mine.best), peers[-1]]
        if shape in SHAPES:
            limit = times["multiply-adds"][name]
            lines.append(against(case, "limit: multiply-adds", mine, limit))
    lines.append(mean(peers, PEER, MEAN if dtype == "float32" else None, dtype))
    return lines


# Sides -------------------------------------------------------------------------------------------


def operands(shape: Shape, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """C, A and B."""
    rng, (m, k, n, turned) = np.random.default_rng(0), shape
    a = rng.normal(size=(k, m) if "A" in turned else (m, k)).astype(dtype)
    b = rng.normal(size=(n, k) if "B" in turned else (k, n)).astype(dtype)
    return np.zeros((m, n), dtype), a.T if "A" in turned else a, b.T if "B" in turned else b


def ours(dtype: str) -> Works:
    return {str(shape): kernel(shape, dtype) for shape in [*SHAPES, *ODD]}


def openblas(dtype: str) -> Works:
    address = openblas_function(dtype)
    return {str(shape): gemm(shape, dtype, address) for shape in [*SHAPES, *ODD]}


def mkl(dtype: str) -> Works:
    """Nothing where PyTorch has another library inside."""
    address = mkl_function(dtype)
    shapes = [*SHAPES, *ODD] if address else []
    return {str(shape): gemm(shape, dtype, address) for shape in shapes}


def limits(dtype: str) -> Works:
    from benchmarks.limits import multiply_adds

    return {str(shape): multiply_adds(dtype, shape.operations) for shape in SHAPES}


def kernel(shape: Shape, dtype: str) -> Work:
    from benchmarks.functions import kernel, tuned
    from pullback.engines.native.kernels.product import Product, pays

    c, a, b = operands(shape, dtype)
    kind = f"f{c.itemsize}"
    by_a, by_b = (tuple(by // x.itemsize for by in x.strides) for x in (a, b))
    packed = pays(tuned(), kind, shape.m, by_b)
    sizes = Product(kind, shape.m, shape.n, shape.k, by_a, by_b, packed=packed)
    address, (words,), kept = kernel(1, "product", sizes, c, a, b)
    return _work(shape, address, words, c, kept)


def openblas_function(dtype: str) -> int:
    """Where SciPy's BLAS has its product, which cython_blas makes public."""
    from scipy.linalg import cython_blas

    capsule = cython_blas.__pyx_capi__[_name(dtype)]
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))


def mkl_function(dtype: str) -> int:
    """Where PyTorch's MKL has its product; 0 if there is none."""
    import torch

    try:
        library = ctypes.CDLL(str(next(Path(torch.__file__).parent.glob("lib/libtorch_cpu.*"))))
        return ctypes.cast(getattr(library, _name(dtype).upper()), ctypes.c_void_p).value or 0
    except (AttributeError, OSError, StopIteration):
        return 0


def _name(dtype: str) -> str:
    return "sgemm" if dtype == "float32" else "dgemm"


def gemm(shape: Shape, dtype: str, address: int) -> Work:
    """A product as BLAS has it: by columns, so that of all the transposed, B first."""
    c, a, b = operands(shape, dtype)
    m, k, n, turned = shape
    sizes = [
        ctypes.c_int(x) for x in (n, m, k, k if "B" in turned else n, m if "A" in turned else k)
    ]
    columns, rows, depth, b_step, a_step = map(ctypes.addressof, sizes)
    letters = [ctypes.c_char(b"T" if x in turned else b"N") for x in "BA"]
    factors = np.array([1.0, 0.0], dtype)
    one, zero = factors.ctypes.data, factors[1:].ctypes.data
    words = (
        *map(ctypes.addressof, letters), columns, rows, depth, one, b.ctypes.data, b_step,
        a.ctypes.data, a_step, zero, c.ctypes.data, columns,
    )  # fmt: skip
    return _work(shape, address, words, c, (a, b, sizes, letters, factors))


def _work(shape: Shape, address: int, words: tuple[int, ...], c: np.ndarray, kept: Any) -> Work:
    """So many calls that they take about a millisecond, or one."""
    from benchmarks.functions import repeated

    times = max(1, 40_000_000 // (shape.operations + 2000))
    run = repeated(address, times, words, (c, kept))

    def answer() -> np.ndarray:
        run()
        return c

    return Work(run, times, answer)
