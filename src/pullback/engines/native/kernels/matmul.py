"""In: arrays, inside compiled code. Out: their matrix product, written into another array.

`matmul_into` runs on the calling thread, so a program that gives each thread a slice of the batch
calls it inside its own parallel loop; `matmul_into_by_threads` splits one product over threads.
Our own kernel is used for every size: it needs no setting of threads, and it accumulates and adds
a bias on its way. On one thread of a Zen 4 it was some 5 to 20 % quicker than the best BLAS for
most shapes of a network; a BLAS was quicker for a few rows (4 x 256 x 512: 1.4 times), for results
of very few columns, and by some 10 % for odd sizes such as 100 x 100 x 100.

>>> import numpy as np
>>> from numba import njit
>>> @njit
... def layer(y, x, w, bias, workspace):
...     matmul_into(y, x, w, workspace, bias, np.float32(0.0))
>>> x, w, bias = np.ones((2, 3), "f4"), np.ones((3, 4), "f4"), np.full(4, -2.5, "f4")
>>> y, workspace = np.empty((2, 4), "f4"), np.empty(workspace_size(2, 4, 3, 4), np.uint8)
>>> layer(y, x, w, bias, workspace)
>>> y[0].tolist()
[0.5, 0.5, 0.5, 0.5]
"""

from __future__ import annotations

from numba import njit, prange

from pullback.engines.native.kernels.gemm import gemm, workspace_size
from pullback.engines.native.kernels.lower import address, no_limit

__all__ = [
    "matmul_add_into",
    "matmul_into",
    "matmul_into_by_threads",
    "thread_workspace_size",
    "workspace_size",
]


@njit
def _product(c, a, b, workspace, start, start_step, floor):
    """C = maximum(start + A B, floor), through C's transpose where only its rows are adjacent."""
    size = c.itemsize
    m, n = c.shape
    k = a.shape[1]
    if c.strides[1] == size or n == 1:
        gemm(
            address(c), c.strides[0] // size, start, start_step,
            address(a), a.strides[0] // size, a.strides[1] // size,
            address(b), b.strides[0] // size, b.strides[1] // size,
            m, n, k, workspace, floor,
        )  # fmt: skip
    else:
        gemm(
            address(c), c.strides[1] // size, start, start_step,
            address(b), b.strides[1] // size, b.strides[0] // size,
            address(a), a.strides[1] // size, a.strides[0] // size,
            n, m, k, workspace, floor,
        )  # fmt: skip


@njit
def matmul_into(c, a, b, workspace, bias=None, floor=None):
    """C = A B, or `maximum(A B + bias, floor)`, without allocating.

    a: (m, k), b: (k, n), c: (m, n), all float32 or all float64, with any strides, except that
    either the rows or the columns of c are adjacent (its rows, with a bias). bias: (n,). workspace:
    an array of bytes, `workspace_size(max(m, n), …)` of them, aligned to 8. floor: a number of the
    same type, 0 for a ReLU. c must not share memory with the others. Shapes are not checked.
    """
    limit = no_limit(c.dtype.type(0)) if floor is None else floor
    if bias is None:
        _product(c, a, b, address(workspace), 0, 0, limit)
    else:
        _product(c, a, b, address(workspace), address(bias), 0, limit)


@njit
def matmul_add_into(c, a, b, workspace):
    """C = C + A B, as `matmul_into` says: a gradient that adds up."""
    step = c.strides[0] if c.strides[1] == c.itemsize or c.shape[1] == 1 else c.strides[1]
    limit = no_limit(c.dtype.type(0))
    _product(c, a, b, address(workspace), address(c), step // c.itemsize, limit)


@njit
def thread_workspace_size(m, n, k, itemsize, threads):
    """The bytes that `matmul_into_by_threads` needs."""
    return threads * ((workspace_size(max(m, n), max(m, n), k, itemsize) + 63) // 64 * 64)


@njit(parallel=True)
def matmul_into_by_threads(c, a, b, workspace, threads):
    """C = A B, as `matmul_into` says, with the longer side of C cut into one piece a thread.

    workspace: `thread_workspace_size` bytes. A parallel region costs some 3 µs, so this pays from
    about 1e6 multiplications.
    """
    m, n = c.shape
    share = workspace.size // threads // 8 * 8
    for t in prange(threads):
        space = workspace[t * share : (t + 1) * share]
        if n >= m:
            first, last = _piece(n, threads, t, 64), _piece(n, threads, t + 1, 64)
            if last > first:
                matmul_into(c[:, first:last], a, b[:, first:last], space)
        else:
            first, last = _piece(m, threads, t, 24), _piece(m, threads, t + 1, 24)
            if last > first:
                matmul_into(c[first:last], a[first:last], b, space)


@njit
def _piece(length, threads, t, unit):
    """Where piece t begins, a multiple of `unit` where there is more than one unit a thread."""
    grain = unit if length >= 2 * threads * unit else 8
    return min(length, (length * t // threads + grain - 1) // grain * grain)
