"""In: parameters of maps, of `TSNE` and its parametric form. Out: nothing, or a refusal of one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

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
    if isinstance(x, list | tuple) or (isinstance(x, np.ndarray) and x.ndim == 1):
        return len(x) > 0 and all(_is_number(one) and one >= 1.0 for one in x)
    return bool(_is_number(x) and x >= 1.0)


def _is_table(x: Any) -> bool:
    try:
        return np.ndim(x) == 2
    except ValueError:  # rows of unlike lengths
        return False


def _named(names: Sequence[str]) -> tuple[Callable[[Any], bool], str]:
    return lambda x: isinstance(x, str) and x in names, f"one of {listed(names, len(names))}"


def _up_to(most: float) -> tuple[Callable[[Any], bool], str]:
    return lambda x: _is_number(x) and 0 < x <= most, f"a number above 0 and up to {most:g}"


_OTHERS_CALL_IT = {"barnes_hut": "barnes-hut", "bh": "barnes-hut", "fft": "interpolation"}

Rule = tuple[Callable[[Any], bool], str]
RULES: Mapping[str, Rule] = {
    "n_components": (lambda x: _is_count(x) and x <= 3, "1, 2 or 3"),
    "perplexity": (_is_perplexity, "a number of at least 1, or several"),
    "early_exaggeration": _up_to(1e6),
    "early_exaggeration_iter": (lambda x: _is_count(x, 0), "a whole number of at least 0"),
    "exaggeration": _up_to(1e6),
    "learning_rate": (
        lambda x: _up_to(1e9)[0](x) or (isinstance(x, str) and x == "auto"),
        "a number above 0 and up to 1e+09, or 'auto'",
    ),
    "momentum": (lambda x: _is_number(x) and 0.0 <= x < 1.0, "a number from 0 to below 1"),
    "max_iter": (lambda x: _is_count(x, 0), "a whole number of at least 0"),
    "n_iter": (lambda x: _is_count(x, 0), "a whole number of at least 0"),
    "hidden": (
        lambda x: _is_count(x) or (isinstance(x, list | tuple) and all(map(_is_count, x))),
        "the sizes of the hidden layers, as (256, 256)",
    ),
    "epochs": (_is_count, "a whole number of at least 1"),
    "batch_size": (lambda x: _is_count(x, 2), "a whole number of at least 2"),
    "init": (
        lambda x: x in STARTS if isinstance(x, str) else _is_table(x),
        f"one of {listed(STARTS)}, or an array (N, n_components)",
    ),
    "metric_params": (
        lambda x: x is None or isinstance(x, Mapping),
        "None, or what a metric asks for, by name",
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
            raise CircuitError(f"{name} is {words}, got {value!r:.60}{_meant(name, value)}")


def _meant(name: str, value: Any) -> str:
    """Which method is meant by a name that others have for it."""
    meant = _OTHERS_CALL_IT.get(value) if name == "method" and isinstance(value, str) else None
    return f"; did you mean {meant!r}?" if meant else ""


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


def random_of(seed: Any) -> np.random.RandomState:
    """What scikit-learn draws by, of a seed, None or one of its own.

    Raises `CircuitError` for anything else.

    >>> random_of(0).randint(10)
    5
    """
    try:
        return check_random_state(seed)
    except ValueError as error:
        raise CircuitError(f"random_state is no seed: {error}") from None
