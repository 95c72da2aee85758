"""Loops and kernels on arrays that end, or begin, where memory that nobody may touch begins.

    python -m tests.engines.native.kernels.fenced [avx2 | sse | like-arm]

A read outside of an array that changes no result shows in nothing but this: the process dies. So it
is one of its own, which `test_fenced.py` starts. Named, it runs code for a processor with less than
this one has: with narrower vectors, fewer registers, and no cheap masks. That code is generated
without effort, in half the time: what it records to read is read, though nobody needs it.
"""

from __future__ import annotations

import ctypes
import faulthandler
import mmap
import sys
from dataclasses import replace
from functools import partial

import numpy as np
from tests.engines.native import test_functions
from tests.engines.native.calling import Placed, elementwise, kind, run_kernel, run_loop
from tests.engines.native.kernels import (
    test_convolution,
    test_depthwise,
    test_pooling,
    test_product,
)

from pullback.engines.native import target
from pullback.engines.native.kernels.indexing import Gather, Indexing, Zeros
from pullback.engines.native.target import Target, Tuning

LESSER = {"avx2": ("haswell", 32, 16), "sse": ("x86-64", 16, 16), "like-arm": ("x86-64", 16, 32)}
"""A processor, the bytes of its vectors, and how many registers code shall think that it has."""

DTYPES = (np.float32, np.float64)


def fenced(array: np.ndarray, at_end: bool) -> np.ndarray:
    """The same array between closed pages: its last element is the last before one, or its first
    the first behind one.
    """
    page = mmap.PAGESIZE
    size = -(-max(array.nbytes, 1) // page) * page
    memory = mmap.mmap(-1, size + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for closed in (start, start + page + size):
        if ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(closed), page, 0):
            raise OSError(ctypes.get_errno(), "cannot close a page")
    offset = page + (size - array.nbytes if at_end else 0)
    made = np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)
    made[...] = array
    return made


def loops(placed: Placed) -> None:
    """Loops of any length, forwards, backwards, and by a step that they are told."""
    rng = np.random.default_rng(0)
    for dtype in DTYPES:
        for size in (0, 1, 3, 15, 16, 17, 67):
            x, z = (placed(rng.normal(size=size).astype(dtype)) for _ in range(2))
            y = placed(np.zeros(size, dtype))
            run_loop(elementwise("multiply", kind(dtype), 2), (size,), (), x, z, y)
            np.testing.assert_array_equal(y, x * z)
            turned = elementwise("negative", kind(dtype))
            source, target = turned.arrays
            backwards = replace(turned, arrays=(replace(source, strides=(-1,)), target))
            run_loop(backwards, (size,), (), x[::-1], y)
            np.testing.assert_array_equal(y, -x[::-1])
            apart = replace(source, strides=("s0",)), replace(target, strides=("s0",))
            x, y = (placed(np.ones(max(3 * size - 2, 0), dtype)) for _ in range(2))
            x[::3] = z
            run_loop(replace(turned, arrays=apart), (size,), (3,), x, y)
            np.testing.assert_array_equal(y[::3], -z)
            assert np.all(np.delete(y, np.s_[::3]) == 1)


def functions(placed: Placed) -> None:
    """Every function, as exactly as it should be."""
    for name in test_functions.EXACT:
        x = placed(test_functions.patterns_32(40_009))
        assert test_functions.compare(name, x, np.float64) <= 2, name


def products(placed: Placed) -> None:
    """Products of many sizes, of matrices by rows and by columns."""
    rng = np.random.default_rng(0)
    for dtype in DTYPES:
        for m, n, k in (*test_product.FEW, (5, 9, 0)):
            for turned in ("", "a", "b", "ab"):
                shapes = ((k, m) if "a" in turned else (m, k), (n, k) if "b" in turned else (k, n))
                a, b = (placed(rng.normal(size=shape).astype(dtype)) for shape in shapes)
                c = placed(np.zeros((m, n), dtype))
                a, b = a.T if "a" in turned else a, b.T if "b" in turned else b
                test_product.product(c, a, b, placed=placed)
                test_product.assert_close(c, a, b)
            start = placed(rng.normal(size=(m, n)).astype(dtype))
            test_product.product(c, a, b, start, placed=placed)
            test_product.assert_close(c, a, b, start)


def convolutions(placed: Placed) -> None:
    """Every case of the tests of convolution, forward and both gradients."""
    for dtype in DTYPES:
        for case in test_convolution.CASES + test_depthwise.CASES:
            test_convolution.assert_right(case, dtype, placed)


def poolings(placed: Placed) -> None:
    """Every case of the test of pooling, and its gradients."""
    for dtype in DTYPES:
        for case in test_pooling.CASES:
            test_pooling.assert_right(case, dtype, placed)


def slices(placed: Placed) -> None:
    """Slices by number, also where the number names none."""
    rng = np.random.default_rng(0)
    for dtype in DTYPES:
        for inner in (1, 15, 16, 17, 67):
            x, g = (placed(rng.normal(size=(n, inner)).astype(dtype)) for n in (4, 3))
            y, indices = placed(np.ones((3, inner), dtype)), placed(np.array([3, 9, -4]))
            sizes = Indexing(kind(dtype), 1, 4, inner, 3, 1)
            assert run_kernel("take", sizes, y, x, indices, placed=placed) == 1
            np.testing.assert_array_equal(y, x[[3, 0, 0]] * np.array([[1], [0], [1]]))
            assert run_kernel("scatter_add", sizes, x, indices, g, placed=placed) == 1
            order = placed(np.array([2, 0, 3]))
            run_kernel("gather", Gather(kind(dtype), 3, inner, kind(dtype)), y, x, order)
            np.testing.assert_array_equal(y, x[order])
            half = placed(np.arange(4 * inner).reshape(4, inner).astype("f2"))
            run_kernel("gather", Gather(kind(dtype), 3, inner, "f2"), y, half, order)
            np.testing.assert_array_equal(y, half[order])
            run_kernel("zeros", Zeros(kind(dtype), y.size), y, placed=placed)
            assert not y.any()


def lesser(name: str) -> Target:
    cpu, vector, registers = LESSER[name]
    caches, tuning = (4096, 16384), Tuning(half=False)
    return Target(target.host().triple, cpu, "", vector, registers, False, caches, tuning)


def main(names: list[str]) -> None:
    faulthandler.enable()
    for name in names:
        made = lesser(name)
        target.host = lambda: made
        target._machine = partial(target._machine, effort=0)
    for at_end in (True, False):
        for part in (loops, functions, products, convolutions, poolings, slices):
            part(lambda array: fenced(array, at_end))
    print("within their arrays")


if __name__ == "__main__":
    main(sys.argv[1:])
