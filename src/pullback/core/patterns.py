"""In: patterns, such as "encoder.*". Out: which of a model's parameters they name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pullback.core.errors import CircuitError


def as_patterns(what: str, given: Any) -> tuple[str, ...]:
    """Names or patterns that are given, one or several, as a tuple."""
    patterns = (given,) if isinstance(given, str) else given
    if not isinstance(patterns, Sequence) or not all(isinstance(x, str) for x in patterns):
        raise CircuitError(f"{what} are parameters' names or patterns, got {given!r}")
    return tuple(patterns)


def first_match(patterns: Sequence[str], name: str) -> int | None:
    """The number, from 0, of the first of the patterns that names it, if one does.

    >>> first_match(["encoder.*", "*.bias"], "encoder.dense1.bias")
    0
    """
    return next((k for k, pattern in enumerate(patterns) if fnmatchcase(name, pattern)), None)


def refuse_unknown(patterns: Sequence[str], names: Collection[str]) -> None:
    """Raise `CircuitError` for a pattern that names none of these parameters."""
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise CircuitError(f"no parameter is named {pattern!r}; there are: {', '.join(names)}")


def refuse_hidden(patterns: Sequence[str], names: Collection[str]) -> None:
    """Raise `CircuitError` for a pattern of which all that it names is an earlier one's already."""
    first = {name: first_match(patterns, name) for name in names}
    for k, pattern in enumerate(patterns):
        if k not in first.values():
            name = next(name for name in names if fnmatchcase(name, pattern))
            before = next(earlier for earlier in patterns if fnmatchcase(name, earlier))
            raise CircuitError(
                f"{pattern!r} is left without a parameter, as the first pattern counts: "
                f"{before!r} before it names {name!r} too; put {pattern!r} first"
            )
