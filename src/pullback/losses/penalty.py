"""Penalties: springs that pull parameters towards zero, made of gates.

A spring acts in one of two ways. As a gradient step it is a term of the loss, and the optimizer
sees its pull among the others. As a proximal step it acts after the optimizer has moved a
parameter, with the learning rate of the step: then it reaches zero itself, and stays there.
"""

from __future__ import annotations

import functools
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

from pullback.core.copying import Portable
from pullback.core.errors import CircuitError
from pullback.core.patterns import first_match, refuse_unknown
from pullback.core.unit import Unit, scope
from pullback.gates.comparison import less_equal, where
from pullback.gates.elementary import abs, sign

Units = Mapping[str, Unit]
Step = Callable[[Unit, Any], Unit]
Names = str | Sequence[str] | None


class Penalty(Portable, ABC):
    """A function of parameters to one number that training makes small. A subclass is final.

    It is added to the loss; or, where it is `proximal`, it is a step of its own behind that of the
    optimizer, for each parameter that it is `on`:

        p' = argmin over q of penalty(q) + |q - moved|^2 / (2 rate), with moved = p - rate * d
    """

    on: Names = None
    proximal: bool = False

    smooth: ClassVar[bool] = True  # whether its slope changes little by little, without a kink

    @abstractmethod
    def __call__(self, parameters: Units, weights: Units) -> Unit:
        """The penalty of a model with these parameters, by name, of which `weights` multiply."""

    def proximal_step(self, moved: Unit, rate: Any) -> Unit:
        """Where a parameter comes to that the optimizer has moved, at this learning rate.

        `rate` is a number or its wire. Raises `CircuitError` for a penalty without such a step.
        """
        raise CircuitError(f"{self!r} has no proximal step; let it be a part of the loss")

    def held(self, parameters: Units, weights: Units) -> list[Unit]:
        """The parameters that any pattern of `on` names, each once; without any, the weights.

        Raises `CircuitError` for a pattern that names nothing, and where there are no weights.
        """
        if self.on is None:
            if not weights:
                raise CircuitError("there are no weights to penalise")
            return list(weights.values())
        patterns = [self.on] if isinstance(self.on, str) else self.on
        refuse_unknown(patterns, parameters)
        return [
            unit for name, unit in parameters.items() if first_match(patterns, name) is not None
        ]


def proximal_steps(
    penalties: Sequence[Penalty], parameters: Units, weights: Units
) -> dict[Unit, Step]:
    """For each parameter that proximal penalties hold, their steps in turn, as one.

    >>> w = Unit([0.5, -2.0], "w")
    >>> steps = proximal_steps([L1(1.0, proximal=True), L2(0.5, proximal=True)], {}, {"w": w})
    >>> steps[w](w, 1.0).value  # 1 nearer to zero, then halved
    array([ 0. , -0.5])
    """
    found: dict[Unit, list[Penalty]] = {}
    for penalty in penalties:
        if penalty.proximal:
            for unit in penalty.held(parameters, weights):
                found.setdefault(unit, []).append(penalty)
    return {unit: functools.partial(_in_turn, springs) for unit, springs in found.items()}


def _in_turn(penalties: Sequence[Penalty], moved: Unit, rate: Any) -> Unit:
    for penalty in penalties:
        with scope(type(penalty).__name__.lower()):
            moved = penalty.proximal_step(moved, rate)
    return moved


@final
@dataclass(frozen=True)
class L2(Penalty):
    """strength * sum(w**2): a spring on each weight, pulling with force 2 * strength * w.

    It holds all weights and no biases, or the parameters that `on` names: names, or patterns such
    as "dense1.*". Its proximal step, w / (1 + 2 * rate * strength), never goes past zero, however
    large rate and strength are. Raises `CircuitError` where the strength is negative, or `on` names
    nothing.
    Source: the guide, "Example: 2-D Support Vector Machine", where strength is alpha.

    >>> w = {"w": Unit([0.1, 0.2])}
    >>> round(float(L2(0.1)(w, w).value), 4)
    0.005
    >>> L2(0.5, proximal=True).proximal_step(w["w"], 1.0).value
    array([0.05, 0.1 ])
    """

    strength: float
    on: Names = None
    proximal: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        refuse(self.strength, self.on)

    def __call__(self, parameters: Units, weights: Units) -> Unit:
        with scope("l2"):
            return self.strength * total([(w * w).sum() for w in self.held(parameters, weights)])

    def proximal_step(self, moved: Unit, rate: Any) -> Unit:
        return moved / (1.0 + (2.0 * self.strength) * rate)


@final
@dataclass(frozen=True)
class L1(Penalty):
    """strength * sum(|w|): a constant pull of `strength` towards zero, 0 at zero itself.

    Weights that the loss does not need it brings to about zero, around which they tremble. Its
    proximal step, sign(w) * max(|w| - rate * strength, 0), makes them exactly zero. `on` as in
    `L2`. Raises `CircuitError` where the strength is negative, or `on` names nothing.
    Source: Tibshirani, "Regression shrinkage and selection via the lasso" (1996); the step:
    Daubechies, Defrise, De Mol, "An iterative thresholding algorithm for linear inverse problems
    with a sparsity constraint" (2004).

    >>> w = {"w": Unit([0.1, -0.5])}
    >>> round(float(L1(0.1)(w, w).value), 4)
    0.06
    >>> L1(0.5, proximal=True).proximal_step(w["w"], 0.5).value
    array([ 0.  , -0.25])
    """

    smooth: ClassVar[bool] = False
    strength: float
    on: Names = None
    proximal: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        refuse(self.strength, self.on)

    def __call__(self, parameters: Units, weights: Units) -> Unit:
        with scope("l1"):
            return self.strength * total([abs(w).sum() for w in self.held(parameters, weights)])

    def proximal_step(self, moved: Unit, rate: Any) -> Unit:
        threshold = rate * self.strength
        return where(less_equal(abs(moved), threshold), 0.0, moved - threshold * sign(moved))


def refuse(strength: float, on: Names) -> None:
    """Raise `CircuitError` for a strength that pushes or tears, and for `on` that names nothing."""
    if not 0.0 <= strength < float("inf"):
        raise CircuitError(f"a penalty's strength cannot be negative or infinite, got {strength}")
    refuse_names(on)


def refuse_names(on: Names) -> None:
    """Raise `CircuitError` for what are no names or patterns."""
    names = [on] if isinstance(on, str) else on
    if names is not None and not (names and all(isinstance(name, str) for name in names)):
        raise CircuitError(f"a penalty is on parameters' names or patterns, got {on!r}")


def total(terms: Sequence[Unit]) -> Unit:
    """The sum of the terms."""
    return functools.reduce(operator.add, terms)
