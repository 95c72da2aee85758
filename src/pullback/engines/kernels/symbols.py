"""In: a function in Numba's Python. Out: a native symbol, compiled once for all programs.

Generated programs call a symbol like a C function, so compiling a program does not compile the
kernels again. Numba keeps the code of each on disk; its name there has a hash of the sources that
it comes from, so that a change to any of them is seen. A symbol is compiled when a function that
calls it is; a program that comes from a cache calls `load` first.
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

_waiting: dict[Any, list[tuple[str, Callable[..., Any], Any]]] = {
    types.float32: [],
    types.float64: [],
}
"""By precision, in the order of their declaration: a symbol calls only earlier ones."""

_kept: list[Any] = []
"""Compiled functions, kept alive because programs know their addresses."""


def native(name: str, function: Callable[..., Any], integers: int) -> Callable[..., Any]:
    """Make symbols of a function, in float32 and float64, and one name that compiled code calls.

    Its arguments are int64 and, last, one number, whose type chooses the precision whether or not
    its value matters. The function must not have a closure, or Numba would not find it on disk.
    """
    stamp = _stamp(function.__module__.rpartition(".")[2])
    symbols = {}
    for number in (types.float32, types.float64):
        signature = types.void(*[types.int64] * integers, number)
        symbol = f"pullback_{name}_{number.name}_{stamp}"
        _waiting[number].append((symbol, function, signature))
        symbols[number] = types.ExternalFunction(symbol, signature)

    def call(*arguments):
        raise NotImplementedError("only compiled code can call this")

    @overload(call)
    def choose(*arguments):
        symbol = symbols[arguments[-1]]
        load(arguments[-1], symbol.symbol)
        return lambda *arguments: symbol(*arguments)

    return call


def load(number: Any = types.float32, last: str | None = None) -> None:
    """Compile, or read from disk, the symbols of a precision, or those up to the one named last."""
    waiting = _waiting[number]
    if last is not None and all(symbol != last for symbol, _, _ in waiting):
        return
    while waiting:
        symbol, function, signature = waiting.pop(0)
        function.__qualname__ = symbol
        try:
            compiled = cfunc(signature, cache=True, error_model="numpy")(function)
        except RuntimeError:  # there is no folder to write a cache to
            compiled = cfunc(signature, error_model="numpy")(function)
        llvm.add_symbol(symbol, compiled.address)
        _kept.append(compiled)
        if symbol == last:
            return


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
