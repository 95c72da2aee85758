"""In: the name of an engine and a Program. Out: the Program, ready to run."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from pullback.core.errors import CircuitError
from pullback.program.program import Program

if TYPE_CHECKING:
    from pullback.engines.engine import Engine

ENGINES = {
    "eager": ("", ""),
    "native": ("llvmlite", "llvmlite"),
    "eager-native": ("llvmlite", "llvmlite"),
    "jax": ("jax", "'pullback[jax]'"),
}
"""By name: the package that an engine stands on beside NumPy, and what pip installs it by."""


def refuse_unknown(name: str) -> None:
    """Raise `CircuitError` where there is no engine of this name."""
    if name not in ENGINES:
        raise CircuitError(f"there is no engine {name!r}; there are: {', '.join(ENGINES)}")


def refuse_missing(name: str) -> None:
    """Raise `CircuitError` where the package that this engine stands on is not installed."""
    package, wanted = ENGINES[name]
    if package and find_spec(package) is None:
        raise CircuitError(
            f"the engine {name!r} needs {package}, which is not installed; run "
            f"pip install {wanted}, or take the engine 'eager'"
        )


def prepare(name: str, program: Program, *, threads: int | None = None) -> Engine:
    """The Program on the engine of this name: "eager", "native", "eager-native" or "jax".

    An engine is imported when it is first asked for, and with it the compiler it stands on.
    `threads` is for "native" alone: how many share a step; None is what measures best.

    Raises `CircuitError` for another name, and where what the engine stands on is not installed.

    >>> from pullback.core.unit import Unit
    >>> x = Unit(3.0, "x")
    >>> prepare("eager", Program({"x": x}, {"y": x * x}, {}))(x=4.0)
    {'y': 16.0}
    """
    refuse_unknown(name)
    if not isinstance(program, Program):
        raise CircuitError(f"an engine runs a Program, got {type(program).__name__}")
    refuse_missing(name)
    if name == "eager":
        from pullback.engines.eager import Eager

        return Eager(program)
    if name == "native":
        from pullback.engines.native.engine import Native

        return Native(program, threads)
    if name == "eager-native":
        from pullback.engines.eager_native import EagerNative

        return EagerNative(program)
    from pullback.engines.jax import Jax

    return Jax(program)
