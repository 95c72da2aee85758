"""In: the parameters of an estimator, as parameters. Out: nothing, or a refusal that names one.

What names a thing that is looked up, such as `loss` or `engine`, is refused where that is done.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.optim import Optimizer


def _is_number(x: Any) -> bool:
    return isinstance(x, Real) and not isinstance(x, bool) and math.isfinite(x)


def _is_count(x: Any) -> bool:
    return isinstance(x, Integral) and not isinstance(x, bool) and int(x) >= 1


def _is_truth(x: Any) -> bool:
    return isinstance(x, bool | np.bool_)


def _are_sizes(x: Any) -> bool:
    if isinstance(x, Integral):
        return _is_count(x)
    several = isinstance(x, Sequence | np.ndarray) and not isinstance(x, str)
    return several and all(map(_is_count, x))


def _is_class_weight(x: Any) -> bool:
    if isinstance(x, Mapping):
        return all(_is_number(weight) and weight >= 0 for weight in x.values())
    return x is None or (isinstance(x, str) and x == "balanced")


RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "hidden": (_are_sizes, "the sizes of the hidden layers, at least one unit each, as (100,)"),
    "solver": (
        lambda x: isinstance(x, str) and x in ("minibatch", "lbfgs"),
        "'minibatch' or 'lbfgs'",
    ),
    "learning_rate": (
        lambda x: x == "find" if isinstance(x, str) else _is_number(x) and x > 0,
        "a number above 0, or 'find'",
    ),
    "l2": (lambda x: _is_number(x) and x >= 0, "a number of at least 0"),
    "batch_size": (
        lambda x: _is_count(x) or (isinstance(x, str) and x == "auto"),
        "a whole number of at least 1, or 'auto'",
    ),
    "epochs": (_is_count, "a whole number of at least 1"),
    "tol": (lambda x: _is_number(x) and x >= 0, "a number of at least 0"),
    "patience": (_is_count, "a whole number of at least 1"),
    "early_stopping": (_is_truth, "True or False"),
    "validation_fraction": (
        lambda x: _is_number(x) and 0 < x < 1,
        "a share of the rows, above 0 and below 1",
    ),
    "dropout": (lambda x: _is_number(x) and 0 <= x < 1, "a rate from 0 to below 1"),
    "scale": (_is_truth, "True or False"),
    "class_weight": (
        _is_class_weight,
        "None, 'balanced', or a mapping from labels to numbers of at least 0",
    ),
    "warm_start": (_is_truth, "True or False"),
    "n_jobs": (
        lambda x: x is None or _is_count(x) or x == -1,
        "None, -1, or a whole number of at least 1",
    ),
    "verbose": (lambda x: _is_truth(x) or _is_count(x) or x == 0, "True or False"),
}
"""For each parameter what it may be, as a test and in words."""


def refuse_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise `CircuitError` for the first parameter that is not what it may be.

    >>> refuse_parameters({"epochs": 10, "l2": 0.0})
    """
    for name, value in parameters.items():
        if name == "learning_rate" and isinstance(parameters.get("optimizer"), Optimizer):
            continue  # which has its own
        allowed, words = RULES.get(name, (None, ""))
        if allowed is not None and not allowed(value):
            raise CircuitError(f"{name} is {words}, got {value!r}")
