"""Kernels of vectors on arrays that end, or begin, where memory that nobody may touch begins.

    python -m tests.engines.kernels.fenced

A read outside of an array that changes no result shows in nothing but this: the process dies. So it
is one of its own, which `test_fenced.py` starts.
"""

from __future__ import annotations

import ctypes
import faulthandler
import mmap

import numpy as np
from tests.engines.kernels import test_convolution, test_matmul

_kept: list[mmap.mmap] = []  # memory lives as long as the process


def fenced(array: np.ndarray, at_end: bool) -> np.ndarray:
    """The same array between closed pages: its last element is the last before one, or its first
    the first behind one.
    """
    page = mmap.PAGESIZE
    size = -(-max(array.nbytes, 1) // page) * page
    memory = mmap.mmap(-1, size + 2 * page)
    _kept.append(memory)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for closed in (start, start + page + size):
        if ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(closed), page, 0):
            raise OSError(ctypes.get_errno(), "cannot close a page")
    offset = page + (size - array.nbytes if at_end else 0)
    made = np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)
    made[...] = array
    return made


def products(at_end: bool) -> None:
    """Products of any size, of matrices by rows and by columns."""
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for m, n, k in test_matmul.SIZES:
            for turned in ("", "a", "b", "ab"):
                shapes = ((k, m) if "a" in turned else (m, k), (n, k) if "b" in turned else (k, n))
                a, b = (fenced(rng.normal(size=shape).astype(dtype), at_end) for shape in shapes)
                c = fenced(np.zeros((m, n), dtype), at_end)
                workspace = fenced(test_matmul.space(m, n, k, dtype), at_end)
                a, b = a.T if "a" in turned else a, b.T if "b" in turned else b
                test_matmul.product(c, a, b, workspace[: len(workspace) // 8 * 8])
                np.testing.assert_allclose(c, a @ b, rtol=1e-3, atol=1e-3)


def convolutions(at_end: bool) -> None:
    """Every case of the test of convolution, forward and both gradients."""
    for dtype in (np.float32, np.float64):
        for case in test_convolution.CASES:
            test_convolution.run(case, dtype, lambda array: fenced(array, at_end))


def main() -> None:
    faulthandler.enable()
    for at_end in (True, False):
        products(at_end)
        convolutions(at_end)
    print("within their arrays")


if __name__ == "__main__":
    main()
