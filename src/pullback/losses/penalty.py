"""Penalties: springs that pull parameters towards zero, added to the loss as more gates."""

from __future__ import annotations

import functools
import operator
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import ClassVar, final

from pullback.core.copying import Portable
from pullback.core.errors import CircuitError
from pullback.core.unit import Unit, scope
from pullback.gates.elementary import abs

Units = Mapping[str, Unit]


class Penalty(Portable, ABC):
    """A function of parameters to one number that is added to the loss. A subclass is final."""

    smooth: ClassVar[bool] = True  # whether its slope changes little by little, without a kink

    @abstractmethod
    def __call__(self, parameters: Units, weights: Units) -> Unit:
        """The penalty of a model with these parameters, by name, of which `weights` multiply."""


@final
@dataclass(frozen=True)
class L2(Penalty):
    """strength * sum(w**2): a spring on each weight, pulling with force 2 * strength * w.

    It holds all weights and no biases, or the parameters that `on` names: names, or patterns such
    as "dense1.*". Raises `CircuitError` where the strength is negative, or `on` names nothing.
    Source: the guide, "Example: 2-D Support Vector Machine", where strength is alpha.

    >>> w = {"w": Unit([0.1, 0.2])}
    >>> round(float(L2(0.1)(w, w).value), 4)
    0.005
    """

    strength: float
    on: str | Sequence[str] | None = None

    def __post_init__(self) -> None:
        _refuse(self.strength, self.on)

    def __call__(self, parameters: Units, weights: Units) -> Unit:
        with scope("l2"):
            held = _held(self.on, parameters, weights)
            return self.strength * _total([(w * w).sum() for w in held])


@final
@dataclass(frozen=True)
class L1(Penalty):
    """strength * sum(|w|): a constant pull of `strength` towards zero, 0 at zero itself.

    Weights that the loss does not need it brings to about zero. `on` as in `L2`.
    Raises `CircuitError` where the strength is negative, or `on` names nothing.
    Source: Tibshirani, "Regression shrinkage and selection via the lasso" (1996).

    >>> w = {"w": Unit([0.1, -0.2])}
    >>> round(float(L1(0.1)(w, w).value), 4)
    0.03
    """

    smooth: ClassVar[bool] = False
    strength: float
    on: str | Sequence[str] | None = None

    def __post_init__(self) -> None:
        _refuse(self.strength, self.on)

    def __call__(self, parameters: Units, weights: Units) -> Unit:
        with scope("l1"):
            held = _held(self.on, parameters, weights)
            return self.strength * _total([abs(w).sum() for w in held])


def _refuse(strength: float, on: str | Sequence[str] | None) -> None:
    if not 0.0 <= strength < float("inf"):
        raise CircuitError(f"a penalty's strength cannot be negative or infinite, got {strength}")
    names = [on] if isinstance(on, str) else on
    if names is not None and not (names and all(isinstance(name, str) for name in names)):
        raise CircuitError(f"a penalty is on parameters' names or patterns, got {on!r}")


def _held(on: str | Sequence[str] | None, parameters: Units, weights: Units) -> list[Unit]:
    """The parameters that any of the patterns names, each once; without patterns, the weights."""
    if on is None:
        if not weights:
            raise CircuitError("there are no weights to penalise")
        return list(weights.values())
    patterns = [on] if isinstance(on, str) else on
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in parameters):
            raise CircuitError(
                f"no parameter is named {pattern!r}; there are: {', '.join(parameters)}"
            )
    return [
        unit
        for name, unit in parameters.items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    ]


def _total(terms: Sequence[Unit]) -> Unit:
    return functools.reduce(operator.add, terms)
