"""In: the parameters of a `TSNE`. Out: nothing, or a refusal that names one and what it may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.files.words import listed
from pullback.maps.neighbours import WAYS
from pullback.maps.repulsion import METHODS
from pullback.maps.start import STARTS


def _is_number(x: Any) -> bool:
    return isinstance(x, Real) and not isinstance(x, bool) and math.isfinite(x)


def _is_count(x: Any, least: int = 1) -> bool:
    return isinstance(x, Integral) and not isinstance(x, bool) and int(x) >= least


def _is_perplexity(x: Any) -> bool:
    if isinstance(x, list | tuple | np.ndarray):
        return len(x) > 0 and all(map(_is_perplexity, x))
    return _is_number(x) and x >= 1.0


def _named(names: Sequence[str]) -> tuple[Callable[[Any], bool], str]:
    return lambda x: isinstance(x, str) and x in names, f"one of {listed(names, len(names))}"


Rule = tuple[Callable[[Any], bool], str]
RULES: Mapping[str, Rule] = {
    "n_components": (lambda x: _is_count(x) and x <= 3, "1, 2 or 3"),
    "perplexity": (_is_perplexity, "a number of at least 1, or several"),
    "early_exaggeration": (lambda x: _is_number(x) and x > 0, "a number above 0"),
    "early_exaggeration_iter": (lambda x: _is_count(x, 0), "a whole number of at least 0"),
    "exaggeration": (lambda x: _is_number(x) and x > 0, "a number above 0"),
    "learning_rate": (
        lambda x: (_is_number(x) and x > 0) or (isinstance(x, str) and x == "auto"),
        "a number above 0, or 'auto'",
    ),
    "max_iter": (lambda x: _is_count(x, 0), "a whole number of at least 0"),
    "init": (
        lambda x: x in STARTS if isinstance(x, str) else np.ndim(x) == 2,
        f"one of {listed(STARTS)}, or an array (N, n_components)",
    ),
    "neighbors": _named(WAYS),
    "method": _named(METHODS),
    "angle": (lambda x: _is_number(x) and 0.0 <= x <= 1.0, "a number from 0 to 1"),
    "callback": (lambda x: x is None or callable(x), "None, or a function"),
    "callback_every": (_is_count, "a whole number of at least 1"),
    "keep_every": (lambda x: x is None or _is_count(x), "None, or a whole number of at least 1"),
    "n_jobs": (
        lambda x: x is None or _is_count(x) or x == -1,
        "None, -1, or a whole number of at least 1",
    ),
    "verbose": (
        lambda x: x is None or isinstance(x, bool | np.bool_) or _is_count(x, 0),
        "None, True or False",
    ),
}
"""For each parameter what it may be, as a test and in words."""


def refuse_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise `CircuitError` for the first parameter that is not what it may be.

    >>> refuse_parameters({"perplexity": 30.0, "max_iter": 750})
    """
    for name, value in parameters.items():
        allowed, words = RULES.get(name, (None, ""))
        if allowed is not None and not allowed(value):
            raise CircuitError(f"{name} is {words}, got {value!r:.60}")


def refuse_perplexity(perplexity: Any, n: int) -> int:
    """How many neighbours a perplexity looks at, three times as many, of n points.

    Raises `CircuitError` where there are too few points.

    >>> refuse_perplexity(30.0, 1000)
    90
    """
    largest = float(np.max(perplexity))
    k = int(3.0 * largest)
    if k > n - 1:
        fits = (n - 1) / 3.0
        cure = f"choose {math.floor(fits * 10.0) / 10.0:g} at most" if fits >= 1.0 else "add points"
        raise CircuitError(
            f"a perplexity of {largest:g} needs {k + 1} points, 3 neighbours each for every 1 of "
            f"it, got n_samples = {n}; {cure}"
        )
    return k
