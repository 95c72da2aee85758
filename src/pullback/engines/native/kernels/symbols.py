"""In: a function in Numba's Python. Out: a native symbol, compiled once for all programs.

Generated programs call a symbol like a C function, so compiling a program does not compile the
kernels again. Numba keeps the code of each on disk; its name there has a hash of the sources that
it comes from, so that a change to any of them is seen. Importing a module of kernels registers its
symbols: a program that is read from a cache needs them to be there, or the process would end.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from numba import cfunc, types
from numba.extending import overload

FOLDER = Path(__file__).parent
PRECISIONS = (types.float32, types.float64)

_kept: list[Any] = []
"""Compiled functions, kept alive because programs know their addresses."""


def native(name: str, function: Callable[..., Any], integers: int) -> Callable[..., Any]:
    """Compile a function in float32 and float64, or read its code from disk, and register both.

    Gives one name that compiled code calls. Its arguments are int64 and, last, one number, whose
    type chooses the precision whether or not its value matters. The function must not have a
    closure, or Numba would not find it on disk.
    """
    symbols = {number: _register(name, function, integers, number) for number in PRECISIONS}

    def call(*arguments):
        raise NotImplementedError("only compiled code can call this")

    @overload(call)
    def choose(*arguments):
        symbol = symbols[arguments[-1]]
        return lambda *arguments: symbol(*arguments)

    return call


def _register(name: str, function: Callable[..., Any], integers: int, number: Any) -> Any:
    """The symbol of one precision, which programs can call from now on."""
    signature = types.void(*[types.int64] * integers, number)
    stamp = _stamp(function.__module__.rpartition(".")[2])
    symbol = function.__qualname__ = f"pullback_{name}_{number.name}_{stamp}"
    try:
        compiled = cfunc(signature, cache=True, error_model="numpy")(function)
    except RuntimeError:  # there is no folder to write a cache to
        compiled = cfunc(signature, error_model="numpy")(function)
    llvm.add_symbol(symbol, compiled.address)
    _kept.append(compiled)
    return types.ExternalFunction(symbol, signature)


def _sources(module: str) -> set[str]:
    """The modules of this folder whose text decides what a function of this module compiles to."""
    found, left = set(), [module, "symbols"]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += re.findall(rf"^from {__package__}\.(\w+) import", _text(name), re.MULTILINE)
    return found


@cache
def _text(module: str) -> str:
    return (FOLDER / f"{module}.py").read_text()


@cache
def _stamp(module: str) -> str:
    """A hash of all of them."""
    text = "".join(_text(name) for name in sorted(_sources(module)))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
