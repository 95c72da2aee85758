"""Calls records of code on NumPy arrays, as the threads of a step would, one after another."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.engines.native import store, target
from pullback.engines.native.ir import Literal, Loop, Operand, Operation, Store, Walked
from pullback.engines.native.kernels import Kernel

C_TYPES = {
    "p": ctypes.c_void_p, "i8": ctypes.c_int64, "f4": ctypes.c_float, "f8": ctypes.c_double,
}  # fmt: skip

Placed = Callable[[np.ndarray], np.ndarray]
"""Gives an array with the same numbers, which lies where a test wants it."""


def kind(dtype: Any) -> str:
    """The kind of number that an element of a dtype is."""
    dtype = np.dtype(dtype)
    return "b1" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize}"


def call_address(address: int, kinds: list[str], *arguments: Any) -> None:
    """Call a function; of an array it is given the address of the first element."""
    function = ctypes.CFUNCTYPE(None, *(C_TYPES[kind] for kind in kinds))(address)
    function(*(x.ctypes.data if isinstance(x, np.ndarray) else x for x in arguments))


def call(code: Any, *arguments: Any) -> None:
    """Call the function of a record of code."""
    (address,) = store.load(code)
    call_address(address, code.arguments, *arguments)


def run_loop(
    loop: Loop, sizes: tuple[int, ...], strides: tuple[int, ...], *arrays: np.ndarray, threads=1
) -> None:
    """Run a loop on so many threads."""
    for t in range(threads):
        call(loop, t, threads, *sizes, *strides, *arrays)


def run_kernel(
    name: str, sizes: Any, *arrays: np.ndarray, threads=1, placed: Placed = lambda array: array
) -> int:
    """Run a kernel on so many threads; the number of the gate that failed, 0 for none.

    Each thread finds NaN in a workspace that is as large as the kernel says, and no larger.
    """
    kernel = Kernel(name, sizes, len(arrays))
    needed = sizes.workspace(target.host()) if hasattr(sizes, "workspace") else 0
    size = -(-needed // 8) * 8
    counters = placed(np.zeros(2, np.int64))
    for t in range(threads):
        whole = np.full(size + 64, 255, np.uint8)
        call(kernel, t, threads, placed(whole[:size]), counters, *arrays)
        assert np.all(whole[size:] == 255), "nothing behind the workspace is written"
    assert counters[0] == 0, "no kernel waits for other threads"
    return int(counters[1])


def elementwise(gate: str, kind: str, inputs: int = 1, **static: Any) -> Loop:
    """The loop that makes y of adjacent numbers, with one gate; threads share it."""
    names = [f"x{i}" for i in range(inputs)]
    given: tuple[Operand | Literal, ...] = tuple(Operand(name, kind) for name in names)
    made = Operation("v0", gate, given, kind, kind, tuple(static.items()))
    arrays = tuple(Walked(name, kind, (1,)) for name in (*names, "y0"))
    return Loop(1, 0, arrays, (made, Store(Operand("v0", kind), "y0")))
