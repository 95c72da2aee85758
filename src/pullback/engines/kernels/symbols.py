"""In: a function in Numba's Python. Out: a native symbol, compiled once for all programs.

Generated programs call a symbol like a C function, so compiling a program does not compile the
kernels again. Numba keeps the code of each on disk; its name there has a hash of this folder's
sources, so that a change to any of them is seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from numba import cfunc, types

STAMP = hashlib.sha256(
    b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
).hexdigest()[:12]


def native(name: str, signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile the decorated function for one signature and give it a name in native code.

    The result can be called from compiled functions only. Load the module that declares it before
    a cached program that calls it.
    """

    def compile_and_register(function: Callable[..., Any]) -> Any:
        symbol = f"pullback_{name}_{STAMP}"
        function.__qualname__ = f"{name}_{STAMP}"
        try:
            compiled = cfunc(signature, cache=True, error_model="numpy")(function)
        except RuntimeError:  # no folder to write a cache to
            compiled = cfunc(signature, error_model="numpy")(function)
        llvm.add_symbol(symbol, compiled.address)
        _kept.append(compiled)
        return types.ExternalFunction(symbol, signature)

    return compile_and_register


_kept: list[Any] = []
"""Compiled functions, kept alive because programs know their addresses."""
