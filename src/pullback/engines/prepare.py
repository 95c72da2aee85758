"""In: the name of an engine and a Program. Out: the Program, ready to run."""

from __future__ import annotations

from importlib.util import find_spec
from numbers import Integral
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

_THREADED = ("native", "eager-native")


def refuse_engine(name: str, threads: int | None) -> None:
    """Raise `CircuitError` where there is no engine of this name, or none of so many threads."""
    if not isinstance(name, str) or name not in ENGINES:
        raise CircuitError(f"there is no engine {name!r:.60}; there are: {', '.join(ENGINES)}")
    if threads is None:
        return
    if not isinstance(threads, Integral) or isinstance(threads, bool) or threads < 1:
        raise CircuitError(f"threads are a whole number from 1 on, or None, got {threads!r:.60}")
    if name not in _THREADED:
        raise CircuitError(
            f"the engine {name!r} takes no number of threads; {' and '.join(_THREADED)} do"
        )


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
    `threads` is how many share a step of a native engine, which gives the same bits for any number;
    None is as many as its work pays for, up to `PULLBACK_THREADS` or one for each physical core.

    Raises `CircuitError` for another name, for threads that are no whole number from 1 on or that
    the engine has none of, where what it stands on is not installed, and for what it does not run.

    >>> from pullback.core.unit import Unit
    >>> x = Unit(3.0, "x")
    >>> prepare("eager", Program({"x": x}, {"y": x * x}, {}))(x=4.0)
    {'y': 16.0}
    """
    refuse_engine(name, threads)
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

        return EagerNative(program, threads)
    from pullback.engines.jax import Jax

    return Jax(program)
